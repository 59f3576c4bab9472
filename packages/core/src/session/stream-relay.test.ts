import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RelayBench, settled, TestSocket, type TestViewer } from '@enchilada/core/testing/relay-bench';
import type { EngineStream, Seat, SessionEnd, StreamedSession } from '../engine/index.ts';
import { Fault } from '../fault/index.ts';
import { DEFAULT_SESSION_LIMITS, RECORDER_PAUSE_ABOVE_BYTES, StreamRelay, VIEWER_PAUSE_ABOVE_BYTES } from './index.ts';
import type { ViewerMode } from './index.ts';
import { FileLog, type FileLogParts } from './file-log.ts';
import type { SessionAuditEvent } from './session-log.ts';

/** A stream whose far end is the test. */
class Stream implements EngineStream {
  readonly seat: Seat;
  readonly got: string[] = [];
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  paused = false;
  disposed = false;
  full = false;
  drained: () => void = () => undefined;

  constructor(seat: Seat) {
    this.seat = seat;
  }
  say(text: string): void {
    this.seat.sink.output(Buffer.from(text));
  }
  end(end: SessionEnd): void {
    this.#ended.resolve(end);
  }
  input(bytes: Uint8Array): boolean {
    this.got.push(Buffer.from(bytes).toString());
    return !this.full;
  }
  onInputDrained(resume: () => void): void {
    this.drained = resume;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }
}

class Bench extends RelayBench {
  readonly streams: Stream[] = [];
  hold: Promise<void> = Promise.resolve();
  refuseSeat: Fault | undefined;
  disposed = false;

  readonly engine: StreamedSession = {
    facts: {},
    clipboard: { upload: true, download: true },
    ended: new Promise<SessionEnd>(() => undefined),
    join: async (seat) => {
      await this.hold;
      if (this.refuseSeat !== undefined) throw this.refuseSeat;
      const stream = new Stream(seat);
      this.streams.push(stream);
      return stream;
    },
    [Symbol.asyncDispose]: () => {
      this.disposed = true;
      return Promise.resolve();
    },
  };

  rights = { upload: true, download: false };
  readonly audited: string[] = [];
  /** While it waits, the audit log has not taken what it was given. */
  audit: Promise<unknown> = Promise.resolve();

  readonly relay: StreamRelay;

  constructor(viewOnly = false) {
    super();
    this.relay = new StreamRelay({
      engine: this.engine,
      recorder: this.recorder,
      limits: DEFAULT_SESSION_LIMITS,
      desktopInput: 'keys',
      viewOnly,
      clipboard: () => this.rights,
      clipboardFiles: () => this.rights,
      fileLog: this.#logBy(async (event) => {
        await this.audit;
        this.#write(event);
      }),
      denialLog: this.#logBy((event) => {
        this.#write(event);
        return Promise.resolve();
      }),
      clock: this.clock,
      onFailure: this.onFailure,
    });
  }

  #logBy(audit: FileLogParts['audit']): FileLog {
    return new FileLog({
      audit,
      record: (event) => this.recorder.append(event),
      target: { id: 'tgt_1', name: 'windows' },
      sessionId: 'ses_1',
    });
  }

  #write({ action, outcome, detail = {} }: SessionAuditEvent): void {
    this.audited.push([action, outcome, ...Object.values(detail)].join(' '));
  }

  async seated(id: string, mode: ViewerMode): Promise<{ viewer: TestViewer; socket: TestSocket; stream: Stream }> {
    const viewer = this.viewer(id, mode);
    const socket = new TestSocket();
    this.relay.connectData(viewer, socket);
    await settled();
    return { viewer, socket, stream: this.streams.at(-1)! };
  }
}

test('every seat of a view-only session is one, that of its own person too', async () => {
  const bench = new Bench(true);
  const seats = [await bench.seated('ada', 'control'), await bench.seated('bob', 'watch')];
  assert.deepEqual(
    seats.map(({ stream: { seat } }) => [seat.mode, seat.viewOnly]),
    [
      ['control', true],
      ['watch', true],
    ],
  );
  assert.equal((await new Bench().seated('ada', 'control')).stream.seat.viewOnly, false);
});

test('a seat has the rights to the clipboard that the person has as it is taken', async () => {
  const bench = new Bench();
  const before = await bench.seated('ada', 'control');
  bench.rights = { upload: false, download: true };
  const after = await bench.seated('ada again', 'control');
  assert.deepEqual(
    [before, after].map(({ stream }) => stream.seat.clipboard),
    [
      { upload: true, download: false },
      { upload: false, download: true },
    ],
  );
});

