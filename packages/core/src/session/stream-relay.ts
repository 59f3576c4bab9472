import type { EngineStream, Seat, SeatEvent, SessionEnd, StreamedSession } from '../engine/index.ts';
import { toFault } from '../fault/index.ts';
import { MAX_CHANNEL } from '../recording/index.ts';
import type { SessionRecorder } from '../recording/index.ts';
import type { Clock } from '../time/index.ts';
import { PAUSE_ABOVE_BYTES, RESUME_BELOW_BYTES } from './limits.ts';
import type { SessionLimits } from './limits.ts';
import type { Relay } from './relay.ts';
import type { SessionEvent } from './session-event.ts';
import type { DataPort, Viewer } from './viewer.ts';

type PauseReason = 'recorder' | 'store' | 'viewer';

export interface StreamRelayParts {
  readonly engine: StreamedSession;
  readonly recorder: Pick<SessionRecorder, 'append' | 'backlog'>;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  /** Called once when the session must end for a reason found here. */
  readonly onFailure: (cause: unknown) => void;
}

/** What a viewer says before its stream is there: a greeting, no more. */
const MOST_EARLY_BYTES = 64 * 1024;

/** A viewer with the stream that the engine opened for it. */
interface Place {
  readonly viewer: Viewer;
  readonly data: DataPort;
  readonly channel: number;
  readonly paused: Set<PauseReason>;
  early: Uint8Array[];
  unaccepted: number;
  stream: EngineStream | undefined;
  isOver: boolean;
}

/**
 * The relay of a surface whose decoder must see its stream from the beginning: each viewer has a stream of its own,
 * recorded on a channel of its own as a further segment of the same recording.
 * INVARIANT: bytes reach a viewer only after the recorder accepted them. Each viewer that is slow pauses its own stream alone.
 */
export class StreamRelay implements Relay {
  readonly #parts: StreamRelayParts;
  readonly #viewers = new Set<Viewer>();
  readonly #places = new Map<Viewer, Place>();
  readonly #channels = new Set<number>();
  #closed = false;
  bytesIn = 0;
  bytesOut = 0;
  lastInputMs: number;

