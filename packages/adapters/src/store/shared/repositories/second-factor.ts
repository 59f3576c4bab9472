import { createHash } from 'node:crypto';
import type { SecondFactor } from '@enchilada/core/identity';
import type { SecondFactorRepository } from '@enchilada/core/store';
import type { SecondFactorRow } from '../schema.ts';
import { changedOne, toBuffer, toBytes, type Sql } from '../sql.ts';

/** Credential ids are up to 1023 bytes (WebAuthn section 5.1.3); the index holds their digest. */
function credentialKey(credentialId: string): string {
  return createHash('sha256').update(credentialId).digest('hex');
}

function toFactor(row: SecondFactorRow): SecondFactor {
  const common = {
    id: row.id,
    userId: row.userId,
    name: row.name,
    createdAt: row.createdAt,
    confirmedAt: row.confirmedAt ?? undefined,
    lastUsedAt: row.lastUsedAt ?? undefined,
  };
  if (row.seed !== null) return { ...common, kind: 'totp', seed: { keyId: row.keyId ?? '', bytes: toBytes(row.seed) } };
  return {
    ...common,
    kind: 'passkey',
    credentialId: row.credentialId ?? '',
    publicKey: toBytes(row.publicKey ?? new Uint8Array()),
    counter: row.counter,
    transports: JSON.parse(row.transports) as string[],
  };
}

function toRow(factor: SecondFactor): SecondFactorRow {
  const common = {
    id: factor.id,
    userId: factor.userId,
    kind: factor.kind,
    name: factor.name,
    createdAt: factor.createdAt,
    confirmedAt: factor.confirmedAt ?? null,
    lastUsedAt: factor.lastUsedAt ?? null,
    lastStep: -1,
  };
  if (factor.kind === 'totp') {
    const { keyId, bytes } = factor.seed;
    const none = { credentialKey: null, credentialId: null, publicKey: null, counter: 0, transports: '[]' };
    return { ...common, ...none, keyId, seed: toBuffer(bytes) };
  }
  return {
    ...common,
    keyId: null,
    seed: null,
    credentialKey: credentialKey(factor.credentialId),
    credentialId: factor.credentialId,
    publicKey: toBuffer(factor.publicKey),
    counter: factor.counter,
    transports: JSON.stringify(factor.transports),
  };
}

export function secondFactorRepository({ db, atomic }: Sql): SecondFactorRepository {
  return {
    async insert(factor) {
      await db.insertInto('secondFactor').values(toRow(factor)).execute();
    },
    async find(id) {
      const row = await db.selectFrom('secondFactor').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toFactor(row);
    },
    async findPasskey(credentialId) {
      const row = await db
        .selectFrom('secondFactor')
        .selectAll()
        .where('credentialKey', '=', credentialKey(credentialId))
        .executeTakeFirst();
      return row && toFactor(row);
    },
    async counts() {
      const rows = await db
        .selectFrom('secondFactor')
        .select(['userId', (eb) => eb.fn.countAll<number>().as('count')])
        .where('confirmedAt', 'is not', null)
        .groupBy('userId')
        .execute();
      return new Map(rows.map(({ userId, count }) => [userId, count]));
    },
    async listOf(user) {
      const rows = await db
        .selectFrom('secondFactor')
        .selectAll()
        .where('userId', '=', user)
        .orderBy('createdAt')
        .orderBy('id')
        .execute();
      return rows.map(toFactor);
    },
    async confirm(id, name, at) {
      return changedOne(
        await db
          .updateTable('secondFactor')
          .set({ name, confirmedAt: at })
          .where('id', '=', id)
          .where('confirmedAt', 'is', null)
          .executeTakeFirstOrThrow(),
      );
    },
    async useStep(id, step, at) {
      return changedOne(
        await db
          .updateTable('secondFactor')
          .set({ lastStep: step, lastUsedAt: at })
          .where('id', '=', id)
          .where('lastStep', '<', step)
          .executeTakeFirstOrThrow(),
      );
    },
    async useCounter(id, counter, at) {
      return changedOne(
        await db
          .updateTable('secondFactor')
          .set({ counter, lastUsedAt: at })
          .where('id', '=', id)
          .where((eb) => eb.or([eb('counter', '<', counter), ...(counter === 0 ? [eb('counter', '=', 0)] : [])]))
          .executeTakeFirstOrThrow(),
      );
    },
    async delete(id) {
      const { numDeletedRows } = await db.deleteFrom('secondFactor').where('id', '=', id).executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
    deleteOf: (user) =>
      atomic(async (tx) => {
        await tx.deleteFrom('recoveryCode').where('userId', '=', user).execute();
        await tx.deleteFrom('secondFactor').where('userId', '=', user).where('confirmedAt', 'is', null).execute();
        const { numDeletedRows } = await tx
          .deleteFrom('secondFactor')
          .where('userId', '=', user)
          .executeTakeFirstOrThrow();
        return Number(numDeletedRows);
      }),
    replaceRecoveryCodes: (user, digests, at) =>
      atomic(async (tx) => {
        await tx.deleteFrom('recoveryCode').where('userId', '=', user).execute();
        const rows = digests.map((digest) => ({ digest, userId: user, createdAt: at }));
        if (rows.length > 0) await tx.insertInto('recoveryCode').values(rows).execute();
      }),
    async spendRecoveryCode(user, digest) {
      const { numDeletedRows } = await db
        .deleteFrom('recoveryCode')
        .where('digest', '=', digest)
        .where('userId', '=', user)
        .executeTakeFirstOrThrow();
      return numDeletedRows === 1n;
    },
    async countRecoveryCodes(user) {
      const { count } = await db
        .selectFrom('recoveryCode')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('userId', '=', user)
        .executeTakeFirstOrThrow();
      return count;
    },
  };
}
