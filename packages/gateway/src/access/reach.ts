import type { AccessExplanation } from '@enchilada/contract';
import {
  type AccessView,
  decideFor,
  explainAccess,
  GRANT_ACTIONS,
  type Grant,
  type GrantAction,
  type GrantFinding,
  groupAncestors,
  permissionsOf,
} from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { GroupId } from '@enchilada/core/identity';
import type { TargetGroupId } from '@enchilada/core/target';
import type { JudgedMachine, JudgedPerson, PastMoment } from './policy-moment.ts';

type Obstacle = AccessExplanation['obstacles'][number] &
  ('account-disabled' | 'no-machine-permission' | 'machine-gone');

/** That one person could reach one machine. */
export interface Reach {
  readonly person: JudgedPerson;
  readonly machine: JudgedMachine;
  readonly actions: readonly GrantAction[];
  /** What gave it: grants, and what approved requests gave. */
  readonly giving: readonly Grant[];
  /** From some networks only, or once it was approved. */
  readonly isConditional: boolean;
}

export interface Reached {
  readonly reaches: readonly Reach[];
  /** Whom and what was asked about, where that is one. */
  readonly userId?: string;
  readonly targetId?: string;
  readonly obstacles: readonly Obstacle[];
}

/** By name or id, as they were called at the moment. */
export interface ReachQuestion {
  readonly user?: string;
  readonly target?: string;
}

/**
 * Who could reach what at a moment, of one person, one machine, or both.
 * @throws Fault INVALID_REQUEST where neither is named, NOT_FOUND where there was none of that name
 */
export async function reachAt(moment: PastMoment, { user, target }: ReachQuestion): Promise<Reached> {
  if (user === undefined && target === undefined)
    throw new Fault('INVALID_REQUEST', 'a person or a machine is needed', { facts: { field: 'query/user' } });
  const [people, machines] = await Promise.all([peopleOf(moment, user), machinesOf(moment, target)]);
  const ground = await groundOf(moment, machines);
  const reaches: Reach[] = [];
  for (const person of people) {
    const view = await viewOf(moment, ground, person);
    if (view === undefined) continue;
    const decide = decideFor(view);
    for (const machine of machines) {
      const actions = decide(machine, aboveOf(ground, machine));
      if (actions.size > 0) reaches.push(reachOf({ person, view }, machine, { ground, actions }));
    }
  }
  const [asked, of] = [user === undefined ? [] : people, target === undefined ? [] : machines];
  return {
    ...{ reaches, obstacles: obstaclesTo(asked, of) },
    ...(asked.length === 1 && asked[0] !== undefined ? { userId: asked[0].id } : {}),
    ...(of.length === 1 && of[0] !== undefined ? { targetId: of[0].id } : {}),
  };
}

/** What is read once for all people and machines. */
export interface Ground {
  readonly ancestors: ReadonlyMap<TargetGroupId, readonly TargetGroupId[]>;
  readonly bySubject: ReadonlyMap<string, readonly Grant[]>;
  readonly memberships: ReadonlyMap<string, readonly GroupId[]>;
}

export async function groundOf(moment: PastMoment, machines: readonly JudgedMachine[]): Promise<Ground> {
  const groups = await moment.machineGroups();
  const ancestors = new Map<TargetGroupId, readonly TargetGroupId[]>();
  for (const { groupId } of machines)
    if (groupId !== undefined && !ancestors.has(groupId)) ancestors.set(groupId, groupAncestors(groups, groupId));
  const grants = await moment.grants();
  return { ancestors, bySubject: grantsBySubject(grants), memberships: await moment.memberships(grants) };
}

function aboveOf({ ancestors }: Ground, { groupId }: JudgedMachine): readonly TargetGroupId[] {
  return (groupId === undefined ? undefined : ancestors.get(groupId)) ?? [];
}

