import { targetIdsOf } from '@enchilada/core/discovery';
import type { Store } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';
import { deleteGrantsOf, withdrawnEvents } from '../access/grant-events.ts';
import type { Settlements } from '../settlement/settlements.ts';

export interface PurgeParts {
  readonly store: Store;
  readonly settlements: Settlements;
  readonly clock: Clock;
  readonly nodeId: string;
}

const PURGED_AFTER_MS = 7 * 24 * 3_600_000;
/** Longer than a queue keeps a message (SQS: 14 days at most), so that no copy outlives what tells it from an event. */
const HINTS_KEPT_MS = 15 * 24 * 3_600_000;
const PURGE_BATCH = 500;
/** What has been gone for a week leaves for good: its entry, with grants and host keys. The timeline stays. */
export async function purgeGone({ store, settlements, clock, nodeId }: PurgeParts): Promise<void> {
  const before = clock.now() - PURGED_AFTER_MS;
  const targets = await store.now.catalog.listTargets();
  const needed = new Set(targets.flatMap(({ jumpTargetId, filesTargetId }) => [jumpTargetId, filesTargetId]));
  for (;;) {
    const gone = await store.now.discovery.goneBefore(before, PURGE_BATCH);
    const leaving = new Set(gone.flatMap(targetIdsOf).filter((id) => !needed.has(id)));
    await settlements.write(async (tx) => {
      await tx.discovery.deleteFound(gone.map(({ id }) => id));
      const withdrawn = await deleteGrantsOf(tx, ({ scope }) => scope.kind === 'target' && leaving.has(scope.id));
      for (const id of leaving) await tx.catalog.deleteTarget(id);
      const by = { actor: { kind: 'system', name: nodeId }, reason: 'the machine is gone for good' } as const;
      return { result: undefined, events: withdrawnEvents(withdrawn, by) };
    });
    if (gone.length < PURGE_BATCH) break;
  }
  await store.now.discovery.deleteRetiredScopes(before);
  await store.now.discovery.deleteHintsOlderThan(clock.now() - HINTS_KEPT_MS);
}
