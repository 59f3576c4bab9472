// R10: bad messages among good ones. The good ones are taken in, the bad ones reach the dead-letter queue after five receives and never after one.
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
  processDeliveries,
} from '@enchilada/core/discovery';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { refusing } from '../testing/discovery-world.ts';
import { HintIntake } from './hint-intake.ts';
import { RefusedEvents } from './refused-events.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const SOAK = process.env['TEST_SOAK'] === '1';
const MESSAGES = SOAK ? 5_000 : 700;
const BAD_EVERY = 100;
const MOST_RECEIVES = 5;
/** What SQS takes, in bytes. */
const LARGEST_MESSAGE = 1_048_576;
const idOf = (index: number): string => `i-${index.toString(16).padStart(17, '0')}`;
/** Of this machine the database refuses every write. */
const UNWRITABLE = `i-${'f'.repeat(17)}`;
const THROWS = stateChange({ account: ACCOUNT, region: REGION, id: UNWRITABLE }, 'running');
const GOOD_WITHIN_MS = 60_000;
const BAD = [
  '{bad',
  'x'.repeat(LARGEST_MESSAGE),
  THROWS,
  '{"detail-type": "EC2 Instance State-change Notification"}',
  '[]',
  'null',
];

it('bad messages stop no good one, and each is tried five times before it is put aside', async (test) => {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-poison-'));
  {
    await using cloud = await AwsStandIn.start();
    await using queue = await EventQueue.start();
    Object.assign(process.env, cloud.environment);
    await using store = sqlite({ file: join(directory, 'catalog.db') });
    await store.migrate();
    const record = aSource({
      kind: 'aws',
      parameters: {
        accounts: [ACCOUNT],
        regions: [REGION],
        endpoint: cloud.url,
        queueUrl: queue.url,
        callsPerSecond: 1_000,
      },
    });
    cloud.roles.set(ACCOUNT, externalIdOf(record.id));
    await store.now.discovery.insertSource(record);
    await using source = await aws({ clock }).open(record);
    const { hints } = source;
    assert.ok(hints);
    const { signal } = new AbortController();
    await store.now.discovery.noteScopes(record.id, await source.scopes(signal));
    const scopes = await store.now.discovery.listScopes(record.id);
    const projection = { protocols: { linux: 'proto' }, portOf: () => 22 };
    const updater = new CatalogUpdater({ clock, random, projection });
    const writer = new CatalogWriter(refusing(store, UNWRITABLE), updater);
    const bodies: string[] = [];
    let bad = 0;
    for (let index = 0; index < MESSAGES; index++) {
      if (index % BAD_EVERY === 7) bodies.push(BAD[bad++ % BAD.length] ?? '');
      cloud.put(ACCOUNT, REGION, {
        InstanceId: idOf(index),
        State: { Code: 16, Name: 'running' },
        PrivateIpAddress: `10.0.${index >> 8}.${index & 255}`,
      });
      bodies.push(stateChange({ account: ACCOUNT, region: REGION, id: idOf(index) }, 'running'));
    }
    cloud.put(ACCOUNT, REGION, { InstanceId: UNWRITABLE, State: { Code: 16, Name: 'running' } });
    await queue.send(...bodies);
    const since = performance.now();
    let goodMs = 0;
    const receives = new Map<string, number>();
    let retries = 0;
    const problems = new Set<string>();
    // A count, and no list: looking at thousands of machines after each batch would be most of what is measured.
    const put = async (): Promise<number> =>
      (await store.now.discovery.countFound(record.id)).reduce((sum, { present }) => sum + present, 0);
    const failures: unknown[] = [];
    const alerts: AuditEvent[] = [];
    const audit = { append: (event: AuditEvent) => Promise.resolve(void alerts.push(event)) } as never;
    const refusals = new RefusedEvents({ audit, clock, name: 'one', report: assert.fail });
    const parts = {
      ...{ clock, writer, scopes: () => scopes, refused: assert.fail },
      unreadable: (problem: string): void => {
        problems.add(problem);
        refusals.unreadable(record, problem);
      },
      report: (_what: string, cause: unknown) => {
        if (!/the database refused/u.test(String(cause))) failures.push(cause);
      },
    };
    // The waits between attempts are the processor's own and tested there; here they are left out.
    const atOnce = (delivery: Delivery): Delivery => ({
      ...delivery,
      retry: () => {
        retries++;
        const { problem = '', attempt } = delivery;
        receives.set(problem, Math.max(receives.get(problem) ?? 0, attempt));
        return delivery.retry(0);
      },
    });
    {
      await using _intake = new HintIntake({
        clock,
        queue: {
          receive: async (stopped) => (await hints.receive(stopped)).map(atOnce),
          [Symbol.asyncDispose]: () => Promise.resolve(),
        },
        laneOf: ({ hints: [hint] }) => hint?.scope.region ?? '',
        take: async (deliveries) => {
          await processDeliveries(parts, { record, source, deliveries }, signal);
        },
        received: (failure) => failure !== undefined && failures.push(failure),
        report: (_what, cause) => failures.push(cause),
      });
      await until(async () => (await put()) === MESSAGES);
      goodMs = performance.now() - since;
      await until(() => retries >= bad * MOST_RECEIVES);
    }
    assert.deepEqual(failures, []);
    test.diagnostic(`${MESSAGES} good messages within ${(goodMs / 1_000).toFixed(1)} s beside ${bad} bad ones`);
    if (SOAK) assert.ok(goodMs <= GOOD_WITHIN_MS, `the good messages took ${goodMs} ms`);
    await refusals.settled();
    assert.equal(problems.size, 2, [...problems].join());
    assert.equal(alerts.length, problems.size, 'one alert of each kind of fault, however many messages have it');
    assert.ok(refusals.count > alerts.length);
    assert.equal((await store.now.catalog.listTargets()).length, MESSAGES);
    assert.ok(
      [...receives.values()].every((attempts) => attempts === MOST_RECEIVES),
      JSON.stringify([...receives]),
    );
    const dead: string[] = [];
    while (dead.length < bad) {
      // The queue puts a message aside when it is asked for once more.
      await Promise.race([hints.receive(signal), Promise.resolve()]);
      dead.push(...(await queue.dead()));
    }
    assert.deepEqual(dead.sort(), bodies.filter((body) => BAD.includes(body)).sort());
  }
  await rm(directory, { recursive: true });
});
