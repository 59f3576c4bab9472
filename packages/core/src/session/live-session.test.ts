import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineSession, SessionEnd } from '../engine/index.ts';
import { Fault } from '../fault/index.ts';
import type { RecordingEvent, SessionRecorder } from '../recording/index.ts';
import type { Clock } from '../time/index.ts';
import { DEFAULT_SESSION_LIMITS, InputRecording, LiveSession, Viewer, mayBecome, transition } from './index.ts';
import type { DataPort, ScreenHistory, SessionEvent, SessionState, ViewerMode } from './index.ts';

function withBacklog(
  backlog: () => Promise<void> | undefined,
  append: SessionRecorder['append'],
): Pick<SessionRecorder, 'append' | 'backlog'> {
  return {
    append,
    get backlog() {
      return backlog();
    },
  };
}

class Bench {
  now = 0;
  readonly clock: Clock = {
    now: () => this.now,
    monotonicMs: () => this.now,
    after: () => ({ [Symbol.dispose]: () => undefined }),
    every: () => ({ [Symbol.dispose]: () => undefined }),
  };
  readonly recorded: RecordingEvent[] = [];
  readonly failures: unknown[] = [];
  readonly typed: string[] = [];
  readonly sizes: string[] = [];
  paused = false;
  accept: (() => void)[] | undefined;
  refuse: Fault | undefined;
  backlog: PromiseWithResolvers<void> | undefined;
  shown = '';

