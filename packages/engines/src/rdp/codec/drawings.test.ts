import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Drawings, Undrawn, type Rectangle } from './drawings.ts';

const u16 = (...values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value & 0xff, value >> 8]));
const u32 = (value: number): Buffer => u16(value & 0xffff, value >>> 16);
const [BITMAP, SURFACE] = [1, 4];
const [SINGLE, LAST, FIRST, NEXT] = [0, 1, 2, 3];

const bitmap = (...places: readonly (readonly number[])[]): Buffer =>
  Buffer.concat([
    u16(1, places.length),
    ...places.map((place) => Buffer.concat([u16(...place, 4, 4, 16, 0, 3), Buffer.alloc(3)])),
  ]);
const block = (type: number, body: Buffer): Buffer => Buffer.concat([u16(type), u32(6 + body.length), body]);
const region = (...places: readonly (readonly number[])[]): Buffer =>
  block(0xccc6, Buffer.concat([Buffer.of(1, 0, 1), u16(places.length), ...places.map((place) => u16(...place))]));
const SYNC = block(0xccc0, Buffer.alloc(6));
const tiles = (...places: readonly (readonly [number, number])[]): Buffer => {
  const parts = places.map(([x, y]) =>
    Buffer.concat([u16(0xcac3), u32(13 + 40), Buffer.alloc(3), u16(x, y), Buffer.alloc(40)]),
  );
  const head = [
    Buffer.of(1, 0),
    u16(0xcac2, 0, 0),
    Buffer.of(1, 64),
    u16(places.length),
    u32(parts.length * 53),
    Buffer.alloc(5),
  ];
  return block(0xccc7, Buffer.concat([...head, ...parts]));
};
const FRAME_MARKER = Buffer.concat([u16(4, 0), u32(7)]);
const surface = (place: readonly number[], codec: number, bits: Buffer): Buffer =>
  Buffer.concat([u16(1, ...place), Buffer.of(32, 0, 0, codec), u16(0, 0), u32(bits.length), bits]);
const update = (code: number, body: Uint8Array, fragmentation = SINGLE) => ({
  code,
  body,
  fragmentation,
  isCompressed: false,
});
const area = (left: number, top: number, right: number, bottom: number): Rectangle => ({ left, top, right, bottom });

describe('what an update draws', () => {
  it('is the rectangles of its bitmaps, whose right and bottom belong to them', () => {
    const drawn = new Drawings().push(update(BITMAP, bitmap([0, 0, 3, 3], [4, 8, 7, 11])));
    assert.deepEqual(drawn, { areas: [area(0, 0, 4, 4), area(4, 8, 8, 12)], isCodecStart: false });
  });

  it('is what a surface command covers without a codec, and the region of RemoteFX within it', () => {
    const drawings = new Drawings();
    assert.deepEqual(drawings.push(update(SURFACE, surface([8, 8, 40, 24], 0, Buffer.alloc(8)))).areas, [
      area(8, 8, 40, 24),
    ]);
    const bits = Buffer.concat([SYNC, region([0, 0, 64, 64], [64, 0, 200, 10]), tiles([0, 0], [1, 0])]);
    const drawn = drawings.push(update(SURFACE, Buffer.concat([FRAME_MARKER, surface([10, 0, 138, 128], 3, bits)])));
    assert.deepEqual(drawn, { areas: [area(10, 0, 74, 64), area(74, 0, 138, 10)], isCodecStart: true });
    const rest = Buffer.concat([region(), tiles([1, 1])]);
    assert.deepEqual(drawings.push(update(SURFACE, surface([0, 0, 100, 100], 3, rest))).areas, [
      area(64, 64, 100, 100),
    ]);
  });

  it('is of a picture in several parts what each part has tiles for', () => {
    const drawings = new Drawings();
    const part = (x: number) => surface([0, 0, 128, 64], 3, Buffer.concat([region([0, 0, 128, 64]), tiles([x, 0])]));
    assert.deepEqual(drawings.push(update(SURFACE, part(0))).areas, [area(0, 0, 64, 64)]);
    assert.deepEqual(drawings.push(update(SURFACE, part(1))).areas, [area(64, 0, 128, 64)]);
  });

  it('is nothing for a codec that is not known, and for pointers', () => {
    const drawings = new Drawings();
    assert.deepEqual(drawings.push(update(SURFACE, surface([0, 0, 64, 64], 1, Buffer.alloc(50)))).areas, []);
    assert.deepEqual(drawings.push(update(9, Buffer.alloc(20))).areas, []);
  });

  it('is known once the last of its fragments is there', () => {
    const drawings = new Drawings();
    const body = surface([0, 0, 64, 64], 3, Buffer.concat([region([0, 0, 64, 64]), tiles([0, 0])]));
    assert.deepEqual(drawings.push(update(SURFACE, body.subarray(0, 30), FIRST)).areas, []);
    assert.ok(drawings.isWithinUpdate);
    assert.deepEqual(drawings.push(update(SURFACE, body.subarray(30, 60), NEXT)).areas, []);
    assert.deepEqual(drawings.push(update(SURFACE, body.subarray(60), LAST)).areas, [area(0, 0, 64, 64)]);
    assert.ok(!drawings.isWithinUpdate);
    assert.deepEqual(drawings.push(update(SURFACE, body, LAST)).areas, [], 'an end without a beginning');
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(BITMAP, SURFACE), fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 3 }))),
        (updates) => {
          const drawings = new Drawings();
          for (const [code = 0, body, fragmentation] of updates) drawings.push(update(code, body, fragmentation));
        },
      ),
    );
  });
});

describe('what nothing was drawn on', () => {
  it('is what a count of pixels says', () => {
    const side = fc.integer({ min: 0, max: 12 });
    fc.assert(
      fc.property(fc.array(fc.tuple(side, side, side, side), { maxLength: 12 }), (areas) => {
        const undrawn = new Undrawn({ width: 10, height: 8 });
        const pixels = new Set(Array.from({ length: 80 }, (_, index) => index));
        for (const [left, top, right, bottom] of areas) {
          undrawn.draw(area(left, top, right, bottom));
          for (const pixel of pixels) {
            const [x, y] = [pixel % 10, Math.floor(pixel / 10)];
            if (x >= left && x < right && y >= top && y < bottom) pixels.delete(pixel);
          }
        }
        assert.equal(undrawn.isNothing, pixels.size === 0);
      }),
      { numRuns: 500 },
    );
  });

  it('stays bounded, and then is larger than it is rather than smaller', () => {
    const undrawn = new Undrawn({ width: 8_192, height: 4_320 });
    for (let x = 0; x < 8_192; x += 4) undrawn.draw(area(x, 1, x + 2, 3));
    assert.ok(!undrawn.isNothing);
    undrawn.draw(area(0, 0, 8_192, 4_320));
    assert.ok(undrawn.isNothing);
  });
});
