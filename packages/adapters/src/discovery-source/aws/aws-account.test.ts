// What discovery reads of an account, and its queue, wherever TEST_AWS_… say: at AWS, at an emulator, or else at the stand-in in a process of its own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Delivery, DiscoverySource, Sighting } from '@enchilada/core/discovery';
import { systemClock as clock } from '@enchilada/core/testing/authorized';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { aws } from './index.ts';
import { AccountProcess } from './testing/account-process.ts';
import { type AccountUnderTest, accountUnderTest, SOURCE_UNDER_TEST } from './testing/account-under-test.ts';
import { stateChange } from './testing/events.ts';

/** Of no machine that anybody has. */
const NOBODY = 'i-0ffffffffffffffff';
const { signal } = new AbortController();
const owned = new AsyncDisposableStack();
let under: AccountUnderTest;
let source: DiscoverySource;

const open = (id: string, more: Readonly<Record<string, string | readonly string[]>> = {}) => {
  const { account, endpoint, region, roleName } = under;
  const parameters = {
    ...{ accounts: [account], regions: [region], homeRegion: region },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(roleName === undefined ? {} : { roleName }),
    ...more,
  };
  return aws({ clock }).open(aSource({ id, kind: 'aws', parameters }));
};
const scopeOf = ({ account, region }: AccountUnderTest) => ({ account, region });

before(async () => {
  const named = accountUnderTest(process.env);
  if (named === undefined) Object.assign(process.env, owned.use(await AccountProcess.start()).variables);
  under = named ?? accountUnderTest(process.env) ?? assert.fail();
  source = owned.use(await open(SOURCE_UNDER_TEST, { queueUrl: under.queueUrl }));
});
after(() => owned.disposeAsync());

describe('an account', () => {
  it('is listed with its region, and where none is named with those that it has enabled', async () => {
    assert.deepEqual(
      (await source.scopes(signal)).map(({ account, region }) => [account, region]),
      [[under.account, under.region]],
    );
    await using all = await open(SOURCE_UNDER_TEST, { regions: [] });
    const regions = (await all.scopes(signal)).map(({ region, unlisted }) => (unlisted === undefined ? region : ''));
    assert.ok(regions.includes(under.region), regions.join());
  });

  it('is listed page by page, and each machine is described by its id as it was listed', async () => {
    const listed: Sighting[] = [];
    for await (const page of source.scan(scopeOf(under), signal)) listed.push(...page);
    const ids = listed.map(({ nativeId }) => nativeId);
    assert.equal(ids.length, new Set(ids).size, 'each once');
    const some = ids.slice(0, 250);
    const described = await source.describe(scopeOf(under), [...some, NOBODY], signal);
    const identity = ({ nativeId, facts: { platform, image, launchedAt } }: Sighting) => [
      ...[nativeId, platform, image, launchedAt],
    ];
    const byId = new Map(described.map((one) => [one.nativeId, one]));
    // One that was terminated in between is forgotten soon.
    for (const one of listed.slice(0, some.length)) {
      const again = byId.get(one.nativeId);
      if (again !== undefined) assert.deepEqual(identity(again), identity(one));
    }
    assert.ok(some.length === 0 || byId.size > 0, 'what is listed is known by its id');
    assert.equal(byId.has(NOBODY), false);
  });

  it('trusts this source alone: nobody without its external id, and no other source', async () => {
    const gaps = await source.trustGaps?.([under.account], signal);
    assert.deepEqual([...(gaps ?? [])], [[under.account, undefined]], 'its role lets in whoever asks');
    await using other = await open('src_other');
    await assert.rejects(other.describe(scopeOf(under), [NOBODY], signal), {
      code: 'DISCOVERY_DENIED',
      facts: { account: under.account, permission: 'sts:AssumeRole' },
    });
  });
});

describe('its queue', () => {
  let client: SQSClient;
  before(async () => {
    const endpoint = new URL(under.queueUrl).origin;
    client = new SQSClient({ region: under.region, endpoint });
    const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const];
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: under.queueUrl, AttributeNames }),
    );
    // INVARIANT: a queue that somebody uses is left alone.
    for (const name of AttributeNames)
      assert.equal(Attributes[name], '0', `TEST_AWS_QUEUE_URL must be an empty queue that nobody else reads: ${name}`);
  });
  after(() => {
    client.destroy();
  });
  const send = (MessageBody: string) => client.send(new SendMessageCommand({ QueueUrl: under.queueUrl, MessageBody }));
  const receive = async (): Promise<Delivery> => {
    for (;;) {
      const [delivery] = (await source.hints?.receive(signal)) ?? [];
      if (delivery !== undefined) return delivery;
    }
  };

  it('gives an event, gives it again where it is put off, and no more once it is taken in', async () => {
    const about = { ...scopeOf(under), id: NOBODY };
    await send(stateChange(about, 'running'));
    const first = await receive();
    assert.deepEqual([first.hints[0]?.nativeId, first.hints[0]?.scope, first.attempt], [NOBODY, scopeOf(under), 1]);
    await first.retry(0);
    const second = await receive();
    assert.deepEqual([second.hints[0]?.nativeId, second.attempt], [NOBODY, 2]);
    await second.acknowledge();
    await send('{bad');
    const bad = await receive();
    assert.ok(bad.problem !== undefined, 'the event does not come a third time, and what cannot be read says so');
    await bad.acknowledge();
  });
});
