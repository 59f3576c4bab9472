import type { DisplaySize, EngineSession, SessionEnd } from '../engine/index.ts';
import type { SessionRecorder } from '../recording/index.ts';
import type { Clock } from '../time/index.ts';
import type { InputRecording } from './input-recording.ts';
import { PAUSE_ABOVE_BYTES, RESUME_BELOW_BYTES } from './limits.ts';
import type { SessionLimits } from './limits.ts';
import type { Relay } from './relay.ts';
import type { ScreenHistory } from './screen-history.ts';
import type { SessionEvent } from './session-event.ts';
import type { DataPort, Viewer } from './viewer.ts';

type PauseReason = 'recorder' | 'store' | 'viewer' | 'snapshot' | 'unwatched';

export interface LiveSessionParts {
  readonly engine: EngineSession;
  readonly recorder: Pick<SessionRecorder, 'append' | 'backlog'>;
  readonly history: ScreenHistory | undefined;
  readonly input: InputRecording;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  /** Called once when the session must end for a reason found here. */
  readonly onFailure: (cause: unknown) => void;
}

/**
 * The relay: target → recorder → history and viewers, and the controlling viewer → target.
 * INVARIANT: bytes reach a viewer or the history only after the recorder accepted them (DESIGN, section 4.2).
 * INVARIANT: only the controlling viewer pauses the target; a watcher that falls behind is resynchronised.
 */
export class LiveSession implements Relay {
  readonly #parts: LiveSessionParts;
  readonly #viewers = new Set<Viewer>();
  readonly #paused = new Set<PauseReason>();
  #unaccepted = 0;
  #unwatched = 0;
  #closed = false;
  bytesIn = 0;
  bytesOut = 0;
  lastInputMs: number;
  lastOutputMs: number;

  constructor(parts: LiveSessionParts) {
    this.#parts = parts;
    this.lastInputMs = parts.clock.monotonicMs();
    this.lastOutputMs = this.lastInputMs;
    parts.engine.onInputDrained(() => this.#controller()?.data?.resumeInput());
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers;
  }

  get ended(): Promise<SessionEnd> {
    return this.#parts.engine.ended;
  }

  /** From the engine. */
  output(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#unaccepted += bytes.length;
    if (this.#unaccepted > PAUSE_ABOVE_BYTES) this.#pause('recorder');
    this.#parts.recorder.append({ kind: 'output', bytes }).then(
      () => {
        this.#accepted(bytes);
      },
      (cause: unknown) => {
        this.#fail(cause);
      },
    );
    const { backlog } = this.#parts.recorder;
    if (backlog !== undefined) this.#waitForStore(backlog);
  }

  /** What came is accepted and shown; what the target has still to send waits until the store has followed. */
  #waitForStore(backlog: Promise<void>): void {
    if (this.#paused.has('store')) return;
    this.#pause('store');
    void backlog.then(() => {
      this.#unpause('store');
    });
  }

  #accepted(bytes: Uint8Array): void {
    this.#unaccepted -= bytes.length;
    if (this.#unaccepted < RESUME_BELOW_BYTES) this.#unpause('recorder');
    if (this.#closed) return;
    this.bytesOut += bytes.length;
    this.lastOutputMs = this.#parts.clock.monotonicMs();
    this.#parts.history?.append(bytes);
    this.#parts.input.echoed(bytes);
    let watched = false;
    for (const viewer of this.#viewers) {
      if (viewer.data === undefined) continue;
      watched = true;
      this.#deliver(viewer, bytes);
    }
    if (watched) this.#unwatched = 0;
    else {
      this.#unwatched += bytes.length;
      if (this.#unwatched > this.#parts.limits.unwatchedBytes) this.#pause('unwatched');
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
    if (bufferedBytes <= PAUSE_ABOVE_BYTES) return;
    if (viewer.identity.mode === 'control') this.#pause('viewer');
    else viewer.behind = true;
  }

  #drained(viewer: Viewer, data: DataPort): void {
    if (viewer.data !== data) return;
    viewer.stalledSince = data.bufferedBytes === 0 ? undefined : this.#parts.clock.monotonicMs();
    if (data.bufferedBytes >= RESUME_BELOW_BYTES) return;
    if (viewer.identity.mode === 'control') this.#unpause('viewer');
    else if (viewer.behind && data.bufferedBytes === 0) this.#synchronise(viewer);
  }

  /** A viewer's control socket is there; output follows once its data socket is. */
  join(viewer: Viewer): void {
    if (viewer.identity.mode === 'control') {
      const before = this.#controller();
      if (before !== undefined) {
        before.control.send({ type: 'notice', code: 'resumed-elsewhere' });
        this.leave(before);
        before.close();
      }
    }
    this.#viewers.add(viewer);
    this.#record({
      kind: 'join',
      viewer: viewer.identity.id,
      user: viewer.identity.username,
      mode: viewer.identity.mode,
    });
    this.#announce();
  }

  connectData(viewer: Viewer, data: DataPort): void {
    viewer.data?.close();
    viewer.data = data;
    viewer.stalledSince = undefined;
    data.onDrain(() => {
      this.#drained(viewer, data);
    });
    this.#unwatched = 0;
    this.#unpause('unwatched');
    this.#unpause('viewer');
    this.#synchronise(viewer);
  }

  #synchronise(viewer: Viewer): void {
    const { history } = this.#parts;
    viewer.behind = false;
    if (history === undefined || this.bytesOut === 0) return;
    const held: Uint8Array[] = [];
    viewer.held = held;
    const controls = viewer.identity.mode === 'control';
    if (controls) this.#pause('snapshot');
    history.snapshot().then(
      (frames) => {
        if (viewer.held !== held) return;
        viewer.held = undefined;
        if (frames.length > 0) viewer.data?.send(frames);
        for (const bytes of held) this.#deliver(viewer, bytes);
        if (controls) this.#unpause('snapshot');
      },
      (cause: unknown) => {
        this.#fail(cause);
      },
    );
  }

