import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import {
  type Delivery,
  type DiscoverySource,
  externalIdOf,
  type Scope,
  type Sighting,
} from '@enchilada/core/discovery';
import { isFault } from '@enchilada/core/fault';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { startFauxqs } from 'fauxqs';
import { readEvent } from './event.ts';
import { aws } from './index.ts';
import { AwsStandIn, called, stateChange, tagChange } from './testing/index.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const scope: Scope = { account: ACCOUNT, region: REGION };
const idOf = (index: number): string => `i-${index.toString(16).padStart(17, '0')}`;
const signal = new AbortController().signal;

describe('an AWS source', () => {
  let cloud: AwsStandIn;
  const record = aSource({ kind: 'aws' });
  const open = (
    parameters: Readonly<Record<string, string | number | boolean | readonly string[]>> = {},
  ): Promise<DiscoverySource> =>
    aws({ clock }).open({
      ...record,
      parameters: {
        accounts: [`${ACCOUNT}=Payments`],
        regions: [REGION],
        endpoint: cloud.url,
        callsPerSecond: 1_000,
        ...parameters,
      },
    });
  const listed = async (source: DiscoverySource): Promise<readonly Sighting[]> => {
    const pages: (readonly Sighting[])[] = [];
    for await (const page of source.scan(scope, signal)) pages.push(page);
    return pages.flat();
  };

  before(async () => {
    cloud = await AwsStandIn.start();
    Object.assign(process.env, cloud.environment);
  });
  after(() => cloud[Symbol.asyncDispose]());
  beforeEach(() => {
    cloud.roles.clear();
    cloud.roles.set(ACCOUNT, externalIdOf(record.id));
    cloud.denied.clear();
    cloud.throttledPerMille = 0;
    cloud.calls.length = 0;
    cloud.assumed.length = 0;
  });

  it('lists every page of an account, in its own role and with its own external id', async () => {
    for (let index = 0; index < 2_350; index++)
      cloud.put(ACCOUNT, REGION, {
        InstanceId: idOf(index),
        State: index % 50 === 0 ? { Code: 48, Name: 'terminated' } : { Code: 16, Name: 'running' },
        PrivateIpAddress: `10.0.${index >> 8}.${index & 255}`,
        // EC2 answers in lower case, whatever the SDK's type says.
        ...(index % 3 === 0 ? { Platform: 'windows' as 'Windows' } : {}),
        PlatformDetails: index % 3 === 0 ? 'Windows' : 'Linux/UNIX',
        Tags: [{ Key: 'Name', Value: `host <&> é ${index}` }],
      });
    await using source = await open();
    const sightings = await listed(source);
    assert.equal(sightings.length, 2_350 - 47);
    const one = sightings.find(({ nativeId }) => nativeId === idOf(3));
    assert.deepEqual(
      [one?.facts.name, one?.facts.platform, one?.facts.privateAddresses, one?.facts.state],
      ['host <&> é 3', 'windows', ['10.0.0.3'], 'running'],
    );
    assert.deepEqual(
      cloud.calls.map(({ action }) => action),
      ['AssumeRole', 'DescribeInstances', 'DescribeInstances', 'DescribeInstances'],
    );
  });

  it('describes many ids of which some are unknown and some terminated', async () => {
    await using source = await open();
    const ids = Array.from({ length: 450 }, (_, index) =>
      index % 10 === 5 ? `i-dead${index.toString(16).padStart(13, '0')}` : idOf(index),
    );
    const sightings = await source.describe(scope, ids, signal);
    assert.equal(sightings.length, 405);
    assert.equal(sightings.find(({ nativeId }) => nativeId === idOf(0))?.facts.state, 'terminated');
    assert.equal(cloud.calls.filter(({ action }) => action === 'DescribeInstances').length, 3);
  });

  it('orders addresses: primary, further interfaces, IPv6; and keeps public ones apart', async () => {
    const InstanceId = 'i-0000000000abcdef0';
    cloud.put('111111111111', 'eu-west-2', {
      InstanceId,
      State: { Code: 0x1_10, Name: 'running' },
      PrivateIpAddress: '10.0.0.1',
      PublicIpAddress: '192.0.2.1',
      PrivateDnsName: 'ip-10-0-0-1.internal',
      VpcId: 'vpc-1',
      SubnetId: 'subnet-1',
      ImageId: 'ami-1',
      InstanceType: 't3.medium',
      LaunchTime: new Date(1_700_000_000_000),
      Placement: { AvailabilityZone: 'eu-west-2a' },
      NetworkInterfaces: [
        { Attachment: { DeviceIndex: 1 }, PrivateIpAddresses: [{ PrivateIpAddress: '10.1.0.1' }] },
        {
          Attachment: { DeviceIndex: 0 },
          PrivateIpAddresses: [{ Primary: true, PrivateIpAddress: '10.0.0.1' }, { PrivateIpAddress: '10.0.0.2' }],
          Ipv6Addresses: [{ Ipv6Address: '2001:db8::1' }],
        },
      ],
    });
    await using source = await open();
    const [sighting] = await source.describe({ ...scope, region: 'eu-west-2' }, [InstanceId], signal);
    assert.deepEqual(sighting?.facts, {
      name: '',
      platform: 'linux',
      state: 'running',
      privateAddresses: ['10.0.0.1', '10.0.0.2', '10.1.0.1', '2001:db8::1'],
      publicAddresses: ['192.0.2.1'],
      tags: {},
      privateName: 'ip-10-0-0-1.internal',
      network: 'vpc-1',
      subnet: 'subnet-1',
      image: 'ami-1',
      size: 't3.medium',
      zone: 'eu-west-2a',
      launchedAt: 1_700_000_000_000,
    });
  });

  it('asks each account for its regions where none are named, and the organization for its accounts', async () => {
    cloud.regions = ['eu-west-1', 'us-east-1'];
    cloud.accountNames.set('222222222222', 'Shop');
    await using source = await open({ regions: [], organization: true });
    const scopes = await source.scopes(signal);
    assert.deepEqual(
      scopes.map(({ account, region, accountName }) => `${account} ${region} ${accountName}`),
      // The second account has no reader role: it is shown, so that its failure can be.
      ['111111111111 eu-west-1 Payments', '111111111111 us-east-1 Payments', '222222222222 us-east-1 Shop'],
    );
  });

  it('asks some accounts at once for their regions, so that those that are silent keep few waiting', async () => {
    const silent = Array.from({ length: 40 }, (_, index) => String(300_000_000_000 + index));
    for (const account of silent) {
      cloud.roles.set(account, externalIdOf(record.id));
      cloud.silent.add(account);
    }
    await using source = await open({ regions: [], accounts: silent });
    await using other = await open();
    const stop = new AbortController();
    const asked = source.scopes(stop.signal);
    const ended = assert.rejects(asked, /enough/u);
    await until(() => cloud.unanswered.length >= 16);
    await listed(other);
    assert.equal(new Set(cloud.unanswered.map(({ account }) => account)).size, 16);
    stop.abort(new Error('enough'));
    await ended;
    cloud.silent.clear();
  });

  it('reads every page of the accounts of an organization, and is told of one that answers a page for ever', async () => {
    const names = Array.from({ length: 45 }, (_, index) => String(400_000_000_000 + index));
    for (const name of names) cloud.accountNames.set(name, name);
    cloud.accountsPerPage = 20;
    await using source = await open({ accounts: [], organization: true });
    const seen = (await source.scopes(signal)).map(({ account }) => account);
    assert.deepEqual(seen.slice(-names.length), names);
    cloud.repeatsPages = true;
    await assert.rejects(
      source.scopes(signal),
      (fault) => isFault(fault, 'DISCOVERY_FAILED') && fault.message.includes('same page token twice'),
    );
    Object.assign(cloud, { accountsPerPage: 1_000, repeatsPages: false });
    cloud.accountNames.clear();
  });

  it('fails a listing of which EC2 answers one page for ever', async () => {
    cloud.repeatsPages = true;
    await using source = await open();
    await assert.rejects(
      listed(source),
      (fault) => isFault(fault, 'DISCOVERY_FAILED') && fault.message.includes('same page token twice'),
    );
    cloud.repeatsPages = false;
  });

  it('names the permission that is missing', async () => {
    await using source = await open();
    cloud.denied.add(ACCOUNT);
    await assert.rejects(
      listed(source),
      (fault) => isFault(fault, 'DISCOVERY_DENIED') && fault.facts['permission'] === 'ec2:DescribeInstances',
    );
  });

  it('is refused by a role that asks for another external id, so that nobody reads through us', async () => {
    cloud.roles.set(ACCOUNT, 'another-customer');
    await using source = await open();
    await assert.rejects(
      listed(source),
      (fault) => isFault(fault, 'DISCOVERY_DENIED') && fault.facts['permission'] === 'sts:AssumeRole',
    );
  });

  it('comes through when half of the calls are throttled', async () => {
    cloud.throttledPerMille = 500;
    await using source = await open();
    assert.equal((await listed(source)).length, 2_350 - 47);
  });

  it('takes on a role under its own name, for the calls that it makes and no other', async () => {
    await using source = await open();
    await listed(source);
    const { access } = source;
    assert.ok(access);
    const machine = { scope, nativeId: idOf(1) };
    const admission = { username: 'ops', person: `ada ${'x'.repeat(100)}`, publicKey: 'ssh-ed25519 AAAA' };
    await access.admitKey(machine, admission);
    const [reading, connecting] = cloud.assumed;
    assert.equal(reading?.session, `enchilada-${record.id}`);
    assert.ok(connecting?.session.startsWith('enchilada-ada-xxx') === true);
    assert.ok(connecting.session.endsWith(`@${record.id}`) && connecting.session.length <= 64);
    const allowed = (policy = '') =>
      (JSON.parse(policy) as { Statement: object[] }).Statement.map((statement) => ({ ...statement }));
    assert.deepEqual(allowed(reading.policy), [
      { Effect: 'Allow', Action: ['ec2:DescribeInstances', 'ec2:DescribeRegions', 'ec2:DescribeVpcs'], Resource: '*' },
    ]);
    const Resource = `arn:aws:ec2:${REGION}:${ACCOUNT}:instance/${idOf(1)}`;
    assert.deepEqual(allowed(connecting.policy), [
      { Effect: 'Allow', Action: ['ec2-instance-connect:SendSSHPublicKey'], Resource },
    ]);
  });

  it('learns whether a role lets in whoever asks, under a name of its own, unless that is switched off', async () => {
    const other = '222222222222';
    cloud.roles.set(other, 'another-customer');
    cloud.openRoles.add(other);
    await using source = await open();
    const learnt = await source.trustGaps?.([ACCOUNT, other], signal);
    assert.deepEqual(
      [...(learnt ?? [])].map(([account, gap]) => [account, gap?.code]),
      [
        [ACCOUNT, undefined],
        [other, 'DISCOVERY_DENIED'],
      ],
    );
    assert.deepEqual(
      cloud.assumed.map(({ session }) => session),
      [`enchilada-check-${record.id}`],
    );
    cloud.openRoles.clear();
    await using away = await open({ endpoint: 'http://127.0.0.1:9' });
    assert.deepEqual([...((await away.trustGaps?.([ACCOUNT], signal)) ?? [])], [], 'what fails says nothing');
    await using off = await open({ checkExternalId: false });
    assert.equal(off.trustGaps, undefined);
  });

  it('refuses settings that name no account', async () => {
    await assert.rejects(open({ accounts: [] }), (fault) => isFault(fault, 'CONFIGURATION_INVALID'));
  });
});

