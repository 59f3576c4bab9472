import type { RecoveryRepository } from '@enchilada/core/store';
import { raiseCounter, type Sql } from '../sql.ts';

export function recoveryRepository({ db, traits, atomic }: Sql): RecoveryRepository {
  return {
    issue: ({ userId, digest, issuedAt, expiresAt }) =>
      atomic(async (tx) => {
        await raiseCounter({ traits }, tx, 'recovery');
        await tx.deleteFrom('recoveryLink').where('userId', '=', userId).execute();
        await tx.insertInto('recoveryLink').values({ userId, digest, issuedAt, expiresAt }).execute();
      }),
    find: (digest, now) =>
      db
        .selectFrom('recoveryLink')
        .selectAll()
        .where('digest', '=', digest)
        .where('expiresAt', '>', now)
        .executeTakeFirst(),
    async spend(digest, now) {
      const { numDeletedRows } = await db
        .deleteFrom('recoveryLink')
        .where('digest', '=', digest)
        .where('expiresAt', '>', now)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
    async deleteExpired(now) {
      await db.deleteFrom('recoveryLink').where('expiresAt', '<=', now).execute();
    },
  };
}
