import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, test } from 'node:test';
import { RecordingStreamEncoder } from '@enchilada/contract';
import type { TimedRecordingEvent } from '@enchilada/core/recording';
import type * as Headless from '@xterm/headless';
import type * as Serialize from '@xterm/addon-serialize';
import { EventReader } from './event-reader.ts';
import { RecordingIndex, type Base } from './recording-index.ts';

const require = createRequire(import.meta.url);
const { Terminal } = require('@xterm/headless') as typeof Headless;
const { SerializeAddon } = require('@xterm/addon-serialize') as typeof Serialize;

const HOURS = 2;
const DURATION_MS = HOURS * 3_600_000;
const MIB = 1024 * 1024;
const CHUNK_MS = 5000;
const KEPT_LINES = 100;

function emulator() {
  const terminal = new Terminal({ cols: 80, rows: 24, scrollback: KEPT_LINES, allowProposedApi: true });
  const serializer = new SerializeAddon();
  terminal.loadAddon(serializer as unknown as Parameters<typeof terminal.loadAddon>[0]);
  return {
    get cols() {
      return terminal.cols;
    },
    get rows() {
      return terminal.rows;
    },
    write: (bytes: Uint8Array | string, done: () => void) => terminal.write(bytes, done),
    resize: (columns: number, rows: number) => terminal.resize(columns, rows),
    serialize: () => serializer.serialize({ scrollback: KEPT_LINES }),
  };
}

/** Two hours in chunks as the recorder cuts them: quiet typing, floods, a full-screen program, resizes. */
function longRecording(): {
  readonly events: readonly TimedRecordingEvent[];
  readonly chunkTimesUs: readonly number[];
} {
  const events: TimedRecordingEvent[] = [];
  const chunkTimesUs: number[] = [];
  const encoder = new TextEncoder();
  let chunk = 0;
  let inChunk = 0;
  let chunkFromMs = -Infinity;
  const add = (atMs: number, event: TimedRecordingEvent['event']): void => {
    const bytes = event.kind === 'output' ? event.bytes.length : 0;
    if (atMs - chunkFromMs >= CHUNK_MS || inChunk + bytes > MIB) {
      chunk += 1;
      inChunk = 0;
      chunkFromMs = atMs;
      chunkTimesUs.push(atMs * 1000);
    }
    inChunk += bytes;
    events.push({ atUs: atMs * 1000, chunk, event });
  };
  const say = (atMs: number, text: string): void => add(atMs, { kind: 'output', bytes: encoder.encode(text) });
  add(0, { kind: 'resize', columns: 80, rows: 24 });
  const filler = 'abcdefghij'.repeat(90);
  for (let second = 1; second < DURATION_MS / 1000; second += 1) {
    const atMs = second * 1000;
    const minute = Math.floor(second / 60);
    if (second % 600 === 0) add(atMs, { kind: 'resize', columns: 80 + (minute % 50), rows: 24 + (minute % 9) });
    if (minute % 10 === 3) continue;
    if (minute % 10 === 5)
      say(atMs, second % 60 === 0 ? '\x1b[?1049h\x1b[2J' : `\x1b[${1 + (second % 20)};5Htop ${second}`);
    else if (minute % 10 === 6 && second % 60 === 0) say(atMs, '\x1b[?1049l');
    else if (minute % 10 === 7)
      for (let line = 0; line < 60; line += 1) say(atMs + line, `flood ${second}.${line} ${filler}\r\n`);
    else say(atMs, `second ${second} \x1b[3${second % 8}mcoloured\x1b[0m\r\n`);
  }
  return { events, chunkTimesUs };
}

const recording = longRecording();