describe('the SQS queue of an AWS source', () => {
  let server: Awaited<ReturnType<typeof startFauxqs>>;
  let sqs: SQSClient;
  before(async () => {
    server = await startFauxqs({ port: 0, logger: false });
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
    sqs = new SQSClient({ endpoint: server.address, region: REGION });
  });
  after(async () => {
    sqs.destroy();
    await server.stop();
  });

  async function aQueue(name: string) {
    const dead = (await sqs.send(new CreateQueueCommand({ QueueName: `${name}-dead` }))).QueueUrl ?? '';
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ['QueueArn'] }),
    );
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes['QueueArn'], maxReceiveCount: 2 });
    const made = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: { RedrivePolicy } }));
    // The name in fauxqs' URLs resolves nowhere but in browsers.
    const url = `${server.address}${new URL(made.QueueUrl ?? '').pathname}`;
    const source = await aws({ clock }).open(
      aSource({ kind: 'aws', parameters: { accounts: [ACCOUNT], regions: [REGION], queueUrl: url } }),
    );
    const { hints } = source;
    assert.ok(hints);
    const send = (body: string) => sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
    const receive = async (): Promise<readonly Delivery[]> => {
      for (;;) {
        const deliveries = await hints.receive(signal);
        if (deliveries.length > 0) return deliveries;
      }
    };
    return { url, dead, source, hints, send, receive };
  }

  it('gives each message once it is acknowledged to nobody, and again after a retry', async () => {
    const { source, hints, send, receive } = await aQueue('events');
    await using _source = source;
    await send(stateChange({ ...scope, id: idOf(1) }, 'running'));
    const [first] = await receive();
    assert.deepEqual([first?.hints[0]?.nativeId, first?.hints[0]?.claimed, first?.attempt], [idOf(1), 'running', 1]);
    await first?.retry(0);
    const [second] = await receive();
    assert.equal(second?.attempt, 2);
    await second?.acknowledge();
    await send(stateChange({ ...scope, id: idOf(2) }, 'stopped'));
    const rest = await receive();
    assert.deepEqual(
      rest.map((delivery) => delivery.hints[0]?.nativeId),
      [idOf(2)],
    );
    assert.ok(hints);
  });

  it('leaves what cannot be read to the dead-letter queue, and the rest goes on', async () => {
    const { source, dead, send, receive } = await aQueue('poison');
    await using _source = source;
    await send('{bad');
    for (let attempt = 1; attempt <= 2; attempt++) {
      const [bad] = await receive();
      assert.equal(bad?.problem, 'the message is not JSON');
      await bad?.retry(0);
    }
    await send(stateChange({ ...scope, id: idOf(3) }, 'running'));
    const good = await receive();
    assert.deepEqual(
      good.map(({ problem }) => problem),
      [undefined],
    );
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: dead, WaitTimeSeconds: 5 }));
    assert.equal(Messages[0]?.Body, '{bad');
  });

  it('stops waiting at once when told to', async () => {
    const { source, hints } = await aQueue('quiet');
    await using _source = source;
    const stop = new AbortController();
    const waiting = hints.receive(stop.signal);
    stop.abort(new Error('stopped'));
    await assert.rejects(waiting, /stopped/u);
  });
});

