import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { it } from 'node:test';
import { lambdaDeliveries, type SqsEvent } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn, called, stateChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { externalIdOf } from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { PORTS, workerOn } from './lambda.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const ABOUT = { account: ACCOUNT, region: REGION, id: 'i-0123456789abcdef0' };

/** A batch as the event source mapping hands it over. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
function batch(...bodies: readonly string[]): SqsEvent {
  const Records = bodies.map((body) => ({
    messageId: randomUUID(),
    receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a',
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(Date.now()),
      SenderId: 'AIDAIENQZJOLO23YVJ4VO',
      ApproximateFirstReceiveTimestamp: String(Date.now()),
    },
    messageAttributes: {},
    md5OfBody: '098f6bcd4621d373cade4e832627b4f6',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:${REGION}:${ACCOUNT}:events`,
    awsRegion: REGION,
  }));
  return { Records };
}

it('batches of a queue are taken in, and what fails is named, no more and no less', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-lambda-'));
  {
    await using cloud = await AwsStandIn.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    const parameters = { accounts: [ACCOUNT], regions: [REGION], endpoint: cloud.url, callsPerSecond: 1_000 };
    const record = aSource({ kind: 'aws', parameters });
    await store.now.discovery.insertSource(record);
    await store.now.discovery.noteScopes(record.id, [{ account: ACCOUNT, region: REGION, accountName: 'Payments' }]);
    cloud.roles.set(ACCOUNT, externalIdOf(record.id));
    await using worker = workerOn(store);
    const invoke = async (event: SqsEvent): Promise<readonly string[]> => {
      const { deliveries, response } = lambdaDeliveries(event);
      await worker.take(deliveries, AbortSignal.timeout(30_000));
      const failed = response().batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
      return event.Records.filter(({ messageId }) => failed.includes(messageId)).map(({ body }) => body);
    };
    const catalog = async () =>
      (await store.now.catalog.listTargets()).filter(({ goneAt }) => goneAt === undefined).map(({ host }) => host);

    // CloudTrail alone, as in deployments that send RunInstances and TerminateInstances and nothing else.
    const running = { InstanceId: ABOUT.id, State: { Code: 16, Name: 'running' as const } };
    cloud.put(ACCOUNT, REGION, { ...running, PrivateIpAddress: '10.0.0.7' });
    assert.deepEqual(await invoke(batch(called(ABOUT, 'RunInstances'))), []);
    assert.deepEqual(await catalog(), ['10.0.0.7']);
    const [found] = await store.now.discovery.listFound(record.id, { account: ACCOUNT, region: REGION });
    assert.match(found?.launchedBy ?? '', /assumed-role\/Admin\/alice$/u);

    // The queue delivers at least once. A copy of what was taken in is ended without asking the cloud.
    const describes = () => cloud.calls.filter(({ action }) => action === 'DescribeInstances').length;
    const launched = Array.from({ length: 5 }, (_, index) => ({ ...ABOUT, id: `i-0123456789abcdee${index}` }));
    for (const { id } of launched)
      cloud.put(ACCOUNT, REGION, { ...running, InstanceId: id, PrivateIpAddress: `10.0.1.${id.at(-1)}` });
    const events = launched.map((about) => stateChange(about, 'running'));
    const asked = async (): Promise<number> => {
      const before = describes();
      for (const event of events) assert.deepEqual(await invoke(batch(event)), []);
      return describes() - before;
    };
    assert.equal(await asked(), events.length);
    assert.equal(await asked(), 0, 'a copy costs no call');
    assert.equal((await catalog()).length, 1 + launched.length);
    await store.now.discovery.deleteHintsOlderThan(Date.now() + 1);
    assert.equal(await asked(), events.length, 'nothing else tells a copy from an event');
    for (const { id } of launched)
      cloud.put(ACCOUNT, REGION, { InstanceId: id, State: { Code: 48, Name: 'terminated' } });
    assert.deepEqual(await invoke(batch(...launched.map((about) => stateChange(about, 'terminated')))), []);

    cloud.put(ACCOUNT, REGION, { InstanceId: ABOUT.id, State: { Code: 48, Name: 'terminated' } });
    const foreign = stateChange({ ...ABOUT, account: '999999999999' }, 'running');
    const event = batch('{bad', called(ABOUT, 'TerminateInstances'), foreign, '{"detail-type":"x"}');
    assert.deepEqual(await invoke(event), ['{bad', foreign, '{"detail-type":"x"}']);
    assert.deepEqual(await catalog(), []);
    const refusals = () => store.now.audit.chain('lambda', 0, 50);
    assert.deepEqual(
      (await refusals()).map(({ action, outcome, object, detail }) => [
        action,
        outcome,
        object?.id,
        detail?.['account'] ?? detail?.['problem'],
      ]),
      [
        ['source.event-refused', 'denied', record.id, '999999999999'],
        ['source.event-refused', 'denied', record.id, 'the message is not JSON'],
        [
          'source.event-refused',
          'denied',
          record.id,
          'the message is no EventBridge event with account, region, id and time',
        ],
      ],
    );
    // Told once a kind in ten minutes, as by the nodes.
    assert.equal((await invoke(batch('{bad', foreign))).length, 2);
    assert.equal((await refusals()).length, 3);

    // The role is refused: the whole batch comes again, and nothing is lost.
    cloud.denied.add(ACCOUNT);
    const later = batch(
      stateChange(ABOUT, 'terminated'),
      stateChange({ ...ABOUT, id: 'i-0123456789abcdef1' }, 'running'),
    );
    assert.equal((await invoke(later)).length, 2);
    assert.equal((await invoke(later)).length, 2);
    const [denial, ...others] = (await refusals()).slice(3);
    assert.deepEqual(
      [denial?.action, denial?.outcome, denial?.detail, others],
      [
        ...['source.access-refused', 'denied'],
        { account: ACCOUNT, region: REGION, permission: 'ec2:DescribeInstances' },
        [],
      ],
    );
    cloud.denied.clear();
    assert.deepEqual(await invoke(batch()), []);
  }
  await rm(directory, { recursive: true });
});

it('knows the port of every protocol, as its engine does', async () => {
  const engines = join(import.meta.dirname, '..', '..', 'engines', 'src');
  const names = (await readdir(engines)).filter((name) => name !== 'shared' && !name.endsWith('.ts'));
  const ports = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(engines, name, `${name}-manifest.ts`), 'utf8');
      return [/\bid: '([a-z-]+)'/u.exec(text)?.[1], Number(/defaultPort: (\d+)/u.exec(text)?.[1])] as const;
    }),
  );
  assert.deepEqual(PORTS, Object.fromEntries(ports));
});

it('is bundled into a folder that runs alone, and says in words what it lacks', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-bundle-'));
  const tool = (await import(
    pathToFileURL(join(import.meta.dirname, '..', '..', '..', 'tools', 'bundle-lambda.mjs')).href
  )) as { readonly bundleLambda: (folder: string) => Promise<void> };
  await tool.bundleLambda(folder);
  const { handler } = (await import(pathToFileURL(join(folder, 'index.mjs')).href)) as typeof import('./lambda.ts');
  await assert.rejects(handler(batch()), /ENCHILADA_DATABASE_URL must name the database of the nodes/u);
  await rm(folder, { recursive: true });
});
