import { joinBytes, readU16, readU32, u16le, u32le, viewOf } from './bytes.ts';
import type { Size } from './settings.ts';

/** Low four bits of pduType. [MS-RDPBCGR] 2.2.8.1.1.1.1 */
export const SHARE = { demandActive: 1, confirmActive: 3, deactivateAll: 6, data: 7, redirection: 10 } as const;

/** pduType2. [MS-RDPBCGR] 2.2.8.1.1.1.2 */
export const DATA = {
  update: 2,
  control: 20,
  pointer: 27,
  input: 28,
  synchronize: 31,
  refreshRect: 33,
  suppressOutput: 35,
  shutdownRequest: 36,
  saveSessionInfo: 38,
  fontList: 39,
  fontMap: 40,
  persistentList: 43,
  errorInfo: 47,
  frameAcknowledge: 56,
} as const;

const DATA_HEAD_BYTES = 18;
const COMPRESSED = 0x20;

/** A share PDU as it lies on the I/O channel. [MS-RDPBCGR] 2.2.8.1.1.1 */
export interface SharePdu {
  readonly type: number;
  readonly source: number;
  readonly shareId: number;
  /** Of a data PDU. */
  readonly data: { readonly type: number; readonly isCompressed: boolean; readonly body: Uint8Array } | undefined;
}

const TYPES = new Set<number>(Object.values(SHARE));

/** Undefined for what has a security header in front, as licences do; xrdp's has 0x10 in its upper half. */
export function parseShare(bytes: Uint8Array): SharePdu | undefined {
  const version = readU16(bytes, 2);
  if (bytes.length < 6 || (version & 0xfff0) !== 0x10 || !TYPES.has(version & 0xf)) return undefined;
  const type = version & 0xf;
  const head = { type, source: readU16(bytes, 4), shareId: readU32(bytes, 6) };
  if (type !== SHARE.data) return { ...head, data: undefined };
  if (bytes.length < DATA_HEAD_BYTES) return undefined;
  return {
    ...head,
    data: {
      type: bytes[14] ?? 0,
      isCompressed: ((bytes[15] ?? 0) & COMPRESSED) !== 0,
      body: bytes.subarray(DATA_HEAD_BYTES),
    },
  };
}

const CAPABILITIES = {
  general: { type: 1, least: 16 },
  bitmap: { type: 2, least: 16 },
  input: { type: 13, least: 12 },
} as const;
/** Where the length of the source descriptor stands. [MS-RDPBCGR] 2.2.1.13.1.1, 2.2.1.13.2.1 */
const DESCRIPTOR_AT = { demandActive: 10, confirmActive: 12 } as const;

/** One capability set of a Demand Active or a Confirm Active. */
function capabilitySet(
  bytes: Uint8Array,
  { type, least }: { readonly type: number; readonly least: number },
  of: keyof typeof DESCRIPTOR_AT = 'demandActive',
): Uint8Array | undefined {
  let at = DESCRIPTOR_AT[of] + 4 + readU16(bytes, DESCRIPTOR_AT[of]);
  const count = readU16(bytes, at);
  at += 4;
  for (let index = 0; index < count && at + 4 <= bytes.length; index++) {
    const length = readU16(bytes, at + 2);
    if (readU16(bytes, at) === type && length >= least && at + length <= bytes.length)
      return bytes.subarray(at, at + length);
    if (length < 4) return undefined;
    at += length;
  }
  return undefined;
}

/** The desktop's size in a Demand Active. [MS-RDPBCGR] 2.2.7.1.2 */
export function demandedSize(bytes: Uint8Array): Size | undefined {
  const set = capabilitySet(bytes, CAPABILITIES.bitmap);
  return set === undefined ? undefined : { width: readU16(set, 12), height: readU16(set, 14) };
}

/** ENC_SALTED_CHECKSUM of extraFlags. [MS-RDPBCGR] 2.2.7.1.1 */
const SALTED_SIGNATURES = { at: 14, flag: 0x10 } as const;

/** Whether the server of a Demand Active knows signatures with a salt. */
export function takesSaltedSignatures(demandActive: Uint8Array): boolean {
  const set = capabilitySet(demandActive, CAPABILITIES.general);
  return set !== undefined && (readU16(set, SALTED_SIGNATURES.at) & SALTED_SIGNATURES.flag) !== 0;
}

/** Says in a Confirm Active that the client knows them. In place. */
export function offerSaltedSignatures(confirmActive: Uint8Array): void {
  const set = capabilitySet(confirmActive, CAPABILITIES.general, 'confirmActive');
  const { at, flag } = SALTED_SIGNATURES;
  if (set !== undefined) viewOf(set).setUint16(at, readU16(set, at) | flag, true);
}

const UNICODE_INPUT = 0x10;

/**
 * Writes into a Demand Active what a viewer's decoder has to know to type text: the layout that the machine was told, where a server says
 * nothing, and whether it takes characters. In place. [MS-RDPBCGR] 2.2.7.1.6
 */
export function tellKeyboard(
  bytes: Uint8Array,
  keyboard: { readonly layout: number; readonly takesCharacters: boolean },
): void {
  const set = capabilitySet(bytes, CAPABILITIES.input);
  if (set === undefined) return;
  const view = viewOf(set);
  view.setUint32(8, keyboard.layout, true);
  if (!keyboard.takesCharacters) view.setUint16(4, readU16(set, 4) & ~UNICODE_INPUT, true);
}

/** [MS-RDPBCGR] 2.2.3.1 */
export function deactivateAll(shareId: number, source: number): Uint8Array {
  return joinBytes(
    u16le(13),
    u16le(0x10 | SHARE.deactivateAll),
    u16le(source),
    u32le(shareId),
    u16le(1),
    Uint8Array.of(0),
  );
}

export interface ShareOrigin {
  readonly source: number;
  readonly shareId: number;
}

function dataPdu(type: number, { source, shareId }: ShareOrigin, body: Uint8Array): Uint8Array {
  return joinBytes(
    u16le(DATA_HEAD_BYTES + body.length),
    u16le(0x10 | SHARE.data),
    u16le(source),
    u32le(shareId),
    Uint8Array.of(0, 1),
    u16le(body.length),
    Uint8Array.of(type, 0, 0, 0),
    body,
  );
}

/** Asks for the picture again up to a right and a bottom that lie within. [MS-RDPBCGR] 2.2.11.2 */
export function refreshRect(origin: ShareOrigin, right: number, bottom: number): Uint8Array {
  const area = [0, 0, right, bottom].map(u16le);
  return dataPdu(DATA.refreshRect, origin, joinBytes(Uint8Array.of(1, 0, 0, 0), ...area));
}

/** [MS-RDPRFX] 2.2.3.1 */
export function frameAcknowledge(origin: ShareOrigin, frame: number): Uint8Array {
  return dataPdu(DATA.frameAcknowledge, origin, u32le(frame));
}
