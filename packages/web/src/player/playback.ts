import { RecordingStreamDecoder } from '@enchilada/contract';
import { stream } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import type { FromWorker, Keyframe, TapeItem, ToWorker } from './keyframe-messages.ts';
import { advance, type Pace } from './playback-clock.ts';
import type { PlaybackScreen } from './playback-screen.ts';
import { Tape } from './tape.ts';
import type { TranscriptLine } from './transcript.ts';

export interface PlaybackState {
  readonly positionMs: number;
  readonly durationMs: number;
  readonly playing: boolean;
  readonly loading: 'going' | 'complete' | 'cut' | 'failed';
  readonly error: unknown;
  readonly found: readonly TranscriptLine[];
  /** Rises when marks or activity have changed. */
  readonly revision: number;
}

const REPORT_EVERY_MS = 100;

/** One recording on one screen: loads it, keeps key frames, and moves along it. */
export class Playback implements Disposable {
  readonly tape = new Tape();
  readonly #screen: PlaybackScreen;
  readonly #worker: Worker;
  readonly #abort = new AbortController();
  readonly #report: (state: PlaybackState) => void;
  readonly #keyframes: Keyframe[] = [];
  #state: PlaybackState = {
    positionMs: 0,
    durationMs: 0,
    playing: false,
    loading: 'going',
    error: undefined,
    found: [],
    revision: 0,
  };
  #pace: Pace = { speed: 1, skipIdle: true };
  #next = 0;
  #lastTick: number | undefined;
  #frame = 0;
  #reportedAt = 0;

  constructor(recordingId: string, screen: PlaybackScreen, report: (state: PlaybackState) => void) {
    this.#screen = screen;
    this.#report = report;
    this.#worker = new Worker(new URL('./keyframes.worker.ts', import.meta.url), { type: 'module' });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'keyframe') this.#keyframes.push(data.keyframe);
      if (data.type === 'found') this.#change({ found: data.lines });
    };
    void this.#load(recordingId);
    this.#frame = requestAnimationFrame(this.#tick);
  }

  play(): void {
    if (this.#state.positionMs >= this.#state.durationMs) this.seek(0);
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
    this.#post({ type: 'find', words });
  }

  seek(toMs: number): void {
    const to = Math.max(0, Math.min(this.#state.durationMs, toMs));
    const target = this.tape.indexAfter(to);
    const keyframe = this.#keyframes.findLast((candidate) => candidate.index <= target);
    if (target < this.#next || (keyframe !== undefined && keyframe.index > this.#next)) {
      this.#screen.reset(keyframe?.columns ?? 80, keyframe?.rows ?? 24);
      if (keyframe !== undefined) this.#screen.write(keyframe.screen);
      this.#next = keyframe?.index ?? 0;
    }
    void this.#showUntil(target);
    this.#change({ positionMs: to });
  }

  [Symbol.dispose](): void {
    this.#abort.abort();
    cancelAnimationFrame(this.#frame);
    this.#worker.terminate();
  }

  async #load(recordingId: string): Promise<void> {
    const decoder = new RecordingStreamDecoder();
    try {
      const response = await stream(
        'streamRecording',
        { params: { id: recordingId }, query: {} },
        { signal: this.#abort.signal },
      );
      const reader = response.body?.getReader();
      for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
        const from = this.tape.events.length;
        this.tape.add(decoder.push(part.value));
        this.#toWorker(from);
        const first = this.#state.durationMs === 0;
        this.#change({ durationMs: this.tape.durationMs, revision: this.#state.revision + 1 });
        if (first && this.tape.durationMs > 0) this.play();
      }
      this.#change({
        loading: decoder.complete ? 'complete' : 'cut',
        durationMs: this.tape.durationMs,
        revision: this.#state.revision + 1,
      });
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      const known = error instanceof ApiFault ? error : new ApiFault({ code: 'RECORDING_DAMAGED', status: 0 });
      this.#change({ loading: 'failed', error: known });
    }
  }

  #toWorker(from: number): void {
    const items = this.tape.events.slice(from).flatMap(({ atUs, event }, offset): TapeItem[] => {
      const place = { index: from + offset, atMs: atUs / 1000 };
      if (event.kind === 'output') return [{ kind: 'output', ...place, bytes: event.bytes.slice() }];
      return event.kind === 'resize' ? [{ kind: 'resize', ...place, columns: event.columns, rows: event.rows }] : [];
    });
    if (items.length > 0) this.#post({ type: 'items', items });
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async #showUntil(end: number): Promise<void> {
    for (; this.#next < end; this.#next++) {
      const event = this.tape.events[this.#next]?.event;
      if (event?.kind === 'output') this.#screen.write(event.bytes);
      if (event?.kind === 'resize') {
        const { columns, rows } = event;
        const at = ++this.#next;
        await this.#screen.flush();
        this.#screen.resize(columns, rows);
        if (this.#next !== at) return;
        this.#next--;
      }
    }
  }

  readonly #tick = (now: number): void => {
    this.#frame = requestAnimationFrame(this.#tick);
    if (!this.#state.playing) return;
    const elapsed = this.#lastTick === undefined ? 0 : now - this.#lastTick;
    this.#lastTick = now;
    if (this.#screen.busy) return;
    const { durationMs } = this.#state;
    const positionMs = advance(this.#state.positionMs, elapsed, {
      ...this.#pace,
      nextAt: this.tape.timeOf(this.#next),
      durationMs,
    });
    void this.#showUntil(this.tape.indexAfter(positionMs));
    const finished = positionMs >= durationMs && this.#state.loading !== 'going';
    this.#state = { ...this.#state, positionMs, playing: !finished };
    if (finished || now - this.#reportedAt >= REPORT_EVERY_MS) {
      this.#reportedAt = now;
      this.#report(this.#state);
    }
  };

  #change(change: Partial<PlaybackState>): void {
    this.#state = { ...this.#state, ...change };
    this.#report(this.#state);
  }
}
