import type { ClipboardRights, EngineStream, Seat, SeatEvent, SessionEnd, StreamedSession } from '../engine/index.ts';
import { toFault } from '../fault/index.ts';
import { MAX_CHANNEL, type SessionRecorder } from '../recording/index.ts';
import type { Clock } from '../time/index.ts';
import { DesktopInput, type DesktopInputPolicy } from './desktop-input.ts';
import { RESUME_BELOW_BYTES, VIEWER_PAUSE_ABOVE_BYTES } from './limits.ts';
import type { FileLog } from './file-log.ts';
import type { SessionLimits } from './limits.ts';
import { RelayRecording } from './relay-recording.ts';
import type { RecordedSource, RelayRecordingParts } from './relay-recording.ts';
import type { Relay } from './relay.ts';
import type { SessionEvent } from './session-event.ts';
import { ViewerSet } from './viewer-set.ts';
import type { DataPort, Viewer } from './viewer.ts';

export interface StreamRelayParts extends RelayRecordingParts {
  readonly engine: StreamedSession;
  readonly limits: SessionLimits;
  readonly clock: Clock;
  readonly desktopInput: DesktopInputPolicy;
  /** Nobody acts, whoever is in control. */
  readonly viewOnly: boolean;
  /** As the policy said when it was asked last. */
  readonly clipboard: () => ClipboardRights;
  readonly clipboardFiles: () => ClipboardRights;
  readonly fileLog: Pick<FileLog, 'clipboardBegan' | 'clipboardEnded'>;
  /** It never refuses: nothing passed that had to be written down first. */
  readonly denialLog: Pick<FileLog, 'denied' | 'clipboardDenied'>;
  readonly recorder: RelayRecordingParts['recorder'] & Pick<SessionRecorder, 'sealKeys'>;
}

/** What a viewer says before its stream is there: a greeting, no more. */
const MOST_EARLY_BYTES = 64 * 1024;

/** What an audit log may take to hold the files of a session that ends. */
const WRITING_MS = 1_000;

/** A viewer with the stream that the engine opened for it. */
interface Place {
  readonly viewer: Viewer;
  readonly data: DataPort;
  readonly channel: number;
  readonly source: RecordedSource;
  readonly typed: DesktopInput;
  early: Uint8Array[];
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
  readonly #recording: RelayRecording;
  readonly #viewers: ViewerSet;
  readonly #places = new Map<Viewer, Place>();
  readonly #channels = new Set<number>();
  /** What was noted of files is written down. */
  #filesWritten: Promise<void> = Promise.resolve();
  bytesIn = 0;
  bytesOut = 0;
  lastInputMs: number;

  constructor(parts: StreamRelayParts) {
    this.#parts = parts;
    this.lastInputMs = parts.clock.monotonicMs();
    this.#recording = new RelayRecording(parts);
    this.#viewers = new ViewerSet(this.#recording);
  }

  get ended(): Promise<SessionEnd> {
    return this.#parts.engine.ended;
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers.all;
  }

