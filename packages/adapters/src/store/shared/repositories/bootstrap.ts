import type { BootstrapRepository } from '@enchilada/core/store';
import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { insertOnce, type Sql } from '../sql.ts';

/** The primary key of the only row. */
const ONLY = 1;

async function hasAdministrator(db: Kysely<Schema>): Promise<boolean> {
  return (
    (await db
      .selectFrom('userAccount')
      .select('id')
      .where('role', '=', 'administrator')
      .limit(1)
      .executeTakeFirst()) !== undefined
  );
}

export function bootstrapRepository({ db, traits, atomic }: Sql): BootstrapRepository {
  return {
    issue: (digest, now, expiresAt) =>
      atomic(async (tx) => {
        if (await hasAdministrator(tx)) return false;
        await tx.deleteFrom('bootstrap').where('expiresAt', '<=', now).execute();
        return insertOnce(traits, tx.insertInto('bootstrap').values({ id: ONLY, digest, expiresAt }));
      }),
    reissue: (digest, now, expiresAt) =>
      atomic(async (tx) => {
        if (await hasAdministrator(tx)) return false;
        const result = await tx
          .updateTable('bootstrap')
          .set({ digest, expiresAt })
          .where('expiresAt', '>', now)
          .executeTakeFirstOrThrow();
        return result.numUpdatedRows === 1n;
      }),
    async spend(digest, now) {
      const result = await db
        .deleteFrom('bootstrap')
        .where('digest', '=', digest)
        .where('expiresAt', '>', now)
        .executeTakeFirstOrThrow();
      return result.numDeletedRows === 1n;
    },
    async check(digest, now) {
      const row = await db
        .selectFrom('bootstrap')
        .select('id')
        .where('digest', '=', digest)
        .where('expiresAt', '>', now)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}
