import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { decodeEvents, encodeEvent, EVENT_OVERHEAD_BYTES, MAX_EVENT_BYTES, writeEvent } from './event-codec.ts';
import type { RecordingEvent } from './recorder.ts';

interface Timed {
  readonly deltaUs: number;
  readonly event: RecordingEvent;
}

const count = fc.maxSafeNat();
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const bytes = fc.uint8Array({ maxLength: 400 });
const sha256 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const direction = fc.constantFrom('upload' as const, 'download' as const);
const mode = fc.constantFrom('control' as const, 'watch' as const);
const event: fc.Arbitrary<RecordingEvent> = fc.oneof(
  fc.record({ kind: fc.constantFrom('output' as const, 'input' as const), bytes }),
  fc.record({ kind: fc.constant('output' as const), bytes, channel: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('segment' as const), channel: fc.nat({ max: 255 }), viewer: text, mode }),
  fc.record({ kind: fc.constant('preamble' as const), channel: fc.nat({ max: 255 }), part: count, bytes }),
  fc.record({
    kind: fc.constant('pointer' as const),
    channel: fc.nat({ max: 255 }),
    x: count,
    y: count,
    buttons: count,
  }),
  fc.record({ kind: fc.constant('sealed-keys' as const), channel: fc.nat({ max: 255 }), sequence: count, bytes }),
  fc.record({
    kind: fc.constant('key-frame' as const),
    channel: fc.nat({ max: 255 }),
    phase: fc.constantFrom('begins' as const, 'whole' as const),
  }),
  fc.record({ kind: fc.constant('input-length' as const), count }),
  fc.record({ kind: fc.constant('resize' as const), columns: count, rows: count }),
  fc.record({ kind: fc.constantFrom('join' as const, 'leave' as const), viewer: text, user: text, mode }),
  fc.record({ kind: fc.constant('marker' as const), text }),
  fc.record({ kind: fc.constant('file' as const), name: text, size: count, sha256, direction }),
  fc.record({ kind: fc.constant('clipboard' as const), size: count, sha256, direction }),
  fc.record({ kind: fc.constant('gap' as const), reason: text, bytes: count }),
);
const events: fc.Arbitrary<Timed[]> = fc.array(fc.record({ deltaUs: fc.nat(), event }), { maxLength: 30 });

function encode(list: readonly Timed[]): Buffer {
  const encoded = list.map(({ deltaUs, event: one }) => ({ deltaUs, ...encodeEvent(one) }));
  const buffer = Buffer.alloc(encoded.reduce((sum, { data }) => sum + EVENT_OVERHEAD_BYTES + data.length, 0));
  return buffer.subarray(
    0,
    encoded.reduce((at, one) => writeEvent(buffer, at, one), 0),
  );
}

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, v: unknown) => (v instanceof Uint8Array ? [...v] : v)));

describe('event codec', () => {
  it('decodes what it encoded, with the times summed up', () => {
    fc.assert(
      fc.property(events, (list) => {
        let atUs = 1000;
        const expected = list.map(({ deltaUs, event: one }) => ({ atUs: (atUs += deltaUs), event: one }));
        assert.deepEqual(plain([...decodeEvents(Uint8Array.from(encode(list)), 1000)]), plain(expected));
      }),
    );
  });

  it('answers hostile bytes with events or a fault, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (hostile) => {
        try {
          for (const { atUs } of decodeEvents(hostile, 0)) assert.ok(atUs >= 0);
        } catch (cause) {
          assert.ok(isFault(cause, 'RECORDING_DAMAGED'), String(cause));
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('answers altered and cut events with other events or a fault', () => {
    fc.assert(
      fc.property(events, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, place, change) => {
        const encoded = Uint8Array.from(encode(list));
        if (encoded.length === 0) return;
        const at = place % encoded.length;
        const cut = encoded.slice(0, at);
        encoded[at] = (encoded[at] ?? 0) ^ change;
        for (const hostile of [encoded, cut]) {
          try {
            for (const { atUs } of decodeEvents(hostile, 0)) assert.ok(Number.isFinite(atUs));
          } catch (cause) {
            assert.ok(isFault(cause, 'RECORDING_DAMAGED'), String(cause));
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses lengths over the limit before reading, long numbers, unknown kinds and other channels', () => {
    const over = [0, 1, 0, ...[0x81, 0x80, 0x10]];
    assert.ok(MAX_EVENT_BYTES < 0x40001);
    for (const [bad, message] of [
      [over, /event of 262145 bytes/],
      [[0x80, 0x00, 1, 0, 0], /too long/],
      [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], /too long/],
      [[0, 99, 0, 0], /kind 99/],
      [[0, 2, 1, 0], /channel/],
      [[0, 3, 0, 3, 80, 24, 1], /longer than its fields/],
      [[0, 11, 0, 2, 5, 65], /ends early/],
      [[0, 11, 0, 2, 1, 0xff], /no UTF-8/],
    ] as const) {
      assert.throws(() => [...decodeEvents(Uint8Array.from(bad), 0)], message);
    }
  });

  it('cuts a text over 4 KiB at a character and says so', () => {
    const [decoded] = decodeEvents(encode([{ deltaUs: 0, event: { kind: 'marker', text: 'ü'.repeat(5000) } }]), 0);
    assert.ok(decoded?.event.kind === 'marker');
    assert.match(decoded.event.text, /^ü+…$/u);
    assert.ok(Buffer.byteLength(decoded.event.text) <= 4096);
  });
});
