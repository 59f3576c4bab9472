import { joinBytes, readU16, readU32 } from './bytes.ts';
import { BITMAP_UPDATE, SURFACE_UPDATE, type FastPathUpdate } from './fast-path.ts';

/** In pixels; right and bottom lie outside. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Drawing {
  /** Pixels that it replaces, whatever was there before. */
  readonly areas: readonly Rectangle[];
  /** It begins RemoteFX: a decoder refuses pictures of that codec before it has seen this. [MS-RDPRFX] 2.2.2.2 */
  readonly isCodecStart: boolean;
}

const NOTHING: Drawing = { areas: [], isCodecStart: false };
/** Larger ones are drawn by the decoder and not understood here. */
const MOST_FRAGMENTED_BYTES = 8 * 1024 * 1024;

/** A bitmap update, fast-path or slow-path. [MS-RDPBCGR] 2.2.9.1.1.3.1.2 */
export function bitmapAreas(update: Uint8Array): readonly Rectangle[] {
  const areas: Rectangle[] = [];
  const count = readU16(update, 2);
  for (let at = 4, index = 0; index < count && at + 18 <= update.length; index++) {
    const [left, top, right, bottom] = [0, 2, 4, 6].map((offset) => readU16(update, at + offset));
    areas.push({ left: left ?? 0, top: top ?? 0, right: (right ?? 0) + 1, bottom: (bottom ?? 0) + 1 });
    at += 18 + readU16(update, at + 16);
  }
  return areas;
}

const COMMAND = { setSurfaceBits: 1, streamSurfaceBits: 6, frameMarker: 4 } as const;
const BITS_HEAD_BYTES = 22;
const EXTENDED_HEAD_BYTES = 24;

/** Surface commands. [MS-RDPBCGR] 2.2.9.2 */
function surfaceDrawing(body: Uint8Array): Drawing {
  const areas: Rectangle[] = [];
  let isCodecStart = false;
  for (let at = 0; at + 8 <= body.length;) {
    const command = readU16(body, at);
    if (command === COMMAND.frameMarker) at += 8;
    else if (
      (command === COMMAND.setSurfaceBits || command === COMMAND.streamSurfaceBits) &&
      at + BITS_HEAD_BYTES <= body.length
    ) {
      const [left = 0, top = 0, right = 0, bottom = 0] = [2, 4, 6, 8].map((offset) => readU16(body, at + offset));
      const whole = { left, top, right, bottom };
      const [flags = 0, , codec = 0] = body.subarray(at + 11);
      const from = at + BITS_HEAD_BYTES + ((flags & 1) === 0 ? 0 : EXTENDED_HEAD_BYTES);
      const end = from + readU32(body, at + 18);
      if (end > body.length) break;
      if (codec === 0) areas.push(whole);
      else {
        const drawn = remoteFx(body.subarray(from, end), whole);
        areas.push(...drawn.areas);
        isCodecStart ||= drawn.isCodecStart;
      }
      at = end;
    } else break;
  }
  return { areas, isCodecStart };
}

/** blockType. [MS-RDPRFX] 2.2.2.1.1 */
const BLOCK = { sync: 0xccc0, region: 0xccc6, tileSet: 0xccc7, tile: 0xcac3 } as const;
const TILE_SIDE = 64;
/** Of tiles and rectangles together; a picture with more draws nothing that is known here. */
const MOST_PIECES_OF_A_PICTURE = 65_536;

/**
 * The tiles of RemoteFX, as far as they lie in the region named in front of them: a picture that comes in several parts names all of its region in
 * each (FreeRDP 2). [MS-RDPRFX] 2.2.2.3
 */
function remoteFx(bits: Uint8Array, whole: Rectangle): Drawing {
  const areas: Rectangle[] = [];
  let region: readonly Rectangle[] = [];
  let isCodecStart = false;
  for (let at = 0; at + 6 <= bits.length;) {
    const [type, length] = [readU16(bits, at), readU32(bits, at + 2)];
    if (type >> 4 !== BLOCK.sync >> 4 || length < 6 || at + length > bits.length) break;
    const block = bits.subarray(at, at + length);
    if (type === BLOCK.sync) isCodecStart = true;
    if (type === BLOCK.region) region = regionOf(block, whole);
    if (type === BLOCK.tileSet) {
      const tiles = tilesOf(block, whole);
      if (tiles.length * region.length <= MOST_PIECES_OF_A_PICTURE)
        for (const tile of tiles) addCommon(areas, tile, region);
    }
    at += length;
  }
  return { areas, isCodecStart };
}

/** No rectangle means all of it. [MS-RDPRFX] 2.2.2.3.3 */
function regionOf(block: Uint8Array, whole: Rectangle): readonly Rectangle[] {
  const count = readU16(block, 9);
  if (count === 0) return [whole];
  const rectangles: Rectangle[] = [];
  for (let at = 11; rectangles.length < count && at + 8 <= block.length; at += 8) {
    const [x = 0, y = 0, width = 0, height = 0] = [0, 2, 4, 6].map((offset) => readU16(block, at + offset));
    const [left, top] = [whole.left + x, whole.top + y];
    const inside = common({ left, top, right: left + width, bottom: top + height }, whole);
    if (inside !== undefined) rectangles.push(inside);
  }
  return rectangles;
}

