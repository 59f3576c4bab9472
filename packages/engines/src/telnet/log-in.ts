import type { TelnetParameters } from './telnet-manifest.ts';

/** As much as a prompt and the words around it can need; older text is forgotten. */
const MOST_TEXT = 4_096;
/** So much text behind the password is no prompt and no refusal. */
const CLEARLY_INSIDE = 8_192;

export type LogInAct = 'send-username' | 'send-password' | 'refused' | 'accepted';
type Phase = 'before' | 'username-sent' | 'password-sent' | 'over';
type Texts = Pick<TelnetParameters, 'usernamePrompts' | 'passwordPrompts' | 'failureTexts' | 'successTexts'>;

/**
 * Whether `text` ends with (or, `anywhere`, holds) the pattern; `*` stands for any text. A comparison in steps of at most text × pattern:
 * the machine chooses the text, so a regular expression would let it choose our time too.
 */
export function matches(pattern: string, text: string, anywhere: boolean): boolean {
  const wanted = `*${pattern.toLowerCase()}${anywhere ? '*' : ''}`;
  let [at, from, star, mark] = [0, 0, -1, 0];
  while (at < text.length) {
    if (wanted[from] === '*') [star, mark, from] = [from, at, from + 1];
    else if (wanted[from] === text[at]) [from, at] = [from + 1, at + 1];
    else if (star >= 0) [mark, at, from] = [mark + 1, mark + 1, star + 1];
    else return false;
  }
  while (wanted[from] === '*') from += 1;
  return from === wanted.length;
}

/** What a person would read: without escape sequences ([ECMA-48](https://ecma-international.org/publications-and-standards/standards/ecma-48/)) and other control characters, in lower case. */
function readable(latin1: string): string {
  return Buffer.from(latin1, 'latin1')
    .toString('utf8')
    .replace(/\u001b\[[0-9;:<=>?]*[ -/]*[@-~]|\u001b[@-Z\\-_]|\u001b[ -/]+[0-~]/gu, '')
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/gu, '')
    .toLowerCase();
}

/** Reads what a machine shows while somebody signs in, and says what to do next. Knows no secret. */
export class LogIn {
  readonly #texts: Texts;
  #phase: Phase = 'before';
  #text = '';
  #since = 0;

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  /** The machine showed something. */
  shown(bytes: Uint8Array): LogInAct | undefined {
    this.#since += bytes.length;
    this.#text = (this.#text + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')).slice(
      -MOST_TEXT,
    );
    if (this.#phase === 'over') return undefined;
    if (this.#phase !== 'password-sent') return this.#prompt();
    const text = readable(this.#text);
    if (this.#texts.failureTexts.some((words) => matches(words, text, true))) return this.#over('refused');
    if (this.#texts.successTexts.some((words) => matches(words, text, true))) return this.#over('accepted');
    if (this.#texts.successTexts.length === 0 && this.#since > CLEARLY_INSIDE) return this.#over('accepted');
    return undefined;
  }

  /** The machine showed something and then nothing for a moment. */
  settled(): LogInAct | undefined {
    if (this.#phase !== 'password-sent') return undefined;
    const line = this.#lastLine();
    if (this.#asks(line, this.#texts.usernamePrompts) || this.#asks(line, this.#texts.passwordPrompts))
      return this.#over('refused');
    const said = readable(this.#text).trim() !== '';
    return said && this.#texts.successTexts.length === 0 ? this.#over('accepted') : undefined;
  }

  #prompt(): LogInAct | undefined {
    const line = this.#lastLine();
    if (this.#asks(line, this.#texts.passwordPrompts)) return this.#sent('password-sent', 'send-password');
    if (this.#phase === 'before' && this.#asks(line, this.#texts.usernamePrompts))
      return this.#sent('username-sent', 'send-username');
    if (
      this.#phase === 'username-sent' &&
      this.#texts.failureTexts.some((words) => matches(words, readable(this.#text), true))
    )
      return this.#over('refused');
    return undefined;
  }

  #lastLine(): string {
    const text = readable(this.#text);
    return text.slice(text.lastIndexOf('\n') + 1).trim();
  }

  /** `Last login: …` greets, and asks nothing. */
  #asks(line: string, prompts: readonly string[]): boolean {
    return !line.startsWith('last login') && prompts.some((prompt) => matches(prompt.trim(), line, false));
  }

  #sent(phase: Phase, act: LogInAct): LogInAct {
    this.#phase = phase;
    this.#text = '';
    this.#since = 0;
    return act;
  }

  #over(act: LogInAct): LogInAct {
    return this.#sent('over', act);
  }
}
