import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CatalogUpdater, CatalogWriter, type Sighting } from '@enchilada/core/discovery';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import { systemRandom as random } from '../clock.ts';
import { aWorld, FIRST, SECOND } from '../testing/discovery-world.ts';

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

/** The store, with its transactions counted; those that write what is refused fail. */
function watched(store: Store, refused: string) {
  const committed: number[] = [];
  const transaction = async <T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> => {
    const done = await store.transaction(async (tx) => {
      const saveFound: typeof tx.discovery.saveFound = (machines) => {
        assert.ok(!machines.some(({ nativeId }) => nativeId === refused), 'the database refuses it');
        return tx.discovery.saveFound(machines);
      };
      return work({ ...tx, discovery: { ...tx.discovery, saveFound } });
    });
    committed.push(committed.length);
    return done;
  };
  return { store: { ...store, now: store.now, transaction } as unknown as Store, committed };
}

it('what scopes learn while one is written goes together, and what fails fails alone', async () => {
  const world = await aWorld();
  const { store, committed } = watched(world.store, 'bad');
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
  assert.equal(committed.length, 2, 'the first alone, the two that waited for it together');

  const outcomes = await Promise.allSettled([write('four', FIRST), write('bad', SECOND), write('five', FIRST)]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const names = (await world.targets()).map(({ name }) => name).sort();
  assert.deepEqual(names, ['five', 'four', 'one', 'three', 'two']);
  await write('six', FIRST);
});
