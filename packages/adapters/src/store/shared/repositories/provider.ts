import { createHash } from 'node:crypto';
import type { WrappedKey } from '@enchilada/core/credential';
import type {
  ExternalIdentity,
  ProvidedLogin,
  ProviderAdmission,
  ProviderRecord,
  ProviderRule,
} from '@enchilada/core/identity';
import type { ProviderRepository } from '@enchilada/core/store';
import type { ExternalIdentityRow, IdentityProviderRow, ProvidedLoginRow } from '../schema.ts';
import { changedOne, insertOnce, nextVersion, nameKey, type Sql, toBuffer, toBytes } from '../sql.ts';
import { beginChange, changePolicy } from '../policy-history.ts';

/** Subjects and session ids are compared to the letter, whatever their length. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function toWrapped(keyId: string | null, bytes: Uint8Array | null): WrappedKey | undefined {
  return keyId === null || bytes === null ? undefined : { keyId, bytes: toBytes(bytes) };
}

interface StoredRule {
  readonly from: string;
  readonly groupId?: string;
  readonly role?: NonNullable<ProviderRule['role']>;
}

function toProvider(row: IdentityProviderRow): ProviderRecord {
  const { id, kind, name, version, createdAt, updatedAt } = row;
  return {
    id,
    kind,
    name,
    parameters: JSON.parse(row.parameters) as ProviderRecord['parameters'],
    secret: toWrapped(row.secretKeyId, row.secret),
    rules: (JSON.parse(row.rules) as StoredRule[]).map(({ from, groupId, role }) => ({ from, groupId, role })),
    admits: row.admits as ProviderAdmission,
    trustsFactor: row.trustsFactor === 1,
    enabled: row.enabled === 1,
    version,
    createdAt,
    updatedAt,
  };
}

function toRow(provider: ProviderRecord): IdentityProviderRow {
  const { id, kind, name, admits, version, createdAt, updatedAt, secret } = provider;
  return {
    id,
    kind,
    name,
    nameKey: nameKey(name),
    parameters: JSON.stringify(provider.parameters),
    secretKeyId: secret?.keyId ?? null,
    secret: secret === undefined ? null : toBuffer(secret.bytes),
    rules: JSON.stringify(provider.rules),
    admits,
    trustsFactor: provider.trustsFactor ? 1 : 0,
    enabled: provider.enabled ? 1 : 0,
    version,
    createdAt,
    updatedAt,
  };
}

function toIdentity(row: ExternalIdentityRow): ExternalIdentity {
  const { providerId, subject, userId, seenAt } = row;
  const groups = JSON.parse(row.providerGroups) as string[];
  const said =
    row.attributes === null ? {} : (JSON.parse(row.attributes) as Pick<ExternalIdentity, 'email' | 'attributes'>);
  return { providerId, subject, userId, groups, seenAt, isSuspended: row.suspended === 1, ...said };
}

function toLogin(row: ProvidedLoginRow): ProvidedLogin {
  const { loginDigest, providerId, subject, sessionId, endsAt } = row;
  return {
    loginDigest,
    providerId,
    subject,
    session: sessionId ?? undefined,
    hint: toWrapped(row.hintKeyId, row.hint),
    ...(endsAt === null ? {} : { endsAt }),
  };
}

export function providerRepository(sql: Sql): ProviderRepository {
  const { db, traits, atomic } = sql;
  const find: ProviderRepository['find'] = async (id) => {
    const row = await db.selectFrom('identityProvider').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toProvider(row);
  };
  return {
    find,
    async list() {
      return (await db.selectFrom('identityProvider').selectAll().orderBy('nameKey').execute()).map(toProvider);
    },
    async insert(provider) {
      await db.insertInto('identityProvider').values(toRow(provider)).execute();
    },
    update: (provider) =>
      nextVersion(provider, {
        kind: 'provider',
        find: () => find(provider.id),
        update: (next) => {
          const { id, ...columns } = toRow(next);
          return db.updateTable('identityProvider').set(columns).where('id', '=', id);
        },
      }),
    delete: (id) =>
      changePolicy(sql, async ({ tx, noteNow }) => {
        const members = await tx.selectFrom('groupMember').select('userId').where('providerId', '=', id).execute();
        await tx.deleteFrom('groupMember').where('providerId', '=', id).execute();
        await noteNow('membership', [...new Set(members.map(({ userId }) => userId))]);
        await tx.deleteFrom('pendingSignIn').where('providerId', '=', id).execute();
        await tx.deleteFrom('identityProvider').where('id', '=', id).execute();
      }),

    async findIdentity(provider, subject) {
      const row = await db
        .selectFrom('externalIdentity')
        .selectAll()
        .where('providerId', '=', provider)
        .where('subjectDigest', '=', digestOf(subject))
        .executeTakeFirst();
      return row && toIdentity(row);
    },
    async identitiesOf(user) {
      const rows = await db
        .selectFrom('externalIdentity')
        .selectAll()
        .where('userId', '=', user)
        .orderBy('providerId')
        .orderBy('subjectDigest')
        .execute();
      return rows.map(toIdentity);
    },
    async listIdentities(provider) {
      const rows = await db
        .selectFrom('externalIdentity')
        .selectAll()
        .where('providerId', '=', provider)
        .orderBy('subjectDigest')
        .execute();
      return rows.map(toIdentity);
    },
    async countIdentities() {
      const rows = await db
        .selectFrom('externalIdentity')
        .select((eb) => ['providerId', eb.fn.countAll<number>().as('count')])
        .groupBy('providerId')
        .execute();
      return new Map(rows.map(({ providerId, count }) => [providerId, Number(count)]));
    },
    async insertIdentity({ providerId, subject, userId, groups, seenAt, isSuspended, email, attributes }) {
      await db
        .insertInto('externalIdentity')
        .values({
          ...{ providerId, subject, userId, seenAt },
          subjectDigest: digestOf(subject),
          providerGroups: JSON.stringify(groups),
          attributes: JSON.stringify({ email, attributes }),
          suspended: isSuspended ? 1 : 0,
        })
        .execute();
    },
    async updateIdentity({ providerId, subject }, { groups, seenAt, isSuspended, said }) {
      await db
        .updateTable('externalIdentity')
        .set({
          ...(groups === undefined ? {} : { providerGroups: JSON.stringify(groups) }),
          ...(seenAt === undefined ? {} : { seenAt }),
          ...(said === undefined ? {} : { attributes: JSON.stringify(said) }),
          ...(isSuspended === undefined ? {} : { suspended: isSuspended ? 1 : 0 }),
        })
        .where('providerId', '=', providerId)
        .where('subjectDigest', '=', digestOf(subject))
        .execute();
    },
    async moveIdentity({ providerId, subject }, to) {
      await db
        .updateTable('externalIdentity')
        .set({ subject: to, subjectDigest: digestOf(to) })
        .where('providerId', '=', providerId)
        .where('subjectDigest', '=', digestOf(subject))
        .execute();
    },
    setMemberships: (userId, providerId, groups) =>
      atomic(async (tx) => {
        const rows = await tx.selectFrom('groupMember').selectAll().where('userId', '=', userId).execute();
        const surplus = rows.filter((row) => row.providerId === providerId && !groups.includes(row.groupId));
        const missing = groups.filter((groupId) => rows.every((row) => row.groupId !== groupId));
        if (surplus.length + missing.length === 0) return { added: [], removed: [] };
        const { noteNow } = await beginChange(sql, tx);
        for (const { groupId } of surplus)
          await tx
            .deleteFrom('groupMember')
            .where('groupId', '=', groupId)
            .where('userId', '=', userId)
            .where('providerId', '=', providerId)
            .execute();
        for (const groupId of missing)
          await insertOnce(traits, tx.insertInto('groupMember').values({ groupId, userId, providerId }));
        await noteNow('membership', [userId]);
        return { added: missing, removed: surplus.map(({ groupId }) => groupId) };
      }),
    listMemberships: (provider) =>
      db
        .selectFrom('groupMember')
        .select(['userId', 'groupId'])
        .where('providerId', '=', provider)
        .orderBy('userId')
        .orderBy('groupId')
        .execute(),

    async begin({ stateDigest, browserDigest, providerId, next, expiresAt }) {
      await db
        .insertInto('pendingSignIn')
        .values({ stateDigest, browserDigest, providerId, nextPath: next, expiresAt, answer: null })
        .execute();
    },
    /** Who deletes the row has redeemed it. A row never changes, so reading it first loses nothing. */
    async redeem(stateDigest, browserDigest, now) {
      const row = await db
        .selectFrom('pendingSignIn')
        .selectAll()
        .where('stateDigest', '=', stateDigest)
        .where('browserDigest', '=', browserDigest)
        .where('expiresAt', '>', now)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const { numDeletedRows } = await db
        .deleteFrom('pendingSignIn')
        .where('stateDigest', '=', stateDigest)
        .executeTakeFirstOrThrow();
      const { nextPath: next, answer, ...pending } = row;
      return numDeletedRows === 1n ? { ...pending, next, ...(answer === null ? {} : { answer }) } : undefined;
    },
    async keepAnswer({ stateDigest, providerId, answer }, now) {
      const result = await db
        .updateTable('pendingSignIn')
        .set({ answer })
        .where('stateDigest', '=', stateDigest)
        .where('providerId', '=', providerId)
        .where('expiresAt', '>', now)
        .where('answer', 'is', null)
        .executeTakeFirstOrThrow();
      return changedOne(result);
    },
    async deleteExpired(now) {
      await db.deleteFrom('pendingSignIn').where('expiresAt', '<=', now).execute();
      await db.deleteFrom('spentMessage').where('expiresAt', '<=', now).execute();
    },

    async noteLogin({ loginDigest, providerId, subject, session, hint, endsAt }) {
      await db
        .insertInto('providedLogin')
        .values({
          ...{ loginDigest, providerId, subject },
          subjectDigest: digestOf(subject),
          sessionDigest: session === undefined ? null : digestOf(session),
          sessionId: session ?? null,
          hintKeyId: hint?.keyId ?? null,
          hint: hint === undefined ? null : toBuffer(hint.bytes),
          endsAt: endsAt ?? null,
        })
        .execute();
    },
    async findLogin(loginDigest) {
      const row = await db
        .selectFrom('providedLogin')
        .selectAll()
        .where('loginDigest', '=', loginDigest)
        .executeTakeFirst();
      return row && toLogin(row);
    },
    async loginsOf(provider, whose) {
      let select = db.selectFrom('providedLogin').select('loginDigest').where('providerId', '=', provider);
      if (whose?.subject !== undefined) select = select.where('subjectDigest', '=', digestOf(whose.subject));
      if (whose?.session !== undefined) select = select.where('sessionDigest', '=', digestOf(whose.session));
      return (await select.orderBy('loginDigest').execute()).map(({ loginDigest }) => loginDigest);
    },
    spend: (provider, message, expiresAt) =>
      insertOnce(
        traits,
        db.insertInto('spentMessage').values({ digest: digestOf(`${provider}\n${message}`), expiresAt }),
      ),
  };
}
