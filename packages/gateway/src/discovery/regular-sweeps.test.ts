// Every ten minutes, spread over a fifth of that, and by nobody's asking; and machines that their cloud does not show at first.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn, EventQueue, stateChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { externalIdOf } from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import type { Clock } from '@enchilada/core/time';
import { systemClock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from './discovery-service.ts';

const ACCOUNT = '111111111111';
const MINUTE_MS = 60_000;
const REGIONS = Array.from({ length: 20 }, (_, index) => `eu-west-${index + 1}`);
const [REGION = ''] = REGIONS;
const MACHINE = 'i-0123456789abcdef0';
const running = { Code: 16, Name: 'running' } as const;

interface Site {
  readonly cloud: AwsStandIn;
  readonly queue: EventQueue;
  readonly store: Store;
  readonly sourceId: string;
  /** The clock that says when something is due; all else takes its time. */
  readonly wait: (ms: number) => void;
}

async function atWork(regions: readonly string[], work: (site: Site) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-regular-'));
  {
    await using cloud = await AwsStandIn.start();
    await using queue = await EventQueue.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    let aheadMs = 0;
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    const places = { accounts: [ACCOUNT], regions, endpoint: cloud.url, queueUrl: queue.url };
    const record = aSource({ kind: 'aws', parameters: { ...places, callsPerSecond: 1_000, checkExternalId: false } });
    cloud.roles.set(ACCOUNT, externalIdOf(record.id));
    await store.now.discovery.insertSource(record);
    await using service = new DiscoveryService({
      ...{ store, clock, random, nodeId: 'one', types: [aws({ clock })], protocols: { linux: 'proto' } },
      ...{
        portOf: () => 22,
        audit: { append: () => assert.fail('nothing is to be audited') },
        report: () => undefined,
      },
    });
    await service.start();
    await work({ cloud, queue, store, sourceId: record.id, wait: (ms) => (aheadMs += ms) });
  }
  await rm(directory, { recursive: true });
}

it('each account and region is listed again after ten minutes, more or less, and not all of them at once', async () => {
  await atWork(REGIONS, async ({ cloud, store, sourceId, wait }) => {
    const listed = (region: string): number =>
      cloud.calls.filter((call) => call.action === 'DescribeInstances' && call.region === region).length;
    const swept = async (): Promise<number> =>
      (await store.now.discovery.listScopes(sourceId)).filter(({ lastSweepAt }) => lastSweepAt !== undefined).length;
    await until(async () => (await swept()) === REGIONS.length);
    // One that is new is listed by the next look: by then whatever else is due has begun too.
    const looked = async (region: string): Promise<void> => {
      await store.now.discovery.noteScopes(sourceId, [{ account: ACCOUNT, region, accountName: ACCOUNT }]);
      await until(() => listed(region) > 0);
    };
    // A sweep that the database knows of is not over yet: what ends at a later hour counts from then on.
    await looked('us-east-3');
    const again = (): number => REGIONS.filter((region) => listed(region) > 1).length;
    wait(8 * MINUTE_MS);
    await looked('us-east-1');
    assert.equal(again(), 0);
    wait(1.5 * MINUTE_MS);
    await looked('us-east-2');
    assert.ok(again() > 0 && again() < REGIONS.length, `${again()} of ${REGIONS.length} after nine and a half`);
    wait(2 * MINUTE_MS);
    await until(() => again() === REGIONS.length);
    assert.ok(REGIONS.every((region) => listed(region) === 2));
  });
});

it('a machine that its cloud does not show yet when the event comes is asked for again, and one in its former state too', async () => {
  await atWork([REGION], async ({ cloud, queue, store, sourceId }) => {
    await until(async () => (await store.now.discovery.listScopes(sourceId))[0]?.lastSweepAt !== undefined);
    const about = { account: ACCOUNT, region: REGION, id: MACHINE };
    const states = async (): Promise<readonly (string | undefined)[]> =>
      (await store.now.catalog.listTargets()).map(({ labels }) => labels['cloud:state']);
    const describes = (): number => cloud.calls.filter(({ action }) => action === 'DescribeInstances').length;
    const before = describes();
    const launched = { InstanceId: MACHINE, State: running, PrivateIpAddress: '10.0.0.1' };
    cloud.put(ACCOUNT, REGION, { ...launched, visibleAt: Infinity });
    await queue.send(stateChange(about, 'running'));
    await until(() => describes() > before);
    assert.deepEqual(await states(), []);
    cloud.put(ACCOUNT, REGION, { ...launched, visibleAt: 0 });
    await until(async () => (await states()).length === 1);

    const seen = describes();
    await queue.send(stateChange(about, 'stopped'));
    await until(() => describes() > seen);
    assert.deepEqual(await states(), ['running']);
    cloud.put(ACCOUNT, REGION, { InstanceId: MACHINE, State: { Code: 80, Name: 'stopped' } });
    await until(async () => (await states())[0] === 'stopped');
    assert.deepEqual(await queue.dead(), []);
  });
});
