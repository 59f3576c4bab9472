import type { Grant, GrantAction, GrantConditions, GrantScope } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { GrantRepository } from '@enchilada/core/store';
import type { GrantRow } from '../schema.ts';
import { raiseCatalogVersion, type Sql } from '../sql.ts';

function toScope({ id, scopeKind, targetId, targetGroupId, selector }: GrantRow): GrantScope {
  if (scopeKind === 'all') return { kind: 'all' };
  if (scopeKind === 'target' && targetId !== null) return { kind: 'target', id: targetId };
  if (scopeKind === 'target-group' && targetGroupId !== null) return { kind: 'target-group', id: targetGroupId };
  if (scopeKind === 'labels' && selector !== null)
    return { kind: 'labels', selector: JSON.parse(selector) as Record<string, string[]> };
  throw new Fault('INTERNAL', `grant ${id} has the scope ${scopeKind}, which this release does not know`);
}

function toGrant(row: GrantRow): Grant {
  const { id, userId, groupId, actions, createdAt, createdBy } = row;
  const subject =
    userId === null ? ({ kind: 'group', id: groupId ?? '' } as const) : ({ kind: 'user', id: userId } as const);
  // INVARIANT: what this release does not know gives nothing.
  if (row.effect !== 'allow' && row.effect !== 'deny')
    throw new Fault('INTERNAL', `grant ${id} has the effect ${row.effect}, which this release does not know`);
  return {
    ...{ id, subject, scope: toScope(row), actions: JSON.parse(actions) as GrantAction[], createdAt, createdBy },
    ...(row.effect === 'deny' ? { effect: row.effect } : {}),
    ...(row.conditions === null ? {} : { conditions: JSON.parse(row.conditions) as GrantConditions }),
  };
}

function toRow({ id, subject, scope, actions, effect, conditions, createdAt, createdBy }: Grant): GrantRow {
  return {
    id,
    userId: subject.kind === 'user' ? subject.id : null,
    groupId: subject.kind === 'group' ? subject.id : null,
    scopeKind: scope.kind,
    targetId: scope.kind === 'target' ? scope.id : null,
    targetGroupId: scope.kind === 'target-group' ? scope.id : null,
    selector: scope.kind === 'labels' ? JSON.stringify(scope.selector) : null,
    effect: effect ?? 'allow',
    conditions: conditions === undefined ? null : JSON.stringify(conditions),
    actions: JSON.stringify(actions),
    createdAt,
    createdBy,
  };
}

export function grantRepository(sql: Sql): GrantRepository {
  const { db, atomic } = sql;
  return {
    insert: (grant) =>
      atomic(async (tx) => {
        await raiseCatalogVersion(sql, tx);
        await tx.insertInto('accessGrant').values(toRow(grant)).execute();
      }),
    async find(id) {
      const row = await db.selectFrom('accessGrant').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toGrant(row);
    },
    async list() {
      return (await db.selectFrom('accessGrant').selectAll().orderBy('createdAt').orderBy('id').execute()).map(toGrant);
    },
    async listFor(user, groups) {
      const rows = await db
        .selectFrom('accessGrant')
        .selectAll()
        .where((eb) => eb.or([eb('userId', '=', user), ...(groups.length > 0 ? [eb('groupId', 'in', groups)] : [])]))
        .orderBy('createdAt')
        .orderBy('id')
        .execute();
      return rows.map(toGrant);
    },
    delete: (id) =>
      atomic(async (tx) => {
        await raiseCatalogVersion(sql, tx);
        await tx.deleteFrom('accessGrant').where('id', '=', id).execute();
      }),
  };
}
