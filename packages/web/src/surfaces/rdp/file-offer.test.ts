import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOffer } from './file-offer.ts';

const file = (name: string, ...folders: readonly string[]) => ({ source: new File(['otters'], name), folders });

test('folders stand in front of what lies in them, each once', () => {
  const { entries } = describeOffer([file('a', 'one', 'two'), file('b', 'one'), file('c')]);
  assert.deepEqual(
    entries.map(({ name, path, source }) => [name, path, source?.size]),
    [
      ['one', undefined, undefined],
      ['two', 'one', undefined],
      ['a', 'one\\two', 6],
      ['b', 'one', 6],
      ['c', undefined, 6],
    ],
  );
});

test('no name is taken for a drive or for folders', () => {
  const { entries } = describeOffer([file('C:\\boot.ini'), file('x', '..\\up')]);
  assert.deepEqual(
    entries.map(({ name, path }) => [name, path]),
    [
      ['C__boot.ini', undefined],
      ['.._up', undefined],
      ['x', '.._up'],
    ],
  );
});

test('what does not fit into a list is told of, and counts for nothing', () => {
  const long = file('n'.repeat(255), 'folder');
  const many = Array.from({ length: 1_002 }, (_, index) => file(`${index}`));
  const { entries, unfit } = describeOffer([long, ...many]);
  assert.equal(entries.length, 1_000);
  assert.equal(entries[0]?.name, '0');
  assert.deepEqual(unfit, [long, ...many.slice(1_000)]);
});