  join(viewer: Viewer): void {
    this.#viewers.join(viewer, (before) => {
      this.leave(before);
    });
  }

  connectData(viewer: Viewer, data: DataPort): void {
    this.#giveUp(viewer);
    viewer.data?.close();
    viewer.data = data;
    viewer.stalledSince = undefined;
    const channel = this.#freeChannel();
    if (channel === undefined || this.#recording.isClosed) {
      data.close();
      return;
    }
    this.#channels.add(channel);
    const place: Place = {
      viewer,
      data,
      channel,
      source: this.#recording.source(
        { pause: () => place.stream?.pause(), resume: () => place.stream?.resume() },
        (bytes) => {
          this.#accepted(place, bytes);
        },
      ),
      typed: new DesktopInput({
        policy: this.#parts.desktopInput,
        channel,
        clock: this.#parts.clock,
        note: (event) => {
          this.#recording.note(event);
        },
        seal: (on, strokes) => this.#parts.recorder.sealKeys(on, strokes),
        onFailure: (cause) => {
          this.#recording.fail(cause);
        },
      }),
      early: [],
      stream: undefined,
      isOver: false,
    };
    this.#places.set(viewer, place);
    data.onDrain(() => {
      this.#drained(place);
    });
    const { id, mode } = viewer.identity;
    this.#recording.note({ kind: 'segment', channel, viewer: id, mode });
    const seat: Seat = {
      mode,
      viewOnly: this.#parts.viewOnly,
      clipboard: this.#parts.clipboard(),
      clipboardFiles: this.#parts.clipboardFiles(),
      sink: {
        output: (bytes) => {
          if (!place.isOver) place.source.output({ kind: 'output', bytes, channel });
        },
      },
      aside: (bytes) => {
        if (!place.isOver) place.source.aside(bytes, this.#filesWritten);
      },
      written: () => this.#filesWritten,
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
    if (place.source.pauses.any) stream.pause();
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
    if (place.isOver || this.#recording.isClosed) return;
    const { fault, reason } = end;
    place.viewer.end({
      type: 'ended',
      reason: fault?.code ?? reason,
      ...(fault === undefined ? {} : { detail: fault.message, fault: { code: fault.code, facts: fault.facts } }),
    });
    // Closing the sockets detaches the viewer.
    place.viewer.close();
  }

  #accepted(place: Place, bytes: Uint8Array): void {
    if (place.isOver) return;
    this.bytesOut += bytes.length;
    place.data.send(bytes);
    place.data.flush();
    const { bufferedBytes } = place.data;
    if (bufferedBytes === 0) return;
    place.viewer.stalledSince ??= this.#parts.clock.monotonicMs();
    if (bufferedBytes > VIEWER_PAUSE_ABOVE_BYTES) place.source.pauses.add('viewer');
  }

  #drained(place: Place): void {
    if (place.isOver) return;
    const { bufferedBytes } = place.data;
    place.viewer.stalledSince = bufferedBytes === 0 ? undefined : this.#parts.clock.monotonicMs();
    if (bufferedBytes < RESUME_BELOW_BYTES) place.source.pauses.delete('viewer');
  }

  leave(viewer: Viewer): boolean {
    if (this.#viewers.leave(viewer)) this.#giveUp(viewer);
    return this.#viewers.controller !== undefined;
  }

  input(viewer: Viewer, bytes: Uint8Array): void {
    const place = this.#places.get(viewer);
    if (this.#recording.isClosed || place === undefined) return;
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
    this.#viewers.tell(event);
  }

  tick(): readonly Viewer[] {
    return this.#viewers.stalled(this.#parts.clock.monotonicMs() - this.#parts.limits.stallMs);
  }

  async close(): Promise<void> {
    for (const { typed, stream } of this.#places.values()) {
      typed.flush();
      // Files that are on their way end here, while they can still be written down.
      void stream?.[Symbol.asyncDispose]();
    }
    this.#recording.close();
    const late = Promise.withResolvers<void>();
    using _timer = this.#parts.clock.after(WRITING_MS, late.resolve);
    await Promise.race([this.#filesWritten.catch(() => undefined), late.promise]);
    await this.#parts.engine[Symbol.asyncDispose]();
  }

  #noted(place: Place, event: SeatEvent): void {
    // What ends because its viewer goes, a file or a clipboard, is written down nevertheless.
    if (place.isOver && event.type !== 'file-ended' && event.type !== 'clipboard') return;
    switch (event.type) {
      case 'file-began':
        this.lastInputMs = this.#parts.clock.monotonicMs();
        this.#writeOfFiles((log) => log.clipboardBegan(event));
        return;
      case 'file-ended':
        this.lastInputMs = this.#parts.clock.monotonicMs();
        this.#writeOfFiles((log) => log.clipboardEnded(event, event));
        return;
      case 'file-denied':
        void this.#parts.denialLog.denied(event.direction);
        return;
      case 'clipboard-denied':
        void this.#parts.denialLog.clipboardDenied(event.direction);
        return;
      case 'active':
        this.lastInputMs = this.#parts.clock.monotonicMs();
        return;
      case 'clipboard': {
        const { direction, size, sha256 } = event;
        this.#recording.note({ kind: 'clipboard', direction, size, sha256 });
        return;
      }
      case 'key':
        place.typed.key(event.stroke);
        return;
      case 'pointer':
        place.typed.pointer(event);
        return;
      case 'preamble':
        for (const [part, bytes] of event.messages.entries())
          this.#recording.note({ kind: 'preamble', channel: place.channel, part, bytes });
        return;
      case 'key-frame':
        this.#recording.note({ kind: 'key-frame', channel: place.channel, phase: event.phase });
        return;
    }
  }

  /** INVARIANT: no message that comes later reaches a viewer before this is written down. A log that refuses ends the session. */
  #writeOfFiles(write: (log: StreamRelayParts['fileLog']) => Promise<void>): void {
    const written = this.#filesWritten.then(() => write(this.#parts.fileLog));
    written.catch((cause: unknown) => {
      this.#recording.fail(cause);
    });
    this.#filesWritten = written;
  }

  #giveUp(viewer: Viewer): void {
    const place = this.#places.get(viewer);
    if (place === undefined) return;
    this.#places.delete(viewer);
    place.isOver = true;
    place.typed.flush();
    // INVARIANT: a channel is free again only when nothing more can be recorded on it.
    this.#channels.delete(place.channel);
    void place.stream?.[Symbol.asyncDispose]();
  }

  #freeChannel(): number | undefined {
    for (let channel = 0; channel <= MAX_CHANNEL; channel++) if (!this.#channels.has(channel)) return channel;
    return undefined;
  }
}
