import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hostileText, OBEYED } from '@enchilada/core/testing/hostile-arbitrary';
import { escapeJson, escapeText } from './index.ts';

test('no text that is printed holds anything a terminal obeys', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      assert.doesNotMatch(escapeText(text), OBEYED);
      assert.equal(escapeText(escapeText(text)), escapeText(text));
    }),
    { seed: 28, numRuns: 2_000 },
  );
});

test('printed JSON is one line, holds nothing a terminal obeys, and means the same', () => {
  fc.assert(
    fc.property(fc.dictionary(hostileText, hostileText), (value) => {
      const line = escapeJson(value);
      assert.doesNotMatch(line, OBEYED);
      assert.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify(value)));
    }),
    { seed: 39, numRuns: 1_000 },
  );
});

test('an escape names its character', () => {
  assert.equal(escapeText('a\u001b[31m\u202eb\u{e0041}'), 'a\\u001b[31m\\u202eb\\u{e0041}');
  assert.equal(escapeText('Grüße, 東京 👍'), 'Grüße, 東京 👍');
});
