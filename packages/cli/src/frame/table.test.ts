import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { table } from './table.ts';

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

test('a table has one line a row, whatever its cells hold', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(hostile, hostile), { maxLength: 8 }), (rows) => {
      const lines = table(['left', 'right'], rows);
      assert.equal(lines.length, rows.length + 1);
      for (const line of lines) assert.doesNotMatch(line, OBEYED);
    }),
    { seed: 39, numRuns: 500 },
  );
});
