import { createHash } from 'node:crypto';
import type { RefreshToken } from '@enchilada/core/identity';
import type { RefreshTokenRepository } from '@enchilada/core/store';
import { sql as raw } from 'kysely';
import { pageSize } from '../page.ts';
import { prepared } from '../prepared-query.ts';
import type { RefreshTokenRow } from '../schema.ts';
import { changedOne, clockOf, partsOf, type Sql, toBuffer, toBytes } from '../sql.ts';

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function toToken(row: RefreshTokenRow): RefreshToken {
  const { id, loginDigest, providerId, subject, version, answeredAt, failures } = row;
  const sealed = {
    keyId: row.keyId,
    wrappedKey: toBytes(row.wrappedKey),
    nonce: toBytes(row.nonce),
    ciphertext: toBytes(row.ciphertext),
  };
  return { id, loginDigest, providerId, subject, sealed, version, answeredAt, failures, isInDoubt: row.inDoubt === 1 };
}

function columnsOf({ keyId, wrappedKey, nonce, ciphertext }: RefreshToken['sealed']) {
  return { keyId, wrappedKey: toBuffer(wrappedKey), nonce: toBuffer(nonce), ciphertext: toBuffer(ciphertext) };
}

/**
 * Of logins that are about to end: the token of each goes over to another login of the same person there that has none, and so can be asked about only
 * by it. INVARIANT: whoever ends a login of theirs has all of them locked meanwhile, so that none is handed a token as it ends, or two.
 */
export async function handOver({ db }: Pick<Sql, 'db'>, loginDigests: readonly string[]): Promise<void> {
  for (const part of partsOf(loginDigests)) {
    const provided = db.selectFrom('providedLogin').select(['providerId', 'subjectDigest']).distinct();
    const people = await provided.where('loginDigest', 'in', part).execute();
    for (const person of people) await handOverOf(db, person, loginDigests);
  }
}

async function handOverOf(
  db: Sql['db'],
  { providerId, subjectDigest }: { readonly providerId: string; readonly subjectDigest: string },
  ending: readonly string[],
): Promise<void> {
  await db
    .updateTable('providedLogin')
    .set({ providerId })
    .where('providerId', '=', providerId)
    .where('subjectDigest', '=', subjectDigest)
    .execute();
  const logins = await db
    .selectFrom('providedLogin')
    .innerJoin('login', 'login.digest', 'providedLogin.loginDigest')
    .leftJoin('refreshToken', 'refreshToken.loginDigest', 'login.digest')
    .select(['login.digest', 'refreshToken.id as tokenId'])
    .where('providedLogin.providerId', '=', providerId)
    .where('providedLogin.subjectDigest', '=', subjectDigest)
    .orderBy('login.expiresAt', 'desc')
    .orderBy('login.digest')
    .execute();
  const gone = new Set(ending);
  const heirs = logins.filter(({ digest, tokenId }) => tokenId === null && !gone.has(digest));
  for (const { digest, tokenId } of logins) {
    if (tokenId === null || !gone.has(digest)) continue;
    const heir = heirs.shift();
    if (heir === undefined) return;
    await db.updateTable('refreshToken').set({ loginDigest: heir.digest }).where('id', '=', tokenId).execute();
  }
}

