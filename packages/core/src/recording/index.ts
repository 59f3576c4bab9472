export { decodeEvents, encodeEvent, EVENT_OVERHEAD_BYTES, MAX_EVENT_BYTES, writeEvent } from './event-codec.ts';
export { VERIFY_CODES } from './verify-report.ts';
export type { VerifyCode, VerifyFinding, VerifyReport } from './verify-report.ts';
export type { RecordingState } from './manifest.ts';
export type {
  ReadOptions,
  Recorder,
  RecorderStats,
  RecordingDescription,
  RecordingEnd,
  RecordingEvent,
  RecordingEventKind,
  RecordingId,
  RecordingListing,
  RecordingReader,
  RecordingSummary,
  SessionRecorder,
  TimedRecordingEvent,
  TransferDirection,
} from './recorder.ts';
