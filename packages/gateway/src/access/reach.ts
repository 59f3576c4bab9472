import type { AccessExplanation } from '@enchilada/contract';
import {
  decideFor,
  explainAccess,
  type Grant,
  type GrantAction,
  type GrantFinding,
  groupAncestors,
  permissionsOf,
} from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
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
  const groups = await moment.machineGroups();
  const ancestors = new Map<TargetGroupId | undefined, readonly TargetGroupId[]>();
  for (const { groupId } of machines)
    if (!ancestors.has(groupId)) ancestors.set(groupId, groupAncestors(groups, groupId));
  const grants = await moment.grants();
  const [bySubject, memberships] = [grantsBySubject(grants), await moment.memberships(grants)];
  const reaches: Reach[] = [];
  for (const person of people) {
    if (obstaclesOf(person, undefined).length > 0) continue;
    const groupIds = memberships.get(person.id) ?? [];
    const own = [person.id, ...groupIds].flatMap((id) => bySubject.get(id) ?? []);
    if (own.length === 0) continue;
    const passes = await moment.passes(person.id, own);
    const circumstances = moment.circumstances(undefined);
    const view = { userId: person.id, groupIds, grants: [...own, ...passes], circumstances };
    const decide = decideFor(view);
    for (const machine of machines) {
      const above = ancestors.get(machine.groupId) ?? [];
      const actions = [...decide(machine, above)];
      if (actions.length === 0) continue;
      const giving = givingOf(explainAccess(view, machine, above), actions);
      const isOnlyConditional = giving.every((finding) => isConditional(finding, true));
      reaches.push({
        ...{ person, machine, actions, isConditional: isOnlyConditional },
        giving: giving.map(({ grant }) => grant),
      });
    }
  }
  return { reaches, obstacles: obstaclesTo(user === undefined ? [] : people, target === undefined ? [] : machines) };
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
  const machines = (await moment.machines()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return word === undefined ? machines : found(machines.filter(({ name }) => name === word));
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
