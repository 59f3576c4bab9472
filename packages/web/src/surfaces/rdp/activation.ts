/** What of the stream decides when the decoder may have more of it. */
export type Milestone =
  | { readonly kind: 'other' }
  /** [MS-RDPBCGR] 2.2.1.22.1 */
  | { readonly kind: 'font-map' }
  /** [MS-RDPBCGR] 2.2.3.1 */
  | { readonly kind: 'deactivate-all' }
  /** [MS-RDPBCGR] 2.2.1.13.1, with the size of its bitmap capability set. */
  | { readonly kind: 'demand-active'; readonly width: number; readonly height: number; readonly keyboard: Keyboard };

/** The machine's keyboard, of the input capability set, into which the gateway writes the layout. [MS-RDPBCGR] 2.2.7.1.6 */
export interface Keyboard {
  readonly layout: number;
  readonly takesCharacters: boolean;
}

const OTHER: Milestone = { kind: 'other' };
const PDU_TYPE = { demandActive: 1, deactivateAll: 6, data: 7 } as const;
const FONT_MAP = 0x28;
const CAPABILITIES = { bitmap: 2, input: 13 } as const;
const UNICODE_INPUT = 0x10;
/** TPKT, X.224 data, and the head of an MCS Send Data Indication up to the channel. */
const HEAD_BYTES = 12;

/** Where a TPKT message on the I/O channel has its Share Control Header; undefined for anything else. */
function shareControlAt(message: DataView): number | undefined {
  if (message.byteLength < HEAD_BYTES + 4 || message.getUint8(0) !== 3 || message.getUint8(7) >> 2 !== 26)
    return undefined;
  let at = HEAD_BYTES + 1;
  at += (message.getUint8(HEAD_BYTES + 1) & 0x80) === 0 ? 1 : 2;
  return at + 6 <= message.byteLength ? at : undefined;
}

/** Reads no more than it must: a message that is cut short or lies is `other`, and the decoder's to refuse. */
export function milestoneOf(bytes: Uint8Array): Milestone {
  const message = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = shareControlAt(message);
  if (at === undefined) return OTHER;
  const type = message.getUint16(at + 2, true) & 0x0f;
  const length = message.getUint16(at, true);
  // Messages of virtual channels look alike at first; their length does not fit.
  if (length !== message.byteLength - at) return OTHER;
  if (type === PDU_TYPE.deactivateAll) return { kind: 'deactivate-all' };
  if (type === PDU_TYPE.data && message.byteLength > at + 14 && message.getUint8(at + 14) === FONT_MAP)
    return { kind: 'font-map' };
  return type === PDU_TYPE.demandActive ? demandActive(message, at) : OTHER;
}

function demandActive(message: DataView, start: number): Milestone {
  if (message.byteLength < start + 18) return OTHER;
  let at = start + 14 + message.getUint16(start + 10, true);
  if (at + 4 > message.byteLength) return OTHER;
  let left = message.getUint16(at, true);
  let size: { readonly width: number; readonly height: number } | undefined;
  let keyboard: Keyboard = { layout: 0, takesCharacters: true };
  for (at += 4; left > 0 && at + 4 <= message.byteLength; left -= 1) {
    const [type, length] = [message.getUint16(at, true), message.getUint16(at + 2, true)];
    if (length < 4 || at + length > message.byteLength) break;
    if (type === CAPABILITIES.bitmap && length >= 16)
      size = { width: message.getUint16(at + 12, true), height: message.getUint16(at + 14, true) };
    if (type === CAPABILITIES.input && length >= 12)
      keyboard = {
        layout: message.getUint32(at + 8, true),
        takesCharacters: (message.getUint16(at + 4, true) & UNICODE_INPUT) !== 0,
      };
    at += length;
  }
  return size === undefined ? OTHER : { kind: 'demand-active', ...size, keyboard };
}

/** CLIPRDR_FORMAT_LIST_RESPONSE with success, behind the head of its only chunk. [MS-RDPBCGR] 2.2.6.1.1, [MS-RDPECLIP] 2.2.3.2 */
const CHUNK_OF_EIGHT = [8, 0, 0, 0];
const LIST_TAKEN = [3, 0, 1, 0, 0, 0, 0, 0];
const MOST_SCANNED = 4 * 1024;

/** Whether the machine has taken what the decoder has on its clipboard: before the first time IronRDP loses files that are offered. */
export function takesClipboard(message: Uint8Array): boolean {
  if (message[0] !== 3 || message.length > MOST_SCANNED) return false;
  const isAt = (wanted: readonly number[], at: number): boolean =>
    wanted.every((byte, index) => message[at + index] === byte);
  for (let at = 0; at + 16 <= message.length; at++)
    if (isAt(CHUNK_OF_EIGHT, at) && isAt(LIST_TAKEN, at + 8)) return true;
  return false;
}
