// What a source would do, said exactly, however large or slow its cloud is.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { type DiscoveryPreview, unlistedIn, wholePreview } from '@enchilada/contract';
import { externalIdOf, type Rule, type SourceRecord } from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import type { Clock } from '@enchilada/core/time';
import { previewView } from '../api/discovery-views.ts';
import { systemClock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from './discovery-service.ts';

const REGION = 'eu-west-1';
const ACCOUNTS = Array.from({ length: 14 }, (_, index) => String(111_111_111_111 + index));
const [FIRST = '', SECOND = ''] = ACCOUNTS;
const EACH = 400;
const running = { Code: 16, Name: 'running' } as const;

interface Site {
  readonly cloud: AwsStandIn;
  readonly store: Store;
  readonly service: DiscoveryService;
  /** What the source was given, with other parameters. */
  readonly record: (parameters: SourceRecord['parameters']) => SourceRecord;
  readonly fill: (account: string, count: number) => void;
}

const idOf = (account: string, index: number): string =>
  `i-${account.slice(-4)}${index.toString(16).padStart(13, '0')}`;

async function atWork(
  parameters: SourceRecord['parameters'],
  work: (site: Site) => Promise<void>,
  clock: Clock = systemClock,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-preview-'));
  {
    await using cloud = await AwsStandIn.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    const saved = aSource({ kind: 'aws', parameters: { regions: [REGION], endpoint: cloud.url, ...parameters } });
    for (const account of ACCOUNTS) cloud.roles.set(account, externalIdOf(saved.id));
    const fill = (account: string, count: number): void => {
      for (let index = 0; index < count; index++)
        cloud.put(account, REGION, {
          InstanceId: idOf(account, index),
          State: running,
          PrivateIpAddress: `10.0.${index >> 8}.${index & 255}`,
        });
    };
    await store.now.discovery.insertSource({ ...saved, enabled: false });
    await using service = new DiscoveryService({
      ...{ store, clock, random, nodeId: 'one', types: [aws({ clock: systemClock })], protocols: { linux: 'proto' } },
      ...{ portOf: () => 22, audit: { append: () => assert.fail('nothing is to be audited') } },
      report: () => undefined,
    });
    const record: Site['record'] = (change) => ({ ...saved, parameters: { ...saved.parameters, ...change } });
    await work({ cloud, store, service, record, fill });
  }
  await rm(directory, { recursive: true });
}

async function whole(
  { service }: Site,
  record: SourceRecord,
  rules: readonly Rule[] = [],
): Promise<readonly DiscoveryPreview[]> {
  const steps: DiscoveryPreview[] = [];
  for await (const step of wholePreview(async (scopes) =>
    previewView(await service.preview(record, { rules, scopes })),
  ))
    steps.push(step);
  return steps;
}

const countsOf = ({ appears, changes, goes, stays, leftOut }: DiscoveryPreview): readonly number[] => [
  appears,
  changes,
  goes,
  stays,
  leftOut,
];

/** Switches the source on and waits until all of it is in the catalog. */
async function swept({ store, service, record }: Site, machines: number): Promise<void> {
  await store.now.discovery.updateSource(record({}));
  await service.refresh();
  await until(async () => (await store.now.catalog.listTargets()).length === machines);
}

describe('a preview', () => {
  it('counts a source of more than 5,000 machines exactly and lists those that go before all others', async () => {
    await atWork({ accounts: ACCOUNTS }, async (site) => {
      for (const account of ACCOUNTS) site.fill(account, EACH);
      const before = (await whole(site, site.record({}))).at(-1);
      assert.ok(before);
      const all = ACCOUNTS.length * EACH;
      assert.ok(all > 5_000);
      assert.deepEqual(countsOf(before), [all, 0, 0, 0, 0]);
      assert.equal(unlistedIn(before), all - before.machines.length);
      assert.deepEqual([before.scopes, before.rest, before.failures], [ACCOUNTS.length, [], []]);

      await swept(site, all);
      for (let index = 0; index < 3; index++) site.cloud.remove(FIRST, REGION, idOf(FIRST, index));
      site.cloud.put(SECOND, REGION, { InstanceId: idOf(SECOND, EACH), State: running, PrivateIpAddress: '10.9.9.9' });
      const after = (await whole(site, site.record({}))).at(-1);
      assert.ok(after);
      assert.deepEqual(countsOf(after), [1, 0, 3, all - 3, 0]);
      assert.deepEqual(
        after.machines.slice(0, 4).map(({ effect }) => effect),
        ['goes', 'goes', 'goes', 'appears'],
      );

      const leaving = (await whole(site, site.record({ accounts: ACCOUNTS.slice(1) }))).at(-1);
      assert.ok(leaving);
      assert.deepEqual(countsOf(leaving), [1, 0, EACH, all - EACH, 0], 'what is in an account that was taken out goes');

      const rule: Rule = { name: 'all', enabled: true, match: { accounts: [SECOND] }, outcome: { group: 'elsewhere' } };
      const moved = (await whole(site, site.record({}), [rule])).at(-1);
      assert.deepEqual(moved?.changes, EACH, 'another group is a change');
      const known = previewView(await site.service.previewKnown(undefined, { rules: [rule], scopes: undefined }));
      assert.deepEqual(countsOf(known), [0, EACH, 0, all - EACH, 0]);
    });
  });

  it('goes on where an answer ends for want of time, until all scopes were looked at once', async () => {
    let at = 0;
    // Each look at the clock is a minute later.
    const clock: Clock = { ...systemClock, monotonicMs: () => (at += 60_000) };
    await atWork(
      { accounts: ACCOUNTS },
      async (site) => {
        for (const account of ACCOUNTS) site.fill(account, 2);
        const steps = await whole(site, site.record({}));
        const far = steps.map(({ scopes, rest }) => [scopes, rest.length] as const);
        assert.ok(steps.length > 1);
        for (const [scopes, rest] of far) assert.equal(scopes + rest, ACCOUNTS.length);
        assert.deepEqual(steps.at(-1)?.rest, []);
        assert.equal(steps.at(-1)?.appears, ACCOUNTS.length * 2);
        const described = site.cloud.calls.filter(({ action }) => action === 'DescribeInstances');
        assert.equal(described.length, ACCOUNTS.length);
        const assumed = site.cloud.calls.filter(({ action }) => action === 'AssumeRole');
        assert.equal(assumed.length, ACCOUNTS.length, 'what an answer learnt serves the next one');
      },
      clock,
    );
  });

  it('goes on in accounts and regions that the source lists, and assumes no role elsewhere', async () => {
    await atWork({ accounts: [FIRST] }, async ({ cloud, service, record, fill }) => {
      fill(FIRST, 2);
      fill(SECOND, 3);
      const scopes = [FIRST, SECOND].map((account) => ({ account, region: REGION, accountName: account }));
      const elsewhere = { account: FIRST, region: 'eu-north-1', accountName: FIRST };
      const said = previewView(await service.preview(record({}), { rules: [], scopes: [...scopes, elsewhere] }));
      assert.deepEqual(countsOf(said), [2, 0, 0, 0, 0]);
      assert.deepEqual(
        said.failures.map(({ account, region }) => `${account} ${region}`),
        [`${SECOND} ${REGION}`, `${FIRST} eu-north-1`],
      );
      assert.equal(cloud.assumed.length, 1, 'the role of the one account that is listed');
    });
  });

  it('says what it could not read and removes nothing there, and what a person took out stays out', async () => {
    await atWork({ accounts: [FIRST, SECOND], regions: [], homeRegion: REGION }, async (site) => {
      site.fill(FIRST, 3);
      site.fill(SECOND, 3);
      await swept(site, 6);
      const [target] = await site.store.now.catalog.listTargets();
      await site.store.now.catalog.deleteTarget(target?.id ?? '');
      site.cloud.denied.add(SECOND);
      const [said] = await whole(site, site.record({}));
      assert.ok(said);
      assert.equal(said.goes, 0);
      assert.equal(said.leftOut + said.stays, 3, 'of the account that can be read');
      assert.ok(said.failures.every(({ account, code }) => account === SECOND && code === 'DISCOVERY_DENIED'));
      assert.ok(said.failures.length > 0);
    });
  });

  it('gives up an account and region that does not answer, and counts all others', async () => {
    // What is to end after a long time ends when the test says so, and no answer ends for want of time.
    const due = new Set<() => void>();
    const clock: Clock = {
      ...systemClock,
      monotonicMs: () => 0,
      after: (_ms, work) => {
        due.add(work);
        return { [Symbol.dispose]: () => void due.delete(work) };
      },
    };
    await atWork(
      { accounts: ACCOUNTS },
      async (site) => {
        for (const account of ACCOUNTS) site.fill(account, 2);
        site.cloud.silent.add(FIRST);
        const steps = whole(site, site.record({}));
        const described = () => site.cloud.calls.filter(({ action }) => action === 'DescribeInstances').length;
        await until(() => described() === ACCOUNTS.length && due.size === 1);
        for (const end of due) end();
        const said = (await steps).at(-1);
        assert.deepEqual([said?.appears, said?.rest], [(ACCOUNTS.length - 1) * 2, []]);
        assert.deepEqual(
          said?.failures.map(({ account, detail }) => [account, /took longer/u.test(detail)]),
          [[FIRST, true]],
        );
      },
      clock,
    );
  });

  it('keeps to the calls a second of an account and region, also beside the source that runs', async () => {
    await atWork({ accounts: [FIRST], callsPerSecond: 4 }, async (site) => {
      site.fill(FIRST, 3_000);
      await site.store.now.discovery.updateSource(site.record({}));
      await Promise.all([site.service.refresh(), whole(site, site.record({})), whole(site, site.record({}))]);
      await until(async () => (await site.store.now.catalog.listTargets()).length === 3_000);
      const times = site.cloud.calls.filter(({ action }) => action === 'DescribeInstances').map(({ at }) => at);
      assert.ok(times.length >= 9);
      // A call may be late and the next ones in time; from one that was not late to the last one the rate holds.
      const last = times.at(-1) ?? 0;
      const isKept = times
        .slice(0, Math.ceil(times.length / 2))
        .some((at, index) => last - at > (times.length - 2 - index) * 250);
      assert.ok(isKept, `calls after ${times.map((at) => Math.round(at - (times[0] ?? 0))).join(', ')} ms`);
    });
  });
});
