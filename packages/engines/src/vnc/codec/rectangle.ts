import { ENCODING, violation, type PixelFormat } from './wire.ts';

interface Box {
  readonly width: number;
  readonly height: number;
  readonly encoding: number;
}

export interface Place {
  readonly view: DataView;
  readonly at: number;
}

/** More than any encoder makes of a screen. */
const MOST_BODY = 512 * 1024 * 1024;
const LARGEST_CURSOR = 1_024;
/** Tight sends fewer bytes than this uncompressed. */
const TIGHT_SMALLEST_COMPRESSED = 12;

/** Length of a rectangle behind its head, from its first bytes; undefined where more of them are needed. @throws Fault TARGET_PROTOCOL_VIOLATION */
export function rectangleBody(box: Box, format: PixelFormat, place: Place): number | undefined {
  const { width, height, encoding } = box;
  const pixel = format.bitsPerPixel / 8;
  const { view, at } = place;
  const room = view.byteLength - at;
  switch (encoding) {
    case ENCODING.raw:
      return width * height * pixel;
    case ENCODING.copyRect:
      return 4;
    case ENCODING.rre: {
      if (room < 4) return undefined;
      const count = view.getUint32(at);
      if (count > width * height) throw violation(`${count} sub-rectangles in ${width} × ${height}`);
      return 4 + pixel + count * (pixel + 8);
    }
    case ENCODING.zlib:
    case ENCODING.zrle:
      return room < 4 ? undefined : 4 + bounded(view.getUint32(at));
    case ENCODING.h264:
      return room < 8 ? undefined : 8 + bounded(view.getUint32(at));
    case ENCODING.tight:
    case ENCODING.tightPng:
      return tightBody(box, format, place);
    case ENCODING.cursor:
      smallCursor(width, height);
      return width * height * pixel + Math.ceil(width / 8) * height;
    case ENCODING.vmwareCursor: {
      if (room < 2) return undefined;
      smallCursor(width, height);
      return 2 + width * height * (view.getUint8(at) === 0 ? pixel * 2 : 4);
    }
    case ENCODING.qemuLed:
      return 1;
    default:
      throw violation(`encoding ${encoding} was not asked for`);
  }
}

function bounded(length: number): number {
  if (length > MOST_BODY) throw violation(`a rectangle of ${length} bytes`);
  return length;
}

function smallCursor(width: number, height: number): void {
  if (width > LARGEST_CURSOR || height > LARGEST_CURSOR) throw violation(`a cursor of ${width} × ${height}`);
}

/** https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst#tight-encoding */
function tightBody(
  { width, height, encoding }: Box,
  { tightBytes }: PixelFormat,
  { view, at }: Place,
): number | undefined {
  const room = view.byteLength - at;
  if (room < 1) return undefined;
  const control = view.getUint8(at) >> 4;
  const png = encoding === ENCODING.tightPng;
  if (control === 8) return 1 + tightBytes;
  if (control === 9 || (png && control === 10)) return compact({ view, at: at + 1 }, 1);
  if (control > 9 || png) throw violation(`compression ${control} of Tight`);
  let head = 1;
  let filter = 0;
  if ((control & 4) !== 0) {
    if (room < 2) return undefined;
    filter = view.getUint8(at + 1);
    head = 2;
  }
  let row = width * tightBytes;
  switch (filter) {
    case 0:
    case 2:
      break;
    case 1: {
      if (room < 3) return undefined;
      const colours = view.getUint8(at + 2) + 1;
      head += 1 + colours * tightBytes;
      row = colours <= 2 ? Math.ceil(width / 8) : width;
      break;
    }
    default:
      throw violation(`filter ${filter} of Tight`);
  }
  const plain = row * height;
  if (plain < TIGHT_SMALLEST_COMPRESSED) return head + plain;
  return room < head ? undefined : compact({ view, at: at + head }, head);
}

/** One to three bytes, seven bits each and eight in the last, lowest first. */
function compact({ view, at }: Place, head: number): number | undefined {
  let length = 0;
  for (let index = 0; index < 3; index++) {
    if (view.byteLength - at <= index) return undefined;
    const byte = view.getUint8(at + index);
    length |= (index < 2 ? byte & 0x7f : byte) << (7 * index);
    if (byte < 0x80 || index === 2) return head + index + 1 + length;
  }
  return undefined;
}
