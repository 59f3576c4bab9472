import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '@enchilada/core/time';

const LOOK_MS = 5_000;
/** A collection takes some 50 ms: not while somebody might feel it, and not for less than this. */
const BUSY_ABOVE = 0.1;
const WORTH_BYTES = 16 * 1024 * 1024;

/**
 * V8 collects when something is allocated: what a busy minute left behind would stay resident for as long as the process is quiet after it, with
 * hundreds of idle sessions more than they themselves need. So a quiet process collects once.
 * https://nodejs.org/docs/latest-v24.x/api/cli.html#--expose-gc
 */
export function collectWhenQuiet(clock: Pick<Clock, 'every'>): Disposable {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let since = performance.eventLoopUtilization();
  let left = 0;
  return clock.every(LOOK_MS, () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, since);
    since = now;
    if (!isDue(utilization, heldBytes() - left)) return;
    collect();
    left = heldBytes();
  });
}

/** `utilization`: the share of the last period that the event loop worked, 0 to 1; `grownBytes`: since the last collection. */
export function isDue(utilization: number, grownBytes: number): boolean {
  return utilization <= BUSY_ABOVE && grownBytes >= WORTH_BYTES;
}

function heldBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
