export { concatBytes, fromHex, sameBytes, toHex, utf8 } from './bytes.ts';
export { canonicalJson, parseCanonicalJson } from './canonical-json.ts';
export type { JsonObject } from './canonical-json.ts';
export { checkpointBody, parseCheckpoint } from './checkpoint.ts';
export type { Checkpoint, CheckpointEntry } from './checkpoint.ts';
export {
  chunkNonce,
  FLAG,
  MAX_CHUNK_BYTES,
  MAX_CIPHER_BYTES,
  parseChunk,
  signedChunkDigest,
  writeChunkHeader,
} from './chunk.ts';
export type { Chunk } from './chunk.ts';
export {
  decodeEvents,
  encodeEvent,
  EVENT_OVERHEAD_BYTES,
  MAX_CHANNEL,
  MAX_EVENT_BYTES,
  writeEvent,
} from './event-codec.ts';
export type { EncodedEvent } from './event-codec.ts';
export { toAsciicast, toPlainText, toSurfaceDump } from './export.ts';
export { decodeStrokes, encodeStrokes, sealedStrokesContext, sealedStrokesNonce } from './key-strokes.ts';
export type { KeyStroke, PastKeyStroke } from './key-strokes.ts';
export { dataKeyContext, headBody, inputKeyContext, parseHead, parseRecoveredHead, recoveredHeadBody } from './head.ts';
export type { RecordingHead, RecoveredHead, SealedDataKey } from './head.ts';
export {
  checkpointName,
  chunkName,
  dayPath,
  HEAD_NAME,
  isRecordingId,
  MANIFEST_NAME,
  parseObjectName,
  recordingIdBytes,
  recordingPrefix,
  RECORDINGS_ROOT,
  recoveredHeadName,
  recoveredManifestName,
} from './layout.ts';
export { manifestBody, parseManifest } from './manifest.ts';
export type { ManifestChunk, RecordingState } from './manifest.ts';
export { merkleRoot } from './merkle.ts';
export type {
  ReadOptions,
  Recorder,
  RecorderStats,
  RecordingDescription,
  RecordingEnd,
  RecordingEvent,
  RecordingId,
  RecordingListing,
  RecordingReader,
  RecordingSummary,
  SessionRecorder,
  TimedKeyStroke,
  TimedRecordingEvent,
  TransferDirection,
} from './recorder.ts';
export type { RecordingStore, StoredObject } from './recording-store.ts';
export { signDocument, signedBytes } from './signed-document.ts';
export type { RecordingSigner } from './signed-document.ts';
export { formatTrustFile, parseTrustFile, trustStoreOf } from './trust.ts';
export type { TrustStore } from './trust.ts';
export { verifyArchive } from './verify-archive.ts';
export type { ArchiveSource } from './verify-archive.ts';
export { verifyRecording } from './verify-recording.ts';
export type { ContentCheck, RecordingSource, VerifyCrypto } from './verify-documents.ts';
export { formatFinding, formatReport, VERIFY_CODES } from './verify-report.ts';
export type { ArchiveReport, VerifyCode, VerifyFinding, VerifyReport } from './verify-report.ts';
