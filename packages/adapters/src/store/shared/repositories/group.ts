import type { GroupId, UserGroup, UserId } from '@enchilada/core/identity';
import type { GroupRepository } from '@enchilada/core/store';
import type { UserGroupRow } from '../schema.ts';
import { changePolicy } from '../policy-history.ts';
import { changedOne, insertOnce, movedOn, nameKey, partsOf, type Sql } from '../sql.ts';

function toGroup({ id, name, description, createdAt, requiresSecondFactor }: UserGroupRow): UserGroup {
  return { id, name, description, createdAt, ...(requiresSecondFactor === 1 ? { requiresSecondFactor: true } : {}) };
}

export function groupRepository(sql: Sql): GroupRepository {
  const { db, traits } = sql;
  return {
    insert: (group) =>
      changePolicy(sql, async ({ tx, noteNow }) => {
        await tx
          .insertInto('userGroup')
          .values({
            id: group.id,
            name: group.name,
            nameKey: nameKey(group.name),
            description: group.description,
            createdAt: group.createdAt,
            requiresSecondFactor: group.requiresSecondFactor === true ? 1 : 0,
          })
          .execute();
        await noteNow('group', [group.id]);
      }),
    async find(id) {
      const row = await db.selectFrom('userGroup').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toGroup(row);
    },
    async list() {
      const rows = await db
        .selectFrom('userGroup')
        .selectAll('userGroup')
        .select((eb) =>
          eb
            .selectFrom('groupMember')
            .select((count) => count.fn.countAll<number>().as('count'))
            .whereRef('groupMember.groupId', '=', 'userGroup.id')
            .as('members'),
        )
        .orderBy('nameKey')
        .execute();
      return rows.map((row) => ({ ...toGroup(row), members: row.members ?? 0 }));
    },
    async names() {
      const rows = await db.selectFrom('userGroup').select(['id', 'name', 'description']).orderBy('nameKey').execute();
      return rows.map(({ id, name, description }) => ({ id, name, detail: description, isDisabled: false }));
    },
    update: (group) =>
      changePolicy(sql, async ({ tx, noteNow }) => {
        const { id, name, description } = group;
        const requiresSecondFactor = group.requiresSecondFactor === true ? 1 : 0;
        const result = await tx
          .updateTable('userGroup')
          .set({ name, nameKey: nameKey(name), description, requiresSecondFactor })
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        if (!changedOne(result)) throw movedOn('group', false);
        await noteNow('group', [id]);
      }),
    delete: (id) =>
      changePolicy(sql, async ({ tx, noteNow }) => {
        const members = await tx.selectFrom('groupMember').select('userId').where('groupId', '=', id).execute();
        const grants = await tx.selectFrom('accessGrant').select('id').where('groupId', '=', id).execute();
        const { numDeletedRows } = await tx.deleteFrom('userGroup').where('id', '=', id).executeTakeFirstOrThrow();
        if (numDeletedRows === 0n) return;
        await noteNow('group', [id]);
        await noteNow(
          'membership',
          members.map(({ userId }) => userId),
        );
        await noteNow(
          'grant',
          grants.map((grant) => grant.id),
        );
      }),
    addMember: (groupId, userId) =>
      changePolicy(sql, async ({ tx, noteNow }) => {
        if (await insertOnce(traits, tx.insertInto('groupMember').values({ groupId, userId })))
          return noteNow('membership', [userId]);
        // What a provider gave is from now on given by hand too, and stays when the provider takes it back.
        await tx
          .updateTable('groupMember')
          .set({ providerId: null })
          .where('groupId', '=', groupId)
          .where('userId', '=', userId)
          .execute();
      }),
    removeMember: (group, user) =>
      changePolicy(sql, async ({ tx, noteNow }) => {
        await tx.deleteFrom('groupMember').where('groupId', '=', group).where('userId', '=', user).execute();
        await noteNow('membership', [user]);
      }),
    async members(group) {
      const rows = await db
        .selectFrom('groupMember')
        .select('userId')
        .where('groupId', '=', group)
        .orderBy('userId')
        .execute();
      return rows.map((row) => row.userId);
    },
    async groupsOf(user) {
      const rows = await db
        .selectFrom('groupMember')
        .select('groupId')
        .where('userId', '=', user)
        .orderBy('groupId')
        .execute();
      return rows.map((row) => row.groupId);
    },
    async memberships(of) {
      const found = new Map<UserId, GroupId[]>();
      const all = db.selectFrom('groupMember').select(['userId', 'groupId']).orderBy('userId').orderBy('groupId');
      const queries = of === undefined ? [all] : partsOf(of).map((part) => all.where('userId', 'in', part));
      for (const query of queries)
        for (const { userId, groupId } of await query.execute()) {
          const known = found.get(userId);
          if (known === undefined) found.set(userId, [groupId]);
          else known.push(groupId);
        }
      return found;
    },
  };
}
