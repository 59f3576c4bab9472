import { getRandomValues } from 'node:crypto';
import type { Clock, RandomSource } from '@enchilada/core/time';

/** A timer that fires a little early is not due again at once. */
const EARLY_MS = 2;

function dueInMs(periodMs: number): number {
  const now = performance.now() + Math.min(EARLY_MS, periodMs / 2);
  return Math.ceil(periodMs - (now % periodMs) + Math.min(EARLY_MS, periodMs / 2));
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    timer.unref();
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
      },
    };
  },
  /** At whole periods since the process began, the first one shorter: what is due at the same time wakes a process at rest once and not each for itself. */
  every(periodMs, work) {
    const turn = (): NodeJS.Timeout => {
      const next = setTimeout(() => {
        timer = turn();
        work();
      }, dueInMs(periodMs));
      return next.unref();
    };
    let timer = turn();
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
      },
    };
  },
};

export const systemRandom: RandomSource = { bytes: (length) => getRandomValues(new Uint8Array(length)) };
