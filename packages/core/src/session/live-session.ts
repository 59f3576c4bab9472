import type { DisplaySize, EngineSession, SessionEnd } from '../engine/index.ts';
import type { Clock } from '../time/index.ts';
import type { InputRecording } from './input-recording.ts';
import { RESUME_BELOW_BYTES, VIEWER_PAUSE_ABOVE_BYTES } from './limits.ts';
import type { SessionLimits } from './limits.ts';
import type { PauseReasons } from './pause-reasons.ts';
import { RelayRecording } from './relay-recording.ts';
import type { RecordedSource, RelayRecordingParts } from './relay-recording.ts';
import type { Relay } from './relay.ts';
import type { ScreenHistory } from './screen-history.ts';
import type { SessionEvent } from './session-event.ts';
import { ViewerSet } from './viewer-set.ts';
import type { DataPort, Viewer } from './viewer.ts';

export interface LiveSessionParts extends RelayRecordingParts {
  readonly engine: EngineSession;
  readonly history: ScreenHistory | undefined;
  readonly input: InputRecording;
  /** Nobody acts, whoever is in control: they hold the session, and look. */
  readonly viewOnly: boolean;
  readonly limits: SessionLimits;
  readonly clock: Clock;
}

/**
 * The relay: target → recorder → history and viewers, and the controlling viewer → target.
 * INVARIANT: bytes reach a viewer or the history only after the recorder accepted them (DESIGN, section 4.2).
 * INVARIANT: only the controlling viewer pauses the target; a watcher that falls behind is resynchronised.
 */
export class LiveSession implements Relay {
  readonly #parts: LiveSessionParts;
  readonly #recording: RelayRecording;
  readonly #viewers: ViewerSet;
  readonly #source: RecordedSource;
  readonly #pauses: PauseReasons;
  #unwatched = 0;
  bytesIn = 0;
  bytesOut = 0;
  lastInputMs: number;
  lastOutputMs: number;

