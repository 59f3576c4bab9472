import type { BootstrapRepository } from '@enchilada/core/store';
import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { raiseCounter, type Sql } from '../sql.ts';

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
  // INVARIANT: links are issued and spent one after the other, on all nodes together, because each raises this counter first.
  const alone = (tx: Kysely<Schema>) => raiseCounter({ traits }, tx, 'bootstrap');
  return {
    issue: ({ nodeId, digest, expiresAt }, now) =>
      atomic(async (tx) => {
        await alone(tx);
        if (await hasAdministrator(tx)) return false;
        await tx
          .deleteFrom('bootstrapLink')
          .where((eb) => eb.or([eb('nodeId', '=', nodeId), eb('expiresAt', '<=', now)]))
          .execute();
        await tx.insertInto('bootstrapLink').values({ nodeId, digest, expiresAt }).execute();
        return true;
      }),
    spend: (digest, now) =>
      atomic(async (tx) => {
        await alone(tx);
        if (await hasAdministrator(tx)) return false;
        const { numDeletedRows } = await tx
          .deleteFrom('bootstrapLink')
          .where('digest', '=', digest)
          .where('expiresAt', '>', now)
          .executeTakeFirstOrThrow();
        if (numDeletedRows !== 1n) return false;
        await tx.deleteFrom('bootstrapLink').execute();
        return true;
      }),
    async check(digest, now) {
      const row = await db
        .selectFrom('bootstrapLink')
        .select('nodeId')
        .where('digest', '=', digest)
        .where('expiresAt', '>', now)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}
