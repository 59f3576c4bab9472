// R09: whatever duplicates, reordering and losses the queue adds, the catalog ends up equal to the cloud.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import {
  CatalogUpdater,
  CatalogWriter,
  type Delivery,
  type Hint,
  type MachineState,
  processDeliveries,
  sweepScope,
} from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import { CloudSimulator } from '@enchilada/core/testing/cloud-simulator';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { systemRandom as random } from '../clock.ts';

const HISTORIES = process.env['TEST_SOAK'] === '1' ? 10_000 : 40;
const INSTANCES = 50;
const SCOPES = ['eu-west-1', 'eu-west-2'].map((region) => ({ account: '111111111111', region, accountName: 'One' }));

/** Numerical Recipes' generator: a failing history is named by its seed and can be run again. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const NEXT: Readonly<Record<MachineState, readonly MachineState[]>> = {
  pending: ['running', 'running', 'terminated'],
  running: ['running', 'stopping', 'terminated'],
  stopping: ['stopped'],
  stopped: ['pending', 'terminated'],
  terminated: [],
};

/** One history: the cloud lives on while its events come duplicated, out of order, and not all. */
async function live(store: Store, seed: number, lossPercent: number): Promise<void> {
  const pick = generator(seed);
  let now = 1_800_000_000_000;
  const timer = { [Symbol.dispose]: () => undefined };
  const clock = { now: () => now, monotonicMs: () => now, after: () => timer, every: () => timer };
  const cloud = new CloudSimulator(SCOPES, () => now);
  const record = aSource();
  await store.now.discovery.insertSource(record);
  await store.now.discovery.noteScopes(record.id, SCOPES);
  const projection = { protocols: { linux: 'proto' }, portOf: () => 22 };
  const updater = new CatalogUpdater({ clock, random, projection });
  const writer = new CatalogWriter(store, updater);
  const { signal } = new AbortController();

  let queue: Hint[] = [];
  const tell = (id: string): void => {
    const machine = cloud.machines.get(id);
    if (machine === undefined || pick(100) < lossPercent) return;
    const hint = {
      eventId: `${seed}-${now}-${id}`,
      scope: machine.scope,
      nativeId: id,
      at: now,
      claimed: machine.facts.state,
    };
    for (let copies = pick(100) < 30 ? 2 : 1; copies > 0; copies--)
      queue.splice(Math.max(0, queue.length - pick(200)), 0, hint);
  };
  const drain = async (most: number): Promise<void> => {
    const again: Hint[] = [];
    const deliveries = queue.splice(0, most).map((hint): Delivery => ({
      hints: [hint],
      attempt: 1,
      acknowledge: () => Promise.resolve(),
      retry: () => Promise.resolve(void again.push(hint)),
    }));
    const scopes = await store.now.discovery.listScopes(record.id);
    const parts = {
      clock,
      writer,
      scopes: () => scopes,
      refused: assert.fail,
      unreadable: assert.fail,
      report: assert.fail,
    };
    await processDeliveries(parts, { record, source: cloud, deliveries }, signal);
    queue = [...again, ...queue];
  };

  for (let index = 0; index < INSTANCES; index++) {
    const id = `i-${seed}-${index}`;
    cloud.put(SCOPES[pick(2)] ?? assert.fail(), id, { state: 'pending', privateAddresses: [`10.0.0.${index}`] });
    tell(id);
  }
  for (let step = 0; step < INSTANCES * 3; step++) {
    now += pick(20_000);
    const machine = cloud.machines.get(`i-${seed}-${pick(INSTANCES)}`);
    const states = machine === undefined ? [] : NEXT[machine.facts.state];
    const state = states[pick(states.length)];
    if (machine === undefined || state === undefined) continue;
    const address = state === 'pending' ? { publicAddresses: [`192.0.2.${pick(250)}`] } : {};
    cloud.put(machine.scope, machine.nativeId, { state, ...address });
    tell(machine.nativeId);
    if (pick(10) === 0) await drain(pick(60));
  }
  now += 120_000;
  while (queue.length > 0) await drain(500);
  if (lossPercent > 0) {
    for (const scope of await store.now.discovery.listScopes(record.id)) {
      const { outcome } = await sweepScope({ store, clock, updater }, { record, source: cloud, scope }, signal);
      assert.equal(outcome, 'complete');
    }
  }

  const targets = new Map((await store.now.catalog.listTargets()).map((target) => [target.labels['cloud:id'], target]));
  for (const { nativeId, facts, scope } of cloud.machines.values()) {
    const target = targets.get(nativeId);
    const isThere = target !== undefined && target.goneAt === undefined;
    assert.equal(isThere, facts.state !== 'terminated', `history ${seed}: ${nativeId} is ${facts.state}`);
    if (!isThere) continue;
    assert.equal(target.labels['cloud:state'], facts.state, `history ${seed}: ${nativeId}`);
    assert.deepEqual([target.host, target.labels['cloud:region']], [facts.privateAddresses[0], scope.region]);
  }
  await store.transaction(async (tx) => {
    for (const target of targets.values()) await tx.catalog.deleteTarget(target.id);
  });
  await store.now.discovery.deleteSource(record.id);
}

for (const [what, lossPercent] of [
  ['events alone, duplicated and out of order,', 0],
  ['events of which a fifth is lost, and one sweep,', 20],
] as const) {
  it(`${what} make the catalog equal to the cloud in every history`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'enchilada-convergence-'));
    {
      await using store = sqlite({ file: join(directory, 'catalog.db') });
      await store.migrate();
      for (let seed = 1; seed <= HISTORIES / 2; seed++) await live(store, seed, lossPercent);
    }
    await rm(directory, { recursive: true });
  });
}