export function refreshTokenRepository({ db, traits, atomic }: Sql): RefreshTokenRepository {
  const after = (ms: number) => raw<number>`${clockOf(traits)} + ${ms}`;
  const dueProviders = prepared(db, () =>
    db.selectFrom('refreshToken').select('providerId').distinct().where('dueAt', '<=', clockOf(traits)),
  );
  return {
    async insert({ id, loginDigest, providerId, subject, answeredAt, sealed }, dueInMs) {
      await db
        .insertInto('refreshToken')
        .values({
          ...{ id, loginDigest, providerId, subject, answeredAt, ...columnsOf(sealed) },
          ...{ subjectDigest: digestOf(subject), version: 1, dueAt: after(dueInMs), failures: 0 },
          ...{ reason: null, inDoubt: 0 },
        })
        .execute();
    },
    async due() {
      return (await dueProviders()).rows.map(({ providerId }) => providerId);
    },
    async take(provider, { leaseMs, limit }) {
      const due = await db
        .selectFrom('refreshToken')
        .selectAll()
        .where('providerId', '=', provider)
        .where('dueAt', '<=', clockOf(traits))
        .orderBy('dueAt')
        .orderBy('id')
        .limit(pageSize({ limit }))
        .execute();
      const taken: RefreshToken[] = [];
      for (const row of due) {
        const update = db.updateTable('refreshToken').set({ dueAt: after(leaseMs), inDoubt: 1 });
        const seen = update.where('id', '=', row.id).where('dueAt', '=', row.dueAt).where('version', '=', row.version);
        if (changedOne(await seen.executeTakeFirstOrThrow())) taken.push(toToken(row));
      }
      return taken;
    },
    async replace({ id, version }, sealed) {
      const result = await db
        .updateTable('refreshToken')
        .set({ ...columnsOf(sealed), version: version + 1 })
        .where('id', '=', id)
        .where('version', '=', version)
        .executeTakeFirstOrThrow();
      return changedOne(result);
    },
    async answered(id, { at, dueInMs }) {
      await db
        .updateTable('refreshToken')
        .set({ answeredAt: at, dueAt: after(dueInMs), failures: 0, reason: null, inDoubt: 0 })
        .where('id', '=', id)
        .execute();
    },
    async failed(id, { reason, isInDoubt, dueInMs }) {
      await db
        .updateTable('refreshToken')
        .set((eb) => ({
          failures: eb('failures', '+', 1),
          ...{ reason, dueAt: after(dueInMs), inDoubt: isInDoubt ? 1 : 0 },
        }))
        .where('id', '=', id)
        .execute();
    },
    async hurry(provider, subject) {
      await db
        .updateTable('refreshToken')
        .set({ dueAt: after(0) })
        .where('providerId', '=', provider)
        .where('subjectDigest', '=', digestOf(subject))
        // Whoever is asking has a lease, and so has it to itself.
        .where('inDoubt', '=', 0)
        .execute();
    },
    async loginsOf(provider, subject) {
      const rows = await db
        .selectFrom('refreshToken')
        .select('loginDigest')
        .where('providerId', '=', provider)
        .where('subjectDigest', '=', digestOf(subject))
        .orderBy('loginDigest')
        .execute();
      return rows.map(({ loginDigest }) => loginDigest);
    },
    async remove(id) {
      await db.deleteFrom('refreshToken').where('id', '=', id).execute();
    },
    async release(loginDigest) {
      await atomic((tx) => handOver({ db: tx }, [loginDigest]));
      for (;;) {
        const row = await db
          .selectFrom('refreshToken')
          .selectAll()
          .where('loginDigest', '=', loginDigest)
          .executeTakeFirst();
        if (row === undefined) return undefined;
        const { numDeletedRows } = await db
          .deleteFrom('refreshToken')
          .where('id', '=', row.id)
          .where('version', '=', row.version)
          .executeTakeFirstOrThrow();
        // Else another token has come in its place between the two, and is the one to be released.
        if (numDeletedRows === 1n) return toToken(row);
      }
    },
    async health() {
      const all = await db
        .selectFrom('refreshToken')
        .select((eb) => ['providerId', eb.fn.countAll<number>().as('logins')])
        .groupBy('providerId')
        .execute();
      const failing = await db
        .selectFrom('refreshToken')
        .select((eb) => [
          'providerId',
          eb.fn.countAll<number>().as('failing'),
          eb.fn.min<number>('answeredAt').as('since'),
          eb.fn.max<string | null>('reason').as('reason'),
        ])
        .where('failures', '>', 0)
        .groupBy('providerId')
        .execute();
      return new Map(
        all.map(({ providerId, logins }) => {
          const bad = failing.find((one) => one.providerId === providerId);
          const trouble =
            bad === undefined
              ? {}
              : { unansweredSince: Number(bad.since), ...(bad.reason === null ? {} : { reason: bad.reason }) };
          return [providerId, { logins: Number(logins), failing: Number(bad?.failing ?? 0), ...trouble }];
        }),
      );
    },
  };
}
