import type { Fault } from '../fault/index.ts';
import type { RecordingState } from './manifest.ts';
import type { KeyStroke, PastKeyStroke } from './key-strokes.ts';
import type { VerifyReport } from './verify-report.ts';

/** Made by the server: 128 random bits as 26 characters of `[a-z2-7]`. INVARIANT: no text of a person is ever part of a recording's path. */
export type RecordingId = string;

/**
 * What a recording consists of. `output` is exactly what a viewer is shown. A type with `bytes` hands them over:
 * the caller does not change them afterwards.
 */
export type RecordingEvent =
  | {
      readonly kind: 'output';
      readonly bytes: Uint8Array;
      /** Which of several streams; absent: 0, the only one of a surface that all viewers share. */
      readonly channel?: number;
    }
  /** A decoder starts afresh with the next output of this channel. A number is used again once its viewer is gone. */
  | {
      readonly kind: 'segment';
      readonly channel: number;
      readonly viewer: string;
      readonly mode: 'control' | 'watch';
    }
  /**
   * One message, counted from 0, of what a decoder that begins at one of the next key frames of this channel is given first. Whoever plays from the
   * beginning leaves it out.
   */
  | { readonly kind: 'preamble'; readonly channel: number; readonly part: number; readonly bytes: Uint8Array }
  /** What is put out between the two draws all of the picture anew: a decoder can begin where it begins, and shows what was shown where it is whole. */
  | { readonly kind: 'key-frame'; readonly channel: number; readonly phase: 'begins' | 'whole' }
  /** Where the pointer of the person in control was, and which buttons were down: bit 0 left, 1 middle, 2 right, 3 and 4 the wheel. */
  | {
      readonly kind: 'pointer';
      readonly channel: number;
      readonly x: number;
      readonly y: number;
      readonly buttons: number;
    }
  /** Key strokes, sealed under the recording's input key: nothing without that key tells what they are. */
  | { readonly kind: 'sealed-keys'; readonly channel: number; readonly sequence: number; readonly bytes: Uint8Array }
  | { readonly kind: 'input'; readonly bytes: Uint8Array }
  | { readonly kind: 'input-length'; readonly count: number }
  | { readonly kind: 'resize'; readonly columns: number; readonly rows: number }
  | {
      readonly kind: 'join' | 'leave';
      readonly viewer: string;
      readonly user: string;
      readonly mode: 'control' | 'watch';
    }
  | { readonly kind: 'marker'; readonly text: string }
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly size: number;
      readonly sha256: Uint8Array;
      readonly direction: TransferDirection;
    }
  | {
      readonly kind: 'clipboard';
      readonly size: number;
      readonly sha256: Uint8Array;
      readonly direction: TransferDirection;
    }
  | { readonly kind: 'gap'; readonly reason: string; readonly bytes: number };

/** Seen from the person: `upload` and paste go to the target. */
export type TransferDirection = 'upload' | 'download';

/** An event with its time since the start of the recording, and the chunk it came from. */
export interface TimedRecordingEvent {
  readonly atUs: number;
  readonly chunk: number;
  readonly event: RecordingEvent;
}

export interface TimedKeyStroke extends KeyStroke {
  readonly atMs: number;
  readonly channel: number;
}

/** Who, where and under which rules. It is stored in clear in `head.json`, so that an auditor needs no key for it. */
export interface RecordingDescription {
  readonly sessionId: string;
  readonly user: { readonly id: string; readonly name: string; readonly address: string };
  readonly target: {
    readonly id: string;
    readonly name: string;
    readonly address: string;
    readonly hostKeyFingerprint?: string;
  };
  readonly protocol: string;
  readonly surface: string;
  readonly policy: {
    readonly strict: boolean;
    readonly input: 'off' | 'length' | 'echoed';
    /** Of a desktop; `keys`: the recording has an input key of its own, and the strokes sealed under it. */
    readonly desktopInput?: 'off' | 'pointer' | 'keys';
  };
  readonly node: string;
  readonly softwareVersion: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Hash of the audit row `session.opened`, as hex. */
  readonly auditHash?: string;
  /** Milliseconds since the epoch: promised at the start, whatever the configuration says later. Recordings made before it was promised have none. */
  readonly retainUntil?: number;
}

