import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineStream, Seat, SessionEnd } from '@enchilada/core/engine';
import { DesktopSession, type DesktopConnection } from './desktop-session.ts';
import { NotedSeat } from './testing.ts';

class Connection implements DesktopConnection {
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  begun = 0;
  isOpen = true;

  finish(end: SessionEnd): void {
    this.isOpen = false;
    this.#ended.resolve(end);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.finish({ reason: 'terminated' });
    return Promise.resolve();
  }
}

class TestSeat extends NotedSeat {
  readonly sink = { output: () => undefined };
}

/** A viewer's stream, which ends with its connection. */
function streamOf(connection: Connection): EngineStream & { start(): void } {
  return {
    ended: connection.ended,
    start: () => void (connection.begun += 1),
    input: () => true,
    onInputDrained: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A session whose further connections sign in when the test says so. */
class Bench {
  readonly first = new Connection();
  readonly made: Connection[] = [this.first];
  readonly signingIn: PromiseWithResolvers<Connection>[] = [];
  readonly session = new DesktopSession<Connection>(this.first, {
    facts: {},
    clipboard: { upload: true, download: true },
    signal: new AbortController().signal,
    connect: () => {
      const coming = Promise.withResolvers<Connection>();
      this.signingIn.push(coming);
      return coming.promise;
    },
    streamOf,
  });

  join(mode: Seat['mode'] = 'control'): Promise<EngineStream> {
    return this.session.join(new TestSeat(mode));
  }

  signsIn(index: number): Connection {
    const connection = new Connection();
    this.made.push(connection);
    this.signingIn[index]?.resolve(connection);
    return connection;
  }

  get open(): readonly Connection[] {
    return this.made.filter(({ isOpen }) => isOpen);
  }
}

test('joins that overlap leave one connection, that of the last, and the session goes on', async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ] as const) {
    const bench = new Bench();
    await bench.join();
    const joins = [bench.join(), bench.join()];
    const made = new Map<number, Connection>();
    for (const index of order) {
      made.set(index, bench.signsIn(index));
      await joins[index];
    }
    const last = made.get(1);
    assert.deepEqual(bench.open, [last], `signed in in the order ${order.join(', ')}`);
    assert.equal(last?.begun, 1);
    await bench.session[Symbol.asyncDispose]();
    assert.deepEqual(bench.open, []);
  }
});

test('a viewer that comes in the same moment as the first gets no connection that another has', async () => {
  const bench = new Bench();
  const joins = [bench.join(), bench.join()];
  await joins[0];
  assert.equal(bench.first.begun, 1);
  const second = bench.signsIn(0);
  await joins[1];
  assert.deepEqual(bench.open, [second]);
  assert.deepEqual([bench.first.begun, second.begun], [1, 1]);
});

test('a join that fails leaves the session to who has it', async () => {
  const bench = new Bench();
  await bench.join();
  const joins = [bench.join(), bench.join()];
  const second = bench.signsIn(0);
  await joins[0];
  bench.signingIn[1]?.reject(new Error('no more desktops'));
  await assert.rejects(joins[1] ?? Promise.resolve(), /no more desktops/u);
  assert.deepEqual(bench.open, [second]);
  second.finish({ reason: 'closed-by-target' });
  assert.equal((await bench.session.ended).reason, 'closed-by-target');
});

for (const mode of ['control', 'watch'] as const)
  test(`nothing of a session that has ended stays open, be it a ${mode} viewer's that is still signing in`, async () => {
    const bench = new Bench();
    await bench.join();
    const watching = bench.join('watch');
    bench.signsIn(0);
    await watching;
    const joins = [bench.join(mode), bench.join(mode)];
    const early = bench.signsIn(1);
    await joins[0];
    assert.ok(early.isOpen);
    await bench.session[Symbol.asyncDispose]();
    bench.signsIn(2);
    await (
      await joins[1]
    )?.ended;
    assert.deepEqual(bench.open, []);
  });
