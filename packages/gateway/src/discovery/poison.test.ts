// R10: bad messages among good ones. The good ones are taken in, the bad ones reach the dead-letter queue after five receives and never after one.
// T46: so do events that are made up, however many they are, and none of them is believed.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { AwsStandIn, EventQueue, stateChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import type { AuditEvent } from '@enchilada/core/audit';
import {
  CatalogUpdater,
  CatalogWriter,
  type Delivery,
  externalIdOf,
  type HintQueue,
  processDeliveries,
} from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { refusing } from '../testing/discovery-world.ts';
import { HintIntake } from './hint-intake.ts';
import { Refusals } from './refusals.ts';

const ACCOUNT = '111111111111';
const STRANGER = '999999999999';
const REGION = 'eu-west-1';
const SOAK = process.env['TEST_SOAK'] === '1';
const MOST_RECEIVES = 5;
/** What SQS takes, in bytes. */
const LARGEST_MESSAGE = 1_048_576;
const GOOD_WITHIN_MS = 60_000;
const idOf = (index: number): string => `i-${index.toString(16).padStart(17, '0')}`;
/** Of this machine the database refuses every write. */
const UNWRITABLE = `i-${'f'.repeat(17)}`;
const about = { account: ACCOUNT, region: REGION, id: UNWRITABLE };
const BAD = [
  '{bad',
  'x'.repeat(LARGEST_MESSAGE),
  // Writing what it names throws.
  stateChange(about, 'running'),
  '{"detail-type": "EC2 Instance State-change Notification"}',
  '[]',
  'null',
  // Made up: of an account that is none of the source, and of another than it says itself.
  stateChange({ ...about, account: STRANGER }, 'running'),
  stateChange(about, 'running').replace(`:${ACCOUNT}:`, `:${STRANGER}:`),
];
/** What all of those are told as. */
const TOLD = [
  STRANGER,
  'the event names a resource of another account or region',
  'the message is no EventBridge event with account, region, id and time',
  'the message is not JSON',
];

/** A queue that is asked for nothing but what it has, and gives back at once: the waits between attempts are tested with the processor. */
class Impatient implements HintQueue {
  readonly #queue: HintQueue;
  /** Of each message that was given back: by its problem, how often it had come. */
  readonly attempts = new Map<string, number>();
  returned = 0;

  constructor(queue: HintQueue) {
    this.#queue = queue;
  }

