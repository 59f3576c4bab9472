import type {
  AccessRequest,
  GrantAction,
  RequestDecision,
  RequestScope,
  RequestState,
  Verdict,
} from '@enchilada/core/access';
import type { AccessRequestRepository } from '@enchilada/core/store';
import type { Kysely } from 'kysely';
import { Cursor, pageSize } from '../page.ts';
import type { AccessRequestRow, RequestDecisionRow, Schema } from '../schema.ts';
import { changedOne, insertOnce, type Sql } from '../sql.ts';

const NEWEST_FIRST = new Cursor(['createdAt', 'id'], 'desc');

function toDecision({ userId, username, verdict, words, askedHash, decidedAt }: RequestDecisionRow): RequestDecision {
  return { userId, username, verdict: verdict as Verdict, words, hash: askedHash, at: decidedAt };
}

function toRequest(row: AccessRequestRow, decisions: readonly RequestDecisionRow[]): AccessRequest {
  const { fromAt, untilAt, askedHash, ...rest } = row;
  return {
    ...rest,
    scope: JSON.parse(row.scope) as RequestScope,
    actions: JSON.parse(row.actions) as GrantAction[],
    from: fromAt,
    until: untilAt,
    breakGlass: row.breakGlass === 1,
    hash: askedHash,
    state: row.state as RequestState,
    decidedAt: row.decidedAt ?? undefined,
    decisions: decisions.filter(({ requestId }) => requestId === row.id).map(toDecision),
  };
}

/** What an approval is about, as it lies in the row. */
function askedColumns({
  userId,
  grantId,
  scope,
  actions,
  from,
  until,
  reason,
  sessions,
  breakGlass,
  hash,
}: AccessRequest) {
  return {
    ...{ userId, grantId, reason, sessions, scope: JSON.stringify(scope), actions: JSON.stringify(actions) },
    ...{ fromAt: from, untilAt: until, breakGlass: breakGlass ? 1 : 0, askedHash: hash },
  };
}

/** Uses up one of the sessions that the approval is good for. INVARIANT: only where the row still is to the letter what was judged. */
export async function useUp(db: Kysely<Schema>, request: AccessRequest): Promise<boolean> {
  let update = db
    .updateTable('accessRequest')
    .set((eb) => ({ uses: eb('uses', '+', 1) }))
    .where('id', '=', request.id)
    .where('state', '=', 'approved')
    .whereRef('uses', '<', 'sessions');
  for (const [column, value] of Object.entries(askedColumns(request)))
    update = update.where(column as keyof AccessRequestRow, '=', value);
  return changedOne(await update.executeTakeFirstOrThrow());
}

export function accessRequestRepository({ db, traits }: Sql): AccessRequestRepository {
  async function whole(rows: readonly AccessRequestRow[]): Promise<readonly AccessRequest[]> {
    if (rows.length === 0) return [];
    const ids = rows.map(({ id }) => id);
    const decisions = await db
      .selectFrom('requestDecision')
      .selectAll()
      .where('requestId', 'in', ids)
      .orderBy('decidedAt')
      .orderBy('userId')
      .execute();
    return rows.map((row) => toRequest(row, decisions));
  }
  return {
    async insert(request) {
      const { id, username, scopeName, state, uses, createdAt, decidedAt } = request;
      await db
        .insertInto('accessRequest')
        .values({
          id,
          username,
          scopeName,
          state,
          uses,
          createdAt,
          decidedAt: decidedAt ?? null,
          ...askedColumns(request),
        })
        .execute();
    },
    async find(id) {
      const [request] = await whole(await db.selectFrom('accessRequest').selectAll().where('id', '=', id).execute());
      return request;
    },
    async list(query) {
      const { userId, grantIds, states, openAt } = query;
      if (grantIds?.length === 0 || states?.length === 0) return { items: [] };
      const behind = NEWEST_FIRST.condition(query);
      let select = db.selectFrom('accessRequest').selectAll();
      if (userId !== undefined) select = select.where('userId', '=', userId);
      if (grantIds !== undefined) select = select.where('grantId', 'in', grantIds);
      if (states !== undefined) select = select.where('state', 'in', states);
      if (openAt !== undefined) select = select.where('untilAt', '>', openAt);
      if (behind !== undefined) select = select.where(behind);
      const rows = await select
        .orderBy('createdAt', 'desc')
        .orderBy('id', 'desc')
        .limit(pageSize(query) + 1)
        .execute();
      const requests = new Map((await whole(rows)).map((request) => [request.id, request]));
      const page = NEWEST_FIRST.page(rows, query, {
        position: ({ createdAt, id }) => [createdAt, id],
        item: ({ id }) => requests.get(id),
      });
      return { ...page, items: page.items.filter((request) => request !== undefined) };
    },
    async usableOf(user, now) {
      const rows = await db
        .selectFrom('accessRequest')
        .selectAll()
        .where('userId', '=', user)
        .where('state', '=', 'approved')
        .where('untilAt', '>', now)
        .whereRef('uses', '<', 'sessions')
        .orderBy('untilAt')
        .orderBy('id')
        .execute();
      return whole(rows);
    },
    async countOpenOf(user, now) {
      const { count } = await db
        .selectFrom('accessRequest')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('userId', '=', user)
        .where('state', 'in', ['pending', 'approved'])
        .where('untilAt', '>', now)
        .whereRef('uses', '<', 'sessions')
        .executeTakeFirstOrThrow();
      return count;
    },
    async askedAt(user, { since, breakGlass, limit }) {
      const rows = await db
        .selectFrom('accessRequest')
        .select('createdAt')
        .where('userId', '=', user)
        .where('createdAt', '>', since)
        .where('breakGlass', '=', breakGlass ? 1 : 0)
        .orderBy('createdAt', 'desc')
        .limit(limit)
        .execute();
      return rows.map(({ createdAt }) => createdAt).reverse();
    },
    addDecision: (requestId, { userId, username, verdict, words, hash, at }) =>
      insertOnce(
        traits,
        db
          .insertInto('requestDecision')
          .values({ requestId, userId, username, verdict, words, askedHash: hash, decidedAt: at }),
      ),
    async move(id, { from, to, at }) {
      const moved = db
        .updateTable('accessRequest')
        .set({ state: to, decidedAt: at })
        .where('id', '=', id)
        .where('state', 'in', from);
      return changedOne(await moved.executeTakeFirstOrThrow());
    },
  };
}
