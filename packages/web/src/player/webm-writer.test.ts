import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WebmWriter } from './webm-writer.ts';

interface Element {
  readonly id: number;
  readonly at: number;
  readonly body: Uint8Array;
}

/** Reads what is there by RFC 8794: identifiers of one to four bytes, sizes of eight. */
function elements(bytes: Uint8Array): readonly Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Math.clz32(bytes[at] ?? 0) - 23;
    const id = bytes.subarray(at, at + length).reduce((value, byte) => value * 256 + byte, 0);
    const size = bytes.subarray(at + length + 1, at + length + 8).reduce((value, byte) => value * 256 + byte, 0);
    assert.equal(bytes[at + length], 1, 'a size of eight bytes');
    const from = at + length + 8;
    assert.ok(from + size <= bytes.length, 'an element lies within its parent');
    found.push({ id, at, body: bytes.subarray(from, from + size) });
    at = from + size;
  }
  return found;
}

const number = (bytes: Uint8Array | undefined): number => Number(Buffer.from(bytes ?? []).readBigUInt64BE());
const of = (list: readonly Element[], id: number): readonly Element[] => list.filter((one) => one.id === id);

describe('a WebM file', () => {
  it('holds the pictures in clusters that its index points to', async () => {
    const writer = new WebmWriter({ width: 640, height: 480, codec: 'V_VP8' });
    const pictures = [0, 100, 200, 10_000, 10_100, 45_000].map((atMs, index) => ({
      bytes: Uint8Array.of(index, index),
      atMs,
      isKey: atMs % 10_000 === 0,
    }));
    for (const picture of pictures) writer.add(picture);
    const file = writer.finish(60_000);
    assert.equal(file.type, 'video/webm');
    const top = elements(new Uint8Array(await file.arrayBuffer()));
    assert.deepEqual(
      top.map(({ id }) => id.toString(16)),
      ['1a45dfa3', '18538067'],
    );
    const segment = top[1]?.body ?? new Uint8Array(0);
    const inside = elements(segment);
    const clusters = of(inside, 0x1f43b675);
    const shown = clusters.flatMap(({ body }) => {
      const parts = elements(body);
      const from = number(of(parts, 0xe7)[0]?.body);
      return of(parts, 0xa3).map((block) => ({
        atMs: from + new DataView(block.body.buffer, block.body.byteOffset).getInt16(1),
        isKey: block.body[3] === 0x80,
        bytes: new Uint8Array(block.body.subarray(4)),
      }));
    });
    assert.deepEqual(shown, pictures);
    const [cues] = of(inside, 0x1c53bb6b);
    const points = elements(cues?.body ?? new Uint8Array(0)).map(({ body }) => {
      const [time, place] = elements(body);
      return [number(time?.body), number(of(elements(place?.body ?? new Uint8Array(0)), 0xf1)[0]?.body)];
    });
    assert.deepEqual(
      points,
      [0, 10_000].map((atMs, index) => [atMs, clusters[index]?.at]),
    );
    const [info] = of(inside, 0x1549a966);
    const [duration] = of(elements(info?.body ?? new Uint8Array(0)), 0x4489);
    assert.equal(Buffer.from(duration?.body ?? []).readDoubleBE(), 60_000);
  });
});