/** The stream as the gateway sends it, from a chunk on; counts what was taken of it. */
function streamFrom(chunk: number, taken: (bytes: number) => void): ReadableStream<Uint8Array> {
  const encoder = new RecordingStreamEncoder();
  const frames = (function* () {
    yield encoder.start();
    for (const event of recording.events) {
      if (event.chunk < chunk) continue;
      const frame = encoder.add(event);
      if (frame !== undefined) yield frame;
    }
    const last = encoder.flush();
    if (last !== undefined) yield last;
    yield encoder.end();
  })();
  return new ReadableStream(
    {
      pull(controller) {
        const { value, done } = frames.next();
        if (done === true) controller.close();
        else {
          taken(value.length);
          controller.enqueue(value.slice());
        }
      },
    },
    { highWaterMark: 1 },
  );
}

/** What is shown when one goes to a moment, and how many bytes that took. */
async function seek(index: RecordingIndex, toMs: number): Promise<{ screen: string; bytes: number; base: Base }> {
  let bytes = 0;
  const base = index.baseFor(toMs);
  using reader = new EventReader(() => Promise.resolve(streamFrom(base.chunk, (count) => (bytes += count))), base.skip);
  const events = await reader.takeAll(toMs);
  const shown = emulator();
  shown.resize(base.columns, base.rows);
  shown.write(base.screen, () => undefined);
  await draw(shown, events);
  return { screen: shown.serialize(), bytes, base };
}

async function draw(shown: ReturnType<typeof emulator>, events: readonly TimedRecordingEvent[]): Promise<void> {
  const drawn = (): Promise<void> => new Promise((resolve) => shown.write('', resolve));
  for (const { event } of events) {
    if (event.kind === 'output') shown.write(event.bytes, () => undefined);
    if (event.kind !== 'resize') continue;
    await drawn();
    shown.resize(event.columns, event.rows);
  }
  await drawn();
}

/** The same by drawing everything from the beginning. */
async function playedScreens(momentsMs: readonly number[]): Promise<readonly string[]> {
  const shown = emulator();
  const screens: string[] = [];
  let at = 0;
  for (const momentMs of momentsMs) {
    const from = at;
    while ((recording.events[at]?.atUs ?? Infinity) <= momentMs * 1000) at += 1;
    await draw(shown, recording.events.slice(from, at));
    screens.push(shown.serialize());
  }
  return screens;
}

const MOMENTS = Array.from(
  { length: 40 },
  (_, step) => Math.floor((DURATION_MS / 40) * step) + ((step * 7919) % 60_000),
);
const index = new RecordingIndex(emulator(), { durationMs: DURATION_MS, chunkTimesUs: recording.chunkTimesUs });

before(async () => {
  await index.add(recording.events);
  index.end();
});

test('a seek anywhere in two hours shows what playing from the beginning shows, from at most 3 MiB', async () => {
  const expected = await playedScreens(MOMENTS);
  for (const [step, momentMs] of MOMENTS.entries()) {
    const { screen, bytes, base } = await seek(index, momentMs);
    assert.equal(base.exact, true);
    assert.equal(screen, expected[step], `the screen at ${momentMs} ms`);
    // A key frame is at most 512 KiB before, its chunk at most 1 MiB, and the reader 1 MiB ahead.
    assert.ok(bytes <= 3 * MIB, `${bytes} bytes for ${momentMs} ms`);
  }
});

test('a seek beyond what is indexed draws from the last chunks, and says that it is not exact', async () => {
  const fresh = new RecordingIndex(emulator(), { durationMs: DURATION_MS, chunkTimesUs: recording.chunkTimesUs });
  await fresh.add(recording.events.slice(0, 100));
  for (const momentMs of MOMENTS.slice(4)) {
    const { bytes, base } = await seek(fresh, momentMs);
    assert.equal(base.exact, false);
    assert.ok((recording.chunkTimesUs[base.chunk - 1] ?? Infinity) <= momentMs * 1000);
    assert.ok(bytes <= 6 * MIB, `${bytes} bytes for ${momentMs} ms`);
  }
  assert.equal(fresh.baseFor(50_000).exact, true);
});

test('the text of two hours is found with its time', () => {
  assert.deepEqual(
    index.transcript.find('second 7001 ', 10).map(({ atMs }) => atMs),
    [7_001_000],
  );
});

