import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { NodeLease } from '@enchilada/core/session';
import { StandingClock } from '@enchilada/core/testing/standing-clock';

/** Longer than the others wait for a sign of life. */
const SLEEP_MS = 60_000;

interface Sleeper {
  /** Whose timers have had no turn yet. */
  readonly clock: StandingClock;
  readonly lease: NodeLease;
  readonly store: ReturnType<typeof sqlite>;
  /** How often it ended what it held. */
  readonly givenUp: () => number;
}

async function sleeper(owned: AsyncDisposableStack): Promise<Sleeper> {
  const folder = mkdtempSync(join(tmpdir(), 'enchilada-lease-'));
  owned.defer(() => rmSync(folder, { recursive: true, force: true }));
  const store = owned.use(sqlite({ file: join(folder, 'store.db') }));
  await store.migrate();
  const clock = new StandingClock();
  let givenUp = 0;
  const lease = new NodeLease({
    ...{ nodeId: 'node-1', url: 'https://node-1', version: '0', store, clock, report: () => undefined },
    audit: { append: () => assert.fail('nobody was lost') },
    giveUp: () => Promise.resolve(void (givenUp += 1)),
  });
  await lease.join();
  return { clock, lease, store, givenUp: () => givenUp };
}

it('a node that slept gives its sign of life when it is asked, and turns nobody away', async () => {
  await using owned = new AsyncDisposableStack();
  const { clock, lease, givenUp } = await sleeper(owned);
  clock.time += SLEEP_MS;
  assert.equal(lease.held, false);
  assert.deepEqual(await Promise.all([lease.hold(), lease.hold()]), [true, true]);
  assert.equal(givenUp(), 0);
  await lease[Symbol.asyncDispose]();
  assert.equal(await lease.hold(), false, 'who left does not join again');
});

it('a node that was given up while it slept ends what it held before it takes anything', async () => {
  await using owned = new AsyncDisposableStack();
  const { clock, lease, store, givenUp } = await sleeper(owned);
  clock.time += SLEEP_MS;
  await store.now.nodes.delete('node-1');
  assert.equal(await lease.hold(), true);
  assert.equal(givenUp(), 1);
});

it('a node whose database is gone holds nothing', async () => {
  await using owned = new AsyncDisposableStack();
  const { clock, lease, store } = await sleeper(owned);
  clock.time += SLEEP_MS;
  await store[Symbol.asyncDispose]();
  assert.equal(await lease.hold(), false);
});
