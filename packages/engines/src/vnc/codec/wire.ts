import { Fault } from '@enchilada/core/fault';

/** Messages of RFB, numbers as in RFC 6143 and the community's additions. https://www.rfc-editor.org/rfc/rfc6143 · https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst */
export const SERVER = {
  framebufferUpdate: 0,
  setColourMapEntries: 1,
  bell: 2,
  serverCutText: 3,
  endOfContinuousUpdates: 150,
  fence: 248,
  xvp: 250,
} as const;

export const CLIENT = {
  setPixelFormat: 0,
  setEncodings: 2,
  framebufferUpdateRequest: 3,
  keyEvent: 4,
  pointerEvent: 5,
  clientCutText: 6,
  enableContinuousUpdates: 150,
  fence: 248,
  xvp: 250,
  setDesktopSize: 251,
  qemu: 255,
} as const;

export const ENCODING = {
  raw: 0,
  copyRect: 1,
  rre: 2,
  hextile: 5,
  zlib: 6,
  tight: 7,
  zrle: 16,
  h264: 50,
  tightPng: -260,
  cursor: -239,
  desktopSize: -223,
  lastRect: -224,
  qemuExtendedKey: -258,
  qemuLed: -261,
  desktopName: -307,
  extendedDesktopSize: -308,
  fence: -312,
  continuousUpdates: -313,
  extendedMouseButtons: -316,
  vmwareCursor: 0x574d5664,
  extendedClipboard: 0xc0a1e5ce | 0,
  /** JPEG quality, 0 to 9 upwards. */
  quality0: -32,
  quality9: -23,
  /** Compression, 0 to 9 upwards. */
  compression0: -256,
  compression9: -247,
} as const;

/** RFC 6143 section 7.4; only true colour is spoken. */
export interface PixelFormat {
  readonly bitsPerPixel: number;
  /** Bytes of a pixel in Tight's basic and fill rectangles: 3 where 8 bits a colour lie in 32. */
  readonly tightBytes: number;
}

/** A desktop larger than this is taken for an attack on the browser's memory. */
const LARGEST_SIDE = 16_384;
const MOST_PIXELS = 64 * 1024 * 1024;

export interface Size {
  readonly width: number;
  readonly height: number;
}

export function violation(words: string): Fault {
  return new Fault('TARGET_PROTOCOL_VIOLATION', `the target broke the RFB protocol: ${words}`);
}

/** @throws Fault TARGET_PROTOCOL_VIOLATION */
export function checkedSize(width: number, height: number): Size {
  if (width < 1 || height < 1 || width > LARGEST_SIDE || height > LARGEST_SIDE || width * height > MOST_PIXELS)
    throw violation(`a desktop of ${width} × ${height}`);
  return { width, height };
}

export const PIXEL_FORMAT_BYTES = 16;

/** Undefined where the format is none that this gateway relays: colour maps, odd depths. */
export function parsePixelFormat(view: DataView, at: number): PixelFormat | undefined {
  const bitsPerPixel = view.getUint8(at);
  const depth = view.getUint8(at + 1);
  const trueColour = view.getUint8(at + 3) !== 0;
  if (![8, 16, 32].includes(bitsPerPixel) || !trueColour || depth > bitsPerPixel) return undefined;
  const [red, green, blue] = [view.getUint16(at + 4), view.getUint16(at + 6), view.getUint16(at + 8)];
  const packed = bitsPerPixel === 32 && depth === 24 && red === 255 && green === 255 && blue === 255;
  return { bitsPerPixel, tightBytes: packed ? 3 : bitsPerPixel / 8 };
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
