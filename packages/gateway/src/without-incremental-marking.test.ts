import assert from 'node:assert/strict';
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { until } from '@enchilada/core/testing/until';
import { withoutIncrementalMarking } from './without-incremental-marking.ts';

const MUCH_BYTES = 512 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** https://nodejs.org/docs/latest-v24.x/api/perf_hooks.html#performanceentrydetail */
type Collection = PerformanceEntry & { readonly detail: { readonly kind: number } };

/** The collections of V8 while as many buffers are made and dropped as a large file has. */
async function collections(): Promise<ReadonlySet<number>> {
  const kinds = new Set<number>();
  const note = (entries: readonly PerformanceEntry[]): void => {
    for (const entry of entries as readonly Collection[]) kinds.add(entry.detail.kind);
  };
  const observer = new PerformanceObserver((list) => {
    note(list.getEntries());
  });
  observer.observe({ entryTypes: ['gc'] });
  for (let made = 0; made < MUCH_BYTES; made += PIECE_BYTES) {
    Buffer.allocUnsafeSlow(PIECE_BYTES);
    if (made % (32 * PIECE_BYTES) === 0) await turn();
  }
  note(observer.takeRecords());
  observer.disconnect();
  return kinds;
}

it('is not marked in increments while somebody wants it so, and is before and soon after', async () => {
  const marking = constants.NODE_PERFORMANCE_GC_INCREMENTAL;
  assert.ok((await collections()).has(marking));
  const [one, other] = [withoutIncrementalMarking(), withoutIncrementalMarking()];
  // What had begun before may end meanwhile.
  await collections();
  assert.ok(!(await collections()).has(marking));
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  assert.ok(!(await collections()).has(marking));
  other[Symbol.dispose]();
  await until(async () => (await collections()).has(marking));
});