  constructor(parts: LiveSessionParts) {
    this.#parts = parts;
    this.lastInputMs = parts.clock.monotonicMs();
    this.lastOutputMs = this.lastInputMs;
    this.#recording = new RelayRecording(parts);
    this.#viewers = new ViewerSet(this.#recording);
    this.#source = this.#recording.source(parts.engine, (bytes) => {
      this.#accepted(bytes);
    });
    this.#pauses = this.#source.pauses;
    parts.engine.onInputDrained(() => this.#viewers.controller?.data?.resumeInput());
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers.all;
  }

  get ended(): Promise<SessionEnd> {
    return this.#parts.engine.ended.then(async (end) => {
      await this.#source.taken;
      return end;
    });
  }

  /** From the engine. */
  output(bytes: Uint8Array): void {
    this.#source.output({ kind: 'output', bytes });
  }

  #accepted(bytes: Uint8Array): void {
    this.bytesOut += bytes.length;
    this.lastOutputMs = this.#parts.clock.monotonicMs();
    this.#parts.history?.append(bytes);
    this.#parts.input.echoed(bytes);
    let watched = false;
    for (const viewer of this.#viewers.all) {
      if (viewer.data === undefined) continue;
      watched = true;
      this.#deliver(viewer, bytes);
    }
    if (watched) this.#unwatched = 0;
    else {
      this.#unwatched += bytes.length;
      if (this.#unwatched > this.#parts.limits.unwatchedBytes) this.#pauses.add('unwatched');
    }
  }

  #deliver(viewer: Viewer, bytes: Uint8Array): void {
    if (viewer.held !== undefined) {
      viewer.held.push(bytes);
      return;
    }
    if (viewer.behind || viewer.data === undefined) return;
    viewer.data.send(bytes);
    const { bufferedBytes } = viewer.data;
    if (bufferedBytes === 0) return;
    viewer.stalledSince ??= this.#parts.clock.monotonicMs();
    if (bufferedBytes <= VIEWER_PAUSE_ABOVE_BYTES) return;
    if (viewer.identity.mode === 'control') this.#pauses.add('viewer');
    else viewer.behind = true;
  }

  #drained(viewer: Viewer, data: DataPort): void {
    if (viewer.data !== data) return;
    viewer.stalledSince = data.bufferedBytes === 0 ? undefined : this.#parts.clock.monotonicMs();
    if (data.bufferedBytes >= RESUME_BELOW_BYTES) return;
    if (viewer.identity.mode === 'control') this.#pauses.delete('viewer');
    else if (viewer.behind && data.bufferedBytes === 0) this.#synchronise(viewer);
  }

  /** A viewer's control socket is there; output follows once its data socket is. */
  join(viewer: Viewer): void {
    this.#viewers.join(viewer, (before) => {
      this.leave(before);
    });
  }

  connectData(viewer: Viewer, data: DataPort): void {
    viewer.data?.close();
    viewer.data = data;
    viewer.stalledSince = undefined;
    data.onDrain(() => {
      this.#drained(viewer, data);
    });
    this.#unwatched = 0;
    this.#pauses.delete('unwatched');
    this.#pauses.delete('viewer');
    this.#synchronise(viewer);
  }

  #synchronise(viewer: Viewer): void {
    const { history } = this.#parts;
    viewer.behind = false;
    if (history === undefined || this.bytesOut === 0) return;
    const held: Uint8Array[] = [];
    viewer.held = held;
    const controls = viewer.identity.mode === 'control';
    if (controls) this.#pauses.add('snapshot');
    history.snapshot().then(
      (frames) => {
        if (viewer.held !== held) return;
        viewer.held = undefined;
        if (frames.length > 0) viewer.data?.send(frames);
        for (const bytes of held) this.#deliver(viewer, bytes);
        if (controls) this.#pauses.delete('snapshot');
      },
      (cause: unknown) => {
        this.#recording.fail(cause);
      },
    );
  }

  /** Idempotent. Answers whether a controlling viewer remains. */
  leave(viewer: Viewer): boolean {
    if (this.#viewers.leave(viewer)) {
      viewer.held = undefined;
      if (viewer.identity.mode === 'control') {
        this.#pauses.delete('viewer');
        this.#pauses.delete('snapshot');
      }
    }
    return this.#viewers.controller !== undefined;
  }

  /** INVARIANT: the gateway, not the browser, drops what is typed by a watcher, or by anybody where the session is view-only. */
  input(viewer: Viewer, bytes: Uint8Array): void {
    if (this.#parts.viewOnly || this.#recording.isClosed || !this.#viewers.controls(viewer)) return;
    this.bytesIn += bytes.length;
    this.lastInputMs = this.#parts.clock.monotonicMs();
    this.#parts.input.typed(bytes);
    if (!this.#parts.engine.input(bytes)) viewer.data?.pauseInput();
  }

  active(): void {
    this.lastInputMs = this.#parts.clock.monotonicMs();
  }

  resize(viewer: Viewer, size: DisplaySize): void {
    if (this.#parts.viewOnly || this.#recording.isClosed || !this.#viewers.controls(viewer)) return;
    this.#parts.history?.resize(size);
    this.#recording.note({ kind: 'resize', columns: size.columns, rows: size.rows });
    this.#parts.engine.control({ type: 'resize', ...size });
  }

  tell(event: SessionEvent): void {
    this.#viewers.tell(event);
  }

  /** Once a second: stalled viewers are closed, a quiet session gives its memory back. Answers the viewers it closed. */
  tick(): readonly Viewer[] {
    const now = this.#parts.clock.monotonicMs();
    this.#parts.input.settle(now);
    if (now - this.lastOutputMs > 2_000) this.#parts.history?.settle();
    return this.#viewers.stalled(now - this.#parts.limits.stallMs);
  }

  /** Stops the relay; what was accepted stays accepted. */
  async close(): Promise<void> {
    this.#recording.close();
    await this.#parts.engine[Symbol.asyncDispose]();
    await this.#parts.history?.[Symbol.asyncDispose]();
  }
}
