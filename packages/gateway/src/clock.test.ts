import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('what happens again and again goes on until it is disposed of, also by what it does', async () => {
  const done = Promise.withResolvers<undefined>();
  let [endless, once] = [0, 0];
  // What is watched here keeps no process alive.
  const awake = setInterval(() => undefined, 1_000);
  const ending = systemClock.every(20, () => {
    once += 1;
    ending[Symbol.dispose]();
  });
  using _endless = systemClock.every(20, () => {
    endless += 1;
    if (endless === 5) done.resolve(undefined);
  });
  await done.promise;
  clearInterval(awake);
  assert.equal(once, 1);
});
