import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aDelivery, aHint, aWorld, FIRST } from '../testing/discovery-world.ts';

it('an answer that lacks the tags of its event is asked for again, and what else it says holds', async () => {
  const world = await aWorld([], { protectedTags: ['team'] });
  const { cloud } = world;
  cloud.put(FIRST, 'web', { tags: { team: 'a', old: 'x' } });
  await world.sweep();
  const tell = async (at = world.now()) => {
    const message = aDelivery([aHint('web', at, { claimedTags: { team: 'b', old: undefined } })]);
    await world.process([message.delivery]);
    return message.how();
  };
  world.wait(1_000);
  cloud.put(FIRST, 'web', { state: 'stopped' });
  const happened = world.now();
  assert.equal(await tell(happened), 'retried');
  const before = await world.target('web');
  assert.deepEqual([before.labels['team'], before.labels['cloud:state']], ['a', 'stopped']);
  world.wait(5_000);
  cloud.put(FIRST, 'web', { tags: { team: 'b', old: 'x' } });
  assert.equal(await tell(happened), 'retried', 'one that was taken away is still there');
  world.wait(5_000);
  cloud.put(FIRST, 'web', { tags: { team: 'b' } });
  assert.equal(await tell(happened), 'acknowledged');
  assert.equal((await world.target('web')).labels['team'], 'b');
  cloud.put(FIRST, 'web', { tags: { team: 'c' } });
  assert.equal(await tell(world.now() - 120_000), 'acknowledged', 'an old event is no reason to doubt');
});
