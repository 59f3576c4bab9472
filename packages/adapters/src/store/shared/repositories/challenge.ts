import type { Challenge } from '@enchilada/core/identity';
import type { ChallengeRepository } from '@enchilada/core/store';
import type { Sql } from '../sql.ts';

export function challengeRepository({ db }: Sql): ChallengeRepository {
  return {
    async insert({ digest, purpose, userId, expiresAt }) {
      await db
        .insertInto('challenge')
        .values({ digest, purpose, userId: userId ?? null, expiresAt })
        .execute();
    },
    /** Who deletes the row has redeemed it. A challenge never changes, so reading it first loses nothing. */
    async redeem(digest, purpose, now) {
      const row = await db
        .selectFrom('challenge')
        .selectAll()
        .where('digest', '=', digest)
        .where('purpose', '=', purpose)
        .where('expiresAt', '>', now)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const { numDeletedRows } = await db
        .deleteFrom('challenge')
        .where('digest', '=', digest)
        .executeTakeFirstOrThrow();
      if (numDeletedRows !== 1n) return undefined;
      return { ...row, purpose: row.purpose as Challenge['purpose'], userId: row.userId ?? undefined };
    },
    async deleteExpired(now) {
      return Number(
        (await db.deleteFrom('challenge').where('expiresAt', '<=', now).executeTakeFirstOrThrow()).numDeletedRows,
      );
    },
  };
}
