import { CR, IAC, IS, LF, NUL, OPTION, SB, SE, SEND, VERBS, type Verb } from './protocol.ts';

export function encodeNegotiation({ verb, option }: { readonly verb: Verb; readonly option: number }): Uint8Array {
  return Uint8Array.of(IAC, VERBS[verb], option);
}

function encodeSubnegotiation(option: number, content: readonly number[]): Uint8Array {
  return Uint8Array.from([
    IAC,
    SB,
    option,
    ...content.flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte])),
    IAC,
    SE,
  ]);
}

/** [RFC 1073](https://www.rfc-editor.org/rfc/rfc1073): columns and rows, two bytes each. */
export function encodeWindowSize(columns: number, rows: number): Uint8Array {
  return encodeSubnegotiation(OPTION.NAWS, [columns >> 8, columns & 0xff, rows >> 8, rows & 0xff]);
}

/** [RFC 1091](https://www.rfc-editor.org/rfc/rfc1091): the answer to SEND; we have one name, and give it each time. */
export function encodeTerminalType(name: string): Uint8Array {
  return encodeSubnegotiation(OPTION.TTYPE, [IS, ...new TextEncoder().encode(name)]);
}

const VAR = 0;
const VALUE = 1;
const ESC = 2;
const USERVAR = 3;

export interface WantedVariable {
  readonly type: 'var' | 'user-var';
  /** Empty: all of the type. */
  readonly name: string;
}

/** What a SEND of [RFC 1572](https://www.rfc-editor.org/rfc/rfc1572) asks for; empty for everything, undefined where it is no SEND. */
export function readEnvironmentRequest(bytes: Uint8Array): readonly WantedVariable[] | undefined {
  if (bytes[0] !== SEND) return undefined;
  const wanted: { type: WantedVariable['type']; name: number[] }[] = [];
  for (let at = 1; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === VAR || byte === USERVAR) wanted.push({ type: byte === VAR ? 'var' : 'user-var', name: [] });
    else wanted.at(-1)?.name.push((byte === ESC ? bytes[(at += 1)] : byte) ?? 0);
  }
  return wanted.map(({ type, name }) => ({ type, name: new TextDecoder().decode(Uint8Array.from(name)) }));
}

function escaped(text: string): readonly number[] {
  return [...new TextEncoder().encode(text)].flatMap((byte) => (byte <= USERVAR ? [ESC, byte] : [byte]));
}

/** The variables that were asked for; one that we do not have is named without a value (RFC 1572 section 2). */
export function encodeEnvironment(
  wanted: readonly WantedVariable[],
  variables: Readonly<Record<string, string>>,
): Uint8Array {
  const all = Object.entries(variables).flatMap(([name, value]) => [
    USERVAR,
    ...escaped(name),
    VALUE,
    ...escaped(value),
  ]);
  const content =
    wanted.length === 0
      ? all
      : wanted.flatMap(({ type, name }) => {
          if (name === '') return type === 'user-var' ? all : [];
          const word = [type === 'var' ? VAR : USERVAR, ...escaped(name)];
          return Object.hasOwn(variables, name) ? [...word, VALUE, ...escaped(variables[name] ?? '')] : word;
        });
  return encodeSubnegotiation(OPTION.NEW_ENVIRON, [IS, ...content]);
}

/** What follows a carriage return: NUL says that the cursor returns and nothing else, LF that a new line begins (RFC 854, page 11). */
export type AfterReturn = 'nul' | 'lf' | 'nothing';

/** A person's bytes as the network virtual terminal sends them: IAC doubled, CR completed. */
export function encodeInput(bytes: Uint8Array, afterReturn: AfterReturn): Uint8Array {
  if (!bytes.includes(IAC) && (afterReturn === 'nothing' || !bytes.includes(CR))) return bytes;
  const out = new Uint8Array(bytes.length * 2);
  let used = 0;
  for (const [index, byte] of bytes.entries()) {
    out[used++] = byte;
    if (byte === IAC) out[used++] = IAC;
    else if (byte === CR && afterReturn !== 'nothing' && bytes[index + 1] !== LF)
      out[used++] = afterReturn === 'nul' ? NUL : LF;
  }
  return out.subarray(0, used);
}
