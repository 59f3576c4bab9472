import type { Group, User as UserView } from '@enchilada/contract';
import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { User, UserGroup } from '@enchilada/core/identity';
import type { StoreTransaction } from '@enchilada/core/store';
import { randomId } from '@enchilada/core/time';
import { deleteGrantsOf, withdrawnEvents } from '../access/grant-events.ts';
import { endLoginsOf } from '../auth/logins.ts';
import { requireStrong } from '../auth/password-rule.ts';
import { actorOf, eventOf, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { pageOf } from './offset-page.ts';
import { requireHeld } from './require-held.ts';
import { requireCurrent } from './require-current.ts';
import { subjectsNamed } from './subject-handlers.ts';

type UserHandlers = Pick<
  Handlers,
  | 'listUsers'
  | 'createUser'
  | 'getUser'
  | 'updateUser'
  | 'deleteUser'
  | 'setUserPassword'
  | 'listGroups'
  | 'createGroup'
  | 'updateGroup'
  | 'deleteGroup'
  | 'listMembers'
  | 'addMember'
  | 'removeMember'
>;

function viewOf(user: User, groupIds: readonly string[], factors: number): UserView {
  return {
    id: user.id,
    username: user.username,
    displayName: user.displayName,
    role: user.role,
    breakGlass: user.breakGlass,
    disabled: user.disabledAt !== undefined,
    hasPassword: user.passwordHash !== undefined,
    service: user.isService === true,
    factors,
    groupIds: [...groupIds],
    createdAt: user.createdAt,
    ...(user.lastLoginAt === undefined ? {} : { lastLoginAt: user.lastLoginAt }),
    version: user.version,
  };
}

function withoutPassword(): Fault {
  return new Fault('CONFLICT', 'a service account has no password, it uses API tokens');
}

async function keepAnAdministrator(tx: StoreTransaction): Promise<void> {
  if ((await tx.users.countEnabledAdministrators()) === 0)
    throw new Fault('LAST_ADMINISTRATOR', 'this is the last enabled administrator');
}

async function setGroups(
  tx: StoreTransaction,
  userId: string,
  groupIds: readonly string[],
): Promise<{ readonly added: readonly string[]; readonly removed: readonly string[] }> {
  const before = await tx.groups.groupsOf(userId);
  const added = groupIds.filter((id) => !before.includes(id));
  const removed = before.filter((id) => !groupIds.includes(id));
  for (const id of added) {
    if ((await tx.groups.find(id)) === undefined)
      throw new Fault('INVALID_REQUEST', `groupIds names a group that does not exist: ${id}`, {
        facts: { field: 'body/groupIds' },
      });
    await tx.groups.addMember(id, userId);
  }
  for (const id of removed) await tx.groups.removeMember(id, userId);
  return { added, removed };
}

export function userHandlers(parts: ApiParts): UserHandlers {
  const { store, settlements, hasher, clock, random } = parts;

  async function found<T>(value: Promise<T | undefined>): Promise<T> {
    const object = await value;
    if (object === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
    return object;
  }
  const userObject = (user: User) => ({ kind: 'user' as const, id: user.id, name: user.username });
  const groupObject = (group: UserGroup) => ({ kind: 'group' as const, id: group.id, name: group.name });

  const describe = async (user: User): Promise<UserView> =>
    viewOf(user, await store.now.groups.groupsOf(user.id), (await parts.factors.listOf(user.id)).length);

  /** @param ids all of them, where they are not everybody */
  async function describeAll(users: readonly User[], ids?: readonly string[]): Promise<UserView[]> {
    const [membership, factors] = await Promise.all([
      store.now.groups.memberships(ids),
      store.now.secondFactors.counts(),
    ]);
    return users.map((user) => viewOf(user, [...(membership.get(user.id) ?? [])], factors.get(user.id) ?? 0));
  }

  async function groupView(id: string): Promise<Group> {
    const group = await found(store.now.groups.find(id));
    return {
      id: group.id,
      name: group.name,
      description: group.description,
      requiresSecondFactor: group.requiresSecondFactor === true,
      createdAt: group.createdAt,
      members: (await store.now.groups.members(id)).length,
    };
  }

  return {
    listUsers: async (_context, { query }) => {
      const { text, cursor, limit } = query;
      if (text === undefined && cursor === undefined && limit === undefined) {
        const users = await store.now.users.list();
        return { items: await describeAll(users), total: users.length };
      }
      const named = subjectsNamed(await store.now.users.names(), text ?? '');
      const { items, ...page } = pageOf([...named.keys()], query, (at) => named[at]);
      const ids = items.map(({ id }) => id);
      const users = new Map((await store.now.users.findMany(ids)).map((user) => [user.id, user]));
      return {
        ...page,
        items: await describeAll(
          ids.flatMap((id) => users.get(id) ?? []),
          ids,
        ),
      };
    },

    createUser: async (context, { body }) => {
      requireHeld(context, body.role);
      if (body.service === true && body.password !== undefined) throw withoutPassword();
      const password = body.password === undefined ? undefined : new Secret(body.password);
      if (password !== undefined) requireStrong(password, body.username);
      const user: User = {
        id: `usr_${randomId(random)}`,
        username: body.username,
        displayName: body.displayName,
        role: body.role,
        passwordHash: password === undefined ? undefined : await hasher.hash(password),
        breakGlass: false,
        disabledAt: undefined,
        createdAt: clock.now(),
        lastLoginAt: undefined,
        preferences: {},
        version: 1,
        ...(body.service === true ? { isService: true } : {}),
      };
      await settlements.write(async (tx) => {
        await tx.users.insert(user);
        await setGroups(tx, user.id, body.groupIds ?? []);
        const service = user.isService === true ? { service: true } : {};
        const did = eventOf(context, 'user.created', {
          object: userObject(user),
          detail: { role: user.role, ...service },
        });
        return { result: undefined, events: [did] };
      });
      return viewOf(user, body.groupIds ?? [], 0);
    },

    getUser: async (_context, { params }) => describe(await found(store.now.users.find(params.id))),

    updateUser: async (context, { params, body }) => {
      if (body.role !== undefined) requireHeld(context, body.role);
      const before = await found(store.now.users.find(params.id));
      requireHeld(context, before.role);
      requireCurrent(before, body.version);
      const disabledAt =
        body.disabled === undefined
          ? before.disabledAt
          : body.disabled
            ? (before.disabledAt ?? clock.now())
            : undefined;
      const wanted: User = {
        ...before,
        version: body.version,
        username: body.username ?? before.username,
        displayName: body.displayName ?? before.displayName,
        role: body.role ?? before.role,
        disabledAt,
      };
      const after = await settlements.write(async (tx) => {
        const updated = await tx.users.update(wanted);
        const moved =
          body.groupIds === undefined ? { added: [], removed: [] } : await setGroups(tx, before.id, body.groupIds);
        await keepAnAdministrator(tx);
        const isOut = updated.disabledAt !== undefined && before.disabledAt === undefined;
        if (isOut || updated.role !== before.role) await endLoginsOf(tx, updated, clock.now());
        await tx.commands.post({ kind: 'recheck-user', userId: updated.id }, clock.now());
        const userId = updated.id;
        const did = eventOf(context, isOut ? 'user.disabled' : 'user.updated', {
          object: userObject(updated),
          detail: {
            role: updated.role,
            disabled: updated.disabledAt !== undefined,
          },
        });
        const added = moved.added.map((id) =>
          eventOf(context, 'group.member-added', { object: { kind: 'group', id }, detail: { userId } }),
        );
        const removed = moved.removed.map((id) =>
          eventOf(context, 'group.member-removed', { object: { kind: 'group', id }, detail: { userId } }),
        );
        return { result: updated, events: [did, ...added, ...removed] };
      });
      return describe(after);
    },

    deleteUser: async (context, { params, query }) => {
      const user = await found(store.now.users.find(params.id));
      requireHeld(context, user.role);
      requireCurrent(user, query.version);
      await settlements.write(async (tx) => {
        const withdrawn = await deleteGrantsOf(tx, ({ subject }) => subject.kind === 'user' && subject.id === user.id);
        const { removed } = await setGroups(tx, user.id, []);
        await endLoginsOf(tx, user, clock.now());
        await tx.users.delete(user.id);
        await keepAnAdministrator(tx);
        await tx.commands.post({ kind: 'recheck-user', userId: user.id }, clock.now());
        const detail: Readonly<Record<string, string>> = removed.length === 0 ? {} : { groups: removed.join(' ') };
        const did = eventOf(context, 'user.deleted', { object: userObject(user), detail });
        const by = { ...actorOf(context), reason: 'the person was deleted' };
        return { result: undefined, events: [did, ...withdrawnEvents(withdrawn, by)] };
      });
      return undefined;
    },

    setUserPassword: async (context, { params, body }) => {
      const user = await found(store.now.users.find(params.id));
      requireHeld(context, user.role);
      if (user.isService === true) throw withoutPassword();
      const password = new Secret(body.password);
      requireStrong(password, user.username);
      const passwordHash = await hasher.hash(password);
      await settlements.write(async (tx) => {
        await tx.users.update({ ...user, passwordHash });
        await endLoginsOf(tx, user, clock.now());
        const did = eventOf(context, 'user.password-changed', {
          object: userObject(user),
          detail: { byAdministrator: true },
        });
        return { result: undefined, events: [did] };
      });
      return undefined;
    },

    listGroups: async () => ({
      items: (await store.now.groups.list()).map(({ id, name, description, createdAt, members, ...group }) => ({
        id,
        name,
        description,
        requiresSecondFactor: group.requiresSecondFactor === true,
        createdAt,
        members,
      })),
    }),

    createGroup: async (context, { body }) => {
      const group: UserGroup = { id: `grp_${randomId(random)}`, ...body, createdAt: clock.now() };
      await settlements.write(async (tx) => {
        await tx.groups.insert(group);
        return { result: undefined, events: [eventOf(context, 'group.created', { object: groupObject(group) })] };
      });
      return groupView(group.id);
    },

    updateGroup: async (context, { params, body }) => {
      const group = { ...(await found(store.now.groups.find(params.id))), ...body };
      const detail = { requiresSecondFactor: group.requiresSecondFactor === true };
      await settlements.write(async (tx) => {
        await tx.groups.update(group);
        return {
          result: undefined,
          events: [eventOf(context, 'group.updated', { object: groupObject(group), detail })],
        };
      });
      return groupView(group.id);
    },

    deleteGroup: async (context, { params }) => {
      const group = await found(store.now.groups.find(params.id));
      await settlements.write(async (tx) => {
        const withdrawn = await deleteGrantsOf(
          tx,
          ({ subject }) => subject.kind === 'group' && subject.id === group.id,
        );
        await tx.groups.delete(group.id);
        await tx.commands.post({ kind: 'recheck-all' }, clock.now());
        const did = eventOf(context, 'group.deleted', { object: groupObject(group) });
        const by = { ...actorOf(context), reason: 'the group was deleted' };
        return { result: undefined, events: [did, ...withdrawnEvents(withdrawn, by)] };
      });
      return undefined;
    },

    listMembers: async (_context, { params, query }) => {
      await found(store.now.groups.find(params.id));
      const inside = new Set(await store.now.groups.members(params.id));
      const members = (await store.now.users.names()).filter(({ id }) => inside.has(id));
      const named = subjectsNamed(members, query.text ?? '');
      const { items, ...page } = pageOf([...named.keys()], query, (at) => named[at]);
      return { ...page, items: items.map(({ id, name, detail }) => ({ id, username: name, displayName: detail })) };
    },

    addMember: async (context, { params, body }) => {
      const group = await found(store.now.groups.find(params.id));
      const user = await found(store.now.users.find(body.userId));
      const detail = { userId: user.id, username: user.username };
      await settlements.write(async (tx) => {
        await tx.groups.addMember(group.id, user.id);
        await tx.commands.post({ kind: 'recheck-user', userId: user.id }, clock.now());
        return {
          result: undefined,
          events: [eventOf(context, 'group.member-added', { object: groupObject(group), detail })],
        };
      });
      return undefined;
    },

    removeMember: async (context, { params }) => {
      const group = await found(store.now.groups.find(params.id));
      const user = await found(store.now.users.find(params.userId));
      const detail = { userId: user.id, username: user.username };
      await settlements.write(async (tx) => {
        await tx.groups.removeMember(group.id, user.id);
        await tx.commands.post({ kind: 'recheck-user', userId: user.id }, clock.now());
        return {
          result: undefined,
          events: [eventOf(context, 'group.member-removed', { object: groupObject(group), detail })],
        };
      });
      return undefined;
    },
  };
}
