import type { RecordingId } from './recorder.ts';

/**
 * 0 complete, 10 valid but incomplete, 20 content altered, 21 gap, reorder or duplicate, 22 wrong key, epoch or signer, 23 shorter than a
 * checkpoint, 24 missing against the audit log, 25 metadata altered, 30 retention too short or no lock, 40 unsupported.
 */
export const VERIFY_CODES = [0, 10, 20, 21, 22, 23, 24, 25, 30, 40] as const;
export type VerifyCode = (typeof VERIFY_CODES)[number];

export interface VerifyFinding {
  readonly code: VerifyCode;
  readonly message: string;
  /** The object concerned: a chunk's number, or a file's name. */
  readonly chunk?: number;
  readonly object?: string;
  /** The time range affected, in microseconds since the start of the recording, as far as it is known. */
  readonly fromUs?: number;
  readonly toUs?: number;
}

export interface VerifyReport {
  readonly recording: RecordingId;
  readonly code: VerifyCode;
  readonly findings: readonly VerifyFinding[];
  readonly chunks: number;
  readonly bytes: number;
  readonly durationUs: number;
}
