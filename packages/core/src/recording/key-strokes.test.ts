import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isFault } from '@enchilada/core/fault';
import { decodeStrokes, encodeStrokes, sealedStrokesNonce } from './key-strokes.ts';

const stroke = fc.record({
  code: fc.constantFrom('scancode' as const, 'character' as const, 'keysym' as const),
  value: fc.nat({ max: 0xffff_ffff }),
  isDown: fc.boolean(),
  agoMs: fc.nat({ max: 0xffff }),
});

test('strokes come back as they were, in blocks of one length', () => {
  fc.assert(
    fc.property(fc.array(stroke, { maxLength: 200 }), (strokes) => {
      const bytes = encodeStrokes(strokes);
      assert.equal(bytes.length % 448, 0);
      assert.deepEqual(
        decodeStrokes(bytes),
        strokes.map((one) => ({ ...one })),
      );
    }),
  );
});

test('any other bytes are strokes or damage', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        decodeStrokes(bytes);
      } catch (cause) {
        assert.ok(isFault(cause, 'RECORDING_DAMAGED'));
      }
    }),
  );
});

test('no two sequences have one nonce', () => {
  const nonces = [1, 2, 0xffff_ffff, 0x1_0000_0000].map((sequence) =>
    Buffer.from(sealedStrokesNonce(sequence)).toString('hex'),
  );
  assert.equal(new Set(nonces).size, nonces.length);
});
