export { openFilesystemRecordingStore } from './filesystem-recording-store.ts';
