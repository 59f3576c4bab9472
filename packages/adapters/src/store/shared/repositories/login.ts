import type { FactorProof, LoginMethod, LoginRecord, LoginStage } from '@enchilada/core/identity';
import type { LoginRepository } from '@enchilada/core/store';
import type { LoginRow } from '../schema.ts';
import { changedOne, toBuffer, toBytes, type Sql } from '../sql.ts';
import { handOver } from './refresh-token.ts';
import { toUser } from './user.ts';

function toLogin(row: LoginRow): LoginRecord {
  const { digest, userId, createdAt, lastSeenAt, expiresAt, address, userAgent, sealedPassword } = row;
  return {
    digest,
    cookieDigest: row.cookieDigest ?? digest,
    userId,
    method: row.method as LoginMethod,
    stage: row.stage as LoginStage,
    factor: (row.factor ?? undefined) as FactorProof | undefined,
    provedAt: row.provedAt ?? createdAt,
    createdAt,
    lastSeenAt,
    expiresAt,
    address,
    userAgent,
    sealedPassword: sealedPassword === null ? undefined : toBytes(sealedPassword),
  };
}

export function loginRepository({ db, atomic }: Sql): LoginRepository {
  /** One query: login, its user and the user's groups. */
  async function findBy(
    column: 'login.digest' | 'login.cookieDigest',
    value: string,
    accepts: (login: LoginRecord) => boolean = () => true,
  ): ReturnType<LoginRepository['findWithUser']> {
    const rows = await db
      .selectFrom('login')
      .innerJoin('userAccount', 'userAccount.id', 'login.userId')
      .leftJoin('groupMember', 'groupMember.userId', 'login.userId')
      .selectAll('userAccount')
      .select(['login.digest', 'login.cookieDigest', 'login.userId', 'login.method', 'login.stage', 'login.factor'])
      .select(['login.provedAt', 'login.createdAt as loginCreatedAt', 'login.lastSeenAt', 'login.expiresAt'])
      .select(['login.address', 'login.userAgent', 'login.sealedPassword', 'groupMember.groupId as memberOf'])
      .where(column, '=', value)
      .orderBy('groupMember.groupId')
      .execute();
    const [row] = rows;
    if (row === undefined) return undefined;
    const login = toLogin({ ...row, createdAt: row.loginCreatedAt });
    if (!accepts(login)) return undefined;
    return { login, user: toUser(row), groupIds: rows.map(({ memberOf }) => memberOf).filter((id) => id !== null) };
  }
  return {
    async insert(login) {
      const sealedPassword = login.sealedPassword === undefined ? null : toBuffer(login.sealedPassword);
      await db
        .insertInto('login')
        .values({
          digest: login.digest,
          cookieDigest: login.cookieDigest,
          userId: login.userId,
          method: login.method,
          stage: login.stage,
          factor: login.factor ?? null,
          provedAt: login.provedAt,
          createdAt: login.createdAt,
          lastSeenAt: login.lastSeenAt,
          expiresAt: login.expiresAt,
          address: login.address,
          userAgent: login.userAgent,
          sealedPassword,
        })
        .execute();
    },
    findWithUser: (digest) => findBy('login.digest', digest),
    findByCookie: async (cookieDigest) =>
      (await findBy('login.cookieDigest', cookieDigest)) ??
      // A login from before cookies were replaced.
      findBy('login.digest', cookieDigest, (login) => login.cookieDigest === login.digest),
    async stepUp(digest, oldCookieDigest, { cookieDigest, provedAt, expiresAt, sealedPassword, factor }) {
      const result = await db
        .updateTable('login')
        .set({
          stage: 'complete',
          cookieDigest,
          provedAt,
          expiresAt,
          ...(factor === undefined ? {} : { factor }),
          sealedPassword: sealedPassword === undefined ? null : toBuffer(sealedPassword),
        })
        .where('digest', '=', digest)
        .where((eb) =>
          eb.or([
            eb('cookieDigest', '=', oldCookieDigest),
            ...(digest === oldCookieDigest ? [eb('cookieDigest', 'is', null)] : []),
          ]),
        )
        .executeTakeFirstOrThrow();
      return changedOne(result);
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
    delete: (digest) =>
      atomic(async (tx) => {
        await handOver({ db: tx }, [digest]);
        return (
          (await tx.deleteFrom('login').where('digest', '=', digest).executeTakeFirstOrThrow()).numDeletedRows === 1n
        );
      }),
    deleteOf: (user, except = '') =>
      atomic(async (tx) => {
        const rows = await tx
          .selectFrom('login')
          .select('digest')
          .where('userId', '=', user)
          .where('digest', '<>', except)
          .execute();
        const digests = rows.map((row) => row.digest);
        await handOver({ db: tx }, digests);
        if (digests.length > 0) await tx.deleteFrom('login').where('digest', 'in', digests).execute();
        return digests;
      }),
    deleteExpired: (now) =>
      atomic(async (tx) => {
        const rows = await tx.selectFrom('login').select('digest').where('expiresAt', '<=', now).execute();
        await handOver(
          { db: tx },
          rows.map(({ digest }) => digest),
        );
        return Number(
          (await tx.deleteFrom('login').where('expiresAt', '<=', now).executeTakeFirstOrThrow()).numDeletedRows,
        );
      }),
  };
}
