import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CatalogUpdater, CatalogWriter, type Sighting } from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import { systemRandom as random } from '../clock.ts';
import { aWorld, FIRST, refusing, SECOND, type World } from '../testing/discovery-world.ts';

const machine = (nativeId: string, { observedAt = 1, name = nativeId, address = '10.0.0.1' } = {}): Sighting => ({
  nativeId,
  observedAt,
  facts: { name, platform: 'linux', state: 'running', privateAddresses: [address], publicAddresses: [], tags: {} },
});

const updaterOf = ({ clock }: World): CatalogUpdater =>
  new CatalogUpdater({ clock, random, projection: { protocols: { linux: 'proto' }, portOf: () => 22 } });

/** The store, and every call that is made inside of its transactions. */
function listening(store: Store): Pick<Store, 'transaction'> & { readonly calls: string[] } {
  const calls: string[] = [];
  const heard = <T extends object>(part: T, name: string): T =>
    new Proxy(part, {
      get(target, key) {
        calls.push(`${name}.${String(key)}`);
        return Reflect.get(target, key) as unknown;
      },
    });
  return {
    calls,
    transaction: (work) =>
      store.transaction((tx) =>
        work({ ...tx, catalog: heard(tx.catalog, 'catalog'), discovery: heard(tx.discovery, 'discovery') }),
      ),
  };
}

it('what scopes learn while one is written goes together, and what fails fails alone', async () => {
  const world = await aWorld();
  const store = refusing(world.store, 'bad');
  const writer = new CatalogWriter(store, updaterOf(world));
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

it('what several scopes have learnt asks the database as often as what one has', async () => {
  const world = await aWorld();
  const store = listening(world.store);
  const updater = updaterOf(world);
  const news = (nativeId: string, scope: typeof FIRST) =>
    ({ source: world.record, scope, cause: 'event', sightings: [machine(nativeId)] }) as const;
  const calls = async (...all: readonly ReturnType<typeof news>[]): Promise<readonly string[]> => {
    await store.transaction((tx) => updater.applyAll(tx, all));
    return store.calls.splice(0);
  };
  // With these their groups are there.
  await calls(news('zero', FIRST), news('zero', SECOND));
  assert.deepEqual(await calls(news('one', FIRST), news('two', SECOND)), await calls(news('three', FIRST)));
});

it('machines of two scopes that want one name in one transaction get two', async () => {
  const world = await aWorld();
  const updater = updaterOf(world);
  const news = (nativeId: string, scope: typeof FIRST) =>
    ({ source: world.record, scope, cause: 'event', sightings: [machine(nativeId, { name: 'web' })] }) as const;
  const brought = await world.store.transaction((tx) =>
    updater.applyAll(tx, [news('i-1', FIRST), { ...news('i-2', SECOND), source: { ...world.record, id: 'src_none' } }]),
  );
  assert.deepEqual(
    brought.map((changes) => changes.length),
    [1, 0],
    'a source that is no more brings nothing',
  );
  const [first = [], second = []] = await world.store.transaction((tx) =>
    updater.applyAll(tx, [news('i-3', FIRST), news('i-4', SECOND)]),
  );
  assert.deepEqual(
    [first, second].flat().map(({ account, nativeId }) => [account, nativeId]),
    [
      [FIRST.account, 'i-3'],
      [SECOND.account, 'i-4'],
    ],
  );
  const names = (await world.targets()).map(({ name }) => name).sort();
  assert.deepEqual(names, ['web', 'web (i-3)', 'web (i-4)']);
});

it('one native id in two scopes is two machines, each with its own address', async () => {
  const world = await aWorld();
  const updater = updaterOf(world);
  const see = (observedAt: number, addresses: readonly [string, string]) =>
    world.store.transaction((tx) =>
      updater.applyAll(
        tx,
        [FIRST, SECOND].map((scope, index) => ({
          ...{ source: world.record, scope, cause: 'event' as const },
          sightings: [machine('i-1', { observedAt, address: addresses[index] ?? '' })],
        })),
      ),
    );
  const hosts = async (): Promise<readonly string[]> =>
    (await world.targets()).map(({ labels, host }) => `${labels['cloud:account'] ?? ''} ${host}`).sort();
  await see(1, ['10.0.0.1', '10.9.0.1']);
  assert.deepEqual(await hosts(), [`${FIRST.account} 10.0.0.1`, `${SECOND.account} 10.9.0.1`]);
  await see(2, ['10.0.0.2', '10.9.0.2']);
  assert.deepEqual(await hosts(), [`${FIRST.account} 10.0.0.2`, `${SECOND.account} 10.9.0.2`]);
});

it('no name of a file or a machine makes one machine of two', async () => {
  const world = await aWorld();
  const updater = updaterOf(world);
  const see = (observedAt: number, machines: readonly (readonly [account: string, id: string, address: string])[]) =>
    world.store.transaction((tx) =>
      updater.applyAll(
        tx,
        machines.map(([account, nativeId, address]) => ({
          ...{ source: world.record, scope: { account, region: 'all', accountName: account }, cause: 'event' as const },
          sightings: [machine(nativeId, { observedAt, address })],
        })),
      ),
    );
  await see(1, [['f all', 'z', '10.0.0.1']]);
  await see(2, [
    ['f', 'all z', '10.6.6.6'],
    ['f all', 'z', '10.0.0.1'],
  ]);
  assert.deepEqual(
    (await world.targets()).map(({ labels, host }) => `${labels['cloud:account'] ?? ''} ${host}`).sort(),
    ['f 10.6.6.6', 'f all 10.0.0.1'],
  );
});

it('what is learnt of a scope twice in one transaction ends as the newer says', async () => {
  const world = await aWorld();
  const updater = updaterOf(world);
  const news = (observedAt: number, address: string) =>
    ({
      source: world.record,
      scope: FIRST,
      cause: 'event',
      sightings: [machine('i-1', { observedAt, address })],
    }) as const;
  const brought = await world.store.transaction((tx) =>
    updater.applyAll(tx, [news(1, '10.0.0.1'), news(3, '10.0.0.3'), news(2, '10.0.0.2')]),
  );
  assert.deepEqual(
    brought.map((changes) => changes.map(({ kind }) => kind)),
    [['appeared'], ['changed'], []],
  );
  assert.deepEqual(
    (await world.targets()).map(({ host }) => host),
    ['10.0.0.3'],
  );
});