  async receive(signal: AbortSignal): Promise<readonly Delivery[]> {
    return (await this.#queue.receive(signal)).map((delivery) => ({ ...delivery, retry: () => this.#back(delivery) }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #back({ problem = '', attempt, retry }: Delivery): Promise<void> {
    this.returned++;
    this.attempts.set(problem, Math.max(this.attempts.get(problem) ?? 0, attempt));
    return retry(0);
  }
}

/** A source at work on a queue, and what it is heard to say. */
async function aSite(owned: AsyncDisposableStack, directory: string) {
  const cloud = owned.use(await AwsStandIn.start());
  const queue = owned.use(await EventQueue.start());
  Object.assign(process.env, cloud.environment);
  const store = owned.use(sqlite({ file: join(directory, 'catalog.db') }));
  await store.migrate();
  const places = { accounts: [ACCOUNT], regions: [REGION], endpoint: cloud.url, queueUrl: queue.url };
  const record = aSource({ kind: 'aws', parameters: { ...places, callsPerSecond: 1_000 } });
  cloud.roles.set(ACCOUNT, externalIdOf(record.id));
  await store.now.discovery.insertSource(record);
  const source = owned.use(await aws({ clock }).open(record));
  const { signal } = new AbortController();
  await store.now.discovery.noteScopes(record.id, await source.scopes(signal));
  const scopes = await store.now.discovery.listScopes(record.id);
  const projection = { protocols: { linux: 'proto' }, portOf: () => 22 };
  const updater = new CatalogUpdater({ clock, random, projection });
  const failures: unknown[] = [];
  const alerts: AuditEvent[] = [];
  const audit = { append: (event: AuditEvent) => Promise.resolve(void alerts.push(event)) } as never;
  const refusals = new Refusals({ audit, clock, name: 'one', report: assert.fail });
  const heard = (cause: unknown): void => {
    if (!/the database refused/u.test(String(cause))) failures.push(cause);
  };
  const parts = {
    ...{
      clock,
      writer: new CatalogWriter(refusing(store, UNWRITABLE), updater),
      inbox: store.now.discovery,
      scopes: () => scopes,
    },
    refused: (...[hint, reason]: Parameters<Parameters<typeof processDeliveries>[0]['refused']>) => {
      refusals.refused(record, hint, reason);
    },
    unreadable: (problem: string) => {
      refusals.unreadable(record, problem);
    },
    failed: (_scope: unknown, failure: unknown) => {
      heard(failure);
    },
    report: (_what: string, cause: unknown) => {
      heard(cause);
    },
  };
  const hints = new Impatient(source.hints ?? assert.fail());
  const begin = () =>
    new HintIntake({
      ...{ clock, queue: hints, laneOf: ({ hints: [hint] }) => hint?.scope.account ?? '' },
      take: async (deliveries) => {
        await processDeliveries(parts, { record, source, deliveries }, signal);
      },
      received: (failure) => failure !== undefined && failures.push(failure),
      report: (_what, cause) => failures.push(cause),
    });
  // A count, and no list: looking at thousands of machines after each batch would be most of what is measured.
  const present = async (): Promise<number> =>
    (await store.now.discovery.countFound(record.id)).reduce((sum, one) => sum + one.present, 0);
  const launch = (index: number): string => {
    const PrivateIpAddress = `10.0.${index >> 8}.${index & 255}`;
    const State = { Code: 16, Name: 'running' } as const;
    cloud.put(ACCOUNT, REGION, { InstanceId: idOf(index), State, PrivateIpAddress });
    return stateChange({ ...about, id: idOf(index) }, 'running');
  };
  cloud.put(ACCOUNT, REGION, { InstanceId: UNWRITABLE, State: { Code: 16, Name: 'running' } });
  return { store, queue, source, hints, refusals, alerts, failures, signal, begin, present, launch };
}

async function within(work: (owned: AsyncDisposableStack, directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-poison-'));
  {
    await using owned = new AsyncDisposableStack();
    await work(owned, directory);
  }
  await rm(directory, { recursive: true });
}

it('bad messages stop no good one, and each is tried five times before it is put aside', async (test) => {
  const [good, badEvery] = SOAK ? [5_000, 100] : [700, 80];
  await within(async (owned, directory) => {
    const site = await aSite(owned, directory);
    const { hints, queue, source, signal, refusals, alerts } = site;
    const bodies: string[] = [];
    let bad = 0;
    for (let index = 0; index < good; index++) {
      if (index % badEvery === 7) bodies.push(BAD[bad++ % BAD.length] ?? '');
      bodies.push(site.launch(index));
    }
    assert.ok(bad >= BAD.length);
    await queue.send(...bodies);
    const since = performance.now();
    let goodMs = 0;
    {
      await using _intake = site.begin();
      await until(async () => (await site.present()) === good);
      goodMs = performance.now() - since;
      await until(() => hints.returned >= bad * MOST_RECEIVES);
    }
    assert.deepEqual(site.failures, []);
    test.diagnostic(`${good} good messages within ${(goodMs / 1_000).toFixed(1)} s beside ${bad} bad ones`);
    if (SOAK) assert.ok(goodMs <= GOOD_WITHIN_MS, `the good messages took ${goodMs} ms`);
    await refusals.settled();
    const told = alerts.map(({ detail }) => detail?.['problem'] ?? detail?.['account']).sort();
    assert.deepEqual(told, TOLD, 'one alert of each kind of fault, however many messages have it');
    assert.ok(refusals.count > alerts.length);
    assert.equal((await site.store.now.catalog.listTargets()).length, good);
    assert.ok(
      [...hints.attempts.values()].every((attempts) => attempts === MOST_RECEIVES),
      JSON.stringify([...hints.attempts]),
    );
    const dead: string[] = [];
    while (dead.length < bad) {
      // The queue puts a message aside when it is asked for once more.
      await Promise.race([source.hints?.receive(signal), Promise.resolve()]);
      dead.push(...(await queue.dead()));
    }
    assert.deepEqual(dead.sort(), bodies.filter((body) => BAD.includes(body)).sort());
  });
});

it('events without end of accounts that are none of the source keep no good one waiting, and are told once each', async (test) => {
  const [junk, accounts, good] = SOAK ? [10_000, 100, 500] : [1_000, 10, 50];
  await within(async (owned, directory) => {
    const site = await aSite(owned, directory);
    const strangers = Array.from({ length: accounts }, (_, index) => String(900_000_000_000 + index));
    const bodies: string[] = [];
    for (let index = 0; index < junk; index++) {
      const account = strangers[index % accounts] ?? '';
      bodies.push(stateChange({ ...about, account }, index % 2 === 0 ? 'running' : 'terminated'));
      if (index % (junk / good) === 0) bodies.push(site.launch(index / (junk / good)));
    }
    await site.queue.send(...bodies);
    const since = performance.now();
    let goodMs = 0;
    {
      await using _intake = site.begin();
      await until(async () => (await site.present()) === good);
      goodMs = performance.now() - since;
      await until(() => site.refusals.count >= junk);
    }
    test.diagnostic(`${good} good messages within ${(goodMs / 1_000).toFixed(1)} s among ${junk} that were made up`);
    if (SOAK) assert.ok(goodMs <= GOOD_WITHIN_MS, `the good messages took ${goodMs} ms`);
    await site.refusals.settled();
    assert.deepEqual(site.failures, []);
    assert.deepEqual(site.alerts.map(({ detail }) => detail?.['account']).sort(), strangers);
    assert.equal((await site.store.now.catalog.listTargets()).length, good);
  });
});