  /** Idempotent. Answers whether a controlling viewer remains. */
  leave(viewer: Viewer): boolean {
    if (this.#viewers.delete(viewer)) {
      viewer.held = undefined;
      this.#record({
        kind: 'leave',
        viewer: viewer.identity.id,
        user: viewer.identity.username,
        mode: viewer.identity.mode,
      });
      if (viewer.identity.mode === 'control') {
        this.#unpause('viewer');
        this.#unpause('snapshot');
      }
      this.#announce();
    }
    return this.#controller() !== undefined;
  }

  /** INVARIANT: the gateway, not the browser, drops what a watcher types. */
  input(viewer: Viewer, bytes: Uint8Array): void {
    if (this.#closed || viewer.identity.mode !== 'control' || !this.#viewers.has(viewer)) return;
    this.bytesIn += bytes.length;
    this.lastInputMs = this.#parts.clock.monotonicMs();
    this.#parts.input.typed(bytes);
    if (!this.#parts.engine.input(bytes)) viewer.data?.pauseInput();
  }

  active(): void {
    this.lastInputMs = this.#parts.clock.monotonicMs();
  }

  resize(viewer: Viewer, size: DisplaySize): void {
    if (this.#closed || viewer.identity.mode !== 'control' || !this.#viewers.has(viewer)) return;
    this.#parts.history?.resize(size);
    this.#record({ kind: 'resize', columns: size.columns, rows: size.rows });
    this.#parts.engine.control({ type: 'resize', ...size });
  }

  tell(event: SessionEvent): void {
    for (const viewer of this.#viewers) viewer.control.send(event);
  }

  /** Once a second: stalled viewers are closed, a quiet session gives its memory back. Answers the viewers it closed. */
  tick(): readonly Viewer[] {
    const now = this.#parts.clock.monotonicMs();
    this.#parts.input.settle(now);
    if (now - this.lastOutputMs > 2_000) this.#parts.history?.settle();
    const { stallMs } = this.#parts.limits;
    return [...this.#viewers].filter(
      (viewer) => viewer.stalledSince !== undefined && now - viewer.stalledSince > stallMs,
    );
  }

  /** Stops the relay; what was accepted stays accepted. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#parts.engine[Symbol.asyncDispose]();
    await this.#parts.history?.[Symbol.asyncDispose]();
  }

  #controller(): Viewer | undefined {
    for (const viewer of this.#viewers) if (viewer.identity.mode === 'control') return viewer;
    return undefined;
  }

  #announce(): void {
    const viewers = [...this.#viewers].map(({ identity }) => ({ user: identity.username, mode: identity.mode }));
    this.tell({ type: 'watched', viewers });
  }

  #record(event: Parameters<SessionRecorder['append']>[0]): void {
    if (this.#closed) return;
    this.#parts.recorder.append(event).catch((cause: unknown) => {
      this.#fail(cause);
    });
  }

  #fail(cause: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.onFailure(cause);
  }

  #pause(reason: PauseReason): void {
    if (this.#paused.has(reason)) return;
    this.#paused.add(reason);
    if (this.#paused.size === 1) this.#parts.engine.pause();
  }

  #unpause(reason: PauseReason): void {
    if (this.#paused.delete(reason) && this.#paused.size === 0 && !this.#closed) this.#parts.engine.resume();
  }
}
