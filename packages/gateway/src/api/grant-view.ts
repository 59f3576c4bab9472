import type { Grant as GrantView } from '@enchilada/contract';
import { type Grant, type GrantConditions, isTimeZone, parseCidr } from '@enchilada/core/access';
import { GRANTED_BY, TAG_PREFIX } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { Store, StoreTransaction } from '@enchilada/core/store';

/** What the subjects, scopes and makers of grants are called. */
export interface GrantNames {
  person(id: string): Promise<string | undefined>;
  group(id: string): Promise<string | undefined>;
  machine(id: string): Promise<string | undefined>;
  machineGroup(id: string): Promise<string | undefined>;
}

export function storeNames(store: Store): GrantNames {
  return namesIn(store.now);
}

export function namesIn({
  users,
  groups,
  catalog,
}: Pick<StoreTransaction, 'users' | 'groups' | 'catalog'>): GrantNames {
  return {
    person: async (id) => (await users.find(id))?.username,
    group: async (id) => (await groups.find(id))?.name,
    machine: async (id) => (await catalog.findTarget(id))?.name,
    machineGroup: async (id) => (await catalog.findGroup(id))?.name,
  };
}

async function scopeName(names: GrantNames, { scope }: Pick<Grant, 'scope'>): Promise<string | undefined> {
  switch (scope.kind) {
    case 'target':
      return names.machine(scope.id);
    case 'target-group':
      return names.machineGroup(scope.id);
    case 'all':
    case 'labels':
      return undefined;
  }
}

function subjectName(names: GrantNames, { subject }: Pick<Grant, 'subject'>): Promise<string | undefined> {
  return subject.kind === 'user' ? names.person(subject.id) : names.group(subject.id);
}

/** Who may reach what, in a few words that outlive both: for the audit log. */
export async function grantName(names: GrantNames, grant: Grant): Promise<string> {
  const { subject, scope } = grant;
  const [who, what] = await Promise.all([subjectName(names, grant), scopeName(names, grant)]);
  const covered =
    scope.kind === 'all'
      ? '*'
      : scope.kind === 'labels'
        ? Object.entries(scope.selector)
            .map(([key, values]) => `${key} in (${values.join(', ')})`)
            .join(', ')
        : (what ?? scope.id);
  return `${who ?? subject.id} → ${covered}`;
}

function conditionsView({
  times,
  networks,
  notAfter,
  approval,
  secondFactor,
  ...limits
}: GrantConditions): NonNullable<GrantView['conditions']> {
  return {
    ...(times === undefined
      ? {}
      : {
          times: {
            zone: times.zone,
            windows: times.windows.map(({ days, from, to }) => ({ days: [...days], from, to })),
          },
        }),
    ...(networks === undefined ? {} : { networks: [...networks] }),
    ...(notAfter === undefined ? {} : { notAfter }),
    ...(secondFactor === undefined ? {} : { secondFactor: { ...secondFactor } }),
    ...(approval === undefined ? {} : { approval: { ...approval, groups: [...approval.groups] } }),
    ...limits,
  };
}

/** Grants with the names of what they are about, in the same order. */
export function grantViews(names: GrantNames, grants: readonly Grant[]): Promise<readonly GrantView[]> {
  return Promise.all(
    grants.map(async (grant) => {
      const [subject, scope, creator] = await Promise.all([
        subjectName(names, grant),
        scopeName(names, grant),
        names.person(grant.createdBy),
      ]);
      const selector =
        grant.scope.kind === 'labels'
          ? Object.fromEntries(Object.entries(grant.scope.selector).map(([key, values]) => [key, [...values]]))
          : {};
      return {
        id: grant.id,
        subject: { ...grant.subject },
        subjectName: subject ?? '',
        scope: grant.scope.kind === 'labels' ? { kind: 'labels' as const, selector } : { ...grant.scope },
        ...(scope === undefined ? {} : { scopeName: scope }),
        actions: [...grant.actions],
        effect: grant.effect ?? 'allow',
        ...(grant.conditions === undefined ? {} : { conditions: conditionsView(grant.conditions) }),
        createdAt: grant.createdAt,
        createdBy: creator ?? grant.createdBy,
      };
    }),
  );
}

/** @throws Fault INVALID_REQUEST for what names nothing, could never hold, or gives power to whoever tags machines */
export async function requireGoodGrant(store: Store, grant: Grant, now: number): Promise<void> {
  const { scope } = grant;
  const names = storeNames(store);
  const wrong = (field: string, message: string): Fault =>
    new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/${field}` } });
  if ((await subjectName(names, grant)) === undefined) throw wrong('subject', 'names nobody');
  if (scope.kind !== 'all' && scope.kind !== 'labels' && (await scopeName(names, grant)) === undefined)
    throw wrong('scope', 'names nothing that exists');
  if (scope.kind === 'labels' && Object.values(scope.selector).every((values) => values.length === 0))
    throw wrong('scope', 'must name at least one label with a value');
  if (scope.kind === 'labels' && Object.hasOwn(scope.selector, GRANTED_BY))
    throw wrong('scope', `must not rest on ${GRANTED_BY}: rules of discovery make such grants themselves`);
  const tag = scope.kind === 'labels' && Object.keys(scope.selector).find((key) => key.startsWith(TAG_PREFIX));
  if (typeof tag === 'string')
    throw wrong(
      'scope',
      `must not rest on ${JSON.stringify(tag)}: whoever may tag a machine in its cloud could give themselves the grant; name the tag among the protected ones of its source and select it without ${TAG_PREFIX}`,
    );
  requireGoodConditions(grant, now);
  await requireGoodApproval(store, grant);
}

/** @throws Fault INVALID_REQUEST */
async function requireGoodApproval(store: Store, { actions, effect, conditions }: Grant): Promise<void> {
  const approval = conditions?.approval;
  if (approval === undefined) return;
  const wrong = (message: string): Fault =>
    new Fault('INVALID_REQUEST', `conditions ${message}`, { facts: { field: 'body/conditions' } });
  if (effect === 'deny') throw wrong('ask for an approval of a denial');
  if (!actions.includes('connect')) throw wrong('ask for an approval, which is for opening: connect is missing');
  if (actions.includes('watch')) throw wrong('ask for an approval, which a session uses up: watching takes none');
  for (const id of approval.groups)
    if ((await store.now.groups.find(id)) === undefined) throw wrong(`name a group that does not exist: ${id}`);
}

/** @throws Fault INVALID_REQUEST for what could never hold */
function requireGoodConditions({ conditions, effect }: Pick<Grant, 'conditions' | 'effect'>, now: number): void {
  const wrong = (message: string): Fault =>
    new Fault('INVALID_REQUEST', `conditions ${message}`, { facts: { field: 'body/conditions' } });
  if (conditions === undefined) return;
  const { times, networks, notAfter, secondFactor, sessionMinutes, concurrentSessions } = conditions;
  if (effect === 'deny' && (sessionMinutes ?? concurrentSessions) !== undefined)
    throw wrong('limit sessions, of which a grant that denies gives none');
  if (effect === 'deny' && secondFactor !== undefined)
    throw wrong('ask for a second factor, without which a grant that denies would not deny');
  if (times !== undefined && !isTimeZone(times.zone)) throw wrong(`name a time zone that is not known: ${times.zone}`);
  const bad = networks?.find((network) => parseCidr(network) === undefined);
  if (bad !== undefined) throw wrong(`name a network that is none: ${bad}`);
  if (notAfter !== undefined && notAfter <= now) throw wrong('end in the past');
}
