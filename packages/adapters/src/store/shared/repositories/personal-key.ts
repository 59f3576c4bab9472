import type { PersonalKey } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { PersonalKeyRepository } from '@enchilada/core/store';
import type { PersonalKeyRow } from '../schema.ts';
import { raiseCounter, type Sql, toBuffer, toBytes } from '../sql.ts';

function toKey({ keyId, wrappedKey, nonce, ciphertext, lastUsedAt, ...row }: PersonalKeyRow): PersonalKey {
  const sealed = {
    ...{ keyId, wrappedKey: toBytes(wrappedKey) },
    ...{ nonce: toBytes(nonce), ciphertext: toBytes(ciphertext) },
  };
  return { ...row, sealed, lastUsedAt: lastUsedAt ?? undefined };
}

export function personalKeyRepository(sql: Sql): PersonalKeyRepository {
  const { db, atomic } = sql;
  return {
    /** INVARIANT: the counter is raised first, so that whoever counts afterwards is alone. */
    insertWithin: ({ sealed, lastUsedAt, ...key }, most) =>
      atomic(async (tx) => {
        await raiseCounter(sql, tx, 'personal-keys');
        const { count } = await tx
          .selectFrom('personalKey')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('userId', '=', key.userId)
          .executeTakeFirstOrThrow();
        if (Number(count) >= most) throw new Fault('CONFLICT', `nobody may have more than ${most} OpenSSH keys`);
        await tx
          .insertInto('personalKey')
          .values({
            ...{ ...key, keyId: sealed.keyId, lastUsedAt: lastUsedAt ?? null },
            wrappedKey: toBuffer(sealed.wrappedKey),
            nonce: toBuffer(sealed.nonce),
            ciphertext: toBuffer(sealed.ciphertext),
          })
          .execute();
      }),
    async listOf(user) {
      const rows = await db
        .selectFrom('personalKey')
        .selectAll()
        .where('userId', '=', user)
        .orderBy('createdAt', 'desc')
        .orderBy('id')
        .execute();
      return rows.map(toKey);
    },
    async noteUse(id, lastUsedAt) {
      await db.updateTable('personalKey').set({ lastUsedAt }).where('id', '=', id).execute();
    },
    async delete(user, id) {
      const { numDeletedRows } = await db
        .deleteFrom('personalKey')
        .where('id', '=', id)
        .where('userId', '=', user)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
  };
}
