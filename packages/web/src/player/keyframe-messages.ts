import type { Base, IndexProgress } from './recording-index.ts';
import type { TranscriptLine } from './transcript.ts';

export type ToWorker =
  /** The next piece of the recording's stream; undefined where it ends. */
  | { readonly type: 'bytes'; readonly bytes: Uint8Array | undefined }
  | { readonly type: 'base'; readonly ticket: number; readonly toMs: number }
  | { readonly type: 'find'; readonly words: string };

export type FromWorker =
  | { readonly type: 'taken'; readonly bytes: number }
  | { readonly type: 'progress'; readonly progress: IndexProgress }
  | { readonly type: 'ended'; readonly how: 'complete' | 'cut' | 'damaged' }
  | { readonly type: 'base'; readonly ticket: number; readonly base: Base }
  | { readonly type: 'found'; readonly words: string; readonly lines: readonly TranscriptLine[] };

/** What the page tells the worker about the recording before its first bytes, in the worker's address. */
export interface RecordingShape {
  readonly durationMs: number;
  readonly chunkTimesUs: readonly number[];
  /** Whether what is shown is text, which an emulator can draw without a screen. */
  readonly hasText: boolean;
}
