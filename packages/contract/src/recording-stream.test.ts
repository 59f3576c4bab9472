import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TimedRecordingEvent } from '@enchilada/core/recording';
import { RecordingStreamDecoder, RecordingStreamEncoder } from './recording-stream.ts';

const EVENTS: readonly TimedRecordingEvent[] = [
  { atUs: 10, chunk: 3, event: { kind: 'resize', columns: 80, rows: 24 } },
  { atUs: 25, chunk: 3, event: { kind: 'output', bytes: Uint8Array.of(1, 2, 3) } },
  { atUs: 2 ** 40, chunk: 4, event: { kind: 'output', bytes: new Uint8Array(70_000).fill(7) } },
  { atUs: 2 ** 40 + 1, chunk: 4, event: { kind: 'marker', text: 'a mark' } },
];

function encode(events: readonly TimedRecordingEvent[]): Uint8Array {
  const encoder = new RecordingStreamEncoder();
  const parts = [encoder.start(), ...events.map((event) => encoder.add(event)), encoder.flush(), encoder.end()];
  return Uint8Array.from(parts.flatMap((part) => (part === undefined ? [] : [...part])));
}

test('gives the same events however the bytes are cut', () => {
  const bytes = encode(EVENTS);
  for (const size of [13, 17, 4096, bytes.length]) {
    const decoder = new RecordingStreamDecoder();
    const out: TimedRecordingEvent[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      assert.equal(decoder.complete, false);
      for (const timed of decoder.push(bytes.subarray(at, at + size))) {
        out.push(
          timed.event.kind === 'output'
            ? { ...timed, event: { kind: 'output', bytes: Uint8Array.from(timed.event.bytes) } }
            : timed,
        );
      }
    }
    assert.deepEqual(out, EVENTS);
    assert.equal(decoder.complete, true);
  }
});

test('a stream that was cut is not complete', () => {
  const decoder = new RecordingStreamDecoder();
  decoder.push(encode(EVENTS).subarray(0, -4));
  assert.equal(decoder.complete, false);
});

test('refuses another magic, an absurd frame and bytes behind the end', () => {
  assert.throws(() => new RecordingStreamDecoder().push(Uint8Array.of(1, 2, 3, 4)), { code: 'RECORDING_DAMAGED' });
  const start = new RecordingStreamEncoder().start();
  assert.throws(() => new RecordingStreamDecoder().push(Uint8Array.of(...start, 0xff, 0, 0, 0)), {
    code: 'RECORDING_DAMAGED',
  });
  assert.throws(() => new RecordingStreamDecoder().push(Uint8Array.of(...encode(EVENTS), 0, 0, 0, 0)), {
    code: 'RECORDING_DAMAGED',
  });
});
