// What is wrong with a source as a whole, in the real SDK's words, for everybody to see.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn, EventQueue, QueueDoor, stateChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import type { AuditEvent } from '@enchilada/core/audit';
import { externalIdOf, type SourceRecord, type Trouble } from '@enchilada/core/discovery';
import type { ParameterValues } from '@enchilada/core/engine';
import type { Store } from '@enchilada/core/store';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { DiscoveryService } from './discovery-service.ts';

const [FIRST, SECOND] = ['111111111111', '222222222222'] as const;
const REGION = 'eu-west-1';
const OTHER_REGION = 'us-east-1';
const MACHINE = 'i-00000000000000001';
const running = { Code: 16, Name: 'running' } as const;

describe('a source that is at work', () => {
  let directory: string;
  let store: Store;
  let cloud: AwsStandIn;
  let queue: EventQueue;
  let door: QueueDoor;
  const owned = new AsyncDisposableStack();
  const audited: AuditEvent[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'enchilada-troubles-'));
    owned.defer(() => rm(directory, { recursive: true }));
    store = owned.use(sqlite({ file: join(directory, 'catalog.db') }));
    await store.migrate();
    cloud = owned.use(await AwsStandIn.start());
    queue = owned.use(await EventQueue.start());
    door = owned.use(await QueueDoor.before(queue.url));
    Object.assign(process.env, cloud.environment);
  });
  after(() => owned.disposeAsync());
  beforeEach(async () => {
    cloud.refusedActions.clear();
    door.refused.clear();
    audited.length = 0;
    cloud.accountNames.clear();
    cloud.accountNames.set(FIRST, 'Payments').set(SECOND, 'Shop');
    cloud.regions = [REGION, OTHER_REGION];
    for (const target of await store.now.catalog.listTargets()) await store.now.catalog.deleteTarget(target.id);
  });

  async function atWork(parameters: ParameterValues) {
    const record = aSource({ kind: 'aws', parameters: { endpoint: cloud.url, callsPerSecond: 1_000, ...parameters } });
    for (const account of [FIRST, SECOND]) cloud.roles.set(account, externalIdOf(record.id));
    await store.now.discovery.insertSource(record);
    const hash = '0'.repeat(64);
    const append = (event: AuditEvent) => {
      audited.push(event);
      return Promise.resolve({ ...event, node: 'one', sequence: 1, at: clock.now(), previous: hash, hash });
    };
    const service = new DiscoveryService({
      ...{ store, clock, random, nodeId: 'one', types: [aws({ clock })], protocols: { linux: 'proto' } },
      ...{ portOf: () => 22, audit: { append }, report: () => undefined },
    });
    await service.start();
    return { record, service, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
  }
  const troublesOf = ({ id }: SourceRecord): Promise<readonly Trouble[]> => store.now.discovery.listTroubles(id);
  const is = async (record: SourceRecord, part: Trouble['part']): Promise<Trouble | undefined> =>
    (await troublesOf(record)).find((trouble) => trouble.part === part);
  const scopesOf = async ({ id }: SourceRecord) =>
    (await store.now.discovery.listScopes(id)).map(
      ({ account, region, retiredAt }) => `${account} ${region}${retiredAt === undefined ? '' : ' retired'}`,
    );
  const ALL = [FIRST, SECOND].flatMap((account) => [`${account} ${REGION}`, `${account} ${OTHER_REGION}`]);

  it('keeps its accounts where it may not list them, names the permission, and retires who left once it may', async () => {
    await using site = await atWork({ organization: true });
    const { record, service } = site;
    await until(async () => (await scopesOf(record)).length === ALL.length);
    cloud.accountNames.delete(SECOND);
    cloud.refusedActions.add('ListAccounts');
    await service.sweepNow(record.id);
    assert.deepEqual(await scopesOf(record), ALL);
    assert.match((await is(record, 'accounts'))?.problem.detail ?? '', /^organizations:ListAccounts .* was refused/u);
    cloud.refusedActions.clear();
    await service.sweepNow(record.id);
    assert.equal(await is(record, 'accounts'), undefined);
    assert.deepEqual(
      await scopesOf(record),
      ALL.map((scope) => (scope.startsWith(SECOND) ? `${scope} retired` : scope)),
    );
    const calls = cloud.calls.length;
    await service.sweepNow(record.id);
    assert.ok(
      cloud.calls.slice(calls).every(({ account }) => account !== SECOND),
      'nobody asks an account that left',
    );
    cloud.accountNames.set(SECOND, 'Shop');
    await service.sweepNow(record.id);
    assert.deepEqual(await scopesOf(record), ALL);
    assert.deepEqual(
      audited.map(({ action, detail }) => [action, detail?.['named']]),
      ['retired', 'returned'].map((what) => [
        `source.scopes-${what}`,
        `${SECOND} ${REGION}, ${SECOND} ${OTHER_REGION}`,
      ]),
    );
  });

  it('keeps the machines of regions that it may not list, and names the permission', async () => {
    cloud.put(FIRST, OTHER_REGION, { InstanceId: MACHINE, State: running, PrivateIpAddress: '10.0.0.1' });
    await using site = await atWork({ accounts: [FIRST], homeRegion: REGION });
    const { record, service } = site;
    await until(async () => (await store.now.catalog.listTargets()).length === 1);
    cloud.refusedActions.add('DescribeRegions');
    await service.sweepNow(record.id);
    const trouble = await is(record, 'regions');
    assert.equal(trouble?.account, FIRST);
    assert.match(trouble.problem.detail, /^ec2:DescribeRegions in account 111111111111 was refused/u);
    assert.deepEqual(await scopesOf(record), [`${FIRST} ${REGION}`, `${FIRST} ${OTHER_REGION}`]);
    cloud.refusedActions.clear();
    await service.sweepNow(record.id);
    assert.equal(await is(record, 'regions'), undefined);
    cloud.remove(FIRST, OTHER_REGION, MACHINE);
  });

  it('says that no events arrive, that they cannot be taken off the queue, and when that is over', async () => {
    door.refused.add('ReceiveMessage').add('DeleteMessageBatch');
    await using site = await atWork({ accounts: [FIRST], regions: [REGION], queueUrl: door.url });
    const { record } = site;
    const saysOf = async (part: Trouble['part']) => (await is(record, part))?.problem;
    await until(async () => (await is(record, 'events')) !== undefined);
    const denied = await saysOf('events');
    assert.equal(denied?.code, 'DISCOVERY_DENIED');
    assert.match(denied.detail, /sqs:ReceiveMessage .* was refused: .*not authorized/u);
    cloud.put(FIRST, REGION, { InstanceId: MACHINE, State: running, PrivateIpAddress: '10.0.0.1' });
    await queue.send(stateChange({ account: FIRST, region: REGION, id: MACHINE }, 'running'));
    door.refused.delete('ReceiveMessage');
    await until(async () => (await is(record, 'events')) === undefined);
    await until(async () => (await is(record, 'endings')) !== undefined);
    assert.match((await saysOf('endings'))?.detail ?? '', /sqs:DeleteMessage .* was refused/u);
  });

  it('warns of an account whose role asks for no external id, and of no other', async () => {
    cloud.openRoles.add(SECOND);
    await using site = await atWork({ accounts: [FIRST, SECOND], regions: [REGION] });
    await until(async () => (await is(site.record, 'trust')) !== undefined);
    const gaps = (await troublesOf(site.record)).filter(({ part }) => part === 'trust');
    assert.deepEqual(
      gaps.map(({ account }) => account),
      [SECOND],
    );
    assert.match(gaps[0]?.problem.detail ?? '', /does not ask for sts:ExternalId/u);
    cloud.openRoles.clear();
    await site.service.sweepNow(site.record.id);
    await until(async () => (await is(site.record, 'trust')) === undefined);
  });

  it('says that the queue cannot be reached, and that its settings do not work', async () => {
    await using site = await atWork({ accounts: [FIRST], regions: [REGION], queueUrl: 'http://127.0.0.1:9/1/events' });
    await until(async () => (await is(site.record, 'events')) !== undefined);
    assert.match(
      (await is(site.record, 'events'))?.problem.detail ?? '',
      /sqs:ReceiveMessage .* failed: .*ECONNREFUSED/u,
    );
    await using other = await atWork({});
    assert.equal((await is(other.record, 'settings'))?.problem.code, 'CONFIGURATION_INVALID');
  });
});
