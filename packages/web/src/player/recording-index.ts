import type { TimedRecordingEvent } from '@enchilada/core/recording';
import type { RecordingShape } from './keyframe-messages.ts';
import { markOf, thinned, type Mark } from './marks.ts';
import { Transcript } from './transcript.ts';

/** A terminal without a screen, for key frames. */
export interface Emulator {
  readonly cols: number;
  readonly rows: number;
  write(bytes: Uint8Array, done: () => void): void;
  resize(columns: number, rows: number): void;
  /** The screen and the lines above it as text that draws them on a fresh terminal. */
  serialize(): string;
}

/** What a decoder is given first that begins at a key frame. */
export interface Preamble {
  readonly channel: number;
  readonly messages: readonly Uint8Array[];
}

/** Where to begin, to show a moment: a screen, and the events behind it. */
export interface Base {
  readonly atMs: number;
  readonly chunk: number;
  /** Events of that chunk that the screen contains already. */
  readonly skip: number;
  readonly columns: number;
  readonly rows: number;
  readonly screen: string;
  readonly preamble?: Preamble;
  /** False where the index has not come this far: the screen is drawn from the last chunks alone, until it has. */
  readonly exact: boolean;
}

export interface IndexProgress {
  readonly indexedMs: number;
  readonly durationMs: number;
  /** Output for each part of the time line, 0 to 1, on a scale that shows a keystroke beside a flood. */
  readonly activity: readonly number[];
  readonly marks: readonly Mark[];
}

type Keyframe = Omit<Base, 'exact'>;

/** INVARIANT: from any indexed moment, a key frame lies at most so many bytes of output, or so much time, before. */
const EVERY_BYTES = 512 * 1024;
const EVERY_MS = 60_000;
const BUCKETS = 240;
const INPUT_MARK_MS = 1000;
/** Chunks before a moment that is not indexed yet; what a screen shows rarely is older. */
const CHUNKS_BEFORE = 4;
const FIRST: Keyframe = { atMs: 0, chunk: 1, skip: 0, columns: 80, rows: 24, screen: '' };

/** Reads a recording once, from its beginning: key frames for seeking, text for searching, activity and marks for the time line. */
export class RecordingIndex {
  readonly transcript = new Transcript();
  readonly #emulator: Emulator | undefined;
  readonly #shape: RecordingShape;
  readonly #keyframes: Keyframe[] = [FIRST];
  readonly #sums = new Array<number>(BUCKETS).fill(0);
  readonly #marks: Mark[] = [];
  #indexedMs = 0;
  #complete = false;
  #durationMs: number;
  #chunk = 1;
  #inChunk = 0;
  #bytesSince = 0;
  /** The stream that is shown. */
  #channel = 0;
  #preamble: Preamble | undefined;
  #begun: Keyframe | undefined;

  /** Without an emulator: a surface whose decoder says itself where it can begin. */
  constructor(emulator: Emulator | undefined, shape: RecordingShape) {
    this.#emulator = emulator;
    this.#shape = shape;
    this.#durationMs = shape.durationMs;
  }

  async add(events: readonly TimedRecordingEvent[]): Promise<void> {
    let written: Promise<void> = Promise.resolve();
    for (const { atUs, chunk, event } of events) {
      const atMs = atUs / 1000;
      if (chunk !== this.#chunk) [this.#chunk, this.#inChunk] = [chunk, 0];
      const last = this.#keyframes.at(-1) ?? FIRST;
      const emulator = this.#emulator;
      if (emulator === undefined) this.#begin({ atUs, chunk, event });
      else if (this.#bytesSince >= EVERY_BYTES || (this.#bytesSince > 0 && atMs - last.atMs >= EVERY_MS)) {
        await written;
        this.#keyframes.push({ atMs, chunk, skip: this.#inChunk, ...drawnBy(emulator) });
        this.#bytesSince = 0;
      }
      this.#inChunk += 1;
      // An event at this very time may follow: only what lies before it is known in full.
      this.#indexedMs = atMs;
      this.#durationMs = Math.max(this.#durationMs, atMs);
      if (event.kind === 'resize') {
        await written;
        emulator?.resize(event.columns, event.rows);
      } else if (event.kind === 'output') {
        if (emulator !== undefined) {
          written = new Promise((resolve) => emulator.write(event.bytes, resolve));
          this.transcript.add(event.bytes, atMs);
        }
        this.#bytesSince += event.bytes.length;
        const bucket = Math.min(BUCKETS - 1, Math.floor((atMs / Math.max(1, this.#durationMs)) * BUCKETS));
        this.#sums[bucket] = (this.#sums[bucket] ?? 0) + event.bytes.length;
      }
      this.#mark(markOf(event, atMs));
    }
    await written;
  }

  /** Nothing follows. */
  end(): void {
    this.#complete = true;
    this.#indexedMs = this.#durationMs;
  }

  baseFor(toMs: number): Base {
    const emulator = this.#emulator;
    if (emulator === undefined || this.#complete || toMs < this.#indexedMs || toMs <= 0)
      return { ...(this.#keyframes.findLast(({ atMs }) => atMs <= toMs) ?? FIRST), exact: true };
    const { chunkTimesUs } = this.#shape;
    const chunk = chunkTimesUs.findLastIndex((fromUs) => fromUs / 1000 <= toMs) + 1 - CHUNKS_BEFORE;
    const latest = this.#keyframes.at(-1) ?? FIRST;
    if (chunk <= Math.max(latest.chunk, 1)) return { ...latest, exact: true };
    const { cols, rows } = emulator;
    return { atMs: 0, chunk, skip: 0, columns: cols, rows, screen: '', exact: false };
  }

  progress(): IndexProgress {
    const top = Math.log1p(Math.max(1, ...this.#sums));
    return {
      indexedMs: this.#indexedMs,
      durationMs: this.#durationMs,
      activity: this.#sums.map((sum) => Math.log1p(sum) / top),
      marks: thinned(this.#marks),
    };
  }

  /** A decoder begins where the person in control got a fresh one, or at a key frame, which is of use from where it is whole. */
  #begin({ atUs, chunk, event }: TimedRecordingEvent): void {
    const here = { ...FIRST, atMs: atUs / 1000, chunk, skip: this.#inChunk };
    if (event.kind === 'segment' && event.mode === 'control') {
      this.#channel = event.channel;
      this.#preamble = undefined;
      this.#begun = undefined;
      this.#keyframes.push(here);
    } else if (event.kind === 'preamble' && event.channel === this.#channel) {
      const before = event.part === 0 ? [] : (this.#preamble?.messages ?? []);
      this.#preamble = { channel: event.channel, messages: [...before, event.bytes] };
    } else if (event.kind === 'key-frame' && event.channel === this.#channel) {
      if (event.phase === 'begins')
        this.#begun = this.#preamble === undefined ? undefined : { ...here, preamble: this.#preamble };
      else if (this.#begun !== undefined) this.#keyframes.push({ ...this.#begun, atMs: here.atMs });
    }
  }

  #mark(mark: Mark | undefined): void {
    if (mark === undefined) return;
    const last = this.#marks.at(-1);
    if (mark.kind === 'input' && last?.kind === 'input' && mark.atMs - last.atMs < INPUT_MARK_MS) return;
    this.#marks.push(mark);
  }
}

function drawnBy(emulator: Emulator): Pick<Keyframe, 'columns' | 'rows' | 'screen'> {
  return { columns: emulator.cols, rows: emulator.rows, screen: emulator.serialize() };
}
