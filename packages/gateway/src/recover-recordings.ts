import type { AuditLog } from '@enchilada/core/audit';
import { isFault } from '@enchilada/core/fault';
import type { Recorder, RecordingId, RecordingListing, RecordingReader } from '@enchilada/core/recording';
import type { RecordingRow, Store } from '@enchilada/core/store';

export interface RecoveryParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly nodeId: string;
  readonly recorder: Recorder;
  readonly recordings: RecordingReader;
}

type Found = Pick<RecordingListing, 'state' | 'durationMs' | 'storedBytes' | 'chunks'>;

/** Finalises what a former life of this node left open and writes it into the index. Runs before the sessions of that life are ended. */
export async function recoverRecordings(parts: RecoveryParts): Promise<void> {
  const { store, recorder, nodeId } = parts;
  for (const summary of await recorder.recover()) await settle(parts, summary);
  // A restored backup has recordings whose journal stayed behind: what is stored of them is all there is.
  for (const { recordingId } of await store.now.sessions.listLiveOfNode(nodeId)) {
    const row = recordingId === undefined ? undefined : await store.now.recordings.find(recordingId);
    if (row?.state === 'recording')
      await settle(parts, {
        id: row.id,
        sessionId: row.sessionId,
        startedAt: row.startedAt,
        ...(await storedOf(parts, row.id)),
      });
  }
}

async function storedOf({ recordings }: RecoveryParts, id: RecordingId): Promise<Found> {
  try {
    return await recordings.describe(id);
  } catch (cause) {
    // Nothing of it had been stored, or what was does not open: the verifier tells which, and the gateway starts all the same.
    if (isFault(cause, 'RECORDING_NOT_FOUND') || isFault(cause, 'RECORDING_DAMAGED'))
      return { state: 'INCOMPLETE', durationMs: 0, storedBytes: 0, chunks: 0 };
    throw cause;
  }
}

const ROW_STATE: Readonly<Record<Found['state'], RecordingRow['state']>> = {
  COMPLETE: 'complete',
  GAPPED: 'gapped',
  INCOMPLETE: 'incomplete',
  LIVE: 'incomplete',
};

async function settle(
  { store, audit, nodeId }: RecoveryParts,
  found: Found & Pick<RecordingRow, 'id' | 'sessionId' | 'startedAt'>,
): Promise<void> {
  const { id, sessionId, storedBytes, chunks } = found;
  const durationMs = Math.round(found.durationMs);
  await store.now.recordings.update(id, {
    state: ROW_STATE[found.state],
    endedAt: found.startedAt + durationMs,
    durationMs,
    storedBytes,
    chunks,
    endReason: 'node-lost',
  });
  await audit.append({
    action: 'recording.recovered',
    actor: { kind: 'system', name: nodeId },
    object: { kind: 'recording', id },
    outcome: 'success',
    detail: { recordingId: id, sessionId, chunks },
  });
}
