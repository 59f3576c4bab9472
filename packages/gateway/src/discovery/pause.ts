import type { Clock } from '@enchilada/core/time';

/** So long after a failure, before what failed is tried again. */
export const PAUSE_AFTER_FAILURE_MS = 5_000;

/** Resolves at the end of the time, or at once where the signal says that there is nothing to wait for any more. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(ms, end);
    signal.addEventListener('abort', end);
  });
}
