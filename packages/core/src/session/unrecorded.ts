import type { SessionRecorder } from '../recording/index.ts';

const DONE = Promise.resolve();

/** Stands where a policy says that nothing is recorded; accepts everything at once. */
export function unrecorded(): Pick<SessionRecorder, 'append' | 'sealKeys' | 'backlog' | 'failed'> {
  return { append: () => DONE, sealKeys: () => DONE, backlog: undefined, failed: new Promise(() => undefined) };
}
