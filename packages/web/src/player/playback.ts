import { ApiFault } from '../api/http.ts';
import type { TimedRecordingEvent } from '@enchilada/core/recording';
import type { EventReader } from './event-reader.ts';
import type { Mark } from './marks.ts';
import { advance, type Pace } from './playback-clock.ts';
import type { Base } from './recording-index.ts';
import { RecordingSource, type OpenStream } from './recording-source.ts';
import type { RecordingShape } from './keyframe-messages.ts';
import { StageFailure, type Stage } from './stage.ts';
import type { TranscriptLine } from './transcript.ts';

export interface PlaybackState {
  readonly positionMs: number;
  readonly durationMs: number;
  readonly playing: boolean;
  /** Of the index, which reads all of it once. */
  readonly loading: 'going' | 'complete' | 'cut' | 'failed';
  readonly error: unknown;
  /** The decoder gave up here; another moment may be shown all the same. */
  readonly undrawn: StageFailure | undefined;
  readonly found: readonly TranscriptLine[];
  readonly activity: readonly number[];
  readonly marks: readonly Mark[];
  /** A seek is under way. */
  readonly seeking: boolean;
  /** How much of the way a decoder has gone, 0 to 1. */
  readonly sought: number;
  /** False where the screen was drawn from the last chunks alone; it is drawn again once the index has come so far. */
  readonly exact: boolean;
}

export const BEGINNING: PlaybackState = {
  positionMs: 0,
  durationMs: 0,
  playing: false,
  loading: 'going',
  error: undefined,
  undrawn: undefined,
  found: [],
  activity: [],
  marks: [],
  seeking: false,
  sought: 0,
  exact: true,
};

const REPORT_EVERY_MS = 100;
const FIRST: Base = { atMs: 0, chunk: 1, skip: 0, columns: 80, rows: 24, screen: '', exact: true };
/** How long drawing may keep the page from everything else. */
const SLICE_MS = 30;
/** Events that a decoder takes between two looks at the clock. */
const SLICE_EVENTS = 32;

/** One recording on one screen: moves along it, at its pace or at once. */
export class Playback implements Disposable {
  readonly #stage: Stage;
  readonly #source: RecordingSource;
  readonly #report: (state: PlaybackState) => void;
  #reader: EventReader;
  #state: PlaybackState;
  #pace: Pace = { speed: 1, skipIdle: true };
  /** The moment up to which events were given to the screen. */
  #shownMs = -1;
  #showing: Promise<void> = Promise.resolve();
  /** Pieces that were handed to the stage and not taken yet. */
  #drawing = 0;
  #wanted: number | undefined;
  #stopped = false;
  /** Resolves when a seek is wanted elsewhere, or no further: what waits for events waits no more. */
  #turned = Promise.withResolvers<void>();
  #inexactFrom: number | undefined;
  #lastTick: number | undefined;
  #frame = 0;
  #reportedAt = 0;
  #disposed = false;

