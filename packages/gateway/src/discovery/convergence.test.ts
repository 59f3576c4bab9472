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
  type SourceRecord,
  sweepScope,
} from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import { CloudSimulator } from '@enchilada/core/testing/cloud-simulator';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { systemRandom as random } from '../clock.ts';

/** Of each of the two tests. A part of them is run by its first and last, `TEST_SOAK_HISTORIES=1001-2000`. */
const SOAK = process.env['TEST_SOAK'] === '1';
const [FIRST = 1, LAST = SOAK ? 5_000 : 20] = process.env['TEST_SOAK_HISTORIES']?.split('-').map(Number) ?? [];
const INSTANCES = 50;
const STEPS = INSTANCES * 3;
const DUPLICATES_PERCENT = 30;
const REORDERED_OVER = 200;
const SCOPES = ['eu-west-1', 'eu-west-2'].map((region) => ({ account: '111111111111', region, accountName: 'One' }));
const projection = { protocols: { linux: 'proto' }, portOf: () => 22 };
const { signal } = new AbortController();

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

/** What happened in one cloud, and which events of it came: some twice, out of order, and not all. */
class History {
  readonly clock = new StandingClock(1_800_000_000_000);
  readonly cloud = new CloudSimulator(SCOPES, () => this.clock.time);
  readonly record: SourceRecord = aSource();
  readonly #store: Store;
  readonly #seed: number;
  readonly #lossPercent: number;
  readonly #pick: (below: number) => number;
  readonly #updater = new CatalogUpdater({ clock: this.clock, random, projection });
  #queue: Hint[] = [];
  #launched = 0;
  #told = 0;

  constructor(store: Store, seed: number, lossPercent: number) {
    this.#store = store;
    this.#seed = seed;
    this.#lossPercent = lossPercent;
    this.#pick = generator(seed);
  }

  async live(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      this.clock.time += this.#pick(20_000);
      // Launches go on while others already end.
      if (this.#launched < INSTANCES && this.#pick(2) === 0) this.#launch();
      else this.#happen();
      if (this.#pick(15) === 0) await this.#drain(this.#pick(90));
    }
    while (this.#launched < INSTANCES) this.#launch();
    this.clock.time += 120_000;
    while (this.#queue.length > 0) await this.#drain(500);
  }

  async sweep(): Promise<void> {
    const parts = { store: this.#store, clock: this.clock, updater: this.#updater };
    for (const scope of await this.#store.now.discovery.listScopes(this.record.id)) {
      const { outcome } = await sweepScope(parts, { record: this.record, source: this.cloud, scope }, signal);
      assert.equal(outcome, 'complete');
    }
  }

  #launch(): void {
    const id = `i-${this.#seed}-${this.#launched++}`;
    const scope = SCOPES[this.#pick(2)] ?? assert.fail();
    this.cloud.put(scope, id, { state: 'pending', privateAddresses: [this.#address()] });
    this.#tell(id);
  }

  /** A machine goes on to another state, or runs on at another address. */
  #happen(): void {
    const machine = this.cloud.machines.get(`i-${this.#seed}-${this.#pick(INSTANCES)}`);
    const states = machine === undefined ? [] : NEXT[machine.facts.state];
    const state = states[this.#pick(states.length)];
    if (machine === undefined || state === undefined) return;
    const moves = state === 'running' ? { privateAddresses: [this.#address()] } : {};
    this.cloud.put(machine.scope, machine.nativeId, { state, ...moves });
    this.#tell(machine.nativeId);
  }

  /** Few enough that they are used again by others. */
  #address(): string {
    return `10.0.0.${this.#pick(250)}`;
  }

  #tell(id: string): void {
    const machine = this.cloud.machines.get(id);
    if (machine === undefined || this.#pick(100) < this.#lossPercent) return;
    const at = this.clock.time;
    const eventId = `${this.#seed}-${this.#told++}`;
    const hint = { eventId, scope: machine.scope, nativeId: id, at, claimed: machine.facts.state };
    for (let copies = this.#pick(100) < DUPLICATES_PERCENT ? 2 : 1; copies > 0; copies--)
      this.#queue.splice(Math.max(0, this.#queue.length - this.#pick(REORDERED_OVER)), 0, hint);
  }

  async #drain(most: number): Promise<void> {
    const again: Hint[] = [];
    const deliveries = this.#queue.splice(0, most).map((hint): Delivery => ({
      hints: [hint],
      attempt: 1,
      acknowledge: () => Promise.resolve(),
      retry: () => Promise.resolve(void again.push(hint)),
    }));
    const scopes = await this.#store.now.discovery.listScopes(this.record.id);
    const parts = {
      clock: this.clock,
      writer: new CatalogWriter(this.#store, this.#updater),
      inbox: this.#store.now.discovery,
      scopes: () => scopes,
      refused: assert.fail,
      unreadable: assert.fail,
      failed: assert.fail,
      report: assert.fail,
    };
    await processDeliveries(parts, { record: this.record, source: this.cloud, deliveries }, signal);
    this.#queue = [...again, ...this.#queue];
  }
}

async function requireEqual(store: Store, { cloud }: History, seed: number): Promise<void> {
  // By their names, so that what earlier histories left costs nothing.
  const found = await store.now.catalog.findTargetsByName([...cloud.machines.keys()]);
  const targets = new Map(found.map((target) => [target.labels['cloud:id'], target]));
  assert.equal(cloud.machines.size, INSTANCES);
  for (const { nativeId, facts, scope } of cloud.machines.values()) {
    const target = targets.get(nativeId);
    const isThere = target !== undefined && target.goneAt === undefined;
    assert.equal(isThere, facts.state !== 'terminated', `history ${seed}: ${nativeId} is ${facts.state}`);
    if (!isThere) continue;
    assert.deepEqual(
      [target.labels['cloud:state'], target.host, target.labels['cloud:region']],
      [facts.state, facts.privateAddresses[0], scope.region],
      `history ${seed}: ${nativeId}`,
    );
  }
}

async function runHistory(store: Store, seed: number, lossPercent: number): Promise<void> {
  const history = new History(store, seed, lossPercent);
  const { record } = history;
  await store.now.discovery.insertSource(record);
  await store.now.discovery.noteScopes(record.id, SCOPES);
  await history.live();
  if (lossPercent > 0) await history.sweep();
  await requireEqual(store, history, seed);
}

for (const [what, lossPercent] of [
  ['events alone, duplicated and out of order,', 0],
  ['events of which a fifth is lost, and one sweep,', 20],
] as const) {
  it(`${what} make the catalog equal to the cloud in every history`, async (test) => {
    const directory = await mkdtemp(join(tmpdir(), 'enchilada-convergence-'));
    let run = 0;
    {
      await using store = sqlite({ file: join(directory, 'catalog.db') });
      await store.migrate();
      for (let seed = FIRST; seed <= LAST; seed++, run++) await runHistory(store, seed, lossPercent);
    }
    assert.ok(run > 0, 'no history was run');
    test.diagnostic(`${run} histories of ${INSTANCES} instances, ${FIRST} to ${LAST}`);
    await rm(directory, { recursive: true });
  });
}
