// R12: half of the calls of one account are throttled. It converges, within its own pace, and the other accounts do not notice.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { CatalogUpdater, externalIdOf, sweepScope } from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { systemClock as clock, systemRandom as random } from '../clock.ts';

const REGION = 'eu-west-1';
const ACCOUNTS = ['1', '2', '3', '4', '5'].map((digit) => digit.repeat(12));
const [THROTTLED = ''] = ACCOUNTS;
const MACHINES = 40;

it('an account of which half of the calls are throttled converges, and four others are listed by one call each', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-throttling-'));
  {
    await using cloud = await AwsStandIn.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    const record = aSource({
      kind: 'aws',
      parameters: { accounts: ACCOUNTS, regions: [REGION], endpoint: cloud.url, callsPerSecond: 1 },
    });
    for (const account of ACCOUNTS) {
      cloud.roles.set(account, externalIdOf(record.id));
      for (let index = 0; index < MACHINES; index++)
        cloud.put(account, REGION, {
          InstanceId: `i-${account.slice(0, 4)}${index.toString(16).padStart(13, '0')}`,
          State: { Code: 16, Name: 'running' },
          PrivateIpAddress: `10.0.0.${index}`,
        });
    }
    Object.assign(cloud, { throttledPerMille: 500, throttledAccounts: new Set([THROTTLED]) });
    await store.now.discovery.insertSource(record);
    await using source = await aws({ clock }).open(record);
    const { signal } = new AbortController();
    await store.now.discovery.noteScopes(record.id, await source.scopes(signal));
    const projection = { protocols: { linux: 'proto' }, portOf: () => 22 };
    const updater = new CatalogUpdater({ clock, random, projection });
    const scopes = await store.now.discovery.listScopes(record.id);
    const since = performance.now();
    for (let round = 0; round < 2; round++) {
      const results = await Promise.all(
        scopes.map((scope) => sweepScope({ store, clock, updater }, { record, source, scope }, signal)),
      );
      assert.deepEqual(
        results.map(({ outcome, seen }) => [outcome, seen]),
        ACCOUNTS.map(() => ['complete', MACHINES]),
      );
    }
    assert.equal((await store.now.catalog.listTargets()).length, ACCOUNTS.length * MACHINES);
    for (const account of ACCOUNTS) {
      const calls = cloud.calls.filter((call) => call.account === account && call.action === 'DescribeInstances');
      if (account === THROTTLED) assert.ok(calls.length > 2, 'it was throttled');
      else assert.equal(calls.length, 2, account);
      const seconds = ((calls.at(-1)?.at ?? 0) - since) / 1_000;
      // The first is made at once; a timer may be a moment early.
      assert.ok(calls.length - 1 <= seconds + 0.1, `${calls.length} calls of ${account} in ${seconds} s`);
    }
  }
  await rm(directory, { recursive: true });
});