  constructor(parts: StreamRelayParts) {
    this.#parts = parts;
    this.lastInputMs = parts.clock.monotonicMs();
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers;
  }

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
    this.#recordPresence('join', viewer);
    this.#announce();
  }

  connectData(viewer: Viewer, data: DataPort): void {
    this.#giveUp(viewer);
    viewer.data?.close();
    viewer.data = data;
    viewer.stalledSince = undefined;
    const channel = this.#freeChannel();
    if (channel === undefined || this.#closed) {
      data.close();
      return;
    }
    this.#channels.add(channel);
    const place: Place = {
      viewer,
      data,
      channel,
      paused: new Set(),
      early: [],
      unaccepted: 0,
      stream: undefined,
      isOver: false,
    };
    this.#places.set(viewer, place);
    data.onDrain(() => {
      this.#drained(place);
    });
    const { id, mode } = viewer.identity;
    this.#record({ kind: 'segment', channel, viewer: id, mode });
    const seat: Seat = {
      mode,
      sink: {
        output: (bytes) => {
          this.#output(place, bytes);
        },
      },
      noted: (event) => {
        this.#noted(place, event);
      },
    };
    this.#parts.engine.join(seat).then(
      (stream) => {
        this.#opened(place, stream);
      },
      (failure: unknown) => {
        this.#dismiss(place, { reason: 'failed', fault: toFault(failure) });
      },
    );
  }

  #opened(place: Place, stream: EngineStream): void {
    if (place.isOver) {
      void stream[Symbol.asyncDispose]();
      return;
    }
    place.stream = stream;
    if (place.paused.size > 0) stream.pause();
    stream.onInputDrained(() => {
      place.data.resumeInput();
    });
    for (const bytes of place.early.splice(0)) this.#forward(place, stream, bytes);
    place.data.resumeInput();
    void stream.ended.then((end) => {
      this.#dismiss(place, end);
    });
  }

  /** A stream that ends by itself takes its viewer along; the session goes on unless the engine says otherwise. */
  #dismiss(place: Place, end: SessionEnd): void {
    if (place.isOver || this.#closed) return;
    const { fault, reason } = end;
    place.viewer.control.send({
      type: 'ended',
      reason: fault?.code ?? reason,
      ...(fault === undefined ? {} : { detail: fault.message, fault: { code: fault.code, facts: fault.facts } }),
    });
    // Closing the sockets detaches the viewer.
    place.viewer.close();
  }

  #output(place: Place, bytes: Uint8Array): void {
    if (place.isOver || this.#closed) return;
    place.unaccepted += bytes.length;
    if (place.unaccepted > PAUSE_ABOVE_BYTES) this.#pause(place, 'recorder');
    const { channel } = place;
    this.#parts.recorder.append({ kind: 'output', bytes, channel }).then(
      () => {
        this.#accepted(place, bytes);
      },
      (cause: unknown) => {
        this.#fail(cause);
      },
    );
    const { backlog } = this.#parts.recorder;
    if (backlog === undefined || place.paused.has('store')) return;
    this.#pause(place, 'store');
    void backlog.then(() => {
      this.#unpause(place, 'store');
    });
  }

  #accepted(place: Place, bytes: Uint8Array): void {
    place.unaccepted -= bytes.length;
    if (place.unaccepted < RESUME_BELOW_BYTES) this.#unpause(place, 'recorder');
    if (place.isOver || this.#closed) return;
    this.bytesOut += bytes.length;
    place.data.send(bytes);
    place.data.flush();
    const { bufferedBytes } = place.data;
    if (bufferedBytes === 0) return;
    place.viewer.stalledSince ??= this.#parts.clock.monotonicMs();
    if (bufferedBytes > PAUSE_ABOVE_BYTES) this.#pause(place, 'viewer');
  }

  #drained(place: Place): void {
    if (place.isOver) return;
    const { bufferedBytes } = place.data;
    place.viewer.stalledSince = bufferedBytes === 0 ? undefined : this.#parts.clock.monotonicMs();
    if (bufferedBytes < RESUME_BELOW_BYTES) this.#unpause(place, 'viewer');
  }

  leave(viewer: Viewer): boolean {
    if (this.#viewers.delete(viewer)) {
      this.#giveUp(viewer);
      this.#recordPresence('leave', viewer);
      this.#announce();
    }
    return this.#controller() !== undefined;
  }

  input(viewer: Viewer, bytes: Uint8Array): void {
    const place = this.#places.get(viewer);
    if (this.#closed || place === undefined) return;
    this.bytesIn += bytes.length;
    const { stream } = place;
    if (stream !== undefined) {
      this.#forward(place, stream, bytes);
      return;
    }
    place.early.push(bytes);
    if (place.early.reduce((sum, part) => sum + part.length, 0) > MOST_EARLY_BYTES) place.data.pauseInput();
  }

  #forward(place: Place, stream: EngineStream, bytes: Uint8Array): void {
    if (!stream.input(bytes)) place.data.pauseInput();
  }

  active(): void {
    this.lastInputMs = this.#parts.clock.monotonicMs();
  }

  resize(): void {
    // The surface's own stream carries its size.
  }

  tell(event: SessionEvent): void {
    for (const viewer of this.#viewers) viewer.control.send(event);
  }

  tick(): readonly Viewer[] {
    const now = this.#parts.clock.monotonicMs();
    const { stallMs } = this.#parts.limits;
    return [...this.#viewers].filter(
      (viewer) => viewer.stalledSince !== undefined && now - viewer.stalledSince > stallMs,
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#parts.engine[Symbol.asyncDispose]();
  }

  #noted(place: Place, event: SeatEvent): void {
    if (place.isOver) return;
    switch (event.type) {
      case 'active':
        this.lastInputMs = this.#parts.clock.monotonicMs();
        return;
      case 'clipboard': {
        const { direction, size, sha256 } = event;
        this.#record({ kind: 'clipboard', direction, size, sha256 });
        return;
      }
    }
  }

  #giveUp(viewer: Viewer): void {
    const place = this.#places.get(viewer);
    if (place === undefined) return;
    this.#places.delete(viewer);
    place.isOver = true;
    // INVARIANT: a channel is free again only when nothing more can be recorded on it.
    this.#channels.delete(place.channel);
    void place.stream?.[Symbol.asyncDispose]();
  }

  #freeChannel(): number | undefined {
    for (let channel = 0; channel <= MAX_CHANNEL; channel++) if (!this.#channels.has(channel)) return channel;
    return undefined;
  }

  #controller(): Viewer | undefined {
    for (const viewer of this.#viewers) if (viewer.identity.mode === 'control') return viewer;
    return undefined;
  }

  #announce(): void {
    const viewers = [...this.#viewers].map(({ identity }) => ({ user: identity.username, mode: identity.mode }));
    this.tell({ type: 'watched', viewers });
  }

  #recordPresence(kind: 'join' | 'leave', { identity }: Viewer): void {
    this.#record({ kind, viewer: identity.id, user: identity.username, mode: identity.mode });
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

  #pause(place: Place, reason: PauseReason): void {
    if (place.paused.has(reason)) return;
    place.paused.add(reason);
    if (place.paused.size === 1) place.stream?.pause();
  }

  #unpause(place: Place, reason: PauseReason): void {
    if (place.paused.delete(reason) && place.paused.size === 0 && !this.#closed) place.stream?.resume();
  }
}