test('each viewer has a stream of its own, recorded as a segment on a channel of its own', async () => {
  const bench = new Bench();
  const ada = await bench.seated('ada', 'control');
  const bob = await bench.seated('bob', 'watch');
  ada.stream.say('to ada');
  bob.stream.say('to bob');
  await settled();
  assert.deepEqual(ada.socket.messages, ['to ada']);
  assert.deepEqual(bob.socket.messages, ['to bob']);
  const segments = bench.recorded.filter((event) => event.kind === 'segment');
  assert.deepEqual(segments, [
    { kind: 'segment', channel: 0, viewer: 'ada', mode: 'control' },
    { kind: 'segment', channel: 1, viewer: 'bob', mode: 'watch' },
  ]);
  const outputs = bench.recorded.flatMap((event) =>
    event.kind === 'output' ? [[event.channel, Buffer.from(event.bytes).toString()]] : [],
  );
  assert.deepEqual(outputs, [
    [0, 'to ada'],
    [1, 'to bob'],
  ]);
});

test('keeps the messages of the engine apart', async () => {
  const bench = new Bench();
  const { stream, socket } = await bench.seated('ada', 'control');
  stream.say('one');
  stream.say('two');
  await settled();
  assert.deepEqual(socket.messages, ['one', 'two']);
});

test('what is typed is recorded sealed, together, and nowhere else; the pointer is recorded as it goes', async () => {
  const bench = new Bench();
  const { stream, viewer } = await bench.seated('ada', 'control');
  const stroke = (value: number, isDown: boolean) => ({ code: 'keysym', value, isDown }) as const;
  stream.seat.noted({ type: 'key', stroke: stroke(0x73, true) });
  bench.clock.time += 40;
  stream.seat.noted({ type: 'key', stroke: stroke(0x73, false) });
  for (const [x, buttons] of [
    [1, 0],
    [2, 0],
    [3, 1],
  ] as const)
    stream.seat.noted({ type: 'pointer', x, y: 9, buttons });
  assert.deepEqual(bench.sealed, []);
  bench.relay.leave(viewer);
  await settled();
  const strokes = [
    { ...stroke(0x73, true), agoMs: 40 },
    { ...stroke(0x73, false), agoMs: 0 },
  ];
  assert.deepEqual(bench.sealed, [{ channel: 0, strokes }]);
  assert.deepEqual(
    bench.recorded.filter(({ kind }) => kind === 'pointer'),
    [
      { kind: 'pointer', channel: 0, x: 1, y: 9, buttons: 0 },
      { kind: 'pointer', channel: 0, x: 3, y: 9, buttons: 1 },
    ],
  );
});

test('shows nothing that the recorder has not accepted', async () => {
  const bench = new Bench();
  bench.accept = [];
  const { stream, socket } = await bench.seated('ada', 'control');
  stream.say('secret');
  await settled();
  assert.deepEqual(socket.messages, []);
  bench.accept[0]?.();
  await settled();
  assert.deepEqual(socket.messages, ['secret']);
});

test('a slow viewer pauses its own stream alone', async () => {
  const bench = new Bench();
  const ada = await bench.seated('ada', 'control');
  const bob = await bench.seated('bob', 'watch');
  bob.socket.bufferedBytes = VIEWER_PAUSE_ABOVE_BYTES + 1;
  bob.stream.say('much');
  await settled();
  assert.deepEqual([ada.stream.paused, bob.stream.paused], [false, true]);
  bob.socket.drain(0);
  assert.equal(bob.stream.paused, false);
});

test('a recorder that lags pauses the stream', async () => {
  const bench = new Bench();
  bench.accept = [];
  const { stream } = await bench.seated('ada', 'control');
  stream.say('x'.repeat(RECORDER_PAUSE_ABOVE_BYTES + 1));
  assert.equal(stream.paused, true);
  bench.accept[0]?.();
  await settled();
  assert.equal(stream.paused, false);
});

test('a store that is behind pauses each stream that goes on, until there is room', async () => {
  const bench = new Bench();
  const [ada, bob] = [await bench.seated('ada', 'control'), await bench.seated('bob', 'watch')];
  const room = Promise.withResolvers<void>();
  bench.backlog = room;
  ada.stream.say('much');
  await settled();
  assert.deepEqual([ada.stream.paused, bob.stream.paused], [true, false]);
  assert.deepEqual(ada.socket.messages, ['much']);
  bench.backlog = undefined;
  room.resolve();
  await settled();
  assert.equal(ada.stream.paused, false);
});

