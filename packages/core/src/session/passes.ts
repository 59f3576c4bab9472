import { approvalOf, approvers, passOf } from '../access/index.ts';
import type { AccessRequest, Digest, Grant, GrantId } from '../access/index.ts';
import type { GroupId, UserId } from '../identity/index.ts';
import type { Store } from '../store/index.ts';

export interface PassesOf {
  readonly userId: UserId;
  /** Their own. */
  readonly grants: readonly Grant[];
  readonly now: number;
  readonly digest: Digest;
}

/** What approved requests give somebody who opens a session: those that are not used up, agreed to by people who still may. */
export async function passesToOpen(store: Pick<Store, 'now'>, of: PassesOf): Promise<readonly Grant[]> {
  if (!of.grants.some((grant) => approvalOf(grant) !== undefined)) return [];
  const requests = await store.now.requests.usableOf(of.userId, of.now);
  const passes = await Promise.all(
    requests.map(async (request) => {
      const grant = of.grants.find(({ id }) => id === request.grantId);
      const standing = await standingOf(store, request, grant);
      return passOf(request, grant, { ...of, isStanding: (id) => standing.has(id) });
    }),
  );
  return passes.filter((pass) => pass !== undefined);
}

/** What a session that has used up an approval rests on. Who agreed to it did so in time. */
export async function passOfSession(
  store: Pick<Store, 'now'>,
  seat: GrantId | undefined,
  of: PassesOf,
): Promise<readonly Grant[]> {
  if (seat === undefined || !of.grants.some((grant) => approvalOf(grant) !== undefined)) return [];
  const request = await store.now.requests.find(seat);
  if (request === undefined || request.userId !== of.userId) return [];
  const grant = of.grants.find(({ id }) => id === request.grantId);
  const pass = passOf(request, grant, { ...of, isStanding: () => true });
  return pass === undefined ? [] : [pass];
}

/** Where people are looked up who may have agreed. */
export interface PeopleAsked {
  find(id: UserId): Promise<{ readonly disabledAt: number | undefined } | undefined>;
  groupsOf(id: UserId): Promise<readonly GroupId[]>;
}

/** Those who agreed and are still enabled members of a group that decides. */
export function standingOf(
  store: Pick<Store, 'now'>,
  request: AccessRequest,
  grant: Grant | undefined,
): Promise<ReadonlySet<UserId>> {
  const { users, groups } = store.now;
  const people = { find: (id: UserId) => users.find(id), groupsOf: (id: UserId) => groups.groupsOf(id) };
  return standingAmong(people, request, grant);
}

/** The same of people at another time. */
export async function standingAmong(
  people: PeopleAsked,
  request: AccessRequest,
  grant: Grant | undefined,
): Promise<ReadonlySet<UserId>> {
  const groups = approvalOf(grant)?.groups ?? [];
  const standing = await Promise.all(
    approvers(request).map(async (id) => {
      const [user, groupIds] = await Promise.all([people.find(id), people.groupsOf(id)]);
      const holds =
        user?.disabledAt === undefined && user !== undefined && groupIds.some((each) => groups.includes(each));
      return holds ? [id] : [];
    }),
  );
  return new Set(standing.flat());
}
