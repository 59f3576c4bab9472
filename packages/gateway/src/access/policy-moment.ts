import {
  type AccessRequest,
  approvalOf,
  type Circumstances,
  type Grant,
  passOf,
  type PlacedTarget,
  requestAsOf,
} from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { GroupId, User, UserId } from '@enchilada/core/identity';
import { passesToOpen, standingAmong } from '@enchilada/core/session';
import type { PolicyKind, PolicyStates, Store } from '@enchilada/core/store';
import type { Target, TargetGroup, TargetGroupId } from '@enchilada/core/target';
import { type GrantNames, storeNames } from '../api/grant-view.ts';
import { sha256Hex } from '../requests/access-requests.ts';

export type JudgedPerson = Pick<User, 'id' | 'username' | 'displayName' | 'role' | 'disabledAt'>;
export type JudgedMachine = PlacedTarget & Pick<Target, 'name'>;

/** Everything that says who may do what, as it is or as it was: one set of questions, so that both are judged alike. */
export interface PolicyMoment {
  circumstances(address: string | undefined): Circumstances;
  machine(id: string): Promise<JudgedMachine | undefined>;
  person(id: UserId): Promise<JudgedPerson | undefined>;
  people(): Promise<readonly JudgedPerson[]>;
  groupsOf(id: UserId): Promise<readonly GroupId[]>;
  grants(): Promise<readonly Grant[]>;
  /** Those whose subject is the person or one of the groups. */
  grantsFor(id: UserId, groups: readonly GroupId[]): Promise<readonly Grant[]>;
  /** Who is in the groups that one of the grants names. */
  memberships(grants: readonly Grant[]): Promise<ReadonlyMap<UserId, readonly GroupId[]>>;
  machineGroups(): Promise<ReadonlyMap<TargetGroupId, TargetGroup>>;
  /** What approved requests give the person beside their grants. */
  passes(id: UserId, grants: readonly Grant[]): Promise<readonly Grant[]>;
  readonly names: GrantNames;
}

/** A moment of which everything is known, machines that are no more among it. */
export interface PastMoment extends PolicyMoment {
  machines(): Promise<readonly JudgedMachine[]>;
}

function groupsNamed(grants: readonly Grant[]): ReadonlySet<GroupId> {
  return new Set(grants.flatMap(({ subject }) => (subject.kind === 'group' ? [subject.id] : [])));
}

export function presentMoment(
  store: Store,
  { now, machineGroups }: { readonly now: number; readonly machineGroups: PolicyMoment['machineGroups'] },
): PolicyMoment {
  const { users, groups, grants, catalog } = store.now;
  return {
    circumstances: (address) => ({ now, address }),
    machine: (id) => catalog.findTarget(id),
    person: (id) => users.find(id),
    people: () => users.list(),
    groupsOf: (id) => groups.groupsOf(id),
    grants: () => grants.list(),
    grantsFor: (id, own) => grants.listFor(id, own),
    async memberships(about) {
      const named = groupsNamed(about);
      return new Map([...(await groups.memberships())].map(([id, of]) => [id, of.filter((group) => named.has(group))]));
    },
    machineGroups,
    passes: (userId, own) => passesToOpen(store, { userId, grants: own, now, digest: sha256Hex }),
    names: storeNames(store),
  };
}

/** @throws Fault HISTORY_UNKNOWN before the history of access begins, and for what is not past by the database's clock */
export async function pastMoment(store: Store, at: number): Promise<PastMoment> {
  const history = store.now.policyHistory;
  const [found, since, now] = [await history.versionAt(at), await history.knownSince(), await store.clock()];
  const unknown = (message: string): Fault => new Fault('HISTORY_UNKNOWN', message, { facts: { since } });
  if (found === undefined)
    throw unknown(`access is known since ${new Date(since).toISOString()}, asked for ${new Date(at).toISOString()}`);
  if (at > now) throw unknown(`${new Date(at).toISOString()} is not past yet`);
  const version: number = found;

  const all = <K extends PolicyKind>(kind: K) => history.states(kind, version);
  async function one<K extends PolicyKind>(kind: K, id: string): Promise<PolicyStates[K] | undefined> {
    return (await history.states(kind, version, [id])).get(id);
  }
  const allGrants = async (): Promise<readonly Grant[]> => [...(await all('grant')).values()].sort(byAge);
  const person = async (id: UserId): Promise<JudgedPerson | undefined> => personOf(await one('user', id));
  const groupsOf = async (id: UserId): Promise<readonly GroupId[]> => (await one('membership', id))?.groups ?? [];
  return {
    circumstances: (address) => ({ now: at, address, isMoment: true }),
    machine: async (id) => machineOf(await one('target', id)),
    machines: async () => [...(await all('target')).values()].flatMap((state) => machineOf(state) ?? []),
    person,
    people: async () => [...(await all('user')).values()].flatMap((state) => personOf(state) ?? []).sort(byName),
    groupsOf,
    grants: allGrants,
    async grantsFor(id, own) {
      const isOwn = ({ subject }: Grant): boolean =>
        subject.kind === 'user' ? subject.id === id : own.includes(subject.id);
      return (await allGrants()).filter(isOwn);
    },
    async memberships(about) {
      const named = groupsNamed(about);
      const found = [...(await all('membership')).values()];
      return new Map(found.map(({ id, groups }) => [id, groups.filter((group) => named.has(group))]));
    },
    machineGroups: () => all('target-group'),
    async passes(userId, own) {
      if (!own.some((grant) => approvalOf(grant) !== undefined)) return [];
      const passes: Grant[] = [];
      for (const row of await requestsOf(store, userId, at)) {
        const request = requestAsOf(row, at);
        const grant = own.find(({ id }) => id === row.grantId);
        if (request === undefined) continue;
        const standing = await standingAmong({ find: person, groupsOf }, request, grant);
        const question = { now: at, digest: sha256Hex, isStanding: (id: UserId) => standing.has(id) };
        const pass = passOf(request, grant, question);
        if (pass !== undefined) passes.push(pass);
      }
      return passes;
    },
    names: {
      person: async (id) => (await one('user', id))?.username,
      group: async (id) => (await one('group', id))?.name,
      machine: async (id) => (await one('target', id))?.name,
      machineGroup: async (id) => (await one('target-group', id))?.name,
    },
  };
}

function personOf(state: PolicyStates['user'] | undefined): JudgedPerson | undefined {
  return state && { ...state, disabledAt: state.disabledAt };
}

function machineOf(state: PolicyStates['target'] | undefined): JudgedMachine | undefined {
  return state && { ...state, groupId: state.groupId, goneAt: state.goneAt };
}

function byName(a: JudgedPerson, b: JudgedPerson): number {
  return a.username < b.username ? -1 : 1;
}

function byAge(a: Grant, b: Grant): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

const PAGE = 500;

/** Those of the person whose time was not over at the moment. */
async function requestsOf(store: Store, userId: UserId, at: number): Promise<readonly AccessRequest[]> {
  const requests: AccessRequest[] = [];
  for (let cursor: string | undefined; ;) {
    const query = { userId, openAt: at, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const { items, next } = await store.now.requests.list(query);
    requests.push(...items);
    if (next === undefined) return requests;
    cursor = next;
  }
}