  readonly engine: EngineSession = {
    facts: {},
    ended: new Promise<SessionEnd>(() => undefined),
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

  readonly live = new LiveSession({
    engine: this.engine,
    recorder: withBacklog(
      () => this.backlog?.promise,
      (event) => {
        this.recorded.push(event);
        if (this.refuse !== undefined) return Promise.reject(this.refuse);
        const { accept } = this;
        return accept === undefined || event.kind !== 'output'
          ? Promise.resolve()
          : new Promise<void>((resolve) => accept.push(resolve));
      },
    ),
    history: this.history,
    input: new InputRecording(
      'off',
      () => undefined,
      () => this.now,
    ),
    limits: DEFAULT_SESSION_LIMITS,
    clock: this.clock,
    onFailure: (cause) => this.failures.push(cause),
  });

  viewer(id: string, mode: ViewerMode): Viewer & { readonly events: SessionEvent[]; isClosed: boolean } {
    const events: SessionEvent[] = [];
    const viewer = Object.assign(
      new Viewer(
        { id, userId: id, username: id, mode, address: '', login: { digest: '', createdAt: 0, expiresAt: Infinity } },
        { send: (event) => events.push(event), close: () => (viewer.isClosed = true) },
      ),
      { events, isClosed: false },
    );
    this.live.join(viewer);
    return viewer;
  }
}

class Socket implements DataPort {
  got = '';
  bufferedBytes = 0;
  stuck = false;
  inputPaused = false;
  flushed = 0;
  #drained: () => void = () => undefined;
  send(bytes: Uint8Array): void {
    if (this.stuck) this.bufferedBytes += bytes.length;
    this.got += Buffer.from(bytes).toString();
  }
  flush(): void {
    this.flushed += 1;
  }
  onDrain(drained: () => void): void {
    this.#drained = drained;
  }
  drain(to: number): void {
    this.bufferedBytes = to;
    this.#drained();
  }
  pauseInput(): void {
    this.inputPaused = true;
  }
  resumeInput(): void {
    this.inputPaused = false;
  }
  close(): void {
    this.stuck = true;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const MIB = 1024 * 1024;

test('shows nothing that the recorder has not accepted', async () => {
  const bench = new Bench();
  bench.accept = [];
  const socket = new Socket();
  bench.live.connectData(bench.viewer('ann', 'control'), socket);
  bench.live.output(Buffer.from('secret'));
  await settled();
  assert.equal(socket.got, '');
  bench.accept.shift()?.();
  await settled();
  assert.equal(socket.got, 'secret');
});

test('ends once the recorder refuses, and shows nothing from then on', async () => {
  const bench = new Bench();
  const socket = new Socket();
  bench.live.connectData(bench.viewer('ann', 'control'), socket);
  bench.refuse = new Fault('RECORDING_STORE_FULL', 'no room');
  bench.live.output(Buffer.from('lost'));
  bench.live.output(Buffer.from('lost too'));
  await settled();
  assert.equal(socket.got, '');
  assert.deepEqual(bench.failures, [bench.refuse]);
});

test('pauses the target while the recorder is behind, and resumes it', async () => {
  const bench = new Bench();
  bench.accept = [];
  bench.live.output(Buffer.alloc(MIB + 1));
  assert.equal(bench.paused, true);
  bench.accept.shift()?.();
  await settled();
  assert.equal(bench.paused, false);
});

test('a store that is behind pauses the target until there is room, and what came is shown all the same', async () => {
  const bench = new Bench();
  const socket = new Socket();
  bench.live.connectData(bench.viewer('ann', 'control'), socket);
  bench.backlog = Promise.withResolvers();
  bench.live.output(Buffer.from('a flood'));
  bench.live.output(Buffer.from(' and what was on its way'));
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
  const slow = Object.assign(new Socket(), { stuck: true });
  const watcher = Object.assign(new Socket(), { stuck: true });
  bench.live.connectData(bench.viewer('wim', 'watch'), watcher);
  bench.live.output(Buffer.alloc(2 * MIB));
  await settled();
  assert.equal(bench.paused, false);
  bench.live.connectData(bench.viewer('ann', 'control'), slow);
  await settled();
  bench.live.output(Buffer.alloc(2 * MIB));
  await settled();
  assert.equal(bench.paused, true);
  slow.drain(MIB / 2);
  assert.equal(bench.paused, true);
  slow.drain(1000);
  assert.equal(bench.paused, false);
});

test('a watcher that fell behind is brought up to date by a snapshot', async () => {
  const bench = new Bench();
  const socket = Object.assign(new Socket(), { stuck: true });
  bench.live.connectData(bench.viewer('wim', 'watch'), socket);
  bench.live.output(Buffer.alloc(2 * MIB, 'a'));
  await settled();
  bench.live.output(Buffer.from('missed'));
  await settled();
  assert.ok(!socket.got.includes('missed'));
  socket.stuck = false;
  socket.drain(0);
  await settled();
  assert.ok(socket.got.endsWith('missed]'));
  bench.live.output(Buffer.from(' and on'));
  await settled();
  assert.ok(socket.got.endsWith('missed] and on'));
});

test('who comes late sees the snapshot first and loses nothing that is shown meanwhile', async () => {
  const bench = new Bench();
  bench.live.output(Buffer.from('early'));
  await settled();
  const socket = new Socket();
  bench.live.connectData(bench.viewer('ann', 'control'), socket);
  bench.live.output(Buffer.from(' meanwhile'));
  await settled();
  assert.equal(socket.got, '[early] meanwhile');
});

test('drops what a watcher types, in the gateway', () => {
  const bench = new Bench();
  const watcher = bench.viewer('wim', 'watch');
  bench.live.input(watcher, Buffer.from('rm -rf'));
  bench.live.resize(watcher, { columns: 1, rows: 1 });
  assert.deepEqual([bench.typed, bench.sizes], [[], []]);
});

test('a second controlling viewer takes over and the first is told', () => {
  const bench = new Bench();
  const first = bench.viewer('ann', 'control');
  const second = bench.viewer('ann-again', 'control');
  assert.equal(first.isClosed, true);
  assert.ok(first.events.some((event) => event.type === 'notice' && event.code === 'resumed-elsewhere'));
  bench.live.input(first, Buffer.from('x'));
  bench.live.input(second, Buffer.from('y'));
  assert.deepEqual(bench.typed, ['y']);
});

test('names a viewer that takes nothing for a minute', async () => {
  const bench = new Bench();
  const viewer = bench.viewer('ann', 'control');
  bench.live.connectData(viewer, Object.assign(new Socket(), { stuck: true }));
  bench.live.output(Buffer.from('x'));
  await settled();
  bench.now += DEFAULT_SESSION_LIMITS.stallMs;
  assert.deepEqual(bench.live.tick(), []);
  bench.now += 1;
  assert.deepEqual(bench.live.tick(), [viewer]);
});

test('output without a viewer goes on to the recorder up to the limit', async () => {
  const bench = new Bench();
  for (let sent = 0; sent <= DEFAULT_SESSION_LIMITS.unwatchedBytes; sent += MIB / 2)
    bench.live.output(Buffer.alloc(MIB / 2));
  await settled();
  assert.equal(bench.paused, true);
  bench.live.connectData(bench.viewer('ann', 'control'), new Socket());
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
