import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Delivery } from '@enchilada/core/discovery';
import { aHint, aWorld, SECOND } from '../testing/discovery-world.ts';

it('an event of an account that is refused waits longer each time, up to a bound, and keeps no other waiting', async () => {
  const world = await aWorld();
  const pauses: number[] = [];
  let acknowledged = 0;
  const delivery = (hint: Delivery['hints'][number], attempt: number): Delivery => ({
    hints: [hint],
    attempt,
    acknowledge: () => Promise.resolve(void acknowledged++),
    retry: (afterMs) => Promise.resolve(void pauses.push(afterMs)),
  });
  const refused = { account: '333333333333', region: 'eu-west-1' };
  const attempts = Array.from({ length: 20 }, (_, index) => index + 1);
  const result = await world.process([
    ...attempts.map((attempt) => delivery(aHint('i-1', world.now(), { scope: refused }), attempt)),
    delivery(aHint('i-2', world.now(), { scope: SECOND, claimed: 'terminated' }), 1),
  ]);
  assert.deepEqual([result.retried, result.done, acknowledged], [attempts.length, 1, 1]);
  const growing = pauses.filter((pause, index) => pause > (pauses[index - 1] ?? 0));
  assert.ok(growing.length > 2, JSON.stringify(pauses));
  assert.deepEqual(pauses, [...growing, ...pauses.slice(growing.length).fill(growing.at(-1) ?? 0)]);
  assert.equal(pauses.length, attempts.length);
});