  constructor(
    recording: { readonly shape: RecordingShape; readonly open: OpenStream },
    stage: Stage,
    report: (state: PlaybackState) => void,
  ) {
    this.#stage = stage;
    this.#report = report;
    this.#state = { ...BEGINNING, durationMs: recording.shape.durationMs, playing: true };
    this.#source = new RecordingSource(recording.shape, recording.open, {
      onFailure: (error) => this.#fail(error),
      onMessage: (message) => {
        switch (message.type) {
          case 'progress': {
            const { durationMs, activity, marks, indexedMs } = message.progress;
            this.#change({ durationMs, activity, marks });
            if (this.#inexactFrom !== undefined && indexedMs > this.#inexactFrom) this.seek(this.#state.positionMs);
            return;
          }
          case 'ended':
            if (message.how === 'damaged') this.#fail(undefined);
            else this.#change({ loading: message.how });
            return;
          case 'found':
            this.#change({ found: message.lines });
        }
      },
    });
    this.#reader = this.#source.readFrom(FIRST);
    this.#frame = requestAnimationFrame(this.#tick);
  }

  play(): void {
    if (this.#state.positionMs >= this.#state.durationMs) this.seek(0);
    // Nothing is drawn by going on: the decoder begins anew, further up.
    else if (this.#state.undrawn !== undefined) this.seek(this.#state.positionMs);
    this.#lastTick = undefined;
    this.#change({ playing: true });
  }

  pause(): void {
    this.#change({ playing: false });
  }

  setPace(pace: Pace): void {
    this.#pace = pace;
  }

  find(words: string): void {
    this.#source.find(words);
  }

  /** Goes there. While one is under way, only the last further one counts. */
  seek(toMs: number): void {
    const to = Math.max(0, Math.min(this.#state.durationMs, toMs));
    this.#wanted = to;
    this.#turned.resolve();
    this.#lastTick = undefined;
    const idle = !this.#state.seeking;
    this.#change({ positionMs: to, seeking: true, sought: 0 });
    if (idle) void this.#seekWanted();
  }

  /** Stays where the way to a moment has come to. */
  stopSeeking(): void {
    this.#stopped = true;
    this.#turned.resolve();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#turned.resolve();
    cancelAnimationFrame(this.#frame);
    this.#reader[Symbol.dispose]();
    this.#source[Symbol.dispose]();
  }

  async #seekWanted(): Promise<void> {
    try {
      for (let to = this.#wanted; to !== undefined && !this.#disposed; to = this.#wanted) {
        this.#wanted = undefined;
        await this.#goTo(to);
      }
      await this.#stage.flush();
    } catch (error) {
      this.#fail(error);
    }
    this.#lastTick = undefined;
    this.#change({ seeking: false });
    if (this.#wanted !== undefined) this.seek(this.#wanted);
  }

  async #goTo(toMs: number): Promise<void> {
    this.#stage.audible = false;
    if (this.#stage.isDecoder) return this.#decodeTo(toMs);
    const { nextAtMs } = this.#reader;
    const ahead = toMs >= this.#shownMs && this.#inexactFrom === undefined && this.#state.undrawn === undefined;
    if (ahead && (this.#reader.ended || (nextAtMs !== undefined && nextAtMs > toMs))) {
      await this.#show(this.#reader.take(toMs), toMs);
      return;
    }
    const base = await this.#source.baseFor(toMs);
    if (this.#wanted !== undefined || this.#disposed) return;
    this.#reader[Symbol.dispose]();
    this.#reader = this.#source.readFrom(base);
    const events = await this.#reader.takeAll(toMs);
    await this.#showing;
    this.#stage.restart(base);
    this.#inexactFrom = base.exact ? undefined : toMs;
    this.#change({ exact: base.exact, undrawn: undefined });
    await this.#show(events, toMs);
  }

  /** Every picture on the way is decoded, since the last rests on all of them. */
  async #decodeTo(toMs: number): Promise<void> {
    this.#stopped = false;
    this.#turned = Promise.withResolvers();
    const base = await this.#source.baseFor(toMs);
    if (this.#wanted !== undefined || this.#disposed) return;
    const { undrawn } = this.#state;
    if (
      undrawn !== undefined ||
      toMs < this.#shownMs ||
      base.atMs > this.#shownMs ||
      this.#reader.failure !== undefined
    ) {
      this.#change({ undrawn: undefined });
      this.#reader[Symbol.dispose]();
      this.#reader = this.#source.readFrom(base);
      await this.#showing;
      this.#stage.restart(base);
      this.#shownMs = base.atMs;
    }
    const fromMs = this.#shownMs;
    const tell = (): void => this.#change({ sought: (this.#shownMs - fromMs) / Math.max(1, toMs - fromMs) });
    for (let since = performance.now(); ;) {
      if (this.#wanted !== undefined || this.#disposed) return;
      if (this.#stopped) {
        this.#change({ positionMs: this.#shownMs, playing: false });
        return;
      }
      const { nextAtMs, failure, ended } = this.#reader;
      if (failure !== undefined) throw failure;
      if (nextAtMs === undefined ? ended : nextAtMs > toMs) break;
      if (nextAtMs === undefined) {
        tell();
        await Promise.race([this.#reader.arrival(), this.#turned.promise]);
      } else {
        const events = this.#reader.take(toMs, SLICE_EVENTS);
        await this.#show(events, (events.at(-1)?.atUs ?? 0) / 1000);
      }
      if (performance.now() - since < SLICE_MS) continue;
      tell();
      await new Promise((resolve) => setTimeout(resolve));
      since = performance.now();
    }
    this.#shownMs = toMs;
  }

  /** Gives the events to the screen, in order, what follows each other in one piece. */
  #show(events: readonly TimedRecordingEvent[], untilMs: number): Promise<void> {
    this.#shownMs = untilMs;
    if (events.length === 0) return this.#showing;
    this.#drawing += 1;
    const shown = this.#showing
      .then(() => this.#stage.draw(events))
      .finally(() => {
        this.#drawing -= 1;
      });
    this.#showing = shown.catch(() => undefined);
    return shown.catch((error: unknown) => {
      throw error instanceof StageFailure ? error : new StageFailure(error);
    });
  }

  readonly #tick = (now: number): void => {
    this.#frame = requestAnimationFrame(this.#tick);
    const { playing, seeking, positionMs: from, durationMs } = this.#state;
    if (!playing || seeking) return;
    const elapsed = this.#lastTick === undefined ? 0 : now - this.#lastTick;
    this.#lastTick = now;
    const { nextAtMs, ended, failure } = this.#reader;
    if (nextAtMs === undefined && failure !== undefined) return this.seek(from);
    // Waits for the screen, or for events that are still on their way.
    if (this.#stage.busy || this.#drawing > 0 || (nextAtMs === undefined && !ended)) return;
    const positionMs = advance(from, elapsed, { ...this.#pace, nextAt: nextAtMs, durationMs });
    this.#stage.audible = this.#pace.speed === 1;
    this.#show(this.#reader.take(positionMs), positionMs).catch((error: unknown) => this.#fail(error));
    const finished = positionMs >= durationMs && this.#reader.ended && this.#reader.nextAtMs === undefined;
    this.#state = { ...this.#state, positionMs, playing: !finished };
    if (finished || now - this.#reportedAt >= REPORT_EVERY_MS) {
      this.#reportedAt = now;
      this.#report(this.#state);
    }
  };

  #fail(error: unknown): void {
    if (this.#disposed) return;
    if (error instanceof StageFailure) {
      this.#change({ undrawn: error, positionMs: this.#shownMs, playing: false });
      return;
    }
    const known = error instanceof ApiFault ? error : new ApiFault({ code: 'RECORDING_DAMAGED', status: 0 });
    this.#change({ loading: 'failed', error: known, playing: false });
  }

  #change(change: Partial<PlaybackState>): void {
    this.#state = { ...this.#state, ...change };
    if (!this.#disposed) this.#report(this.#state);
  }
}
