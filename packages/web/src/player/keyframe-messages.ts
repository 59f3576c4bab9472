import type { TranscriptLine } from './transcript.ts';

/** A screen in the middle of a recording, as text that draws it on a fresh terminal. */
export interface Keyframe {
  /** The first event that the screen does not contain. */
  readonly index: number;
  readonly atMs: number;
  readonly columns: number;
  readonly rows: number;
  readonly screen: string;
}

export type TapeItem =
  | { readonly kind: 'output'; readonly index: number; readonly atMs: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'resize';
      readonly index: number;
      readonly atMs: number;
      readonly columns: number;
      readonly rows: number;
    };

export type ToWorker =
  { readonly type: 'items'; readonly items: readonly TapeItem[] } | { readonly type: 'find'; readonly words: string };

export type FromWorker =
  | { readonly type: 'keyframe'; readonly keyframe: Keyframe }
  | { readonly type: 'reached'; readonly atMs: number }
  | { readonly type: 'found'; readonly words: string; readonly lines: readonly TranscriptLine[] };