export interface RecordingSummary {
  readonly id: RecordingId;
  readonly sessionId: string;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly state: RecordingState;
  readonly chunks: number;
  /** Undefined after a crash: the node that finalises cannot look into chunks. */
  readonly events: number | undefined;
  readonly outputBytes: number | undefined;
  readonly storedBytes: number;
  /** Hex SHA-256 of the manifest: what the audit row `session.ended` carries. */
  readonly manifestHash: string;
  /** False where the store refuses at the moment; the recorder goes on trying, and a restart finishes the work. */
  readonly stored: boolean;
}

export interface SessionRecorder {
  readonly id: RecordingId;
  /** Hex SHA-256 of head.json. */
  readonly headHash: string;
  /**
   * Resolves when write(2) to the journal has returned for this event and all before it; calls resolve in the order they were made.
   * INVARIANT: nothing is shown before this has resolved. Rejects once and for ever after a failure.
   */
  append(event: RecordingEvent): Promise<void>;
  /** Seals key strokes under the recording's input key and appends them. @throws Fault RECORDER_FAILED where the description asks for no keys */
  sealKeys(channel: number, strokes: readonly PastKeyStroke[]): Promise<void>;
  /**
   * While more of this recording waits for the store than may: resolves once there is room, or once the recorder failed. The target is paused
   * meanwhile; what comes nevertheless is accepted as ever.
   */
  readonly backlog: Promise<void> | undefined;
  /**
   * Resolves with the fault when the recorder can no longer accept: disk full, I/O error, a writer stalled for 3 s, a backlog that a store refuses.
   * Never rejects; never resolves on a healthy recorder.
   */
  readonly failed: Promise<Fault>;
  /** Seals the last chunk and writes the manifest. A second call answers like the first. */
  finish(end: RecordingEnd): Promise<RecordingSummary>;
}

export interface RecordingEnd {
  readonly reason: string;
}

export interface Recorder extends AsyncDisposable {
  /**
   * @param id a fresh random one where absent; given where the audit row that the description names must name the recording
   * @throws Fault RECORDING_STORE_FULL, RECORDER_FAILED, KEY_UNAVAILABLE
   */
  open(description: RecordingDescription, id?: RecordingId): Promise<SessionRecorder>;
  /** Whether `open` would be let through; tries to get over an earlier failure. @throws Fault RECORDING_STORE_FULL, RECORDER_FAILED */
  probe(): Promise<void>;
  /** Finalises what a crash left behind: chunks flagged `recovered`, manifest INCOMPLETE(crash). Called once at start, before `open`. */
  recover(): Promise<readonly RecordingSummary[]>;
  readonly stats: RecorderStats;
}

export interface RecorderStats {
  readonly liveRecordings: number;
  /** Bytes handed to `append` that write(2) has not taken yet, and the age of the oldest of them. */
  readonly lagBytes: number;
  readonly lagMs: number;
  /** Bytes sealed or pending that are in the journal alone and not yet in the store. */
  readonly unstoredBytes: number;
  readonly journalBytes: number;
  readonly spoolFreeBytes: number;
  readonly storedChunks: number;
  readonly storeRetries: number;
  readonly failures: number;
}

export interface RecordingListing {
  readonly id: RecordingId;
  readonly description: RecordingDescription;
  readonly state: RecordingState | 'LIVE';
  readonly chunks: number;
  readonly durationMs: number;
  readonly storedBytes: number;
  /** First event time of each chunk, index 0 is chunk 1: where a player seeks to. */
  readonly chunkTimesUs: readonly number[];
}

export interface ReadOptions {
  /** First chunk wanted, from 1. */
  readonly fromChunk?: number;
  readonly signal?: AbortSignal;
}

export interface RecordingReader {
  /** @throws Fault RECORDING_NOT_FOUND, RECORDING_DAMAGED */
  describe(id: RecordingId): Promise<RecordingListing>;
  /** Unwraps the data key through the key-encryption key. @throws Fault RECORDING_NOT_FOUND, RECORDING_DAMAGED, KEY_UNAVAILABLE */
  events(id: RecordingId, options?: ReadOptions): AsyncIterable<TimedRecordingEvent>;
  /** Opens the key strokes, which `events` yields sealed. @throws Fault RECORDING_NOT_FOUND, RECORDING_DAMAGED, KEY_UNAVAILABLE */
  keyStrokes(id: RecordingId): AsyncIterable<TimedKeyStroke>;
  verify(id: RecordingId): Promise<VerifyReport>;
  /** The sealed objects as they are stored, for a download that `enchilada verify` reads. */
  objects(id: RecordingId): AsyncIterable<{ readonly name: string; readonly bytes: Uint8Array }>;
}
