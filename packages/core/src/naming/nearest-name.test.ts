import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearestName } from './index.ts';

const COMMANDS = ['targets', 'sessions', 'recordings', 'audit', 'user', 'ls'];

test('a slip of the fingers finds the name that was meant', () => {
  for (const [typed, meant] of [
    ['tragets', 'targets'],
    ['target', 'targets'],
    ['Sesions', 'sessions'],
    ['recrodigns', 'recordings'],
    ['aduit', 'audit'],
    ['users', 'user'],
    ['sl', 'ls'],
  ] as const)
    assert.equal(nearestName(typed, COMMANDS), meant, typed);
});

test('a word that only shares letters with a name is not taken for it', () => {
  for (const typed of ['help', 'machines', 'x', '', 'delete-everything', 'auto', 'lq9'])
    assert.equal(nearestName(typed, COMMANDS), undefined, typed);
});

test('more than a third of a name is never changed, but for one letter of a short one', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-m]{4,20}$/u), fc.stringMatching(/^[n-z]{4,20}$/u), (typed, known) => {
      assert.equal(nearestName(typed, [known]), undefined);
      assert.equal(nearestName(known.slice(0, -1), [known]), known);
    }),
    { seed: 7, numRuns: 500 },
  );
});
