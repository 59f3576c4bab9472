import { joinBytes, readU16, readU32, u16le, u32le, viewOf } from './bytes.ts';

/** Which way a message goes: `download` to the person, `upload` to the machine. */
export type Direction = 'upload' | 'download';

export type ClipboardPolicy = Readonly<Record<Direction, boolean>>;

/** CHANNEL_PDU_HEADER. [MS-RDPBCGR] 2.2.6.1.1 */
export const CHUNK = { first: 0x1, last: 0x2, compressed: 0x0020_0000 } as const;
export const CHUNK_HEAD_BYTES = 8;

/** msgType. [MS-RDPECLIP] 2.2.1 */
const MESSAGE = {
  monitorReady: 1,
  formatList: 2,
  formatListResponse: 3,
  dataRequest: 4,
  dataResponse: 5,
  capabilities: 7,
} as const;
const MESSAGE_HEAD_BYTES = 8;
const SUCCEEDED = 1;
/** CB_USE_LONG_FORMAT_NAMES; the other flags are about files, which go by a way of their own. [MS-RDPECLIP] 2.2.2.1.1.1 */
const KEPT_CAPABILITIES = 0x2;
const MOST_BYTES: Readonly<Record<Direction, number>> = { upload: 4 * 1024 * 1024, download: 16 * 1024 * 1024 };

/** Pieces of a clipboard's content as they pass. */
export type ContentListener = (piece: Uint8Array, isLast: boolean) => void;

/** One way of the clipboard channel, chunk by chunk: what may not pass is left out or emptied. [MS-RDPECLIP] 1.3.2 */
export class ClipboardFlow {
  readonly #direction: Direction;
  readonly #policy: ClipboardPolicy;
  readonly #broken: (words: string) => Error;
  readonly #content: ContentListener;
  #passes = false;
  #isContent = false;
  #left = 0;
  #contentLeft = 0;

  constructor(
    direction: Direction,
    policy: ClipboardPolicy,
    listener: { readonly broken: (words: string) => Error; readonly content: ContentListener },
  ) {
    this.#direction = direction;
    this.#policy = policy;
    this.#broken = listener.broken;
    this.#content = listener.content;
  }

  /** What goes on in place of the chunk; undefined for nothing. */
  push(chunk: Uint8Array): Uint8Array | undefined {
    if (chunk.length < CHUNK_HEAD_BYTES) throw this.#broken('a chunk of the clipboard without a head');
    const flags = readU32(chunk, 4);
    if ((flags & CHUNK.compressed) !== 0) throw this.#broken('a compressed chunk, which was not agreed on');
    const payload = chunk.subarray(CHUNK_HEAD_BYTES);
    if ((flags & CHUNK.first) === 0) return this.#more(chunk, payload);
    return this.#begin(chunk, payload, (flags & CHUNK.last) !== 0);
  }

  #begin(chunk: Uint8Array, payload: Uint8Array, isWhole: boolean): Uint8Array | undefined {
    const total = readU32(chunk, 0);
    if (total > MOST_BYTES[this.#direction]) throw this.#broken(`a clipboard of ${total} bytes`);
    if (payload.length > total || (isWhole && payload.length !== total) || payload.length < MESSAGE_HEAD_BYTES)
      throw this.#broken('a clipboard message whose length is wrong');
    this.#left = total - payload.length;
    const type = readU16(payload, 0);
    this.#isContent = type === MESSAGE.dataResponse && readU16(payload, 2) === SUCCEEDED;
    this.#passes = this.#mayPass(type);
    if (type === MESSAGE.formatList && !this.#policy[this.#direction]) {
      this.#passes = false;
      return joinBytes(u32le(MESSAGE_HEAD_BYTES), u32le(CHUNK.first | CHUNK.last), emptyFormatList());
    }
    if (!this.#passes) return undefined;
    // xrdp pads its messages.
    this.#contentLeft = Math.min(readU32(payload, 4), total - MESSAGE_HEAD_BYTES);
    this.#tell(payload.subarray(MESSAGE_HEAD_BYTES));
    return type === MESSAGE.capabilities ? withoutFiles(chunk) : chunk;
  }

  #more(chunk: Uint8Array, payload: Uint8Array): Uint8Array | undefined {
    if (payload.length > this.#left) throw this.#broken('a clipboard longer than it said');
    this.#left -= payload.length;
    if (!this.#passes) return undefined;
    this.#tell(payload);
    return chunk;
  }

  #tell(payload: Uint8Array): void {
    if (!this.#isContent) return;
    const piece = payload.slice(0, this.#contentLeft);
    this.#contentLeft -= piece.length;
    this.#content(piece, this.#left === 0);
  }

  #mayPass(type: number): boolean {
    const other = this.#direction === 'upload' ? 'download' : 'upload';
    switch (type) {
      case MESSAGE.monitorReady:
        return this.#direction === 'download';
      case MESSAGE.capabilities:
      case MESSAGE.formatListResponse:
        return true;
      case MESSAGE.formatList:
      case MESSAGE.dataResponse:
        return this.#policy[this.#direction];
      // Asks the other side for its content.
      case MESSAGE.dataRequest:
        return this.#policy[other];
      default:
        return false;
    }
  }
}

function emptyFormatList(): Uint8Array {
  return joinBytes(u16le(MESSAGE.formatList), u16le(0), u32le(0));
}

/** [MS-RDPECLIP] 2.2.2.1 */
function withoutFiles(chunk: Uint8Array): Uint8Array {
  const out = chunk.slice();
  const at = CHUNK_HEAD_BYTES + MESSAGE_HEAD_BYTES + 4;
  if (out.length >= at + 12 && readU16(out, at) === 1)
    viewOf(out).setUint32(at + 8, readU32(out, at + 8) & KEPT_CAPABILITIES, true);
  return out;
}
