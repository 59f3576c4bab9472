import type { KeyStroke } from '@enchilada/core/recording';
import { joinBytes, readU16, u16be, viewOf } from './bytes.ts';

/** eventCode: length of each event behind its first byte. [MS-RDPBCGR] 2.2.8.1.2.2 */
const EVENT_BYTES: Readonly<Record<number, number>> = { 0: 1, 1: 6, 2: 6, 3: 0, 4: 2, 5: 6, 6: 4 };
const SYNC = 3;
const TIMESTAMP = 6;
/** updateCode of bitmaps and surface commands. [MS-RDPBCGR] 2.2.9.1.2.1 */
export const [BITMAP_UPDATE, SURFACE_UPDATE] = [1, 4];
const COMPRESSION_USED = 2;

function bodyAt(pdu: Uint8Array): number {
  return (pdu[1] ?? 0) < 0x80 ? 2 : 3;
}

/** What a fast-path PDU's first byte says of RDP's own encryption, of either direction. [MS-RDPBCGR] 2.2.8.1.2, 2.2.9.1.2 */
export const FAST_PATH_FLAG = { saltedSignature: 0x40, encrypted: 0x80 } as const;

/** What lies behind length and first byte. */
export function fastPathBody(pdu: Uint8Array): Uint8Array {
  return pdu.subarray(bodyAt(pdu));
}

export function fastPathPdu(first: number, body: Uint8Array): Uint8Array {
  return joinBytes(Uint8Array.of(first), u16be(0x8000 | (body.length + 3)), body);
}

/** Something that a person did. */
export type InputEvent =
  | { readonly type: 'key'; readonly stroke: KeyStroke }
  /** pointerFlags say what of it counts. [MS-RDPBCGR] 2.2.8.1.1.3.1.1.3 */
  | { readonly type: 'mouse'; readonly flags: number; readonly x: number; readonly y: number }
  | { readonly type: 'other' };

const CODE = { scancode: 0, mouse: 1, unicode: 4 } as const;
const RELEASED = 1;

/** What a person did; undefined for what is no input. [MS-RDPBCGR] 2.2.8.1.2 */
export function inputEvents(pdu: Uint8Array): readonly InputEvent[] | undefined {
  const first = pdu[0] ?? 0;
  let count = (first >> 2) & 0xf;
  let at = bodyAt(pdu);
  // Encrypted or signed: never inside TLS.
  if ((first & 0xc3) !== 0) return undefined;
  if (count === 0) {
    count = pdu[at] ?? 0;
    at += 1;
  }
  const events: InputEvent[] = [];
  for (let index = 0; index < count; index++) {
    const code = (pdu[at] ?? 0) >> 5;
    const length = EVENT_BYTES[code];
    if (length === undefined || at + 1 + length > pdu.length) return undefined;
    if (code !== SYNC && code !== TIMESTAMP) events.push(inputEvent(pdu, at));
    at += 1 + length;
  }
  return at === pdu.length ? events : undefined;
}

function inputEvent(pdu: Uint8Array, at: number): InputEvent {
  const [head = 0, value = 0] = pdu.subarray(at);
  const flags = head & 0x1f;
  const isDown = (flags & RELEASED) === 0;
  switch (head >> 5) {
    case CODE.scancode:
      return { type: 'key', stroke: { code: 'scancode', value: prefixed(flags >> 1) | value, isDown } };
    case CODE.unicode:
      return { type: 'key', stroke: { code: 'character', value: readU16(pdu, at + 1), isDown } };
    case CODE.mouse:
      return { type: 'mouse', flags: readU16(pdu, at + 1), x: readU16(pdu, at + 3), y: readU16(pdu, at + 5) };
    default:
      return { type: 'other' };
  }
}

/** Bit 0 for E0, bit 1 for E1. */
function prefixed(extension: number): number {
  return ((extension & 1) === 0 ? 0 : 0xe000) | ((extension & 2) === 0 ? 0 : 0xe100);
}

/** messageType, and flags that slow-path keys have in common. [MS-RDPBCGR] 2.2.8.1.1.3.1.1 */
const MESSAGE = { scancode: 4, unicode: 5, mouse: 0x8001, sync: 0 } as const;
const KEY_FLAG = { extended: 0x100, extended1: 0x200, release: 0x8000 } as const;

