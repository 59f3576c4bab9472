import type { Role, User } from '@enchilada/core/identity';
import type { UserRepository } from '@enchilada/core/store';
import type { UserRow } from '../schema.ts';
import { beginChange, changePolicy } from '../policy-history.ts';
import { lookupKey, nextVersion, nameKey, partsOf, type Sql } from '../sql.ts';

export function toUser(row: UserRow): User {
  return {
    id: row.id,
    username: row.username,
    displayName: row.displayName,
    role: row.role as Role,
    passwordHash: row.passwordHash ?? undefined,
    breakGlass: row.breakGlass === 1,
    disabledAt: row.disabledAt ?? undefined,
    createdAt: row.createdAt,
    lastLoginAt: row.lastLoginAt ?? undefined,
    preferences: JSON.parse(row.preferences) as User['preferences'],
    version: row.version,
    ...(row.service === 1 ? { isService: true } : {}),
  };
}

function toRow(user: User): UserRow {
  return {
    id: user.id,
    username: user.username,
    usernameKey: nameKey(user.username),
    displayName: user.displayName,
    role: user.role,
    passwordHash: user.passwordHash ?? null,
    breakGlass: user.breakGlass ? 1 : 0,
    disabledAt: user.disabledAt ?? null,
    createdAt: user.createdAt,
    lastLoginAt: user.lastLoginAt ?? null,
    preferences: JSON.stringify(user.preferences),
    version: user.version,
    service: user.isService === true ? 1 : 0,
  };
}

/** Whether the policy sees another person before and after. */
function isSameForPolicy(before: UserRow, { username, displayName, role, disabledAt }: UserRow): boolean {
  const isSameName = before.username === username && before.displayName === displayName;
  return isSameName && before.role === role && before.disabledAt === disabledAt;
}

export function userRepository(sql: Sql): UserRepository {
  const { db, atomic } = sql;
  const find: UserRepository['find'] = async (id) => {
    const row = await db.selectFrom('userAccount').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toUser(row);
  };
  return {
    find,
    insert: (user) =>
      changePolicy(sql, async ({ tx, noteNow }) => {
        await tx.insertInto('userAccount').values(toRow(user)).execute();
        await noteNow('user', [user.id]);
      }),
    async findByUsername(username) {
      const key = lookupKey(username);
      if (key === undefined) return undefined;
      const row = await db.selectFrom('userAccount').selectAll().where('usernameKey', '=', key).executeTakeFirst();
      return row && toUser(row);
    },
    async list() {
      return (await db.selectFrom('userAccount').selectAll().orderBy('usernameKey').execute()).map(toUser);
    },
    async findMany(ids) {
      const found: User[] = [];
      for (const part of partsOf(ids))
        found.push(...(await db.selectFrom('userAccount').selectAll().where('id', 'in', part).execute()).map(toUser));
      return found;
    },
    async names() {
      const rows = await db
        .selectFrom('userAccount')
        .select(['id', 'username', 'displayName', 'disabledAt'])
        .orderBy('usernameKey')
        .execute();
      return rows.map(({ id, username, displayName, disabledAt }) => ({
        ...{ id, name: username, detail: displayName, isDisabled: disabledAt !== null },
      }));
    },
    update: (user) =>
      atomic(async (tx) => {
        const before = await tx.selectFrom('userAccount').selectAll().where('id', '=', user.id).executeTakeFirst();
        // Another row than the one of this version is refused below.
        const isSame = before === undefined || isSameForPolicy(before, toRow(user));
        const change = isSame ? undefined : await beginChange(sql, tx);
        const updated = await nextVersion(user, {
          kind: 'user',
          find: () => tx.selectFrom('userAccount').select('id').where('id', '=', user.id).executeTakeFirst(),
          update: (next) => {
            const { id, ...columns } = toRow(next);
            return tx.updateTable('userAccount').set(columns).where('id', '=', id);
          },
        });
        await change?.noteNow('user', [user.id]);
        return updated;
      }),
    async noteLogin(id, at) {
      await db.updateTable('userAccount').set({ lastLoginAt: at }).where('id', '=', id).execute();
    },
    delete: (id) =>
      changePolicy(sql, async ({ tx, noteNow }) => {
        const grants = await tx.selectFrom('accessGrant').select('id').where('userId', '=', id).execute();
        const { numDeletedRows } = await tx.deleteFrom('userAccount').where('id', '=', id).executeTakeFirstOrThrow();
        if (numDeletedRows === 0n) return;
        await noteNow('user', [id]);
        await noteNow('membership', [id]);
        await noteNow(
          'grant',
          grants.map((grant) => grant.id),
        );
      }),
    async countEnabledAdministrators() {
      const { count } = await db
        .selectFrom('userAccount')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('role', '=', 'administrator')
        .where('disabledAt', 'is', null)
        .where((eb) => eb.or([eb('service', 'is', null), eb('service', '=', 0)]))
        .executeTakeFirstOrThrow();
      return count;
    },
  };
}
