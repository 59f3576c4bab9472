import type { RecordingIndexRepository, RecordingRow } from '@enchilada/core/store';
import { Cursor, pageSize } from '../page.ts';
import type { RecordingIndexRow } from '../schema.ts';
import { holdsText, searchText, type Sql } from '../sql.ts';

const NEWEST_FIRST = new Cursor(['startedAt', 'id'], 'desc');

function toRecording({ searchText: _, ...row }: RecordingIndexRow): RecordingRow {
  return {
    ...row,
    state: row.state as RecordingRow['state'],
    endedAt: row.endedAt ?? undefined,
    endReason: row.endReason ?? undefined,
  };
}

function toRow(recording: RecordingRow): RecordingIndexRow {
  return {
    id: recording.id,
    sessionId: recording.sessionId,
    userId: recording.userId,
    username: recording.username,
    targetId: recording.targetId,
    targetName: recording.targetName,
    protocol: recording.protocol,
    surface: recording.surface,
    nodeId: recording.nodeId,
    state: recording.state,
    startedAt: recording.startedAt,
    endedAt: recording.endedAt ?? null,
    durationMs: recording.durationMs,
    storedBytes: recording.storedBytes,
    chunks: recording.chunks,
    endReason: recording.endReason ?? null,
    searchText: searchText(recording.username, recording.targetName),
  };
}

export function recordingIndexRepository({ db, atomic }: Sql): RecordingIndexRepository {
  return {
    async insert(recording) {
      await db.insertInto('recording').values(toRow(recording)).execute();
    },
    async find(id) {
      const row = await db.selectFrom('recording').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toRecording(row);
    },
    async list(query) {
      const behind = NEWEST_FIRST.condition(query);
      const { userId, targetId, text, from, to } = query;
      let select = db.selectFrom('recording').selectAll();
      if (userId !== undefined) select = select.where('userId', '=', userId);
      if (targetId !== undefined) select = select.where('targetId', '=', targetId);
      if (text !== undefined && text !== '') select = select.where(holdsText('searchText', text));
      if (from !== undefined) select = select.where('startedAt', '>=', from);
      if (to !== undefined) select = select.where('startedAt', '<', to);
      if (behind !== undefined) select = select.where(behind);
      const rows = await select
        .orderBy('startedAt', 'desc')
        .orderBy('id', 'desc')
        .limit(pageSize(query) + 1)
        .execute();
      return NEWEST_FIRST.page(rows, query, { position: (row) => [row.startedAt, row.id], item: toRecording });
    },
    update: (id, change) =>
      atomic(async (tx) => {
        const set = Object.fromEntries(
          Object.entries(change).map(([column, value]) => [column, value ?? null]),
        ) as Partial<RecordingIndexRow>;
        if (Object.keys(set).length > 0) await tx.updateTable('recording').set(set).where('id', '=', id).execute();
        if (change.username === undefined && change.targetName === undefined) return;
        const row = await tx
          .selectFrom('recording')
          .select(['username', 'targetName'])
          .where('id', '=', id)
          .executeTakeFirst();
        if (row !== undefined)
          await tx
            .updateTable('recording')
            .set({ searchText: searchText(row.username, row.targetName) })
            .where('id', '=', id)
            .execute();
      }),
    async abandonOf(sessionId, { endedAt, endReason }) {
      const abandoned = { state: 'incomplete', endedAt: endedAt ?? null, endReason: endReason ?? null } as const;
      await db
        .updateTable('recording')
        .set(abandoned)
        .where('sessionId', '=', sessionId)
        .where('state', '=', 'recording')
        .execute();
    },
  };
}
