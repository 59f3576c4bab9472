/** guacamole-common-js counts UTF-16 units where the protocol counts code points, so it is given instructions that are read here. */
const DOT = '.';
const HIGH_FIRST = 0xd800;
const HIGH_LAST = 0xdbff;

export function encodeInstruction(elements: readonly unknown[]): Uint8Array {
  const text = elements
    .map((element) => {
      const word = String(element).replace(/\p{Surrogate}/gu, '\ufffd');
      return `${[...word].length}.${word}`;
    })
    .join(',');
  return new TextEncoder().encode(`${text};`);
}

export type InstructionHandler = (opcode: string, words: string[]) => void;

/** Bytes in any pieces in, whole instructions out. */
export class InstructionReader {
  readonly #decoder = new TextDecoder();
  readonly #handle: InstructionHandler;
  #rest = '';

  constructor(handle: InstructionHandler) {
    this.#handle = handle;
  }

  push(bytes: Uint8Array): void {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    let at = 0;
    for (;;) {
      const elements: string[] = [];
      const end = readElements(text, at, elements);
      if (end === undefined) break;
      const [opcode = '', ...words] = elements;
      this.#handle(opcode, words);
      at = end;
    }
    this.#rest = text.slice(at);
  }
}

/** Where the instruction ends; undefined while it is not all there. */
function readElements(text: string, start: number, elements: string[]): number | undefined {
  for (let at = start; ;) {
    const dot = text.indexOf(DOT, at);
    if (dot === -1) return undefined;
    const length = Number(text.slice(at, dot));
    if (!Number.isInteger(length)) throw new Error('an element has no length');
    let end = dot + 1;
    for (let left = length; left > 0; left -= 1) {
      const code = text.charCodeAt(end);
      end += code >= HIGH_FIRST && code <= HIGH_LAST ? 2 : 1;
    }
    const terminator = text[end];
    if (terminator === undefined) return undefined;
    elements.push(text.slice(dot + 1, end));
    if (terminator === ';') return end + 1;
    if (terminator !== ',') throw new Error('an element is longer or shorter than it says');
    at = end + 1;
  }
}
