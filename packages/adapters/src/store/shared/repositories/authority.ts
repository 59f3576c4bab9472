import type { AuthorityKey, AuthorityKeyState } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { AuthorityRepository } from '@enchilada/core/store';
import type { AuthorityKeyRow } from '../schema.ts';
import { type Sql, toBuffer, toBytes } from '../sql.ts';

function toKey(row: AuthorityKeyRow): AuthorityKey {
  const { id, publicKey, fingerprint, keyId, createdAt } = row;
  const sealed = {
    keyId,
    wrappedKey: toBytes(row.wrappedKey),
    nonce: toBytes(row.nonce),
    ciphertext: toBytes(row.ciphertext),
  };
  return { id, state: row.state as AuthorityKeyState, publicKey, fingerprint, sealed, createdAt };
}

export function authorityRepository({ db, atomic }: Sql): AuthorityRepository {
  return {
    async list() {
      return (await db.selectFrom('authorityKey').selectAll().orderBy('createdAt').orderBy('id').execute()).map(toKey);
    },
    async current() {
      const row = await db.selectFrom('authorityKey').selectAll().where('state', '=', 'current').executeTakeFirst();
      return row && toKey(row);
    },
    async insert({ sealed, ...key }) {
      await db
        .insertInto('authorityKey')
        .values({
          ...key,
          keyId: sealed.keyId,
          wrappedKey: toBuffer(sealed.wrappedKey),
          nonce: toBuffer(sealed.nonce),
          ciphertext: toBuffer(sealed.ciphertext),
        })
        .execute();
    },
    activate: (id) =>
      atomic(async (tx) => {
        const next = await tx
          .selectFrom('authorityKey')
          .select('id')
          .where('id', '=', id)
          .where('state', '=', 'next')
          .executeTakeFirst();
        if (next === undefined) throw new Fault('CONFLICT', 'only the next signing key can become the current one');
        await tx.deleteFrom('authorityKey').where('state', '=', 'previous').execute();
        await tx.updateTable('authorityKey').set({ state: 'previous' }).where('state', '=', 'current').execute();
        await tx.updateTable('authorityKey').set({ state: 'current' }).where('id', '=', id).execute();
      }),
    async delete(id) {
      const result = await db
        .deleteFrom('authorityKey')
        .where('id', '=', id)
        .where('state', '<>', 'current')
        .executeTakeFirstOrThrow();
      if (Number(result.numDeletedRows) !== 1)
        throw new Fault('CONFLICT', 'the current signing key stays until another has taken its place');
    },
  };
}
