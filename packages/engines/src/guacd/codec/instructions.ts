import { Fault, type FaultCode } from '@enchilada/core/fault';

/** guacd's own limits (libguac parser-constants.h). */
export const MOST_INSTRUCTION_BYTES = 8_192;
const MOST_LENGTH_DIGITS = 5;
const MOST_ELEMENTS = 128;

const [ZERO, NINE, COMMA, DOT, SEMICOLON] = [0x30, 0x39, 0x2c, 0x2e, 0x3b];

/** One instruction of the [Guacamole protocol](https://guacamole.apache.org/doc/gug/guacamole-protocol.html), as it was on the wire. */
export interface Instruction {
  readonly opcode: string;
  readonly arguments: readonly string[];
  readonly bytes: Uint8Array;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A lone surrogate has no UTF-8, and would be counted as something else than it becomes. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** Lengths count Unicode code points, neither bytes nor UTF-16 units (T27). */
export function encodeInstruction(opcode: string, ...words: readonly string[]): Uint8Array {
  const text = [opcode, ...words]
    .map((word) => {
      const clean = wellFormed(word);
      return `${[...clean].length}.${clean}`;
    })
    .join(',');
  return encoder.encode(`${text};`);
}

/** Bytes in any pieces in, whole instructions out. */
export class InstructionDecoder {
  readonly #breach: FaultCode;
  #rest = new Uint8Array(0);

  /** @param breach what a peer that breaks the protocol is told */
  constructor(breach: FaultCode) {
    this.#breach = breach;
  }

  /** @throws Fault of the breach given; the peer cannot be understood any more then */
  push(bytes: Uint8Array): readonly Instruction[] {
    let buffer = bytes;
    if (this.#rest.length > 0) {
      buffer = new Uint8Array(this.#rest.length + bytes.length);
      buffer.set(this.#rest);
      buffer.set(bytes, this.#rest.length);
    }
    const whole: Instruction[] = [];
    let at = 0;
    for (;;) {
      const found = this.#read(buffer, at);
      if (found === undefined) break;
      whole.push(found);
      at += found.bytes.length;
    }
    this.#rest = buffer.slice(at);
    if (this.#rest.length > MOST_INSTRUCTION_BYTES)
      throw this.#fault(`an instruction of more than ${MOST_INSTRUCTION_BYTES} bytes`);
    return whole;
  }

  #read(buffer: Uint8Array, start: number): Instruction | undefined {
    const elements: string[] = [];
    for (let at = start; ;) {
      let length = 0;
      const digits = at;
      for (; at < buffer.length && buffer[at] !== DOT; at += 1) {
        const digit = buffer[at] ?? 0;
        if (digit < ZERO || digit > NINE || at - digits >= MOST_LENGTH_DIGITS)
          throw this.#fault('an element without a length');
        length = length * 10 + digit - ZERO;
      }
      if (at >= buffer.length) return undefined;
      if (at === digits) throw this.#fault('an element without a length');
      if (length > MOST_INSTRUCTION_BYTES) throw this.#fault(`an element of ${length} characters`);
      const from = at + 1;
      const end = endOf(buffer, from, length);
      if (end === undefined || end >= buffer.length) return undefined;
      elements.push(this.#text(buffer.subarray(from, end)));
      if (elements.length > MOST_ELEMENTS) throw this.#fault(`an instruction of more than ${MOST_ELEMENTS} elements`);
      at = end + 1;
      if (at - start > MOST_INSTRUCTION_BYTES)
        throw this.#fault(`an instruction of more than ${MOST_INSTRUCTION_BYTES} bytes`);
      const terminator = buffer[end];
      if (terminator === SEMICOLON) {
        const [opcode = '', ...words] = elements;
        return { opcode, arguments: words, bytes: buffer.subarray(start, at) };
      }
      if (terminator !== COMMA) throw this.#fault('an element that is longer or shorter than it says');
    }
  }

  #text(bytes: Uint8Array): string {
    try {
      return decoder.decode(bytes);
    } catch {
      throw this.#fault('an element that is no UTF-8');
    }
  }

  #fault(what: string): Fault {
    return new Fault(this.#breach, `received ${what}`);
  }
}

/** Where `count` code points from `from` on end; undefined where they are not all there. */
function endOf(buffer: Uint8Array, from: number, count: number): number | undefined {
  const end = from + count;
  if (end > buffer.length) return undefined;
  // Pictures are in base64: mostly there is nothing but ASCII, a byte each.
  let bits = 0;
  for (let at = from; at < end; at += 1) bits |= buffer[at] ?? 0;
  if (bits < 0x80) return end;
  let at = from;
  for (let left = count; left > 0; left -= 1) {
    if (at >= buffer.length) return undefined;
    at += 1;
    // Continuation bytes belong to the character before them.
    while (at < buffer.length && ((buffer[at] ?? 0) & 0xc0) === 0x80) at += 1;
  }
  return at;
}
