import { Fault } from '../fault/index.ts';

/** SHA-256 as it goes; `digest` may be asked for at any time and ends nothing, `copy` goes on by itself. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
  copy(): RunningHash;
}

/** As far as a hash had come; from there bytes can be compared that are sent again. */
interface Mark {
  readonly at: number;
  readonly hash: RunningHash;
}

/** How much is held back until it is known to be what was sent before. */
const MARK_BYTES = 4 * 1024 * 1024;
/** So much can be lost on the way (in proxies too) and sent again, a GiB. */
const MOST_MARKS = 256;

/**
 * What was handed out of a file, or taken in. INVARIANT: its digest is that of exactly those bytes, and no other bytes are handed out in their place:
 * a transfer that goes on sends again what the network lost, and the file may be another one by then.
 */
export class PassedBytes {
  readonly #hash: RunningHash;
  readonly #marks: Mark[];
  #size = 0;

  constructor(hash: RunningHash) {
    this.#hash = hash;
    this.#marks = [{ at: 0, hash: hash.copy() }];
  }

  get size(): number {
    return this.#size;
  }

  digest(): Uint8Array {
    return this.#hash.digest();
  }

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
    if (this.#size - (this.#marks.at(-1)?.at ?? 0) < MARK_BYTES) return;
    this.#marks.push({ at: this.#size, hash: this.#hash.copy() });
    if (this.#marks.length > MOST_MARKS) this.#marks.shift();
  }

  /** From where the file must be read to go on at the offset. @throws Fault FILE_CHANGED where that cannot be compared any more */
  readFrom(offset: number): number {
    return this.#markBefore(offset).at;
  }

  /**
   * Content that begins at `readFrom(offset)`, from the offset on; what was handed out before comes in pieces that were compared.
   * What is new is not added. @throws Fault FILE_CHANGED before a byte leaves that is not what was sent
   */
  async *compared(content: AsyncGenerator<Uint8Array, void>, offset: number): AsyncGenerator<Uint8Array, void> {
    const reached = this.#size;
    const first = this.#markBefore(offset);
    const hash = first.hash.copy();
    let { at } = first;
    let rest: Uint8Array | undefined;
    for (const end of [...this.#marks.filter((mark) => mark.at > at), { at: reached, hash: this.#hash }]) {
      const held: { readonly at: number; readonly bytes: Uint8Array }[] = [];
      while (at < end.at) {
        const next = rest ?? (await content.next()).value;
        rest = undefined;
        if (next === undefined) throw changed(`it ends at ${at} of the ${reached} bytes that were sent`);
        const bytes = next.subarray(0, end.at - at);
        if (bytes.length < next.length) rest = next.subarray(bytes.length);
        hash.update(bytes);
        held.push({ at, bytes });
        at += bytes.length;
      }
      if (!isSame(hash.digest(), end.hash.digest())) throw changed('what was sent of it is another content now');
      for (const piece of held) {
        const wanted = piece.bytes.subarray(Math.max(0, offset - piece.at));
        if (wanted.length > 0) yield wanted;
      }
    }
    if (rest !== undefined) yield rest;
    yield* content;
  }

  #markBefore(offset: number): Mark {
    const found = this.#marks.findLast(({ at }) => at <= offset);
    if (found === undefined) throw changed(`byte ${offset} is too far back to be sent again: begin a new transfer`);
    return found;
  }
}

function changed(how: string): Fault {
  return new Fault('FILE_CHANGED', `the file is not the one that the transfer began with: ${how}`);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