test('what a viewer says before its stream is there reaches it in order, and is bounded', async () => {
  const bench = new Bench();
  const gate = Promise.withResolvers<void>();
  bench.hold = gate.promise;
  const viewer = bench.viewer('ada', 'control');
  const socket = new TestSocket();
  bench.relay.connectData(viewer, socket);
  bench.relay.input(viewer, Buffer.from('hello '));
  bench.relay.input(viewer, Buffer.from('x'.repeat(70_000)));
  assert.equal(socket.inputPaused, true);
  gate.resolve();
  await settled();
  assert.equal(socket.inputPaused, false);
  assert.deepEqual(
    bench.streams[0]?.got.map((text) => text.length),
    [6, 70_000],
  );
});

test('a target that is slow stops the viewer, until it drained', async () => {
  const bench = new Bench();
  const { viewer, socket, stream } = await bench.seated('ada', 'control');
  stream.full = true;
  bench.relay.input(viewer, Buffer.from('keys'));
  assert.equal(socket.inputPaused, true);
  stream.drained();
  assert.equal(socket.inputPaused, false);
});

test('a viewer whose stream cannot be opened is told why and leaves; the session stays', async () => {
  const bench = new Bench();
  bench.refuseSeat = new Fault('TARGET_REFUSED', 'the target takes no further connection');
  const viewer = bench.viewer('bob', 'watch');
  bench.relay.connectData(viewer, new TestSocket());
  await settled();
  assert.equal(viewer.isClosed, true);
  const last = viewer.events.at(-1);
  assert.equal(last?.type === 'ended' ? last.fault?.code : undefined, 'TARGET_REFUSED');
  assert.equal(bench.disposed, false);
});

test('a stream that ends because its session does gives no second reason', async () => {
  const bench = new Bench();
  const { viewer, stream } = await bench.seated('ada', 'control');
  viewer.end({ type: 'ended', reason: 'closed-by-user' });
  stream.end({ reason: 'closed-by-target' });
  await settled();
  const ends = viewer.events.filter(({ type }) => type === 'ended');
  assert.deepEqual(ends, [{ type: 'ended', reason: 'closed-by-user' }]);
});

test('a second controlling viewer takes the place of the first, whose channel is free again', async () => {
  const bench = new Bench();
  const first = await bench.seated('one', 'control');
  const second = await bench.seated('two', 'control');
  assert.equal(first.stream.disposed, true);
  assert.equal(first.viewer.isClosed, true);
  first.stream.say('too late');
  second.stream.say('here');
  await settled();
  assert.deepEqual([first.socket.messages, second.socket.messages], [[], ['here']]);
  assert.equal(bench.recorded.filter((event) => event.kind === 'output').length, 1);
  assert.equal(bench.relay.leave(second.viewer), false);
});

test('a stream that opens after its viewer has left is disposed of', async () => {
  const bench = new Bench();
  const gate = Promise.withResolvers<void>();
  bench.hold = gate.promise;
  const viewer = bench.viewer('ada', 'control');
  bench.relay.connectData(viewer, new TestSocket());
  bench.relay.leave(viewer);
  gate.resolve();
  await settled();
  assert.equal(bench.streams[0]?.disposed, true);
});

test('only what the engine calls a sign of life counts as one', async () => {
  const bench = new Bench();
  const { viewer, stream } = await bench.seated('ada', 'control');
  bench.clock.time = 5_000;
  bench.relay.input(viewer, Buffer.from('an update request'));
  assert.equal(bench.relay.lastInputMs, 0);
  stream.seat.noted({ type: 'active' });
  assert.equal(bench.relay.lastInputMs, 5_000);
});

test('a clipboard that passed is recorded by its size and digest', async () => {
  const bench = new Bench();
  const { stream } = await bench.seated('ada', 'control');
  const sha256 = new Uint8Array(32).fill(7);
  stream.seat.noted({ type: 'clipboard', direction: 'download', size: 12, sha256 });
  assert.deepEqual(bench.recorded.at(-1), { kind: 'clipboard', direction: 'download', size: 12, sha256 });
});

