import type { SessionRecorder } from '../recording/index.ts';

const DONE = Promise.resolve();

/** Stands where a policy says that nothing is recorded; accepts everything at once. */
export function unrecorded(): Pick<SessionRecorder, 'append' | 'failed'> {
  return { append: () => DONE, failed: new Promise(() => undefined) };
}
