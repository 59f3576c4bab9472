import type { GrantRepository } from '@enchilada/core/store';
import { toGrant, toGrantRow } from '../grant-row.ts';
import { changePolicy } from '../policy-history.ts';
import type { Sql } from '../sql.ts';

export function grantRepository(sql: Sql): GrantRepository {
  const { db } = sql;
  return {
    insert: (grant) =>
      changePolicy(sql, async ({ tx, noteNow }) => {
        await tx.insertInto('accessGrant').values(toGrantRow(grant)).execute();
        await noteNow('grant', [grant.id]);
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
      changePolicy(sql, async ({ tx, note }) => {
        const { numDeletedRows } = await tx.deleteFrom('accessGrant').where('id', '=', id).executeTakeFirstOrThrow();
        if (numDeletedRows > 0n) await note('grant', [[id, undefined]]);
      }),
  };
}
