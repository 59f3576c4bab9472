import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Metrics } from './metrics.ts';

const LOOK_SECONDS = 0.05;

function blockFor(seconds: number): void {
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end);
}

async function delayOf(metrics: Metrics): Promise<number> {
  const text = await metrics.text();
  return Number(/^enchilada_event_loop_delay_p99_seconds (\S+)$/mu.exec(text)?.[1]);
}

test('the delay of the event loop is what held it up, without the time between two looks', async () => {
  const metrics = new Metrics({
    discovery: () => ({
      ...{ messages: 0, retried: 0, copies: 0, changes: 0, sweeps: 0, failedSweeps: 0, refusedEvents: 0 },
      ...{ staleScopes: 0, heldScopes: 0, retiredScopes: 0, troubles: 0, oldestSweepSeconds: 0 },
    }),
    liveSessions: () => 0,
    sessionBytes: () => ({ in: 0, out: 0 }),
    recorder: () => undefined,
  });
  await sleep(2 * LOOK_SECONDS * 1_000);
  // Before the look from which the time that is shown counts, whatever holds this process up in between.
  const begun = performance.now();
  await sleep(2 * LOOK_SECONDS * 1_000);
  await delayOf(metrics);
  await sleep(LOOK_SECONDS * 1_000);
  blockFor(0.4);
  await sleep(2 * LOOK_SECONDS * 1_000);
  const passed = (performance.now() - begun) / 1_000;
  const shown = await delayOf(metrics);
  // The look that was due during the block came after it, at most one interval into it.
  assert.ok(shown > 0.4 - 2 * LOOK_SECONDS && shown < passed - 3 * LOOK_SECONDS, `${shown} s in ${passed} s`);
});
