// What a cloud answers in halves, and what two regions call alike, through the real SDK.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { CatalogUpdater, externalIdOf, type Scope, sweepScope, type SweepResult } from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { systemClock as clock, systemRandom as random } from '../clock.ts';

const FIRST = { account: '111111111111', region: 'eu-west-1' };
const ELSEWHERE = { ...FIRST, region: 'us-east-1' };
const SECOND = { account: '222222222222', region: 'eu-west-1' };
const PAGES = 5;
const running = { Code: 16, Name: 'running' } as const;
const idOf = (number: number): string => `i-${number.toString(16).padStart(17, '0')}`;

describe('a listing', () => {
  const owned = new AsyncDisposableStack();
  let cloud: AwsStandIn;
  let store: Store;
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'enchilada-broken-'));
    owned.defer(() => rm(directory, { recursive: true }));
  });
  after(() => owned.disposeAsync());
  beforeEach(async () => {
    cloud = owned.use(await AwsStandIn.start());
    Object.assign(process.env, cloud.environment);
    store = owned.use(sqlite({ file: join(directory, `${randomUUID()}.db`) }));
    await store.migrate();
  });

  async function aSite(scopes: readonly Scope[]) {
    const parameters = { accounts: [FIRST.account], regions: [FIRST.region], endpoint: cloud.url };
    const record = aSource({ kind: 'aws', parameters: { ...parameters, callsPerSecond: 1_000 } });
    for (const { account } of scopes) cloud.roles.set(account, externalIdOf(record.id));
    await store.now.discovery.insertSource(record);
    await store.now.discovery.noteScopes(
      record.id,
      scopes.map((scope) => ({ ...scope, accountName: scope.account })),
    );
    const source = owned.use(await aws({ clock }).open(record));
    const updater = new CatalogUpdater({
      clock,
      random,
      projection: { protocols: { linux: 'proto' }, portOf: () => 22 },
    });
    return {
      known: () => store.now.discovery.listScopes(record.id),
      async sweepAll(): Promise<readonly SweepResult[]> {
        const { signal } = new AbortController();
        const all = await store.now.discovery.listScopes(record.id);
        return Promise.all(
          all.map((scope) => sweepScope({ store, clock, updater }, { record, source, scope }, signal)),
        );
      },
      async hosts(): Promise<readonly string[]> {
        const targets = await store.now.catalog.listTargets();
        return targets
          .filter(({ goneAt }) => goneAt === undefined)
          .map(({ labels, host }) => `${labels['cloud:account'] ?? ''} ${labels['cloud:region'] ?? ''} ${host}`)
          .sort();
      },
    };
  }

  it('of which a role is refused from the second page on removes nothing and names the permission, and other scopes go on', async () => {
    cloud.instancesPerPage = 4;
    for (let number = 0; number < 4 * PAGES; number++)
      cloud.put(FIRST.account, FIRST.region, {
        ...{ InstanceId: idOf(number), State: running, PrivateIpAddress: `10.0.0.${number}` },
      });
    cloud.put(SECOND.account, SECOND.region, { InstanceId: idOf(99), State: running, PrivateIpAddress: '10.9.0.1' });
    const site = await aSite([FIRST, SECOND]);
    assert.deepEqual(
      (await site.sweepAll()).map(({ outcome, seen }) => [outcome, seen]),
      [
        ['complete', 4 * PAGES],
        ['complete', 1],
      ],
    );
    const before = await site.hosts();

    cloud.deniedPages.set(`${FIRST.account}/${FIRST.region}`, 2);
    cloud.put(FIRST.account, FIRST.region, { InstanceId: idOf(0), State: running, PrivateIpAddress: '10.0.0.100' });
    cloud.remove(FIRST.account, FIRST.region, idOf(1));
    cloud.put(SECOND.account, SECOND.region, { InstanceId: idOf(98), State: running, PrivateIpAddress: '10.9.0.2' });
    const calls = cloud.calls.length;
    const results = await site.sweepAll();
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['failed', 'complete'],
    );
    const pages = cloud.calls.slice(calls).filter(({ account }) => account === FIRST.account).length;
    assert.ok(pages < PAGES, 'what is refused is not asked again and again');
    const [first, second] = await site.known();
    assert.equal(first?.problem?.code, 'DISCOVERY_DENIED');
    assert.match(first.problem.detail, /^ec2:DescribeInstances in account 111111111111 was refused/u);
    assert.ok(first.staleSince !== undefined);
    assert.equal(second?.staleSince, undefined);
    const now = await site.hosts();
    // What the pages before it said holds; who is not in them is neither gone nor missing.
    assert.deepEqual(
      now,
      [
        ...before.filter((host) => !host.endsWith(' 10.0.0.0')),
        `${FIRST.account} ${FIRST.region} 10.0.0.100`,
        `${SECOND.account} ${SECOND.region} 10.9.0.2`,
      ].sort(),
    );
    const found = await store.now.discovery.listFound(first.sourceId, FIRST);
    assert.deepEqual(
      found.filter(({ missingSince }) => missingSince !== undefined),
      [],
    );

    cloud.deniedPages.clear();
    assert.deepEqual(
      (await site.sweepAll()).map(({ outcome }) => outcome),
      ['complete', 'complete'],
    );
    assert.equal((await site.known())[0]?.staleSince, undefined, 'nothing is left to be done by hand');
  });

  it('of two regions that name one instance id makes two machines, of which each lives and dies alone', async () => {
    const both = { InstanceId: idOf(7), State: running };
    cloud.put(FIRST.account, FIRST.region, { ...both, PrivateIpAddress: '10.0.0.7' });
    cloud.put(ELSEWHERE.account, ELSEWHERE.region, { ...both, PrivateIpAddress: '10.7.0.7' });
    const site = await aSite([FIRST, ELSEWHERE]);
    await site.sweepAll();
    const [here, there] = [`${FIRST.account} eu-west-1 10.0.0.7`, `${FIRST.account} us-east-1 10.7.0.7`];
    assert.deepEqual(await site.hosts(), [here, there]);
    cloud.put(FIRST.account, FIRST.region, { ...both, PrivateIpAddress: '10.0.0.8' });
    await site.sweepAll();
    assert.deepEqual(await site.hosts(), [`${FIRST.account} eu-west-1 10.0.0.8`, there]);
    cloud.remove(FIRST.account, FIRST.region, idOf(7));
    await site.sweepAll();
    const missing = (
      await Promise.all(
        [FIRST, ELSEWHERE].map(async (scope) => {
          const [one] = await site.known();
          return store.now.discovery.listFound(one?.sourceId ?? '', scope);
        }),
      )
    ).map(([found]) => found?.missingSince !== undefined);
    assert.deepEqual(missing, [true, false]);
  });
});
