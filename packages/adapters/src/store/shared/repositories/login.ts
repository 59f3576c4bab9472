import type { LoginMethod, LoginRecord } from '@enchilada/core/identity';
import type { LoginRepository } from '@enchilada/core/store';
import type { LoginRow } from '../schema.ts';
import { toBuffer, toBytes, type Sql } from '../sql.ts';
import { toUser } from './user.ts';

function toLogin(row: LoginRow): LoginRecord {
  const { digest, userId, createdAt, lastSeenAt, expiresAt, address, userAgent, sealedPassword } = row;
  const method = row.method as LoginMethod;
  return {
    digest,
    userId,
    method,
    createdAt,
    lastSeenAt,
    expiresAt,
    address,
    userAgent,
    sealedPassword: sealedPassword === null ? undefined : toBytes(sealedPassword),
  };
}

export function loginRepository({ db, atomic }: Sql): LoginRepository {
  return {
    async insert(login) {
      const sealedPassword = login.sealedPassword === undefined ? null : toBuffer(login.sealedPassword);
      await db
        .insertInto('login')
        .values({ ...toLogin({ ...login, sealedPassword: null }), sealedPassword })
        .execute();
    },
    async findWithUser(digest) {
      const rows = await db
        .selectFrom('login')
        .innerJoin('userAccount', 'userAccount.id', 'login.userId')
        .leftJoin('groupMember', 'groupMember.userId', 'login.userId')
        .selectAll('userAccount')
        .select([
          'login.digest',
          'login.userId',
          'login.method',
          'login.createdAt as loginCreatedAt',
          'login.lastSeenAt',
          'login.expiresAt',
        ])
        .select(['login.address', 'login.userAgent', 'login.sealedPassword', 'groupMember.groupId as memberOf'])
        .where('login.digest', '=', digest)
        .orderBy('groupMember.groupId')
        .execute();
      const [row] = rows;
      if (row === undefined) return undefined;
      const login = toLogin({ ...row, createdAt: row.loginCreatedAt });
      return { login, user: toUser(row), groupIds: rows.map(({ memberOf }) => memberOf).filter((id) => id !== null) };
    },
    async touch(digest, lastSeenAt) {
      await db
        .updateTable('login')
        .set({ lastSeenAt })
        .where('digest', '=', digest)
        .where('lastSeenAt', '<', lastSeenAt)
        .execute();
    },
    async listOf(user) {
      return (
        await db
          .selectFrom('login')
          .selectAll()
          .where('userId', '=', user)
          .orderBy('createdAt')
          .orderBy('digest')
          .execute()
      ).map(toLogin);
    },
    async delete(digest) {
      return (
        (await db.deleteFrom('login').where('digest', '=', digest).executeTakeFirstOrThrow()).numDeletedRows === 1n
      );
    },
    deleteOf: (user, except = '') =>
      atomic(async (tx) => {
        const rows = await tx
          .selectFrom('login')
          .select('digest')
          .where('userId', '=', user)
          .where('digest', '<>', except)
          .execute();
        const digests = rows.map((row) => row.digest);
        if (digests.length > 0) await tx.deleteFrom('login').where('digest', 'in', digests).execute();
        return digests;
      }),
    async deleteExpired(now) {
      return Number(
        (await db.deleteFrom('login').where('expiresAt', '<=', now).executeTakeFirstOrThrow()).numDeletedRows,
      );
    },
  };
}
