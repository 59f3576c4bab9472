// An account whose cloud accepts calls and never answers them, beside one that is well.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { externalIdOf } from '@enchilada/core/discovery';
import type { ParameterValues } from '@enchilada/core/engine';
import type { Store } from '@enchilada/core/store';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from './discovery-service.ts';

/** The first by its number, so that its scopes are the first that are due. */
const [SILENT, WELL] = ['111111111111', '222222222222'];
const REGION = 'eu-west-1';

interface Site {
  readonly cloud: AwsStandIn;
  readonly store: Store;
  readonly sourceId: string;
}

/** A source of both accounts at work, on a database that was prepared. */
async function atWork(parameters: ParameterValues, work: (site: Site) => Promise<void>, prepare = work): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-silent-'));
  {
    await using cloud = await AwsStandIn.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    const record = aSource({ kind: 'aws', parameters: { ...parameters, endpoint: cloud.url, callsPerSecond: 1_000 } });
    for (const account of [SILENT, WELL]) cloud.roles.set(account, externalIdOf(record.id));
    cloud.silent.add(SILENT);
    const running = { Code: 16, Name: 'running' } as const;
    cloud.put(WELL, REGION, { InstanceId: 'i-00000000000000001', State: running, PrivateIpAddress: '10.0.0.1' });
    await store.now.discovery.insertSource(record);
    const site = { cloud, store, sourceId: record.id };
    if (prepare !== work) await prepare(site);
    await using service = new DiscoveryService({
      ...{ store, clock, random, nodeId: 'one', types: [aws({ clock })], protocols: { linux: 'proto' } },
      ...{ portOf: () => 22, audit: { append: () => assert.fail('nothing is to be audited') } },
      report: () => undefined,
    });
    await service.start();
    await work(site);
  }
  await rm(directory, { recursive: true });
}

const isFound = async ({ store }: Site): Promise<boolean> => (await store.now.catalog.listTargets()).length === 1;
const areUnanswered = ({ cloud }: Site, calls: number): boolean =>
  cloud.unanswered.filter(({ until: end }) => end === undefined).length >= calls;

test('an account that is silent in more regions than are swept at once holds up no other account’s sweep', async () => {
  const regions = Array.from({ length: 12 }, (_, index) => `eu-west-${index + 1}`);
  await atWork({ accounts: [SILENT, WELL], regions }, async (site) => {
    // The silent account is still waited for, in every region.
    await until(async () => (await isFound(site)) && areUnanswered(site, regions.length));
    const scopes = await site.store.now.discovery.listScopes(site.sourceId);
    assert.deepEqual(
      scopes.filter(({ lastSweepAt, account }) => lastSweepAt !== undefined && account === SILENT),
      [],
    );
  });
});

test('an account whose regions nobody answers for holds up no sweep of accounts that are known', async () => {
  const scopes = [SILENT, WELL].map((account) => ({ account, region: REGION, accountName: account }));
  await atWork(
    { accounts: [SILENT, WELL] },
    async (site) => {
      // The silent account is still waited for.
      await until(async () => (await isFound(site)) && areUnanswered(site, 1));
    },
    ({ store, sourceId }) => store.now.discovery.noteScopes(sourceId, scopes),
  );
});

test('a node that is no longer a scope’s holder stops sweeping it, and calls nothing stale for that', async () => {
  const parameters = { accounts: [SILENT], regions: [REGION] };
  await atWork(parameters, async ({ cloud, store, sourceId }) => {
    await until(() => areUnanswered({ cloud, store, sourceId }, 1));
    const scope = { account: SILENT, region: REGION };
    // The first node may prolong its lease in between.
    await until(async () => {
      await store.now.discovery.release(sourceId, scope, 'one');
      return store.now.discovery.lease(sourceId, scope, { holder: 'two', forMs: 60_000 });
    });
    await until(() => cloud.unanswered.every(({ until: end }) => end !== undefined));
    const [known] = await store.now.discovery.listScopes(sourceId);
    assert.deepEqual([known?.staleSince, known?.problem], [undefined, undefined]);
    assert.equal(await store.now.discovery.lease(sourceId, scope, { holder: 'two', forMs: 1 }), true);
  });
});