/** The same of a slow-path Input Event PDU. [MS-RDPBCGR] 2.2.8.1.1.3 */
export function slowInputEvents(body: Uint8Array): readonly InputEvent[] {
  const events: InputEvent[] = [];
  for (let at = 4, left = readU16(body, 0); left > 0 && at + 12 <= body.length; left -= 1, at += 12) {
    const [type, flags, value] = [readU16(body, at + 4), readU16(body, at + 6), readU16(body, at + 8)];
    const isDown = (flags & KEY_FLAG.release) === 0;
    const extension = ((flags & KEY_FLAG.extended) === 0 ? 0 : 1) | ((flags & KEY_FLAG.extended1) === 0 ? 0 : 2);
    if (type === MESSAGE.scancode)
      events.push({ type: 'key', stroke: { code: 'scancode', value: prefixed(extension) | (value & 0xff), isDown } });
    else if (type === MESSAGE.unicode) events.push({ type: 'key', stroke: { code: 'character', value, isDown } });
    else if (type === MESSAGE.mouse) events.push({ type: 'mouse', flags, x: value, y: readU16(body, at + 10) });
    else if (type !== MESSAGE.sync) events.push({ type: 'other' });
  }
  return events;
}

export interface FastPathUpdate {
  readonly code: number;
  /** 0 for one that is whole. */
  readonly fragmentation: number;
  readonly isCompressed: boolean;
  readonly body: Uint8Array;
}

/** The updates of a server's fast-path PDU; undefined where they do not fit into it. [MS-RDPBCGR] 2.2.9.1.2 */
export function fastPathUpdates(pdu: Uint8Array): readonly FastPathUpdate[] | undefined {
  if (((pdu[0] ?? 0) & 0xc0) !== 0) return undefined;
  const updates: FastPathUpdate[] = [];
  for (let at = bodyAt(pdu); at < pdu.length;) {
    const head = pdu[at] ?? 0;
    const isFlagged = head >> 6 === COMPRESSION_USED;
    const size = at + (isFlagged ? 2 : 1);
    const from = size + 2;
    const end = from + readU16(pdu, size);
    if (from > pdu.length || end > pdu.length) return undefined;
    updates.push({
      code: head & 0xf,
      fragmentation: (head >> 4) & 3,
      isCompressed: isFlagged && ((pdu[at + 1] ?? 0) & 0x20) !== 0,
      body: pdu.subarray(from, end),
    });
    at = end;
  }
  return updates;
}

/**
 * xrdp pads a bitmap's width to four pixels and leaves its rectangle narrower; IronRDP up to 0.7 shears such pictures
 * (https://github.com/Devolutions/IronRDP/pull/1486). The rectangle is widened to what the bitmap holds. In place.
 */
export function widenBitmaps(update: Uint8Array, desktopWidth: number): void {
  const view = viewOf(update);
  const count = readU16(update, 2);
  for (let at = 4, index = 0; index < count && at + 18 <= update.length; index++) {
    const [left, right, width] = [readU16(update, at), readU16(update, at + 4), readU16(update, at + 8)];
    if (width > right - left + 1 && left + width <= desktopWidth) view.setUint16(at + 4, left + width - 1, true);
    at += 18 + readU16(update, at + 16);
  }
}

export function isWholeBitmap({ code, fragmentation, isCompressed }: FastPathUpdate): boolean {
  return code === BITMAP_UPDATE && fragmentation === 0 && !isCompressed;
}

const COMMAND = { setSurfaceBits: 1, streamSurfaceBits: 6, frameMarker: 4 } as const;
const BITS_HEAD_BYTES = 22;

/** Numbers of the frames that end in this update. [MS-RDPBCGR] 2.2.9.2.3 */
export function endedFrames({ code, fragmentation, body }: FastPathUpdate): readonly number[] {
  if (code !== SURFACE_UPDATE || fragmentation !== 0) return [];
  const ended: number[] = [];
  for (let at = 0; at + 8 <= body.length;) {
    const command = readU16(body, at);
    if (command === COMMAND.frameMarker) {
      if (readU16(body, at + 2) === 1) ended.push((readU16(body, at + 4) | (readU16(body, at + 6) << 16)) >>> 0);
      at += 8;
    } else if (command === COMMAND.setSurfaceBits || command === COMMAND.streamSurfaceBits) {
      if (at + BITS_HEAD_BYTES > body.length) return ended;
      at += BITS_HEAD_BYTES + viewOf(body).getUint32(at + 18, true);
    } else return ended;
  }
  return ended;
}
