import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileEntry } from '@enchilada/contract';
import { NOTHING, selectionOf, toggled, type Selection } from './selection.ts';

const shown = Array.from('abcdef', (raw): FileEntry => ({ name: raw, raw, kind: 'file' }));
const chosen = ({ raw }: Selection): string => [...raw].toSorted().join('');

test('entries are chosen one by one and by ranges, up and down, and let go of in the same way', () => {
  const one = toggled(NOTHING, 'b', { range: false, shown });
  assert.equal(chosen(one), 'b');
  const range = toggled(one, 'e', { range: true, shown });
  assert.equal(chosen(range), 'bcde');
  assert.equal(chosen(toggled(range, 'c', { range: true, shown })), 'b');
  assert.equal(chosen(toggled(toggled(range, 'f', { range: false, shown }), 'd', { range: false, shown })), 'bcef');
  assert.equal(chosen(toggled(one, 'a', { range: true, shown })), 'ab');
  assert.equal(chosen(toggled(NOTHING, 'c', { range: true, shown })), 'c');
  assert.equal(chosen(selectionOf(shown)), 'abcdef');
});

test('a range whose beginning is no longer shown is this one alone', () => {
  const gone = toggled(NOTHING, 'z', { range: false, shown });
  assert.equal(chosen(toggled(gone, 'c', { range: true, shown })), 'cz');
});
