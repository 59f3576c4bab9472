import { getRandomValues } from 'node:crypto';
import type { Clock, RandomSource } from '@enchilada/core/time';

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
  every(periodMs, work) {
    const timer = setInterval(work, periodMs);
    timer.unref();
    return {
      [Symbol.dispose]: () => {
        clearInterval(timer);
      },
    };
  },
};

export const systemRandom: RandomSource = { bytes: (length) => getRandomValues(new Uint8Array(length)) };