test('activity and marks cover the whole recording', () => {
  const { activity, marks, durationMs } = index.progress();
  assert.equal(durationMs, DURATION_MS);
  assert.ok(activity.every((share) => share >= 0 && share <= 1));
  assert.ok(activity.slice(-4).some((share) => share > 0));
  assert.equal(marks.filter(({ kind }) => kind === 'resize').length, 12);
});

test('typing within a second is one mark', async () => {
  const typed = new RecordingIndex(emulator(), { durationMs: 4000, chunkTimesUs: [0] });
  await typed.add(
    [0, 200, 400, 3000].map((atMs) => ({
      atUs: atMs * 1000,
      chunk: 1,
      event: { kind: 'input-length', count: 1 } as const,
    })),
  );
  assert.deepEqual(
    typed.progress().marks.map(({ atMs }) => atMs),
    [0, 3000],
  );
});

test('a seek in a desktop begins at the last key frame that is whole, and never at one of another stream', async () => {
  const index = new RecordingIndex(undefined, { durationMs: 60_000, chunkTimesUs: [0], hasText: false });
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const at = (second: number, event: TimedRecordingEvent['event']): TimedRecordingEvent => ({
    atUs: second * 1e6,
    chunk: 1 + Math.floor(second / 10),
    event,
  });
  await index.add([
    at(0, { kind: 'segment', channel: 0, viewer: 'ada', mode: 'control' }),
    at(1, { kind: 'output', bytes: bytes('handshake') }),
    at(10, { kind: 'preamble', channel: 0, part: 0, bytes: bytes('a') }),
    at(10, { kind: 'preamble', channel: 0, part: 1, bytes: bytes('b') }),
    at(11, { kind: 'key-frame', channel: 0, phase: 'begins' }),
    at(12, { kind: 'output', bytes: bytes('half') }),
    at(13, { kind: 'key-frame', channel: 0, phase: 'whole' }),
    at(20, { kind: 'key-frame', channel: 0, phase: 'begins' }),
    at(21, { kind: 'key-frame', channel: 3, phase: 'whole' }),
    at(30, { kind: 'segment', channel: 1, viewer: 'ada', mode: 'control' }),
    at(31, { kind: 'key-frame', channel: 1, phase: 'begins' }),
    at(32, { kind: 'key-frame', channel: 1, phase: 'whole' }),
  ]);
  index.end();
  const found = (second: number): unknown => {
    const { atMs, chunk, skip, preamble } = index.baseFor(second * 1000);
    return [atMs / 1000, chunk, skip, preamble?.messages.map((one) => new TextDecoder().decode(one)).join('')];
  };
  assert.deepEqual(found(12.9), [0, 1, 0, undefined]);
  assert.deepEqual(found(13), [13, 2, 2, 'ab']);
  assert.deepEqual(found(29), [13, 2, 2, 'ab']);
  assert.deepEqual(found(40), [30, 4, 0, undefined], 'without a preamble there is nothing to begin with');
});

test('a reader stops reading until its events are taken, and goes on then', async () => {
  let bytes = 0;
  using reader = new EventReader(() => Promise.resolve(streamFrom(1, (count) => (bytes += count))), 0);
  await reader.takeAll(0);
  // Ten turns are enough for a reader without a limit to go far beyond it.
  let [before, still] = [-1, 0];
  while (still < 10) {
    await new Promise((resolve) => setImmediate(resolve));
    still = bytes === before ? still + 1 : 0;
    before = bytes;
  }
  assert.ok(bytes <= 2 * MIB, `${bytes} bytes were read ahead`);
  const all = await reader.takeAll(DURATION_MS);
  assert.equal(all.length + 1, recording.events.length);
});

test('a stream that breaks is told to who waits for it', async () => {
  using reader = new EventReader(() => Promise.reject(new Error('no way')), 0);
  await assert.rejects(reader.takeAll(1), /no way/u);
});
