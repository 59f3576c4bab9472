import type { RecordingEvent, SessionRecorder } from '../recording/index.ts';
import { RECORDER_PAUSE_ABOVE_BYTES, RESUME_BELOW_BYTES } from './limits.ts';
import { PauseReasons } from './pause-reasons.ts';
import type { Pausable } from './pause-reasons.ts';

export type OutputEvent = Extract<RecordingEvent, { readonly kind: 'output' }>;

export interface RelayRecordingParts {
  readonly recorder: Pick<SessionRecorder, 'append' | 'backlog'>;
  /** Called once when the session must end for a reason found here. */
  readonly onFailure: (cause: unknown) => void;
}

/** What a relay hands to the recorder, until it is closed or the recorder refuses. */
export class RelayRecording {
  readonly #parts: RelayRecordingParts;
  #closed = false;

  constructor(parts: RelayRecordingParts) {
    this.#parts = parts;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Nobody waits for it; a refusal ends the session. */
  note(event: RecordingEvent): void {
    if (this.#closed) return;
    this.#parts.recorder.append(event).catch((cause: unknown) => {
      this.fail(cause);
    });
  }

  /** One source of output, which waits while the recorder or the store is behind. */
  source(target: Pausable, accepted: (bytes: Uint8Array) => void): RecordedSource {
    return new RecordedSource(this, { recorder: this.#parts.recorder, target, accepted });
  }

  fail(cause: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.onFailure(cause);
  }

  close(): void {
    this.#closed = true;
  }
}

interface SourceParts {
  readonly recorder: RelayRecordingParts['recorder'];
  readonly target: Pausable;
  /** Hears of each output once the recorder has accepted it, in order. */
  readonly accepted: (bytes: Uint8Array) => void;
}

export class RecordedSource {
  readonly #recording: RelayRecording;
  readonly #parts: SourceParts;
  readonly #failed: (cause: unknown) => void;
  readonly pauses: PauseReasons;
  #unaccepted = 0;
  #asides = 0;
  #taken: Promise<void> = Promise.resolve();

  constructor(recording: RelayRecording, parts: SourceParts) {
    this.#recording = recording;
    this.#parts = parts;
    this.#failed = (cause) => {
      recording.fail(cause);
    };
    const { target } = parts;
    this.pauses = new PauseReasons({
      pause: () => {
        target.pause();
      },
      // What is closed lets nothing more come.
      resume: () => {
        if (!recording.isClosed) target.resume();
      },
    });
  }

  /** Resolves when the recorder has accepted or refused all that came so far. */
  get taken(): Promise<void> {
    return this.#taken;
  }

  output(event: OutputEvent): void {
    if (this.#recording.isClosed) return;
    const { recorder } = this.#parts;
    const { bytes } = event;
    this.#unaccepted += bytes.length;
    if (this.#unaccepted > RECORDER_PAUSE_ABOVE_BYTES) this.pauses.add('recorder');
    const appended = recorder.append(event);
    // The recorder accepts in order; what goes around it is waited for.
    const inTurn = this.#asides === 0 ? appended : Promise.all([appended, this.#taken]);
    this.#taken = inTurn.then(() => {
      this.#accepted(bytes);
    }, this.#failed);
    const { backlog } = recorder;
    if (backlog !== undefined) this.#waitForStore(backlog);
  }

  /** In turn with the output, once `written` has resolved, and in no recording. */
  aside(bytes: Uint8Array, written: Promise<void>): void {
    if (this.#recording.isClosed) return;
    this.#unaccepted += bytes.length;
    if (this.#unaccepted > RECORDER_PAUSE_ABOVE_BYTES) this.pauses.add('recorder');
    this.#asides += 1;
    this.#taken = Promise.all([this.#taken, written]).then(() => {
      this.#asides -= 1;
      this.#accepted(bytes);
    }, this.#failed);
  }

  #accepted(bytes: Uint8Array): void {
    this.#unaccepted -= bytes.length;
    if (this.#unaccepted < RESUME_BELOW_BYTES) this.pauses.delete('recorder');
    if (!this.#recording.isClosed) this.#parts.accepted(bytes);
  }

  /** What came is accepted and shown; what the target has still to send waits until the store has followed. */
  #waitForStore(backlog: Promise<void>): void {
    if (this.pauses.has('store')) return;
    this.pauses.add('store');
    void backlog.then(() => {
      this.pauses.delete('store');
    });
  }
}
