import { joinBytes } from './bytes.ts';

const EMPTY = new Uint8Array(0);

/** The action of a fast-path PDU's first byte, with what says that it is encrypted or signed and without. [MS-RDPBCGR] 2.2.9.1.2 */
const ACTION = { plain: 0xc3, encrypted: 0x03 } as const;

/** Cuts a stream into TPKT (RFC 1006 section 6) and fast-path ([MS-RDPBCGR] 2.2.9.1.2) PDUs. */
export class PduFramer {
  #rest: Uint8Array = EMPTY;
  readonly #broken: (words: string) => Error;
  readonly #action: number;

  /** @param kind whether fast-path PDUs may be encrypted, which is TLS's affair otherwise */
  constructor(broken: (words: string) => Error, kind: keyof typeof ACTION = 'plain') {
    this.#broken = broken;
    this.#action = ACTION[kind];
  }

  /** PDUs of one call lie behind each other in one buffer. */
  push(...chunks: readonly Uint8Array[]): readonly Uint8Array[] {
    const parts = this.#rest.length === 0 ? chunks : [this.#rest, ...chunks];
    const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : joinBytes(...parts);
    const out: Uint8Array[] = [];
    let at = 0;
    for (;;) {
      const length = this.#length(bytes, at);
      if (length === undefined || length > bytes.length - at) break;
      out.push(bytes.subarray(at, at + length));
      at += length;
    }
    this.#rest = at === bytes.length ? EMPTY : bytes.slice(at);
    return out;
  }

  #length(bytes: Uint8Array, at: number): number | undefined {
    const [first, second, third, fourth] = bytes.subarray(at, at + 4);
    if (first === undefined || second === undefined) return undefined;
    let length: number;
    if (first === 3) {
      if (third === undefined || fourth === undefined) return undefined;
      length = (third << 8) | fourth;
      if (length < 7) throw this.#broken(`a TPKT of ${length} bytes`);
    } else if ((first & this.#action) === 0) {
      if (second >= 0x80 && third === undefined) return undefined;
      length = second < 0x80 ? second : ((second & 0x7f) << 8) | (third ?? 0);
      if (length < (second < 0x80 ? 3 : 4)) throw this.#broken(`a fast-path PDU of ${length} bytes`);
    } else throw this.#broken(`a PDU that begins with ${first}`);
    return length;
  }
}
