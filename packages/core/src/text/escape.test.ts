import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeJson, escapeText } from './index.ts';

const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const DANGEROUS = [
  '\u0000',
  '\u0007',
  '\b',
  '\t',
  '\r',
  '\u001b[31m',
  '\u001b]52;c;cm0=\u0007',
  '\u007f',
  '\u0085',
  '\u009b2J',
  '\u009d',
  '\u200b',
  '\u200e',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2066',
  '\u2069',
  '\ufeff',
  '\u{e0041}',
  '\ud800',
  '\n',
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...DANGEROUS), fc.string({ unit: 'binary' })))
  .map((parts) => parts.join(''));

test('no text that is printed holds anything a terminal obeys', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      assert.doesNotMatch(escapeText(text), OBEYED);
      assert.equal(escapeText(escapeText(text)), escapeText(text));
    }),
    { seed: 28, numRuns: 2_000 },
  );
});

test('printed JSON is one line, holds nothing a terminal obeys, and means the same', () => {
  fc.assert(
    fc.property(fc.dictionary(hostile, hostile), (value) => {
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
