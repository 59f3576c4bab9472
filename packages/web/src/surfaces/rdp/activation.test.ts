import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takesClipboard } from './activation.ts';

const taken = [
  3, 0, 0, 31, 2, 0xf0, 0x80, 0x68, 0, 1, 3, 0xec, 0x70, 16, 8, 0, 0, 0, 3, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0,
];

test('a machine has taken the clipboard when it says so, and not when it refuses', () => {
  assert.equal(takesClipboard(Uint8Array.from(taken)), true);
  assert.equal(takesClipboard(Uint8Array.from([...taken, ...taken])), true);
  assert.equal(takesClipboard(Uint8Array.from(taken.with(24, 2))), false);
  assert.equal(takesClipboard(Uint8Array.from(taken.slice(0, -1))), false);
  assert.equal(takesClipboard(Uint8Array.from([0, ...taken])), false, 'a picture');
});
