import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RelayBench, settled, TestSocket } from '@enchilada/core/testing/relay-bench';
import type { EngineSession, SessionEnd } from '../engine/index.ts';
import { Fault } from '../fault/index.ts';
import { DEFAULT_SESSION_LIMITS, InputRecording, LiveSession, mayBecome, transition } from './index.ts';
import type { ScreenHistory, SessionState } from './index.ts';

class Bench extends RelayBench {
  readonly typed: string[] = [];
  readonly sizes: string[] = [];
  readonly targetEnd = Promise.withResolvers<SessionEnd>();
  paused = false;
  shown = '';

  readonly engine: EngineSession = {
    facts: {},
    ended: this.targetEnd.promise,
    input: (bytes) => {
      this.typed.push(Buffer.from(bytes).toString());
      return true;
    },
    onInputDrained: () => undefined,
    control: ({ columns, rows }) => this.sizes.push(`${columns}x${rows}`),
    pause: () => {
      this.paused = true;
    },
    resume: () => {
      this.paused = false;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };

  readonly history: ScreenHistory = {
    append: (bytes) => {
      this.shown += Buffer.from(bytes).toString();
    },
    resize: () => undefined,
    snapshot: () => Promise.resolve(Buffer.from(`[${this.shown}]`)),
    settle: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };

  readonly relay: LiveSession;

  constructor(viewOnly = false) {
    super();
    this.relay = new LiveSession({
      engine: this.engine,
      recorder: this.recorder,
      history: this.history,
      input: new InputRecording(
        'off',
        () => undefined,
        () => this.clock.time,
      ),
      viewOnly,
      limits: DEFAULT_SESSION_LIMITS,
      clock: this.clock,
      onFailure: this.onFailure,
    });
  }
}

const MIB = 1024 * 1024;

test('shows nothing that the recorder has not accepted', async () => {
  const bench = new Bench();
  bench.accept = [];
  const socket = new TestSocket();
  bench.relay.connectData(bench.viewer('ann', 'control'), socket);
  bench.relay.output(Buffer.from('secret'));
  await settled();
  assert.equal(socket.got, '');
  bench.accept.shift()?.();
  await settled();
  assert.equal(socket.got, 'secret');
});

test('the target’s end is told once its last words are accepted and sent on', async () => {
  const bench = new Bench();
  bench.accept = [];
  const socket = new TestSocket();
  bench.relay.connectData(bench.viewer('ann', 'control'), socket);
  let atEnd: string | undefined;
  void bench.relay.ended.then(() => {
    atEnd = socket.got;
  });
  bench.relay.output(Buffer.from('last words'));
  bench.targetEnd.resolve({ reason: 'closed-by-target', exitCode: 0 });
  await settled();
  assert.equal(atEnd, undefined);
  bench.accept.shift()?.();
  await settled();
  assert.equal(atEnd, 'last words');
});

test('ends once the recorder refuses, and shows nothing from then on', async () => {
  const bench = new Bench();
  const socket = new TestSocket();
  bench.relay.connectData(bench.viewer('ann', 'control'), socket);
  bench.refuse = new Fault('RECORDING_STORE_FULL', 'no room');
  bench.relay.output(Buffer.from('lost'));
  bench.relay.output(Buffer.from('lost too'));
  await settled();
  assert.equal(socket.got, '');
  assert.deepEqual(bench.failures, [bench.refuse]);
});

test('in a view-only session nothing of its own person reaches the target, and everything is shown', async () => {
  const [open, looked] = [new Bench(), new Bench(true)];
  const sockets = [open, looked].map((bench) => {
    const [viewer, socket] = [bench.viewer('ann', 'control'), new TestSocket()];
    bench.relay.join(viewer);
    bench.relay.connectData(viewer, socket);
    bench.relay.input(viewer, Buffer.from('reboot'));
    bench.relay.resize(viewer, { columns: 10, rows: 5 });
    bench.relay.output(Buffer.from('shown'));
    return socket;
  });
  await settled();
  assert.deepEqual([open.typed, open.sizes], [['reboot'], ['10x5']]);
  assert.deepEqual([looked.typed, looked.sizes, looked.relay.bytesIn], [[], [], 0]);
  assert.deepEqual(
    sockets.map(({ got }) => got),
    ['shown', 'shown'],
  );
});

test('pauses the target while the recorder is behind, and resumes it', async () => {
  const bench = new Bench();
  bench.accept = [];
  bench.relay.output(Buffer.alloc(MIB + 1));
  assert.equal(bench.paused, true);
  bench.accept.shift()?.();
  await settled();
  assert.equal(bench.paused, false);
});

test('a store that is behind pauses the target until there is room, and what came is shown all the same', async () => {
  const bench = new Bench();
  const socket = new TestSocket();
  bench.relay.connectData(bench.viewer('ann', 'control'), socket);
  bench.backlog = Promise.withResolvers();
  bench.relay.output(Buffer.from('a flood'));
  bench.relay.output(Buffer.from(' and what was on its way'));
  await settled();
  assert.equal(bench.paused, true);
  assert.equal(socket.got, 'a flood and what was on its way');
  bench.backlog.resolve();
  bench.backlog = undefined;
  await settled();
  assert.equal(bench.paused, false);
});

test('the controlling viewer pauses the target, a watcher does not', async () => {
  const bench = new Bench();
  const slow = Object.assign(new TestSocket(), { stuck: true });
  const watcher = Object.assign(new TestSocket(), { stuck: true });
  bench.relay.connectData(bench.viewer('wim', 'watch'), watcher);
  bench.relay.output(Buffer.alloc(2 * MIB));
  await settled();
  assert.equal(bench.paused, false);
  bench.relay.connectData(bench.viewer('ann', 'control'), slow);
  await settled();
  bench.relay.output(Buffer.alloc(2 * MIB));
  await settled();
  assert.equal(bench.paused, true);
  slow.drain(MIB / 2);
  assert.equal(bench.paused, true);
  slow.drain(1000);
  assert.equal(bench.paused, false);
});

test('a watcher that fell behind is brought up to date by a snapshot', async () => {
  const bench = new Bench();
  const socket = Object.assign(new TestSocket(), { stuck: true });
  bench.relay.connectData(bench.viewer('wim', 'watch'), socket);
  bench.relay.output(Buffer.alloc(2 * MIB, 'a'));
  await settled();
  bench.relay.output(Buffer.from('missed'));
  await settled();
  assert.ok(!socket.got.includes('missed'));
  socket.stuck = false;
  socket.drain(0);
  await settled();
  assert.ok(socket.got.endsWith('missed]'));
  bench.relay.output(Buffer.from(' and on'));
  await settled();
  assert.ok(socket.got.endsWith('missed] and on'));
});

test('who comes late sees the snapshot first and loses nothing that is shown meanwhile', async () => {
  const bench = new Bench();
  bench.relay.output(Buffer.from('early'));
  await settled();
  const socket = new TestSocket();
  bench.relay.connectData(bench.viewer('ann', 'control'), socket);
  bench.relay.output(Buffer.from(' meanwhile'));
  await settled();
  assert.equal(socket.got, '[early] meanwhile');
});

test('drops what a watcher types, in the gateway', () => {
  const bench = new Bench();
  const watcher = bench.viewer('wim', 'watch');
  bench.relay.input(watcher, Buffer.from('rm -rf'));
  bench.relay.resize(watcher, { columns: 1, rows: 1 });
  assert.deepEqual([bench.typed, bench.sizes], [[], []]);
});

test('a second controlling viewer takes over and the first is told', () => {
  const bench = new Bench();
  const first = bench.viewer('ann', 'control');
  const second = bench.viewer('ann-again', 'control');
  assert.equal(first.isClosed, true);
  assert.ok(first.events.some((event) => event.type === 'ended' && event.reason === 'VIEWER_REPLACED'));
  bench.relay.input(first, Buffer.from('x'));
  bench.relay.input(second, Buffer.from('y'));
  assert.deepEqual(bench.typed, ['y']);
});

test('names a viewer that takes nothing for a minute', async () => {
  const bench = new Bench();
  const viewer = bench.viewer('ann', 'control');
  bench.relay.connectData(viewer, Object.assign(new TestSocket(), { stuck: true }));
  bench.relay.output(Buffer.from('x'));
  await settled();
  bench.clock.time += DEFAULT_SESSION_LIMITS.stallMs;
  assert.deepEqual(bench.relay.tick(), []);
  bench.clock.time += 1;
  assert.deepEqual(bench.relay.tick(), [viewer]);
});

test('output without a viewer goes on to the recorder up to the limit', async () => {
  const bench = new Bench();
  for (let sent = 0; sent <= DEFAULT_SESSION_LIMITS.unwatchedBytes; sent += MIB / 2)
    bench.relay.output(Buffer.alloc(MIB / 2));
  await settled();
  assert.equal(bench.paused, true);
  bench.relay.connectData(bench.viewer('ann', 'control'), new TestSocket());
  await settled();
  assert.equal(bench.paused, false);
});

test('a session becomes only what it may become', () => {
  const states: readonly SessionState[] = ['requested', 'opening', 'live', 'grace', 'ended'];
  const legal = [
    'requested>opening',
    'requested>ended',
    'opening>live',
    'opening>ended',
    'live>grace',
    'live>ended',
    'grace>live',
    'grace>ended',
  ];
  const found = states.flatMap((from) => states.filter((to) => mayBecome(from, to)).map((to) => `${from}>${to}`));
  assert.deepEqual(found, legal);
  assert.throws(() => transition('ended', 'live'), { code: 'INTERNAL' });
});
