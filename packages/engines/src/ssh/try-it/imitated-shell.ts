import type { ShellHost, ShellOptions, ShellProcess } from './shell-host.ts';

const PROMPT = '\x1b[32mguest@try-it\x1b[0m:~$ ';
const LONGEST_LINE = 1_000;
const FLAG = [196, 208, 226, 46, 21, 93];

const HELP = [
  'This machine only imitates a shell: no way was found on this computer to lock a real one in.',
  'Nothing you type is run by anything. It knows:',
  '',
  '  help      this text',
  '  echo ...  says it back',
  '  colours   what the terminal can show',
  '  size      how large the terminal is; resize the window and ask again',
  '  clear     empties the screen (also Ctrl+L)',
  '  exit      ends the session (also Ctrl+D)',
  '',
  'Add a machine of your own for a real one.',
];

interface Screen {
  columns: number;
  rows: number;
}

function answer(line: string, screen: Screen): readonly string[] {
  const [word = '', ...rest] = line.trim().split(/\s+/u);
  switch (word) {
    case '':
      return [];
    case 'help':
      return HELP;
    case 'echo':
      return [rest.join(' ')];
    case 'size':
      return [`${screen.columns} columns, ${screen.rows} rows`];
    case 'colours':
    case 'colors':
      return [FLAG.map((colour) => `\x1b[48;5;${colour}m      `).join('') + '\x1b[0m', 'Grüße, こんにちは, 👋'];
    default:
      return [`${word}: not known to this imitation; try help`];
  }
}

/** A line editor that runs nothing. Everything it prints is its own text or what was typed, without control characters. */
class ImitatedShell implements ShellProcess {
  readonly #screen: Screen;
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  #data: (bytes: Uint8Array) => void = () => undefined;
  #exit: (exit: { readonly exitCode: number }) => void = () => undefined;
  #line = '';
  #running = true;

  constructor({ columns, rows, command }: ShellOptions) {
    this.#screen = { columns, rows };
    queueMicrotask(() => {
      if (command === undefined) this.#print(PROMPT);
      else {
        this.#say(answer(command, this.#screen));
        this.#end(0);
      }
    });
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#data = listener;
  }

  onExit(listener: (exit: { readonly exitCode: number }) => void): void {
    this.#exit = listener;
  }

  write(bytes: Uint8Array): void {
    for (const sign of this.#decoder.decode(bytes, { stream: true }).replaceAll(/\x1b(?:\[[0-9;]*.?|O?.?)/gu, '')) {
      if (this.#running) this.#type(sign);
    }
  }

  resize(columns: number, rows: number): void {
    this.#screen.columns = columns;
    this.#screen.rows = rows;
  }

  // It says little and waits for nobody.
  pause(): void {}
  resume(): void {}

  hangUp(): void {
    this.#end(0);
  }

  #type(sign: string): void {
    switch (sign) {
      case '\r':
      case '\n':
        return this.#enter();
      case '\x7f':
      case '\b':
        if (this.#line === '') return;
        this.#line = [...this.#line].slice(0, -1).join('');
        // Drawn afresh: a sign may be two columns wide.
        return this.#print(`\r\x1b[K${PROMPT}${this.#line}`);
      case '\x03':
        this.#line = '';
        return this.#print(`^C\r\n${PROMPT}`);
      case '\x04':
        return this.#line === '' ? this.#leave() : undefined;
      case '\x0c':
        return this.#print(`\x1b[H\x1b[2J${PROMPT}${this.#line}`);
      default:
        if (/[\p{Cc}\p{Cf}\p{Cs}]/u.test(sign) || this.#line.length >= LONGEST_LINE) return;
        this.#line += sign;
        return this.#print(sign);
    }
  }

  #enter(): void {
    const line = this.#line.trim();
    this.#line = '';
    this.#print('\r\n');
    if (line === 'exit' || line === 'logout') return this.#leave();
    if (line === 'clear') return this.#print(`\x1b[H\x1b[2J${PROMPT}`);
    this.#say(answer(line, this.#screen));
    this.#print(PROMPT);
  }

  #leave(): void {
    this.#print('logout\r\n');
    this.#end(0);
  }

  #say(lines: readonly string[]): void {
    for (const line of lines) this.#print(`${line}\r\n`);
  }

  #print(text: string): void {
    if (this.#running) this.#data(this.#encoder.encode(text));
  }

  #end(exitCode: number): void {
    if (!this.#running) return;
    this.#running = false;
    this.#exit({ exitCode });
  }
}

/** Shells that are none, for a computer where a real one could reach what the gateway can. */
export function imitatedShells(): ShellHost {
  const shells = new Set<ImitatedShell>();
  return {
    confinement: 'imitation',
    isImitation: true,
    openShell(options) {
      const shell = new ImitatedShell(options);
      shells.add(shell);
      return shell;
    },
    [Symbol.asyncDispose]() {
      for (const shell of shells) shell.hangUp();
      shells.clear();
      return Promise.resolve();
    },
  };
}