test('a clipboard is recorded where its viewer goes before it says that it was all', async () => {
  const bench = new Bench();
  const { viewer, stream } = await bench.seated('ada', 'control');
  const sha256 = new Uint8Array(32).fill(7);
  bench.relay.leave(viewer);
  stream.seat.noted({ type: 'clipboard', direction: 'upload', size: 12, sha256 });
  assert.deepEqual(bench.recorded.at(-1), { kind: 'clipboard', direction: 'upload', size: 12, sha256 });
});

test('answers a viewer whose network has taken nothing for a minute', async () => {
  const bench = new Bench();
  const { viewer, socket, stream } = await bench.seated('ada', 'control');
  socket.bufferedBytes = 10;
  stream.say('lost');
  await settled();
  bench.clock.time = 61_000;
  assert.deepEqual(bench.relay.tick(), [viewer]);
});

test('what goes beside the picture comes in its turn and is in no recording', async () => {
  const bench = new Bench();
  const ada = await bench.seated('ada', 'control');
  bench.accept = [];
  ada.stream.say('first');
  ada.stream.seat.aside(Buffer.from('beside'));
  ada.stream.say('second');
  await settled();
  assert.deepEqual(ada.socket.messages, []);
  for (const accept of bench.accept.toReversed()) accept();
  await settled();
  assert.deepEqual(ada.socket.messages, ['first', 'beside', 'second']);
  const outputs = bench.recorded.flatMap((event) =>
    event.kind === 'output' ? [Buffer.from(event.bytes).toString()] : [],
  );
  assert.deepEqual(outputs, ['first', 'second']);
});

test('the last piece of a file goes on once the recording and the audit log hold the file', async () => {
  const bench = new Bench();
  const { stream, socket } = await bench.seated('ada', 'control');
  const written = Promise.withResolvers<undefined>();
  bench.audit = written.promise;
  const file = { direction: 'download', name: 'report.txt', size: 5 } as const;
  const sha256 = new Uint8Array(32).fill(7);
  stream.seat.noted({ type: 'file-began', ...file });
  stream.seat.noted({ type: 'file-ended', ...file, isWhole: true, bytes: 5, sha256 });
  stream.seat.aside(Buffer.from('otter'));
  await settled();
  assert.deepEqual(socket.messages, []);
  written.resolve(undefined);
  await settled();
  assert.deepEqual(socket.messages, ['otter']);
  assert.deepEqual(bench.audited, [
    'file.transfer-started success ses_1 download report.txt clipboard 5',
    `file.transferred success ses_1 download report.txt clipboard 5 ${'07'.repeat(32)}`,
  ]);
  assert.deepEqual(
    bench.recorded.filter(({ kind }) => kind === 'file'),
    [{ kind: 'file', name: 'report.txt', size: 5, sha256, direction: 'download' }],
  );
});

test('what a viewer tried on the clipboard and may not is in the audit log, text and files each by their name', async () => {
  const bench = new Bench();
  const { stream } = await bench.seated('ada', 'control');
  stream.seat.noted({ type: 'clipboard-denied', direction: 'download' });
  stream.seat.noted({ type: 'file-denied', direction: 'upload' });
  await settled();
  assert.deepEqual(bench.audited, ['clipboard.denied denied ses_1 download', 'file.denied denied ses_1 upload']);
});

test('a file that breaks off as its viewer goes is written down, and one without a hash says so', async () => {
  const bench = new Bench();
  const { stream, viewer } = await bench.seated('ada', 'control');
  const file = { direction: 'upload', name: 'b.iso' } as const;
  stream.seat.noted({ type: 'file-began', ...file });
  bench.relay.leave(viewer);
  stream.seat.noted({ type: 'file-ended', ...file, isWhole: false, bytes: 3 });
  await bench.relay.close();
  assert.deepEqual(bench.audited, [
    'file.transfer-started success ses_1 upload b.iso clipboard',
    'file.transferred failure ses_1 upload b.iso clipboard 3 read out of order',
  ]);
  assert.deepEqual(bench.recorded.at(-1), { kind: 'marker', text: 'upload of b.iso: 3 bytes, read out of order' });
});

test('files that the audit log does not take end the session', async () => {
  const bench = new Bench();
  const { stream, socket } = await bench.seated('ada', 'control');
  const away = new Fault('STORE_UNAVAILABLE', 'the database does not answer');
  bench.audit = Promise.reject(away);
  stream.seat.noted({ type: 'file-began', direction: 'download', name: 'report.txt' });
  stream.seat.aside(Buffer.from('otter'));
  await settled();
  assert.deepEqual(bench.failures, [away]);
  assert.deepEqual(socket.messages, []);
});
