import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import {
  CatalogUpdater,
  CatalogWriter,
  type Delivery,
  type Hint,
  processDeliveries,
  type Rule,
  type ScopeRecord,
  type SourceRecord,
  sweepRetired,
  sweepScope,
  takeListing,
} from '@enchilada/core/discovery';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import type { Target } from '@enchilada/core/target';
import { CloudSimulator } from '@enchilada/core/testing/cloud-simulator';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { systemRandom as random } from '../clock.ts';

const SCOPES = [
  { account: '111111111111', region: 'eu-west-1', accountName: 'Payments' },
  { account: '222222222222', region: 'eu-west-1', accountName: 'Shop' },
];
export const [FIRST, SECOND] = SCOPES as [(typeof SCOPES)[0], (typeof SCOPES)[0]];
const directory = await mkdtemp(join(tmpdir(), 'enchilada-reconcile-'));
after(() => rm(directory, { recursive: true, force: true }));
let database = 0;

/** A catalog, a cloud and a clock that goes on when told to. */
export async function aWorld(rules: readonly Rule[] = [], fields: Partial<SourceRecord> = {}) {
  const store: Store = sqlite({ file: join(directory, `${database++}.db`) });
  await store.migrate();
  const clock = new StandingClock(1_800_000_000_000);
  const cloud = new CloudSimulator(SCOPES, () => clock.time);
  const record = aSource({ name: 'cloud', ...fields });
  await store.now.discovery.insertSource(record);
  await store.now.discovery.noteScopes(record.id, SCOPES);
  await store.now.discovery.saveRules(rules, 0);
  const world = {
    store,
    cloud,
    record,
    wait: (ms: number) => {
      clock.time += ms;
    },
    now: () => clock.time,
    async scopes(): Promise<readonly ScopeRecord[]> {
      return store.now.discovery.listScopes(record.id);
    },
    async list() {
      return takeListing({ store, clock }, record.id, await cloud.scopes());
    },
    async sweep(account = FIRST.account) {
      clock.time += 1_000;
      const scope = (await world.scopes()).find((candidate) => candidate.account === account);
      assert.ok(scope);
      const subject = { record, source: cloud, scope };
      if (scope.retiredAt !== undefined) return sweepRetired({ store, clock, updater }, subject);
      return sweepScope({ store, clock, updater }, subject, new AbortController().signal);
    },
    async process(deliveries: readonly Delivery[]) {
      const scopes = await world.scopes();
      return processDeliveries(
        {
          clock,
          writer: new CatalogWriter(store, updater),
          inbox: store.now.discovery,
          scopes: () => scopes,
          refused: (hint) => refused.push(hint),
          unreadable: () => undefined,
          failed: () => undefined,
          report: () => undefined,
        },
        { record, source: cloud, deliveries },
        new AbortController().signal,
      );
    },
    async targets(): Promise<readonly Target[]> {
      const all = await store.now.catalog.listTargets();
      return all.filter(({ goneAt }) => goneAt === undefined);
    },
    async target(name: string): Promise<Target> {
      const [target] = await store.now.catalog.findTargetsByName([name]);
      assert.ok(target, `there is no target ${name}`);
      return target;
    },
  };
  const refused: Hint[] = [];
  const updater = new CatalogUpdater({
    clock,
    random,
    projection: { protocols: { linux: 'proto', windows: 'desk' }, portOf: () => 22 },
  });
  return { ...world, refused, clock, updater };
}
export type World = Awaited<ReturnType<typeof aWorld>>;

export interface Ended {
  readonly delivery: Delivery;
  readonly how: () => 'open' | 'acknowledged' | 'retried';
}

export function aDelivery(hints: readonly Hint[], problem?: string): Ended {
  let how: 'open' | 'acknowledged' | 'retried' = 'open';
  const end = (next: typeof how) => () => {
    assert.equal(how, 'open', 'a message is ended once');
    how = next;
    return Promise.resolve();
  };
  const delivery = {
    hints,
    attempt: 1,
    acknowledge: end('acknowledged'),
    retry: end('retried'),
    ...(problem === undefined ? {} : { problem }),
  };
  return { delivery, how: () => how };
}

/** The store as the writer sees it, where the database refuses to write one machine. */
export function refusing(
  store: Store,
  refused: string,
): Pick<Store, 'transaction'> & { readonly commits: () => number } {
  let commits = 0;
  return {
    commits: () => commits,
    async transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
      const done = await store.transaction((tx) => {
        const saveFound: typeof tx.discovery.saveFound = (machines) => {
          if (machines.some(({ nativeId }) => nativeId === refused))
            throw new Error(`the database refuses to write ${refused}`);
          return tx.discovery.saveFound(machines);
        };
        return work({ ...tx, discovery: { ...tx.discovery, saveFound } });
      });
      commits++;
      return done;
    },
  };
}

let events = 0;
export const aHint = (nativeId: string, at: number, fields: Partial<Hint> = {}): Hint => ({
  eventId: `event-${events++}`,
  scope: FIRST,
  nativeId,
  at,
  ...fields,
});
