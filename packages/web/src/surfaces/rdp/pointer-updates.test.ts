import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PointerUpdates, type Pointer } from './pointer-updates.ts';

const u16 = (...values: readonly number[]): number[] => values.flatMap((value) => [value & 0xff, value >> 8]);

/** A fast-path PDU with one update. */
function update(code: number, data: readonly number[]): number[] {
  const length = 3 + 3 + data.length;
  return [0, 0x80 | (length >> 8), length & 0xff, code, ...u16(data.length), ...data];
}

/** Two by two pixels: red, green on top of blue, transparent. */
const RED_GREEN_BLUE = [
  ...u16(7, 1, 0, 2, 2, 4, 12),
  ...[0xff, 0, 0, 0, 0, 0],
  ...[0, 0, 0xff, 0, 0xff, 0],
  ...[0x40, 0, 0, 0],
];
const SHOWN = [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 0, 0, 0, 0];

function read(updates: PointerUpdates, ...pdus: readonly number[][]): Pointer | undefined {
  return updates.read(Uint8Array.from(pdus.flat()));
}

describe('pointers in what a machine sends', () => {
  it('are a picture from the bottom up, cut out by its mask', () => {
    for (const pointer of [
      read(new PointerUpdates(), update(9, RED_GREEN_BLUE)),
      read(new PointerUpdates(), update(11, [...u16(24), ...RED_GREEN_BLUE])),
    ]) {
      assert.ok(pointer?.kind === 'picture');
      assert.deepEqual([pointer.width, pointer.height, pointer.x, pointer.y], [2, 2, 1, 0]);
      assert.deepEqual([...pointer.rgba], SHOWN);
    }
  });

  it('have their own opacity at 32 bits, also large', () => {
    const head = [...u16(32), ...u16(0, 0, 0, 1, 1)];
    const lengths = [0, 0, 0, 0, 4, 0, 0, 0];
    const pointer = read(new PointerUpdates(), update(12, [...head, ...lengths, 1, 2, 3, 128]));
    assert.ok(pointer?.kind === 'picture');
    assert.deepEqual([...pointer.rgba], [3, 2, 1, 128]);
  });

  it('come again from the cache, hide, and go', () => {
    const updates = new PointerUpdates();
    const first = read(updates, update(9, RED_GREEN_BLUE));
    assert.deepEqual(read(updates, update(5, [])), { kind: 'hidden' });
    assert.deepEqual(read(updates, update(6, [])), { kind: 'default' });
    assert.equal(read(updates, update(10, u16(7))), first);
    assert.equal(read(updates, update(10, u16(8))), undefined);
  });

  it('are hidden where nothing of their picture can be seen', () => {
    const nothing = [...u16(0, 0, 0, 1, 1, 2, 4), 0, 0, 0, 0, 0x80, 0];
    assert.deepEqual(read(new PointerUpdates(), update(9, nothing)), { kind: 'hidden' });
  });

  it('are black and white where they turn the colours of the screen', () => {
    const turning = [...u16(1), ...u16(0, 0, 0, 2, 1, 2, 2), 0xc0, 0, 0xc0, 0];
    const pointer = read(new PointerUpdates(), update(11, turning));
    assert.ok(pointer?.kind === 'picture');
    assert.deepEqual([...pointer.rgba], [0, 0, 0, 255, 255, 255, 255, 255]);
  });

  it('are found among other updates and PDUs, the last counts', () => {
    const other = [3, 0, 0, 8, 1, 2, 3, 4];
    assert.deepEqual(read(new PointerUpdates(), other, update(6, []), update(4, [1, 2, 3]), update(5, []), other), {
      kind: 'hidden',
    });
    assert.equal(read(new PointerUpdates(), other, update(4, [9, 9])), undefined);
  });

  it('are none where bytes are missing or lie', () => {
    const whole = update(11, [...u16(24), ...RED_GREEN_BLUE]);
    for (let length = 0; length < whole.length; length += 1)
      assert.equal(read(new PointerUpdates(), whole.slice(0, length)), undefined);
    let noise = 1;
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = [...whole];
      for (let times = 0; times < 3; times += 1) {
        noise = (Math.imul(noise, 1_103_515_245) + 12_345) & 0x7fff_ffff;
        bytes[(noise >> 8) % bytes.length] = noise & 0xff;
      }
      read(new PointerUpdates(), bytes);
    }
    assert.equal(read(new PointerUpdates(), update(11, [...u16(24), ...u16(0, 0, 0, 400, 1, 52, 1200)])), undefined);
  });
});
