// Nodes ask one account side by side, for events that any of them takes in: the cloud is asked no more often than by one.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { externalIdOf } from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from './discovery-service.ts';

const SCOPE = { account: '111111111111', region: 'eu-west-1' };
const NODES = ['one', 'two', 'three'];
const PER_SECOND = 4;
const CALLS = 5;

it('nodes share the calls that may be made of an account and region', async (test) => {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-pace-'));
  {
    await using cloud = await AwsStandIn.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    const places = { accounts: [SCOPE.account], regions: [SCOPE.region], endpoint: cloud.url };
    const record = aSource({ kind: 'aws', parameters: { ...places, callsPerSecond: PER_SECOND } });
    cloud.roles.set(SCOPE.account, externalIdOf(record.id));
    for (const id of NODES) await store.now.nodes.join({ id, url: `http://${id}`, version: '0', startedAt: 1 });
    await using owned = new AsyncDisposableStack();
    const sources = await Promise.all(
      NODES.map(async (nodeId) => {
        const type = aws({ clock });
        const service = new DiscoveryService({
          ...{ store, clock, random, nodeId, types: [type], protocols: { linux: 'ssh' }, portOf: () => 22 },
          ...{ audit: { append: () => assert.fail('nothing is to be audited') }, report: assert.fail },
        });
        owned.use(service);
        await service.start();
        return owned.use(await type.open(record));
      }),
    );
    const { signal } = new AbortController();
    const since = performance.now();
    await Promise.all(
      sources.map(async (source) => {
        for (let call = 0; call < CALLS; call++) await source.describe(SCOPE, ['i-0123456789abcdef0'], signal);
      }),
    );
    const times = cloud.calls.filter(({ action }) => action === 'DescribeInstances').map(({ at }) => at);
    const seconds = ((times.at(-1) ?? 0) - since) / 1_000;
    test.diagnostic(`${times.length} calls in ${seconds.toFixed(1)} s`);
    assert.equal(times.length, NODES.length * CALLS);
    // Each node makes its first call at once; its timers may be a moment early.
    assert.ok(times.length <= seconds * PER_SECOND + 2 * NODES.length, `${times.length} calls in ${seconds} s`);
  }
  await rm(directory, { recursive: true });
});
