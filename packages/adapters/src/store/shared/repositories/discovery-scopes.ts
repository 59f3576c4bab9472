import type { Scope, ScopeRecord, Trouble, TroublePart } from '@enchilada/core/discovery';
import type { DiscoveryRepository } from '@enchilada/core/store';
import { sql as statement } from 'kysely';
import type { DiscoveryScopeRow, DiscoveryTroubleRow } from '../schema.ts';
import { changedOne, clockOf, insertOnce, type Sql } from '../sql.ts';

type ScopeRepository = Pick<
  DiscoveryRepository,
  | 'listScopes'
  | 'noteScopes'
  | 'retireScope'
  | 'returnScope'
  | 'deleteRetiredScopes'
  | 'listTroubles'
  | 'noteTrouble'
  | 'clearTrouble'
  | 'updateScope'
  | 'lease'
  | 'release'
>;

function toScope(row: DiscoveryScopeRow): ScopeRecord {
  return {
    sourceId: row.sourceId,
    account: row.account,
    region: row.region,
    accountName: row.accountName,
    lastEventAt: row.lastEventAt ?? undefined,
    lastSweepAt: row.lastSweepAt ?? undefined,
    staleSince: row.staleSince ?? undefined,
    problem: row.problem === null ? undefined : (JSON.parse(row.problem) as ScopeRecord['problem']),
    heldSince: row.heldSince ?? undefined,
    held: JSON.parse(row.held) as readonly string[],
    judgedBy: row.judgedBy ?? undefined,
    retiredAt: row.retiredAt ?? undefined,
    eventLagMs: row.eventLagMs ?? undefined,
    unannouncedAt: row.unannouncedAt ?? undefined,
  };
}

function toTrouble({ part, account, since, seenAt, problem }: DiscoveryTroubleRow): Trouble {
  return { part: part as TroublePart, account, since, seenAt, problem: JSON.parse(problem) as Trouble['problem'] };
}

/** The scopes of sources, and what is wrong with sources as a whole. */
export function discoveryScopes({ db, traits, atomic }: Sql): ScopeRepository {
  const scopeOf = (source: string, { account, region }: Scope) => ({ sourceId: source, account, region });
  return {
    async listScopes(source) {
      const rows = await db
        .selectFrom('discoveryScope')
        .selectAll()
        .where('sourceId', '=', source)
        .orderBy('account')
        .orderBy('region')
        .execute();
      return rows.map(toScope);
    },
    noteScopes: (source, scopes) =>
      atomic(async (tx) => {
        const rows = await tx.selectFrom('discoveryScope').selectAll().where('sourceId', '=', source).execute();
        const known = new Map(rows.map((row) => [`${row.account} ${row.region}`, row.accountName]));
        for (const { account, region, accountName } of scopes) {
          const name = known.get(`${account} ${region}`);
          if (name === undefined) {
            const fresh = { sourceId: source, account, region, accountName, leaseUntil: 0, held: '[]' };
            const empty = {
              leaseHolder: null,
              lastEventAt: null,
              lastSweepAt: null,
              staleSince: null,
              problem: null,
              heldSince: null,
              judgedBy: null,
              retiredAt: null,
              eventLagMs: null,
              unannouncedAt: null,
            };
            await tx
              .insertInto('discoveryScope')
              .values({ ...fresh, ...empty })
              .execute();
          } else if (name !== accountName) {
            await tx
              .updateTable('discoveryScope')
              .set({ accountName })
              .where((eb) => eb.and(scopeOf(source, { account, region })))
              .execute();
          }
        }
      }),
    async retireScope(source, scope, at) {
      const retired = await db
        .updateTable('discoveryScope')
        .set({ retiredAt: at, staleSince: null, problem: null })
        .where((eb) => eb.and(scopeOf(source, scope)))
        .where('retiredAt', 'is', null)
        .executeTakeFirstOrThrow();
      return changedOne(retired);
    },
    async returnScope(source, scope) {
      const returned = await db
        .updateTable('discoveryScope')
        .set({ retiredAt: null, lastSweepAt: null, unannouncedAt: null, heldSince: null, held: '[]' })
        .where((eb) => eb.and(scopeOf(source, scope)))
        .where('retiredAt', 'is not', null)
        .executeTakeFirstOrThrow();
      return changedOne(returned);
    },
    async deleteRetiredScopes(before) {
      await db
        .deleteFrom('discoveryScope')
        .where('retiredAt', '<', before)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('foundMachine')
                .select('foundMachine.id')
                .whereRef('foundMachine.sourceId', '=', 'discoveryScope.sourceId')
                .whereRef('foundMachine.account', '=', 'discoveryScope.account')
                .whereRef('foundMachine.region', '=', 'discoveryScope.region'),
            ),
          ),
        )
        .execute();
    },
    async listTroubles(source) {
      const rows = await db
        .selectFrom('discoveryTrouble')
        .selectAll()
        .where('sourceId', '=', source)
        .orderBy('part')
        .orderBy('account')
        .execute();
      return rows.map(toTrouble);
    },
    async noteTrouble(source, { part, account, problem }, { at, expiredAt }) {
      const key = { sourceId: source, part, account };
      const told = JSON.stringify(problem);
      // It began anew where nobody has met it for long.
      await db
        .deleteFrom('discoveryTrouble')
        .where((eb) => eb.and(key))
        .where('seenAt', '<', expiredAt)
        .execute();
      const insert = db.insertInto('discoveryTrouble').values({ ...key, since: at, seenAt: at, problem: told });
      if (await insertOnce(traits, insert)) return;
      await db
        .updateTable('discoveryTrouble')
        .set({ seenAt: at, problem: told })
        .where((eb) => eb.and(key))
        .execute();
    },
    async clearTrouble(source, { part, account }) {
      await db
        .deleteFrom('discoveryTrouble')
        .where((eb) => eb.and({ sourceId: source, part, account }))
        .execute();
    },
    async updateScope(source, scope, change) {
      const { problem, held, ...plain } = change;
      const set = Object.fromEntries(Object.entries(plain).map(([column, value]) => [column, value ?? null]));
      if ('problem' in change) set['problem'] = problem === undefined ? null : JSON.stringify(problem);
      if (held !== undefined) set['held'] = JSON.stringify(held);
      if (Object.keys(set).length === 0) return;
      await db
        .updateTable('discoveryScope')
        .set(set as Partial<DiscoveryScopeRow>)
        .where((eb) => eb.and(scopeOf(source, scope)))
        .execute();
    },
    async lease(source, scope, { holder, forMs }) {
      const now = clockOf(traits);
      const taken = await db
        .updateTable('discoveryScope')
        .set({ leaseHolder: holder, leaseUntil: statement<number>`${now} + ${forMs}` })
        .where((eb) => eb.and(scopeOf(source, scope)))
        .where((eb) =>
          eb.or([eb('leaseHolder', '=', holder), eb('leaseHolder', 'is', null), eb('leaseUntil', '<', now)]),
        )
        .executeTakeFirstOrThrow();
      return changedOne(taken);
    },
    async release(source, scope, holder) {
      await db
        .updateTable('discoveryScope')
        .set({ leaseHolder: null })
        .where((eb) => eb.and(scopeOf(source, scope)))
        .where('leaseHolder', '=', holder)
        .execute();
    },
  };
}
