import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import type { Clock } from '@enchilada/core/time';
import { collectWhenQuiet, isDue } from './collect-when-quiet.ts';

const LITTER_BYTES = 64 * 1024 * 1024;

/** A clock whose one period the test lets pass. */
function steppedClock(): { readonly clock: Pick<Clock, 'every'>; readonly pass: () => void } {
  let work: () => void = () => undefined;
  return {
    clock: { every: (_periodMs, given) => ((work = given), { [Symbol.dispose]: () => undefined }) },
    pass: () => {
      work();
    },
  };
}

it('is due where much was left behind, and never while the event loop is busy', () => {
  assert.equal(isDue(0.01, 64 * 1024 * 1024), true);
  assert.equal(isDue(0.5, 640 * 1024 * 1024), false);
  assert.equal(isDue(0.01, 1024 * 1024), false);
});

it('gives back what a busy minute left behind', { timeout: 30_000 }, async () => {
  const { clock, pass } = steppedClock();
  using _ = collectWhenQuiet(clock);
  await rest(100);
  pass();
  const held = Array.from({ length: 64 }, () => new Uint8Array(LITTER_BYTES / 64).fill(1));
  assert.ok(process.memoryUsage().arrayBuffers >= LITTER_BYTES);
  held.length = 0;
  const left = new WeakRef({});
  // What was just made is held until the turn is over, and a period must have been quiet.
  do {
    await rest(100);
    pass();
    await rest(1);
  } while (left.deref() !== undefined || process.memoryUsage().arrayBuffers > LITTER_BYTES / 2);
});
