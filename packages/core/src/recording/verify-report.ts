import type { RecordingId } from './recorder.ts';

/**
 * 0 complete, 10 valid but incomplete, 20 content altered, 21 gap, reorder or duplicate, 22 wrong key, epoch or signer, 23 shorter than a
 * checkpoint, 24 missing against the audit log, 25 metadata altered, 30 retention too short or no lock, 40 unsupported.
 */
export const VERIFY_CODES = [0, 10, 20, 21, 22, 23, 24, 25, 30, 40] as const;
export type VerifyCode = (typeof VERIFY_CODES)[number];

/** With several findings, the exit code is the first of these: what explains the others comes before what follows from it. */
const PRECEDENCE: readonly VerifyCode[] = [40, 22, 25, 20, 21, 23, 24, 30, 10, 0];

export interface VerifyFinding {
  readonly code: VerifyCode;
  readonly message: string;
  /** The chunks concerned, both included. */
  readonly chunks?: readonly [first: number, last: number];
  /** Another object than a chunk: its name. */
  readonly object?: string;
  /** The time affected, in microseconds since the start of the recording, as far as it is known. */
  readonly timeUs?: readonly [from: number, to: number];
}

export interface VerifyReport {
  readonly recording: RecordingId;
  readonly code: VerifyCode;
  readonly findings: readonly VerifyFinding[];
  readonly chunks: number;
  /** Stored bytes read. */
  readonly bytes: number;
  readonly durationUs: number;
}

/** Everything that one run looked at. `findings` are those of no single recording: checkpoints, audit rows, recordings that are absent. */
export interface ArchiveReport {
  readonly code: VerifyCode;
  readonly findings: readonly VerifyFinding[];
  readonly recordings: number;
  readonly damaged: number;
  readonly bytes: number;
}

export function worstCode(codes: Iterable<VerifyCode>): VerifyCode {
  const seen = new Set(codes);
  return PRECEDENCE.find((code) => seen.has(code)) ?? 0;
}

/** INVARIANT: a number that is no date (ECMA-262 section 21.4.1.1) is named, and ends no verification: whoever writes an export may write it. */
export function timeText(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? `${at} ms` : date.toISOString();
}

const MEANING: Readonly<Record<VerifyCode, string>> = {
  0: 'complete',
  10: 'valid but incomplete',
  20: 'content altered',
  21: 'gap, reorder or duplicate',
  22: 'wrong key, epoch or signer',
  23: 'shorter than a checkpoint',
  24: 'missing against the audit log',
  25: 'metadata altered',
  30: 'retention too short',
  40: 'unsupported',
};

/** One recording for people. Text that came from a file is escaped: a report is read in a terminal. */
export function formatReport(report: VerifyReport): string {
  const size = `${report.chunks} chunks, ${report.bytes} bytes, ${formatTime(report.durationUs)}`;
  return [
    `${report.recording}  ${report.code} ${MEANING[report.code]} (${size})`,
    ...report.findings.map(formatFinding),
  ].join('\n');
}

export function formatFinding(finding: VerifyFinding): string {
  const [first, last] = finding.chunks ?? [];
  const where = [
    ...(first === undefined ? [] : [first === last ? `chunk ${first}` : `chunks ${first}-${last}`]),
    ...(finding.object === undefined ? [] : [finding.object]),
    ...(finding.timeUs === undefined ? [] : [`${formatTime(finding.timeUs[0])}-${formatTime(finding.timeUs[1])}`]),
  ].join(', ');
  return escapeControls(
    `  ${finding.code} ${MEANING[finding.code]}: ${where === '' ? '' : `${where}: `}${finding.message}`,
  );
}

function formatTime(us: number): string {
  const seconds = Math.floor(us / 1e6);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}.${String(Math.floor(us / 1000) % 1000).padStart(3, '0')}`;
}

function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
    (control) => `\\u${(control.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
