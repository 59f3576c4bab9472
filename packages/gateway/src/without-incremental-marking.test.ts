import assert from 'node:assert/strict';
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { until } from '@enchilada/core/testing/until';
import { withoutIncrementalMarking } from './without-incremental-marking.ts';

const MEBIBYTE = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

/** https://nodejs.org/docs/latest-v24.x/api/perf_hooks.html#performanceentrydetail */
type Collection = PerformanceEntry & { readonly detail: { readonly kind: number } };

/** Whether V8 marks in increments while as many buffers are made and dropped as a large file has. */
async function marks(): Promise<boolean> {
  const kinds = new Set<number>();
  const note = (entries: readonly PerformanceEntry[]): void => {
    for (const entry of entries as readonly Collection[]) kinds.add(entry.detail.kind);
  };
  const observer = new PerformanceObserver((list) => {
    note(list.getEntries());
  });
  observer.observe({ entryTypes: ['gc'] });
  for (let made = 0; made < 512 * MEBIBYTE; made += PIECE_BYTES) {
    Buffer.allocUnsafeSlow(PIECE_BYTES);
    if (made % (32 * PIECE_BYTES) === 0) await turn();
  }
  note(observer.takeRecords());
  observer.disconnect();
  return kinds.has(constants.NODE_PERFORMANCE_GC_INCREMENTAL);
}

it('is not marked in increments while somebody wants it so, and is before and soon after', async () => {
  assert.ok(await marks());
  const [one, other] = [withoutIncrementalMarking(), withoutIncrementalMarking()];
  // What had begun before may end meanwhile.
  await marks();
  assert.ok(!(await marks()));
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  assert.ok(!(await marks()));
  other[Symbol.dispose]();
  await until(marks);
});

it('is marked all the same where many buffers stay', async () => {
  using _ = withoutIncrementalMarking();
  await marks();
  const kept = Array.from({ length: 256 }, () => Buffer.alloc(MEBIBYTE));
  await until(marks);
  assert.equal(kept.length, 256);
});
