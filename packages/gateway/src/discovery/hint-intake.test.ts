import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Delivery, HintQueue } from '@enchilada/core/discovery';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock } from '../clock.ts';
import { aDelivery, aHint, type Ended, FIRST, SECOND } from '../testing/discovery-world.ts';
import { HintIntake } from './hint-intake.ts';

/** A queue that answers what it is given, ten at a time as SQS does. */
class GivenQueue implements HintQueue {
  readonly #given: Delivery[] = [];
  #arrived = Promise.withResolvers<void>();
  received = 0;

  give(...messages: readonly Ended[]): void {
    this.#given.push(...messages.map(({ delivery }) => delivery));
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  async receive(signal: AbortSignal): Promise<readonly Delivery[]> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
    while (this.#given.length === 0 && !signal.aborted) await Promise.race([this.#arrived.promise, aborted]);
    signal.throwIfAborted();
    const answer = this.#given.splice(0, 10);
    this.received += answer.length;
    return answer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

const laneOf = ({ hints: [first] }: Delivery): string => first?.scope.account ?? '';
const acknowledge = (deliveries: readonly Delivery[]) => Promise.all(deliveries.map((one) => one.acknowledge()));
const messages = (count: number, scope: typeof FIRST): readonly Ended[] =>
  Array.from({ length: count }, (_, index) => aDelivery([aHint(`i-${index}`, 0, { scope })]));
const report = assert.fail;
const received = (): undefined => undefined;

it('a scope whose cloud does not answer keeps no other waiting, and its own messages stay one batch after the other', async () => {
  const queue = new GivenQueue();
  const answered = Promise.withResolvers<void>();
  const running = new Map<string, number>();
  const take = async (deliveries: readonly Delivery[]): Promise<void> => {
    const lane = laneOf(deliveries[0] ?? assert.fail());
    assert.equal(running.get(lane) ?? 0, 0, `two batches of ${lane} at once`);
    running.set(lane, 1);
    if (lane === FIRST.account) await answered.promise;
    await acknowledge(deliveries);
    running.set(lane, 0);
  };
  await using _intake = new HintIntake({ clock, queue, laneOf, take, received, report });
  const [slow, quick] = [messages(25, FIRST), messages(25, SECOND)];
  queue.give(...slow, ...quick, ...messages(1, FIRST));
  await until(() => quick.every(({ how }) => how() === 'acknowledged'));
  assert.ok(slow.every(({ how }) => how() === 'open'));
  answered.resolve();
  await until(() => slow.every(({ how }) => how() === 'acknowledged'));
});

it('messages that come together are taken together, and never more than one describe call takes', async () => {
  const queue = new GivenQueue();
  const batches: number[] = [];
  const take = async (deliveries: readonly Delivery[]): Promise<void> => {
    batches.push(deliveries.length);
    await acknowledge(deliveries);
  };
  await using _intake = new HintIntake({ clock, queue, laneOf, take, received, report });
  const all = messages(450, FIRST);
  queue.give(...all);
  await until(() => all.every(({ how }) => how() === 'acknowledged'));
  assert.ok(batches.length < 45 && Math.max(...batches) === 200, JSON.stringify(batches));
});

it('receives no more than it may hold while nothing is ended, and goes on when something is', async () => {
  const queue = new GivenQueue();
  const ended = Promise.withResolvers<void>();
  const take = async (deliveries: readonly Delivery[]): Promise<void> => {
    await ended.promise;
    await acknowledge(deliveries);
  };
  await using _intake = new HintIntake({ clock, queue, laneOf, take, received, report });
  const all = messages(3_000, FIRST);
  queue.give(...all);
  await until(() => queue.received >= 2_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(queue.received < 2_100, `${queue.received} were received`);
  ended.resolve();
  await until(() => all.every(({ how }) => how() === 'acknowledged'));
});

it('what was received and not begun when it stops is left to the queue', async () => {
  const queue = new GivenQueue();
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const take = async (deliveries: readonly Delivery[]): Promise<void> => {
    begun.resolve();
    await ended.promise;
    await acknowledge(deliveries);
  };
  const intake = new HintIntake({ clock, queue, laneOf, take, received, report });
  const [first, later] = [messages(1, FIRST), messages(1, FIRST)];
  queue.give(...first);
  await begun.promise;
  queue.give(...later);
  await until(() => queue.received === 2);
  const stopped = intake[Symbol.asyncDispose]();
  ended.resolve();
  await stopped;
  assert.deepEqual(
    [...first, ...later].map(({ how }) => how()),
    ['acknowledged', 'open'],
  );
});

it('a message that arrives in the very moment in which the last one ends is taken too', async () => {
  for (let turns = 0; turns < 10; turns++) {
    const queue = new GivenQueue();
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const take = async (deliveries: readonly Delivery[]): Promise<void> => {
      begun.resolve();
      await ended.promise;
      void acknowledge(deliveries);
    };
    await using _intake = new HintIntake({ clock, queue, laneOf, take, received, report });
    const [first, second] = [messages(1, FIRST), messages(1, FIRST)];
    queue.give(...first);
    await begun.promise;
    queue.give(...second);
    for (let turn = 0; turn < turns; turn++) await undefined;
    ended.resolve();
    await until(() => [...first, ...second].every(({ how }) => how() === 'acknowledged'));
  }
});
