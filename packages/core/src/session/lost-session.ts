import type { AuditLog } from '../audit/index.ts';
import type { Store } from '../store/index.ts';
import type { Clock } from '../time/index.ts';
import type { EndReason, SessionRecord } from './session.ts';

export interface SessionKeeping {
  readonly nodeId: string;
  readonly store: Store;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/**
 * Writes the end of a session whose node cannot do it any more. Exactly one of many callers does. The index calls its recording incomplete
 * until the node itself, when it is back, has finalised what its journal holds.
 */
export async function endForAbsentNode(
  { nodeId, store, audit, clock }: SessionKeeping,
  record: SessionRecord,
  reason: EndReason,
): Promise<boolean> {
  const end = { endedAt: clock.now(), endReason: reason };
  if (!(await store.now.sessions.update(record.id, { state: 'ended', ...end }))) return false;
  await store.now.recordings.abandonOf(record.id, end);
  await audit.append({
    action: 'session.ended',
    actor: { kind: 'system', name: nodeId },
    object: { kind: 'target', id: record.targetId, name: record.targetName },
    outcome: 'failure',
    reason,
    detail: {
      sessionId: record.id,
      userId: record.userId,
      username: record.username,
      ...(record.nodeId === '' ? {} : { node: record.nodeId }),
      ...(record.recordingId === undefined ? {} : { recordingId: record.recordingId }),
    },
  });
  return true;
}
