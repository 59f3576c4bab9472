import { createHash } from 'node:crypto';
import type { ProvisionedGroup, ProvisionedResource, ProvisionedUser } from '@enchilada/core/identity';
import type {
  ProvisionedGroupQuery,
  ProvisionedUserQuery,
  ProvisioningRepository,
  Slice,
  Sliced,
} from '@enchilada/core/store';
import type { ProvisionedGroupRow, ProvisionedUserRow } from '../schema.ts';
import { insertOnce, lookupKey, nameKey, nextVersion, type Sql } from '../sql.ts';

/** Names and external ids are compared to the letter, whatever their length. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function userOf(row: ProvisionedUserRow): ProvisionedUser {
  const { providerId, userId, userName, version, createdAt, updatedAt } = row;
  return {
    ...{ providerId, userId, userName, version, createdAt, updatedAt },
    externalId: row.externalId ?? undefined,
    resource: JSON.parse(row.resource) as ProvisionedResource,
    isActive: row.active === 1,
    deletedAt: row.deletedAt ?? undefined,
  };
}

function userRow(user: ProvisionedUser): ProvisionedUserRow {
  const { providerId, userId, userName, externalId, version, createdAt, updatedAt, deletedAt } = user;
  return {
    ...{ providerId, userId, userName, version, createdAt, updatedAt },
    userNameKey: deletedAt === undefined ? nameKey(userName) : null,
    externalId: externalId ?? null,
    externalDigest: externalId === undefined ? null : digestOf(externalId),
    resource: JSON.stringify(user.resource),
    active: user.isActive ? 1 : 0,
    deletedAt: deletedAt ?? null,
  };
}

function groupOf(row: ProvisionedGroupRow): ProvisionedGroup {
  const { id, providerId, displayName, version, createdAt, updatedAt } = row;
  return {
    ...{ id, providerId, displayName, version, createdAt, updatedAt },
    externalId: row.externalId ?? undefined,
    resource: JSON.parse(row.resource) as ProvisionedResource,
  };
}

function groupRow(group: ProvisionedGroup): ProvisionedGroupRow {
  const { id, providerId, displayName, externalId, version, createdAt, updatedAt } = group;
  return {
    ...{ id, providerId, displayName, version, createdAt, updatedAt },
    nameDigest: digestOf(displayName),
    externalId: externalId ?? null,
    externalDigest: externalId === undefined ? null : digestOf(externalId),
    resource: JSON.stringify(group.resource),
  };
}

export function provisioningRepository(sql: Sql): ProvisioningRepository {
  const { db, traits, atomic } = sql;

  const users = (provider: string, { id, userName, externalId }: ProvisionedUserQuery) => {
    let select = db.selectFrom('provisionedUser').where('providerId', '=', provider).where('deletedAt', 'is', null);
    if (id !== undefined) select = select.where('userId', '=', id);
    if (userName !== undefined) select = select.where('userNameKey', '=', lookupKey(userName) ?? '');
    if (externalId !== undefined) select = select.where('externalDigest', '=', digestOf(externalId));
    return select;
  };
  const groups = (provider: string, { id, displayName, externalId, member }: ProvisionedGroupQuery) => {
    let select = db.selectFrom('provisionedGroup').where('providerId', '=', provider);
    if (id !== undefined) select = select.where('id', '=', id);
    if (displayName !== undefined) select = select.where('nameDigest', '=', digestOf(displayName));
    if (externalId !== undefined) select = select.where('externalDigest', '=', digestOf(externalId));
    if (member !== undefined)
      select = select.where('id', 'in', (eb) =>
        eb.selectFrom('provisionedMember').select('groupId').where('userId', '=', member),
      );
    return select;
  };
  const findUser: ProvisioningRepository['findUser'] = async (provider, id) => {
    const row = await db
      .selectFrom('provisionedUser')
      .selectAll()
      .where('providerId', '=', provider)
      .where('userId', '=', id)
      .executeTakeFirst();
    return row && userOf(row);
  };
  const findGroup: ProvisioningRepository['findGroup'] = async (provider, id) => {
    const row = await groups(provider, { id }).selectAll().executeTakeFirst();
    return row && groupOf(row);
  };

  return {
    async findToken(provider) {
      const row = await db
        .selectFrom('provisioningToken')
        .selectAll()
        .where('providerId', '=', provider)
        .executeTakeFirst();
      return row && { ...row, lastUsedAt: row.lastUsedAt ?? undefined };
    },
    setToken: (token) =>
      atomic(async (tx) => {
        await tx.deleteFrom('provisioningToken').where('providerId', '=', token.providerId).execute();
        await tx
          .insertInto('provisioningToken')
          .values({ ...token, lastUsedAt: token.lastUsedAt ?? null })
          .execute();
      }),
    async noteTokenUse(provider, at) {
      await db.updateTable('provisioningToken').set({ lastUsedAt: at }).where('providerId', '=', provider).execute();
    },
    forget: (provider) =>
      atomic(async (tx) => {
        await tx.deleteFrom('provisioningToken').where('providerId', '=', provider).execute();
        await tx.deleteFrom('provisionedUser').where('providerId', '=', provider).execute();
        await tx.deleteFrom('provisionedGroup').where('providerId', '=', provider).execute();
      }),

    async insertUser(user) {
      await db.insertInto('provisionedUser').values(userRow(user)).execute();
    },
    findUser,
    updateUser: (user) =>
      nextVersion(user, {
        kind: 'person',
        find: () => findUser(user.providerId, user.userId),
        update: (next) => {
          const { providerId, userId, ...columns } = userRow(next);
          const update = db.updateTable('provisionedUser').set(columns);
          return update.where('providerId', '=', providerId).where('userId', '=', userId);
        },
      }),
    async listUsers(provider, query, slice): Promise<Sliced<ProvisionedUser>> {
      const rows = await users(provider, query)
        .selectAll()
        .orderBy('createdAt')
        .orderBy('userId')
        .limit(atLeastOne(slice))
        .offset(slice.offset)
        .execute();
      const total = await users(provider, query)
        .select((eb) => eb.fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      return { items: rows.slice(0, slice.limit).map(userOf), total: Number(total.count) };
    },

    async insertGroup(group) {
      await db.insertInto('provisionedGroup').values(groupRow(group)).execute();
    },
    findGroup,
    updateGroup: (group) =>
      nextVersion(group, {
        kind: 'group',
        find: () => findGroup(group.providerId, group.id),
        update: (next) => {
          const { id, ...columns } = groupRow(next);
          return db.updateTable('provisionedGroup').set(columns).where('id', '=', id);
        },
      }),
    async deleteGroup(id) {
      await db.deleteFrom('provisionedGroup').where('id', '=', id).execute();
    },
    async listGroups(provider, query, slice): Promise<Sliced<ProvisionedGroup>> {
      const rows = await groups(provider, query)
        .selectAll()
        .orderBy('createdAt')
        .orderBy('id')
        .limit(atLeastOne(slice))
        .offset(slice.offset)
        .execute();
      const total = await groups(provider, query)
        .select((eb) => eb.fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      return { items: rows.slice(0, slice.limit).map(groupOf), total: Number(total.count) };
    },

    async members(group) {
      const rows = await db
        .selectFrom('provisionedMember')
        .select('userId')
        .where('groupId', '=', group)
        .orderBy('userId')
        .execute();
      return rows.map(({ userId }) => userId);
    },
    setMembers: (groupId, wanted) =>
      atomic(async (tx) => {
        const rows = await tx.selectFrom('provisionedMember').select('userId').where('groupId', '=', groupId).execute();
        const had = new Set(rows.map(({ userId }) => userId));
        const has = new Set(wanted);
        const gone = [...had].filter((id) => !has.has(id));
        const come = [...has].filter((id) => !had.has(id));
        for (const userId of gone)
          await tx
            .deleteFrom('provisionedMember')
            .where('groupId', '=', groupId)
            .where('userId', '=', userId)
            .execute();
        for (const userId of come)
          await insertOnce(traits, tx.insertInto('provisionedMember').values({ groupId, userId }));
        return [...gone, ...come];
      }),
    async groupsOf(provider, user) {
      const rows = await groups(provider, { member: user }).selectAll().orderBy('id').execute();
      return rows.map(groupOf);
    },
    async groupsNamed(provider, names, user) {
      if (names.length === 0) return [];
      const digests = [...new Set(names)].map(digestOf);
      const rows = await db
        .selectFrom('provisionedGroup')
        .select(['id', 'displayName', 'externalId'])
        .where('providerId', '=', provider)
        .where((eb) => eb.or([eb('nameDigest', 'in', digests), eb('externalDigest', 'in', digests)]))
        .execute();
      if (rows.length === 0) return [];
      const own =
        user === undefined
          ? []
          : await db.selectFrom('provisionedMember').select('groupId').where('userId', '=', user).execute();
      const mine = new Set(own.map(({ groupId }) => groupId));
      return rows.map(({ id, displayName, externalId }) => ({
        names: [displayName, ...(externalId === null ? [] : [externalId])],
        isMember: mine.has(id),
      }));
    },
  };
}

/** A limit of nothing is none to every database. */
function atLeastOne({ limit }: Slice): number {
  return Math.max(1, limit);
}