/** [MS-RDPRFX] 2.2.2.3.4 */
function tilesOf(block: Uint8Array, { left, top }: Rectangle): readonly Rectangle[] {
  const tiles: Rectangle[] = [];
  const count = readU16(block, 16);
  for (let at = 22 + 5 * (block[14] ?? 0); tiles.length < count && at + 13 <= block.length;) {
    const length = readU32(block, at + 2);
    if (readU16(block, at) !== BLOCK.tile || length < 13) break;
    const [x, y] = [left + TILE_SIDE * readU16(block, at + 9), top + TILE_SIDE * readU16(block, at + 11)];
    tiles.push({ left: x, top: y, right: x + TILE_SIDE, bottom: y + TILE_SIDE });
    at += length;
  }
  return tiles;
}

function addCommon(areas: Rectangle[], tile: Rectangle, region: readonly Rectangle[]): void {
  for (const part of region) {
    const inside = common(tile, part);
    if (inside !== undefined) areas.push(inside);
  }
}

function overlap(one: Rectangle, other: Rectangle): boolean {
  return (
    Math.max(one.left, other.left) < Math.min(one.right, other.right) &&
    Math.max(one.top, other.top) < Math.min(one.bottom, other.bottom)
  );
}

function common(one: Rectangle, other: Rectangle): Rectangle | undefined {
  if (!overlap(one, other)) return undefined;
  return {
    left: Math.max(one.left, other.left),
    top: Math.max(one.top, other.top),
    right: Math.min(one.right, other.right),
    bottom: Math.min(one.bottom, other.bottom),
  };
}

const FRAGMENT = { single: 0, last: 1, first: 2 } as const;

/** Reads of a stream of updates what they draw, also where one comes in several PDUs. */
export class Drawings {
  #fragments: Uint8Array[] = [];
  #bytes = 0;
  #isOpen = false;

  /** An update has begun and is not whole: no decoder can begin here. */
  get isWithinUpdate(): boolean {
    return this.#isOpen;
  }

  push({ code, fragmentation, body }: FastPathUpdate): Drawing {
    if (fragmentation === FRAGMENT.single) return drawingOf(code, body);
    if (fragmentation === FRAGMENT.first) this.#start();
    this.#bytes += body.length;
    if (this.#bytes > MOST_FRAGMENTED_BYTES) this.#fragments = [];
    else this.#fragments.push(body);
    if (fragmentation !== FRAGMENT.last) return NOTHING;
    const whole = this.#isOpen && this.#bytes <= MOST_FRAGMENTED_BYTES ? joinBytes(...this.#fragments) : undefined;
    this.#start();
    this.#isOpen = false;
    return whole === undefined ? NOTHING : drawingOf(code, whole);
  }

  #start(): void {
    this.#isOpen = true;
    this.#fragments = [];
    this.#bytes = 0;
  }
}

function drawingOf(code: number, body: Uint8Array): Drawing {
  if (code === BITMAP_UPDATE) return { areas: bitmapAreas(body), isCodecStart: false };
  return code === SURFACE_UPDATE ? surfaceDrawing(body) : NOTHING;
}

/** Beyond this many pieces what was drawn is not taken away any more: the rest is then larger than it is. */
const MOST_PIECES = 512;

/** The part of a desktop that nothing was drawn on yet. */
export class Undrawn {
  #rest: readonly Rectangle[];

  constructor({ width, height }: { readonly width: number; readonly height: number }) {
    this.#rest = [{ left: 0, top: 0, right: width, bottom: height }];
  }

  get isNothing(): boolean {
    return this.#rest.length === 0;
  }

  /** All but the last column and the last row was drawn. */
  isEdgeOf({ width, height }: { readonly width: number; readonly height: number }): boolean {
    return !this.isNothing && this.#rest.every(({ left, top }) => left === width - 1 || top === height - 1);
  }

  draw(area: Rectangle): void {
    if (!this.#rest.some((piece) => overlap(piece, area))) return;
    const rest = this.#rest.flatMap((piece) => without(piece, area));
    if (rest.length <= MOST_PIECES) this.#rest = rest;
  }
}

function without(piece: Rectangle, area: Rectangle): readonly Rectangle[] {
  const taken = common(piece, area);
  if (taken === undefined) return [piece];
  const { left, top, right, bottom } = taken;
  return [
    { ...piece, bottom: top },
    { ...piece, top: bottom },
    { left: piece.left, right: left, top, bottom },
    { left: right, right: piece.right, top, bottom },
  ].filter((rest) => rest.left < rest.right && rest.top < rest.bottom);
}
