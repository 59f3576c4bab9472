import { joinBytes, u16le, u32le } from './bytes.ts';

/** Which way a message goes: `download` to the person, `upload` to the machine. */
export type Direction = 'upload' | 'download';

/** CHANNEL_PDU_HEADER. [MS-RDPBCGR] 2.2.6.1.1 */
export const CHUNK = { first: 0x1, last: 0x2, showProtocol: 0x10, compressed: 0x0020_0000 } as const;
export const CHUNK_HEAD_BYTES = 8;
/** CHANNEL_CHUNK_LENGTH. [MS-RDPBCGR] 3.1.5.2.1 */
const CHUNK_BYTES = 1_600;

/** msgType. [MS-RDPECLIP] 2.2.1 */
export const MESSAGE = {
  monitorReady: 1,
  formatList: 2,
  formatListResponse: 3,
  dataRequest: 4,
  dataResponse: 5,
  capabilities: 7,
  contentsRequest: 8,
  contentsResponse: 9,
} as const;
export const MESSAGE_HEAD_BYTES = 8;
/** msgFlags of an answer, and of a list whose short names are ASCII. [MS-RDPECLIP] 2.2.1 */
export const ANSWER = { ok: 1, fail: 2 } as const;
export const ASCII_NAMES = 4;

export function clipboardMessage(type: number, flags = 0, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  return joinBytes(u16le(type), u16le(flags), u32le(body.length), body);
}

/** The chunks that a message goes in; `shown` is the first one's flag. */
export function chunksOf(message: Uint8Array, shown = 0): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += CHUNK_BYTES) {
    const end = Math.min(message.length, at + CHUNK_BYTES);
    const flags = (at === 0 ? CHUNK.first : 0) | (end === message.length ? CHUNK.last : 0) | shown;
    chunks.push(joinBytes(u32le(message.length), u32le(flags), message.subarray(at, end)));
  }
  return chunks;
}
