import type { ApiToken } from '@enchilada/core/identity';
import type { ApiTokenRepository } from '@enchilada/core/store';
import type { ApiTokenRow } from '../schema.ts';
import type { Sql } from '../sql.ts';
import { toUser } from './user.ts';

function toToken({ scope, lastUsedAt, lastUsedAddress, ...row }: ApiTokenRow): ApiToken {
  return {
    ...row,
    scope: JSON.parse(scope) as string[],
    lastUsedAt: lastUsedAt ?? undefined,
    lastUsedAddress: lastUsedAddress ?? undefined,
  };
}

export function apiTokenRepository({ db }: Sql): ApiTokenRepository {
  return {
    async insert({ scope, lastUsedAt, lastUsedAddress, ...token }) {
      const row = { lastUsedAt: lastUsedAt ?? null, lastUsedAddress: lastUsedAddress ?? null };
      await db
        .insertInto('apiToken')
        .values({ ...token, ...row, scope: JSON.stringify(scope) })
        .execute();
    },
    async findWithUser(digest) {
      const row = await db.selectFrom('apiToken').selectAll().where('digest', '=', digest).executeTakeFirst();
      if (row === undefined) return undefined;
      const [user, groups] = await Promise.all([
        db.selectFrom('userAccount').selectAll().where('id', '=', row.userId).executeTakeFirst(),
        db.selectFrom('groupMember').select('groupId').where('userId', '=', row.userId).orderBy('groupId').execute(),
      ]);
      if (user === undefined) return undefined;
      return { token: toToken(row), user: toUser(user), groupIds: groups.map(({ groupId }) => groupId) };
    },
    async listOf(user) {
      const rows = await db
        .selectFrom('apiToken')
        .selectAll()
        .where('userId', '=', user)
        .orderBy('createdAt')
        .orderBy('id')
        .execute();
      return rows.map(toToken);
    },
    async noteUse(id, at, address) {
      await db
        .updateTable('apiToken')
        .set({ lastUsedAt: at, lastUsedAddress: address })
        .where('id', '=', id)
        .where((eb) => eb.or([eb('lastUsedAt', 'is', null), eb('lastUsedAt', '<', at)]))
        .execute();
    },
    async delete(id) {
      const { numDeletedRows } = await db.deleteFrom('apiToken').where('id', '=', id).executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
  };
}