/** Undefined where the person could reach nothing, whatever the machines. */
export async function viewOf(
  moment: PastMoment,
  { bySubject, memberships }: Ground,
  person: JudgedPerson,
): Promise<AccessView | undefined> {
  if (obstaclesOf(person, undefined).length > 0) return undefined;
  const groupIds = memberships.get(person.id) ?? [];
  const own = [person.id, ...groupIds].flatMap((id) => bySubject.get(id) ?? []);
  if (own.length === 0) return undefined;
  const passes = await moment.passes(person.id, own);
  return { userId: person.id, groupIds, grants: [...own, ...passes], circumstances: moment.circumstances(undefined) };
}

export function reachOf(
  { person, view }: { readonly person: JudgedPerson; readonly view: AccessView },
  machine: JudgedMachine,
  { ground, actions: may }: { readonly ground: Ground; readonly actions: ReadonlySet<GrantAction> },
): Reach {
  const actions = GRANT_ACTIONS.filter((action) => may.has(action));
  const giving = givingOf(explainAccess(view, machine, aboveOf(ground, machine)), actions);
  const isOnlyConditional = giving.every((finding) => isConditional(finding, true));
  return {
    ...{ person, machine, actions, isConditional: isOnlyConditional },
    giving: giving.map(({ grant }) => grant),
  };
}

async function peopleOf(moment: PastMoment, word: string | undefined): Promise<readonly JudgedPerson[]> {
  const byId = word === undefined ? undefined : await moment.person(word);
  if (byId !== undefined) return [byId];
  const people = await moment.people();
  if (word === undefined) return people;
  const name = word.toLowerCase();
  return found(people.filter(({ username }) => username.toLowerCase() === name));
}

async function machinesOf(moment: PastMoment, word: string | undefined): Promise<readonly JudgedMachine[]> {
  const byId = word === undefined ? undefined : await moment.machine(word);
  if (byId !== undefined) return [byId];
  const machines = await machinesByName(moment);
  return word === undefined ? machines : found(machines.filter(({ name }) => name === word));
}

export async function machinesByName(moment: PastMoment): Promise<readonly JudgedMachine[]> {
  return (await moment.machines()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function found<T>(all: readonly T[]): readonly T[] {
  if (all.length === 0) throw new Fault('NOT_FOUND', 'there is no such object');
  return all;
}

/** Those that let the person do some of it. */
function givingOf(findings: readonly GrantFinding[], actions: readonly GrantAction[]): readonly GrantFinding[] {
  return findings.filter(
    ({ counts, grant }) =>
      counts && grant.effect !== 'deny' && grant.actions.some((action) => actions.includes(action)),
  );
}

/** What all that were asked for have in common. */
function obstaclesTo(people: readonly JudgedPerson[], machines: readonly JudgedMachine[]): readonly Obstacle[] {
  const [person, machine] = [people[0], machines[0]];
  return obstaclesOf(people.length === 1 ? person : undefined, machines.length === 1 ? machine : undefined);
}

export function obstaclesOf(person: JudgedPerson | undefined, machine: JudgedMachine | undefined): Obstacle[] {
  const obstacles: Obstacle[] = [];
  if (machine?.goneAt !== undefined) obstacles.push('machine-gone');
  if (person?.disabledAt !== undefined) obstacles.push('account-disabled');
  if (person !== undefined && !permissionsOf(person.role).has('machine.use')) obstacles.push('no-machine-permission');
  return obstacles;
}

/** Whether a grant that counts holds at some times or from some networks only. At one moment its times are judged. */
export function isConditional({ grant: { conditions } }: GrantFinding, isMoment: boolean): boolean {
  const times = isMoment ? undefined : conditions?.times;
  return (times ?? conditions?.networks ?? conditions?.approval) !== undefined;
}

export function grantsBySubject(grants: readonly Grant[]): ReadonlyMap<string, readonly Grant[]> {
  const bySubject = new Map<string, Grant[]>();
  for (const grant of grants) bySubject.set(grant.subject.id, [...(bySubject.get(grant.subject.id) ?? []), grant]);
  return bySubject;
}
