import type { Place } from './rectangle.ts';
import type { PixelFormat, Size } from './wire.ts';

/** RFC 6143 section 7.7.4. */
const TILE = { raw: 1, background: 2, foreground: 4, subrectangles: 8, coloured: 16 } as const;

/** Length of one tile; undefined where more bytes are needed to tell. */
export function hextileTile({ width, height }: Size, format: PixelFormat, { view, at }: Place): number | undefined {
  const room = view.byteLength - at;
  if (room < 1) return undefined;
  const mask = view.getUint8(at);
  const pixel = format.bitsPerPixel / 8;
  if ((mask & TILE.raw) !== 0) return 1 + width * height * pixel;
  const colours = ((mask & TILE.background) === 0 ? 0 : pixel) + ((mask & TILE.foreground) === 0 ? 0 : pixel);
  if ((mask & TILE.subrectangles) === 0) return 1 + colours;
  if (room < 2 + colours) return undefined;
  const count = view.getUint8(at + 1 + colours);
  return 2 + colours + count * ((mask & TILE.coloured) === 0 ? 2 : 2 + pixel);
}
