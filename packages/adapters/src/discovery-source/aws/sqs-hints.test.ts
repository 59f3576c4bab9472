import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import * as commands from '@aws-sdk/client-sqs';
import type { Delivery, HintQueue } from '@enchilada/core/discovery';
import { isFault } from '@enchilada/core/fault';
import { systemClock } from '@enchilada/core/testing/authorized';
import { until } from '@enchilada/core/testing/until';
import type { Clock } from '@enchilada/core/time';
import { sqsHints } from './sqs-hints.ts';
import { EventQueue, QueueDoor, stateChange } from './testing/index.ts';

const REGION = 'eu-west-1';
const { signal } = new AbortController();
const about = (number: number) => ({
  ...{ account: '111111111111', region: REGION, id: `i-${number.toString(16).padStart(17, '0')}` },
});

/** The system's clock, whose regular work is done when the test says so. */
class BeatenClock implements Clock {
  readonly beats: { readonly ms: number; readonly work: () => void }[] = [];
  now = (): number => systemClock.now();
  monotonicMs = (): number => systemClock.monotonicMs();
  after = (ms: number, work: () => void): Disposable => systemClock.after(ms, work);

  every(ms: number, work: () => void): Disposable {
    const beat = { ms, work };
    this.beats.push(beat);
    return { [Symbol.dispose]: () => void this.beats.splice(this.beats.indexOf(beat), 1) };
  }
}

interface Call {
  readonly name: string;
  readonly input: { readonly VisibilityTimeout?: number; readonly Entries?: readonly Entry[] };
}

interface Entry {
  readonly ReceiptHandle?: string;
  readonly VisibilityTimeout?: number;
}

describe('the messages of an SQS queue', () => {
  let queue: EventQueue;
  let door: QueueDoor;
  let client: commands.SQSClient;
  let clock: BeatenClock;
  const calls: Call[] = [];
  const handles: string[] = [];

  before(() => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
  });
  beforeEach(async () => {
    queue = await EventQueue.start();
    door = await QueueDoor.before(queue.url);
    clock = new BeatenClock();
    client = new commands.SQSClient({ endpoint: new URL(door.url).origin, region: REGION });
    calls.length = 0;
    handles.length = 0;
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (step) => {
          const answered = await next(step);
          calls.push({ name: String(commandName), input: step.input as Call['input'] });
          const { Messages = [] } = answered.output as { readonly Messages?: readonly Entry[] };
          handles.push(...Messages.flatMap(({ ReceiptHandle }) => ReceiptHandle ?? []));
          return answered;
        },
      { step: 'initialize' },
    );
  });
  const owned = new AsyncDisposableStack();
  after(() => owned.disposeAsync());

  const open = (): HintQueue => {
    owned.use(queue);
    owned.use(door);
    const [opened, used] = [sqsHints({ client, commands, queueUrl: door.url, clock }), client];
    owned.defer(() => {
      used.destroy();
    });
    return opened;
  };
  async function receive(hints: HintQueue, count: number): Promise<readonly Delivery[]> {
    const all: Delivery[] = [];
    while (all.length < count) all.push(...(await hints.receive(signal)));
    return all;
  }
  const changed = (): readonly Entry[] =>
    calls
      .filter(({ name }) => name.startsWith('ChangeMessageVisibility'))
      .flatMap(({ input: { Entries = [] } }) => Entries);

  it('that are held stay with us: their time is renewed before a third of it is over, until they end', async ({
    mock,
  }) => {
    await using hints = open();
    await queue.send(stateChange(about(1), 'running'), stateChange(about(2), 'running'));
    const [ended] = await receive(hints, 2);
    const [beat] = clock.beats;
    const visible = calls.find(({ name }) => name.startsWith('ReceiveMessage'))?.input.VisibilityTimeout ?? 0;
    assert.ok(beat !== undefined && beat.ms * 3 <= visible * 1_000);
    await ended?.acknowledge();
    // Nearly over, as after a long describe call. The queue is in this process: its clock stands still with ours.
    mock.timers.enable({ apis: ['Date'], now: Date.now() });
    for (const ReceiptHandle of handles)
      await client
        .send(new commands.ChangeMessageVisibilityCommand({ QueueUrl: door.url, ReceiptHandle, VisibilityTimeout: 1 }))
        .catch(() => undefined);
    beat.work();
    await until(() => changed().length > 0);
    assert.deepEqual(
      changed().map(({ VisibilityTimeout }) => VisibilityTimeout),
      [visible],
      'the one that was ended is left alone',
    );
    mock.timers.tick(3_000);
    const other = new commands.ReceiveMessageCommand({ QueueUrl: queue.url, WaitTimeSeconds: 0 });
    assert.deepEqual((await client.send(other)).Messages ?? [], [], 'nobody else gets it');
  });

  it('of which one cannot be ended fail alone, and only that one comes again', async () => {
    await using hints = open();
    await queue.send(...[1, 2, 3].map((number) => stateChange(about(number), 'running')));
    const all = await receive(hints, 3);
    door.halfDone.add('DeleteMessageBatch');
    const ended = await Promise.allSettled(all.map((delivery) => delivery.acknowledge()));
    assert.deepEqual(
      ended.map(({ status }) => status),
      ['rejected', 'fulfilled', 'fulfilled'],
    );
    const [failed] = ended;
    assert.ok(failed?.status === 'rejected' && isFault(failed.reason, 'DISCOVERY_FAILED'));
    assert.match(failed.reason.message, /InternalError/u);
    const { waiting, held } = await queue.depth();
    assert.equal(waiting + held, 1);
    door.halfDone.clear();
    door.halfDone.add('ChangeMessageVisibilityBatch');
    await queue.send(...[4, 5].map((number) => stateChange(about(number), 'running')));
    const later = await receive(hints, 2);
    const returned = await Promise.allSettled(later.map((delivery) => delivery.retry(0)));
    assert.deepEqual(
      returned.map(({ status }) => status),
      ['rejected', 'fulfilled'],
    );
    const [again] = await receive(hints, 1);
    assert.deepEqual([again?.hints[0]?.nativeId, again?.attempt], [about(5).id, 2]);
  });

  it('that are given back stay away for as long as was asked, and never longer than SQS can', async () => {
    await using hints = open();
    await queue.send(stateChange(about(1), 'running'), stateChange(about(2), 'running'));
    const [first, second] = await receive(hints, 2);
    await Promise.all([first?.retry(7_400), second?.retry(10 ** 9)]);
    assert.deepEqual(
      changed().map(({ VisibilityTimeout }) => VisibilityTimeout),
      [8, 12 * 3_600],
    );
  });

  it('that were ended when it stops are taken off the queue before it has stopped, and the others are left to it', async () => {
    const hints = open();
    await queue.send(...[1, 2, 3].map((number) => stateChange(about(number), 'running')));
    const [first, second] = await receive(hints, 3);
    const ended = Promise.all([first?.acknowledge(), second?.acknowledge()]);
    await hints[Symbol.asyncDispose]();
    const { waiting, held } = await queue.depth();
    assert.equal(waiting + held, 1);
    assert.deepEqual(clock.beats, [], 'nobody holds what is left any longer');
    await ended;
  });
});