describe('an EventBridge message', () => {
  const about = { ...scope, id: idOf(1), at: new Date('2026-01-02T03:04:05Z') };
  const hintsOf = (body: string) =>
    readEvent(body).hints.map(({ nativeId, claimed, launchedBy }) => [nativeId, claimed, launchedBy]);

  it('names machines whichever of the three kinds it is', () => {
    assert.deepEqual(hintsOf(stateChange(about, 'shutting-down')), [[idOf(1), 'terminated', undefined]]);
    assert.deepEqual(hintsOf(tagChange(about, { Name: 'x' })), [[idOf(1), undefined, undefined]]);
    const [tagged] = readEvent(tagChange(about, { Name: 'x', 'aws:ec2spot': 'y' })).hints;
    assert.deepEqual(tagged?.claimedTags, { Name: 'x' });
    const removed = tagChange(about, { Name: 'x' }).replace('"tags":{"Name":"x"}', '"tags":{}');
    assert.deepEqual(readEvent(removed).hints[0]?.claimedTags, { Name: undefined });
    const launcher = `arn:aws:sts::${ACCOUNT}:assumed-role/Admin/alice`;
    assert.deepEqual(hintsOf(called(about, 'RunInstances')), [[idOf(1), 'pending', launcher]]);
    assert.deepEqual(hintsOf(called(about, 'TerminateInstances')), [[idOf(1), 'terminated', undefined]]);
    assert.equal(readEvent(stateChange(about, 'running')).hints[0]?.at, about.at.getTime());
  });

  it('that concerns no machine is nothing to do, one that cannot be believed is a problem', () => {
    const good = JSON.parse(stateChange(about, 'running')) as Record<string, unknown>;
    const body = (change: object): string => JSON.stringify({ ...good, ...change });
    for (const [text, isProblem] of [
      [body({ 'detail-type': 'Scheduled Event' }), false],
      [body({ 'detail-type': 'EC2 Spot Instance Interruption Warning' }), false],
      [called(about, 'DescribeInstances'), false],
      [
        JSON.stringify({
          ...(JSON.parse(called(about, 'RunInstances')) as object),
          detail: { eventName: 'RunInstances', eventSource: 'ec2.amazonaws.com', responseElements: null },
        }),
        false,
      ],
      ['', true],
      ['null', true],
      ['[]', true],
      ['{"detail":{}}', true],
      ['x'.repeat(1_100_000), true],
      [body({ account: '12' }), true],
      [body({ account: ['111111111111'] }), true],
      [body({ region: 'eu-west-1/../x' }), true],
      [body({ time: 'yesterday' }), true],
      [body({ id: '' }), true],
      [body({ detail: { 'instance-id': '../../x', state: 'running' } }), true],
      [body({ detail: { 'instance-id': { $ne: 1 }, state: 'running' } }), true],
      [body({ resources: [`arn:aws:ec2:${REGION}:999999999999:instance/${idOf(1)}`] }), true],
      [body({ resources: [`arn:aws:ec2:us-east-1:${ACCOUNT}:instance/${idOf(1)}`] }), true],
    ] as const) {
      const { hints, problem } = readEvent(text);
      assert.deepEqual([hints.length, problem !== undefined], [0, isProblem], text.slice(0, 200));
    }
  });
});
