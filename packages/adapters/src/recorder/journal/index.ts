export { openJournalRecorder } from './journal-recorder.ts';
export type { JournalRecorderOptions } from './journal-recorder.ts';
export { verifyCrypto } from './node-crypto.ts';
export { openRecordingKeyFile } from './recording-key.ts';
export { openRecordingReader } from './recording-reader.ts';
