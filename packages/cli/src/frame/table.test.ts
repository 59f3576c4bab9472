import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hostileText, OBEYED } from '@enchilada/core/testing/hostile-arbitrary';
import { table } from './table.ts';

test('a table has one line a row, whatever its cells hold', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(hostileText, hostileText), { maxLength: 8 }), (rows) => {
      const lines = table(['left', 'right'], rows);
      assert.equal(lines.length, rows.length + 1);
      for (const line of lines) assert.doesNotMatch(line, OBEYED);
    }),
    { seed: 39, numRuns: 500 },
  );
});
