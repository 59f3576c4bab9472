import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CatalogUpdater, CatalogWriter, type Sighting } from '@enchilada/core/discovery';
import { systemRandom as random } from '../clock.ts';
import { aWorld, FIRST, refusing, SECOND } from '../testing/discovery-world.ts';

const machine = (nativeId: string): Sighting => ({
  nativeId,
  observedAt: 1,
  facts: {
    name: nativeId,
    platform: 'linux',
    state: 'running',
    privateAddresses: ['10.0.0.1'],
    publicAddresses: [],
    tags: {},
  },
});

it('what scopes learn while one is written goes together, and what fails fails alone', async () => {
  const world = await aWorld();
  const store = refusing(world.store, 'bad');
  const updater = new CatalogUpdater({
    clock: world.clock,
    random,
    projection: { protocols: { linux: 'proto' }, portOf: () => 22 },
  });
  const writer = new CatalogWriter(store, updater);
  const write = (nativeId: string, scope: typeof FIRST) =>
    writer.write({ source: world.record, scope, cause: 'event', sightings: [machine(nativeId)] });
  const together = await Promise.all([write('one', FIRST), write('two', FIRST), write('three', SECOND)]);
  assert.deepEqual(
    together.map((changes) => changes.map(({ kind, nativeId }) => [kind, nativeId])),
    [[['appeared', 'one']], [['appeared', 'two']], [['appeared', 'three']]],
  );
  assert.equal(store.commits(), 2, 'the first alone, the two that waited for it together');

  const outcomes = await Promise.allSettled([write('four', FIRST), write('bad', SECOND), write('five', FIRST)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const names = (await world.targets()).map(({ name }) => name).sort();
  assert.deepEqual(names, ['five', 'four', 'one', 'three', 'two']);
  await write('six', FIRST);
});
