import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aDelivery, aHint, aWorld, FIRST } from '../testing/discovery-world.ts';

const HOUR_MS = 3_600_000;
const queue = { receive: () => Promise.resolve([]), [Symbol.asyncDispose]: () => Promise.resolve() };

it('a machine that was launched while we were looking, and that no event announced, is said of its scope', async () => {
  for (const [hasQueue, launchedAgo, isSaid] of [
    [true, HOUR_MS / 2, true],
    [true, 1_000, false],
    [true, 2 * HOUR_MS, false],
    [false, HOUR_MS / 2, false],
  ] as const) {
    const world = await aWorld();
    if (hasQueue) world.cloud.hints = queue;
    world.cloud.put(FIRST, 'i-old', { launchedAt: world.now() - HOUR_MS });
    await world.sweep();
    assert.equal((await world.scopes())[0]?.unannouncedAt, undefined, 'the first listing was told of nothing');
    world.wait(HOUR_MS);
    world.cloud.put(FIRST, 'i-new', { launchedAt: world.now() - launchedAgo });
    await world.sweep();
    assert.equal((await world.scopes())[0]?.unannouncedAt !== undefined, isSaid, `${hasQueue} ${launchedAgo}`);
  }
});

it('how late the last event came is kept, and a cloud whose clock is ahead makes no later event look old', async () => {
  const world = await aWorld();
  world.cloud.put(FIRST, 'i-1');
  const process = async (at: number) => {
    const { delivery, how } = aDelivery([aHint('i-1', at, { claimed: 'terminated' })]);
    await world.process([delivery]);
    const [scope] = await world.scopes();
    return [how(), scope?.lastEventAt, scope?.eventLagMs];
  };
  const late = world.now() - HOUR_MS;
  assert.deepEqual(await process(late), ['acknowledged', late, HOUR_MS]);
  // Taken for what it is, a hint: the machine runs, and nobody waits until that clock has come.
  assert.deepEqual(await process(world.now() + 24 * HOUR_MS), ['acknowledged', world.now(), 0]);
  world.wait(1_000);
  assert.deepEqual(await process(world.now() - 500), ['retried', world.now() - 500, 500]);
  assert.equal((await world.targets()).length, 1);
});
