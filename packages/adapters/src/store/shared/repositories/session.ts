import type { Seat } from '@enchilada/core/access';
import type { SessionRecord, SessionState } from '@enchilada/core/session';
import type { SessionRepository } from '@enchilada/core/store';
import { Cursor, pageSize } from '../page.ts';
import { prepared } from '../prepared-query.ts';
import type { SessionRow } from '../schema.ts';
import { changedOne, raiseCounter, type Sql } from '../sql.ts';
import { useUp } from './access-request.ts';

const NEWEST_FIRST = new Cursor(['requestedAt', 'id'], 'desc');

function toSession(row: SessionRow): SessionRecord {
  return {
    ...row,
    state: row.state as SessionState,
    viewOnly: row.viewOnly === 1,
    recordExempt: row.recordExempt === 1,
    grantId: row.grantId ?? undefined,
    recordingId: row.recordingId ?? undefined,
    openedAt: row.openedAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
    endReason: row.endReason ?? undefined,
    endDetail: row.endDetail ?? undefined,
  };
}

function toRow(session: SessionRecord): SessionRow {
  return {
    id: session.id,
    userId: session.userId,
    username: session.username,
    targetId: session.targetId,
    targetName: session.targetName,
    protocol: session.protocol,
    surface: session.surface,
    state: session.state,
    nodeId: session.nodeId,
    loginDigest: session.loginDigest,
    address: session.address,
    viewOnly: session.viewOnly ? 1 : 0,
    recordExempt: session.recordExempt ? 1 : 0,
    grantId: session.grantId ?? null,
    recordingId: session.recordingId ?? null,
    requestedAt: session.requestedAt,
    openedAt: session.openedAt ?? null,
    endedAt: session.endedAt ?? null,
    endReason: session.endReason ?? null,
    endDetail: session.endDetail ?? null,
    bytesIn: session.bytesIn,
    bytesOut: session.bytesOut,
  };
}

async function freeSeat(sql: Sql, tx: Sql['db'], seats: readonly Seat[]): Promise<string | undefined> {
  for (const { grantId, most, request, within } of seats) {
    if (request === undefined) {
      if (await hasRoom(sql, tx, { grantId, most })) return grantId;
    } else if ((within === undefined || (await hasRoom(sql, tx, within))) && (await useUp(tx, request))) return grantId;
  }
  return undefined;
}

/** Counts what rests on the grant itself, and what rests on approvals of requests under it. */
async function hasRoom(sql: Sql, tx: Sql['db'], { grantId, most }: Pick<Seat, 'grantId' | 'most'>): Promise<boolean> {
  await raiseCounter(sql, tx, `seats:${grantId}`.slice(0, 64));
  const { count } = await tx
    .selectFrom('session')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where((eb) =>
      eb.or([
        eb('grantId', '=', grantId),
        eb(
          'grantId',
          'in',
          eb.selectFrom('accessRequest').select('accessRequest.id').where('accessRequest.grantId', '=', grantId),
        ),
      ]),
    )
    .where('endedAt', 'is', null)
    .executeTakeFirstOrThrow();
  return count < most;
}

export function sessionRepository(sql: Sql): SessionRepository {
  const { db, atomic } = sql;
  const liveOfLostNodes = prepared(db, () =>
    db
      .selectFrom('session')
      .selectAll()
      .where('endedAt', 'is', null)
      .where('nodeId', '<>', '')
      .where('nodeId', 'not in', (eb) => eb.selectFrom('node').select('node.id'))
      .orderBy('requestedAt')
      .orderBy('id'),
  );
  const unclaimed = prepared(db, (until: number) =>
    db
      .selectFrom('session')
      .selectAll()
      .where('endedAt', 'is', null)
      .where('nodeId', '=', '')
      .where('requestedAt', '<=', until)
      .orderBy('requestedAt')
      .orderBy('id'),
  );
  return {
    async insert(session) {
      await db.insertInto('session').values(toRow(session)).execute();
    },
    /** INVARIANT: the counter of the person, or of the grant, is raised first, so that whoever counts afterwards is alone with their sessions. */
    insertWithin: (session, { most, seats }) =>
      atomic(async (tx) => {
        await raiseCounter(sql, tx, `sessions:${session.userId}`.slice(0, 64));
        const { count } = await tx
          .selectFrom('session')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('userId', '=', session.userId)
          .where('endedAt', 'is', null)
          .executeTakeFirstOrThrow();
        if (count >= most) return 'too-many';
        const grantId = await freeSeat(sql, tx, seats);
        if (grantId === undefined && seats.length > 0) return 'no-seat';
        await tx
          .insertInto('session')
          .values(toRow({ ...session, grantId }))
          .execute();
        return 'placed';
      }),
    async find(id) {
      const row = await db.selectFrom('session').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toSession(row);
    },
    async list(query) {
      const behind = NEWEST_FIRST.condition(query);
      const { live, userId, targetId } = query;
      let select = db.selectFrom('session').selectAll();
      if (live !== undefined) select = select.where('endedAt', live ? 'is' : 'is not', null);
      if (userId !== undefined) select = select.where('userId', '=', userId);
      if (targetId !== undefined) select = select.where('targetId', '=', targetId);
      if (behind !== undefined) select = select.where(behind);
      const rows = await select
        .orderBy('requestedAt', 'desc')
        .orderBy('id', 'desc')
        .limit(pageSize(query) + 1)
        .execute();
      return NEWEST_FIRST.page(rows, query, { position: (row) => [row.requestedAt, row.id], item: toSession });
    },
    async claim(id, nodeId) {
      const claimed = db
        .updateTable('session')
        .set({ nodeId, state: 'opening' })
        .where('id', '=', id)
        .where('nodeId', '=', '')
        .where('state', '=', 'requested');
      return changedOne(await claimed.executeTakeFirstOrThrow());
    },
    async update(id, change) {
      const set = Object.fromEntries(
        Object.entries(change).map(([column, value]) => [column, value ?? null]),
      ) as Partial<SessionRow>;
      if (Object.keys(set).length === 0)
        return (
          (await db
            .selectFrom('session')
            .select('id')
            .where('id', '=', id)
            .where('endedAt', 'is', null)
            .executeTakeFirst()) !== undefined
        );
      return changedOne(
        await db
          .updateTable('session')
          .set(set)
          .where('id', '=', id)
          .where('endedAt', 'is', null)
          .executeTakeFirstOrThrow(),
      );
    },
    async countLiveOf(user) {
      const { count } = await db
        .selectFrom('session')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('userId', '=', user)
        .where('endedAt', 'is', null)
        .executeTakeFirstOrThrow();
      return count;
    },
    async listLiveOfNode(nodeId) {
      const rows = await db
        .selectFrom('session')
        .selectAll()
        .where('nodeId', '=', nodeId)
        .where('endedAt', 'is', null)
        .orderBy('requestedAt')
        .orderBy('id')
        .execute();
      return rows.map(toSession);
    },
    async listLiveOfLostNodes() {
      const { rows } = await liveOfLostNodes();
      return rows.map(toSession);
    },
    async listUnclaimed(until) {
      const { rows } = await unclaimed(until);
      return rows.map(toSession);
    },
  };
}
