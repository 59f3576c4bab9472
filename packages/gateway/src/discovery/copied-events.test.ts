// Queues deliver at least once. What was taken in is known by its event and machine, and a copy of it asks the cloud nothing.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CatalogWriter, type Hint, processDeliveries } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { systemRandom as random } from '../clock.ts';
import { Settlements } from '../settlement/settlements.ts';
import { aDelivery, aHint, aWorld, FIRST, refusing, SECOND, type World } from '../testing/discovery-world.ts';
import { purgeGone } from './purge.ts';

const DAY_MS = 24 * 3_600_000;

/** How a message with these hints ended, and how often the cloud was asked for it. */
async function taken(world: World, ...hints: readonly Hint[]): Promise<readonly [string, number]> {
  const { delivery, how } = aDelivery(hints);
  const before = world.cloud.calls;
  await world.process([delivery]);
  return [how(), world.cloud.calls - before];
}

it('a copy of an event that was taken in costs no look, and keeps no newer event from being taken in', async () => {
  const world = await aWorld();
  world.cloud.put(FIRST, 'i-1');
  const event = aHint('i-1', world.now(), { claimed: 'running' });
  assert.deepEqual(await taken(world, event), ['acknowledged', 1]);
  assert.deepEqual(await taken(world, event), ['acknowledged', 0]);
  // The machine moves on: in whatever order the copy and the event of it come, the event is looked at.
  world.wait(1_000);
  world.cloud.put(FIRST, 'i-1', { privateAddresses: ['10.0.0.2'] });
  assert.deepEqual(await taken(world, event, aHint('i-1', world.now())), ['acknowledged', 1]);
  assert.equal((await world.target('i-1')).host, '10.0.0.2');
  world.wait(1_000);
  world.cloud.state('i-1', 'terminated');
  const ended = aHint('i-1', world.now(), { claimed: 'terminated' });
  assert.deepEqual(await taken(world, ended), ['acknowledged', 1]);
  assert.deepEqual(await taken(world, event, ended), ['acknowledged', 0]);
  const { copies, done } = await world.process([aDelivery([event, ended]).delivery]);
  assert.deepEqual([copies, done], [2, 1]);
  assert.deepEqual(await world.targets(), []);
});

it('an event whose machine could not be read, or was shown as it was before, is looked at again', async () => {
  const world = await aWorld();
  world.cloud.put(FIRST, 'i-1');
  const event = aHint('i-1', world.now(), { claimed: 'stopped' });
  world.cloud.failure = { page: 0, fault: new Fault('DISCOVERY_THROTTLED', 'slower') };
  assert.deepEqual(await taken(world, event), ['retried', 1]);
  world.cloud.failure = undefined;
  assert.deepEqual(await taken(world, event), ['retried', 1], 'the answer is older than the event');
  world.cloud.state('i-1', 'stopped');
  assert.deepEqual(await taken(world, event), ['acknowledged', 1]);
  assert.deepEqual(await taken(world, event), ['acknowledged', 0]);
});

it('where another event makes an answer doubtful, nothing is written of the machine and nothing noted', async () => {
  const world = await aWorld();
  world.cloud.put(FIRST, 'i-1');
  const [believed, doubted] = [
    aHint('i-1', world.now(), { claimed: 'running' }),
    aHint('i-1', world.now(), { claimed: 'stopped' }),
  ];
  const messages = [aDelivery([believed]), aDelivery([doubted])];
  await world.process(messages.map(({ delivery }) => delivery));
  assert.deepEqual(
    messages.map(({ how }) => how()),
    ['acknowledged', 'retried'],
  );
  assert.deepEqual(await world.targets(), []);
  assert.deepEqual(await taken(world, believed), ['acknowledged', 1]);
  assert.equal((await world.targets()).length, 1);
});

it('of an event that names several machines, those come again that could not be written', async () => {
  const world = await aWorld();
  const { store, clock, cloud, record, updater } = world;
  for (const id of ['i-1', 'i-2', 'i-3']) cloud.put(FIRST, id);
  const { eventId } = aHint('i-1', world.now());
  const hints = ['i-1', 'i-2', 'i-3'].map((id) => aHint(id, world.now(), { eventId }));
  const { delivery, how } = aDelivery(hints);
  const scopes = await world.scopes();
  await processDeliveries(
    {
      ...{ clock, writer: new CatalogWriter(refusing(store, 'i-2'), updater), inbox: store.now.discovery },
      ...{ scopes: () => scopes, refused: assert.fail, unreadable: assert.fail, failed: () => undefined },
      report: assert.fail,
    },
    { record, source: cloud, deliveries: [delivery] },
    new AbortController().signal,
  );
  assert.equal(how(), 'retried');
  assert.deepEqual(
    [...(await store.now.discovery.notedHints(record.id, hints))].map(({ nativeId }) => nativeId),
    ['i-1', 'i-3'],
  );
  assert.deepEqual(await taken(world, ...hints), ['acknowledged', 1]);
  assert.equal((await world.targets()).length, 3);
  assert.deepEqual(await taken(world, ...hints), ['acknowledged', 0]);
});

it('an event of the same name is another one in another account and for another source', async () => {
  const world = await aWorld();
  world.cloud.put(FIRST, 'i-1');
  world.cloud.put(SECOND, 'i-2');
  const event = aHint('i-1', world.now());
  assert.deepEqual(await taken(world, event), ['acknowledged', 1]);
  assert.deepEqual(await taken(world, { ...event, scope: SECOND }), ['acknowledged', 1]);
  assert.deepEqual(await world.store.now.discovery.notedHints(aSource().id, [event]), new Set());
});

it('a database that does not say what was taken in costs a look and loses nothing', async () => {
  const world = await aWorld();
  const { store, clock, cloud, record, updater } = world;
  cloud.put(FIRST, 'i-1');
  const event = aHint('i-1', world.now());
  assert.deepEqual(await taken(world, event), ['acknowledged', 1]);
  const { delivery, how } = aDelivery([event]);
  const said: string[] = [];
  const scopes = await world.scopes();
  await processDeliveries(
    {
      ...{ clock, writer: new CatalogWriter(store, updater), scopes: () => scopes },
      inbox: { notedHints: () => Promise.reject(new Fault('STORE_UNAVAILABLE', 'the database is away')) },
      ...{ refused: assert.fail, unreadable: assert.fail, failed: assert.fail },
      report: (message) => said.push(message),
    },
    { record, source: cloud, deliveries: [delivery] },
    new AbortController().signal,
  );
  assert.deepEqual([how(), cloud.calls, said.length], ['acknowledged', 2, 1]);
});

it('what was taken in is forgotten when no queue has copies of it any more', async () => {
  const world = await aWorld();
  const { store, clock } = world;
  const audit = { append: () => assert.fail('nothing left for good') };
  const settlements = new Settlements({ store, audit, clock, random });
  const purge = () => purgeGone({ store, settlements, clock, nodeId: 'one' });
  world.cloud.put(FIRST, 'i-1');
  const event = aHint('i-1', world.now());
  await taken(world, event);
  world.wait(14 * DAY_MS);
  await purge();
  assert.deepEqual(await taken(world, event), ['acknowledged', 0]);
  world.wait(DAY_MS + 1);
  await purge();
  assert.deepEqual(await taken(world, event), ['acknowledged', 1]);
});
