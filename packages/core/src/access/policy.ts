import { PLACED_BY_TAG, TAG_PREFIX } from '../discovery/labels.ts';
import type { GroupId, UserId } from '../identity/index.ts';
import type { Target, TargetGroup, TargetGroupId } from '../target/index.ts';
import { type Circumstances, isReadable, nextLook, type UnmetCondition, unmetConditions } from './conditions.ts';
import { deniedActions, type Grant, type GrantAction, type GrantScope } from './grant.ts';

/** The person's side of a decision. */
export interface AccessView {
  readonly userId: UserId;
  readonly groupIds: readonly GroupId[];
  readonly grants: readonly Grant[];
  readonly circumstances: Circumstances;
}

/** What a decision asks of a target. */
export type PlacedTarget = Pick<Target, 'id' | 'groupId' | 'labels' | 'goneAt'>;

/** The group and its ancestors, nearest first. A loop in the data ends the walk. */
export function groupAncestors(
  groups: ReadonlyMap<TargetGroupId, TargetGroup>,
  start: TargetGroupId | undefined,
): readonly TargetGroupId[] {
  const path: TargetGroupId[] = [];
  for (let id = start; id !== undefined && !path.includes(id); id = groups.get(id)?.parentId) path.push(id);
  return path;
}

function covers(scope: GrantScope, target: PlacedTarget, ancestors: readonly TargetGroupId[]): boolean {
  switch (scope.kind) {
    case 'all':
      return true;
    case 'target':
      return scope.id === target.id;
    // A machine that somebody's tag moved into a group is shown there, and gets no rights from it.
    case 'target-group':
      return ancestors.includes(scope.id) && !Object.hasOwn(target.labels, PLACED_BY_TAG);
    case 'labels':
      return carries(target.labels, scope.selector);
  }
}

/** Asked for every grant in every decision: plain loops. */
function carries(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, readonly string[]>>,
): boolean {
  const keys = Object.keys(selector);
  for (const key of keys) {
    const value = labels[key];
    if (value === undefined || selector[key]?.includes(value) !== true) return false;
    if (!Object.hasOwn(labels, key) || key.startsWith(TAG_PREFIX)) return false;
  }
  return keys.length > 0;
}

export { covers as scopeCovers };

/** Whether the grant is about the target at all. */
export function coversTarget(
  { scope, pass, effect }: Grant,
  target: PlacedTarget,
  ancestors: readonly TargetGroupId[],
): boolean {
  // INVARIANT: a tag that anybody may set leads out of what allows, and never out of what forbids.
  if (effect === 'deny' && scope.kind === 'target-group') return ancestors.includes(scope.id);
  return covers(scope, target, ancestors) && (pass === undefined || covers(pass.within, target, ancestors));
}

function isSubject({ subject }: Grant, { userId, groupIds }: Pick<AccessView, 'userId' | 'groupIds'>): boolean {
  return subject.kind === 'user' ? subject.id === userId : groupIds.includes(subject.id);
}

/** Whether a grant counts. Where it is asked what there is at all, an allowance may hold at some time, and a denial may not. */
function countsNow({ conditions, effect }: Grant, circumstances: Circumstances): boolean {
  if (conditions === undefined) return true;
  const { address, isMoment = false } = circumstances;
  if (unmetConditions(conditions, circumstances).length > 0)
    return effect === 'deny' && (address !== undefined || isMoment) && !isReadable(conditions);
  const isTimeless = (conditions.times === undefined || isMoment) && conditions.networks === undefined;
  return effect !== 'deny' || address !== undefined || isTimeless;
}

/** Those about the person, as far as they count now. */
export function countingGrants(view: AccessView): readonly Grant[] {
  return view.grants.filter((grant) => isSubject(grant, view) && countsNow(grant, view.circumstances));
}

export type Decide = (target: PlacedTarget, ancestors: readonly TargetGroupId[]) => ReadonlySet<GrantAction>;

const NOTHING: ReadonlySet<GrantAction> = new Set();

interface Rules {
  readonly everywhere: Grant[];
  readonly byTarget: Map<string, Grant[]>;
  readonly byGroup: Map<string, Grant[]>;
  /** By one key of the selector and the value of it that a target has. INVARIANT: a grant lies under one key alone, and so is met once. */
  readonly byLabel: Map<string, Map<string, Grant[]>>;
}

/** The key of a selector that has the fewest values; none where no target can match. */
export function narrowestKey(selector: Readonly<Record<string, readonly string[]>>): string | undefined {
  const wanted = Object.entries(selector);
  if (wanted.some(([key]) => key.startsWith(TAG_PREFIX))) return undefined;
  return wanted.toSorted(([, a], [, b]) => a.length - b.length)[0]?.[0];
}

function sorted(grants: readonly Grant[]): Rules {
  const rules: Rules = { everywhere: [], byTarget: new Map(), byGroup: new Map(), byLabel: new Map() };
  const put = (map: Map<string, Grant[]>, id: string, grant: Grant): void => {
    const list = map.get(id);
    if (list === undefined) map.set(id, [grant]);
    else list.push(grant);
  };
  for (const grant of grants) {
    const { scope } = grant;
    if (scope.kind === 'all') rules.everywhere.push(grant);
    else if (scope.kind === 'target') put(rules.byTarget, scope.id, grant);
    else if (scope.kind === 'target-group') put(rules.byGroup, scope.id, grant);
    else {
      const key = narrowestKey(scope.selector);
      if (key === undefined) continue;
      let byValue = rules.byLabel.get(key);
      if (byValue === undefined) rules.byLabel.set(key, (byValue = new Map<string, Grant[]>()));
      for (const value of new Set(scope.selector[key])) put(byValue, value, grant);
    }
  }
  return rules;
}

/**
 * The one policy function: which actions the person may take on a target. Deny by default, and whatever denies wins.
 * REST, WebSocket upgrades, search, counts and downloads all ask here; who asks for many targets prepares the person's grants once.
 */
export function decideFor(view: AccessView): Decide {
  const rules = sorted(countingGrants(view));
  return (target, ancestors) => {
    if (target.goneAt !== undefined) return NOTHING;
    // Most machines are somebody else's: nothing is made for them.
    let allowed: Set<GrantAction> | undefined;
    let denied: GrantAction[] | undefined;
    const apply = (grants: readonly Grant[] | undefined): void => {
      if (grants === undefined) return;
      for (const grant of grants) {
        if (!coversTarget(grant, target, ancestors)) continue;
        if (grant.effect === 'deny') (denied ??= []).push(...deniedActions(grant.actions));
        else for (const action of grant.actions) (allowed ??= new Set()).add(action);
      }
    };
    apply(rules.everywhere);
    apply(rules.byTarget.get(target.id));
    for (const id of ancestors) apply(rules.byGroup.get(id));
    for (const [key, byValue] of rules.byLabel)
      if (Object.hasOwn(target.labels, key)) apply(byValue.get(target.labels[key] ?? ''));
    if (allowed === undefined) return NOTHING;
    if (denied !== undefined) for (const action of denied) allowed.delete(action);
    return allowed;
  };
}

export function allowedActions(
  view: AccessView,
  target: PlacedTarget,
  ancestors: readonly TargetGroupId[],
): ReadonlySet<GrantAction> {
  // What is about another machine need not be prepared, nor its conditions judged.
  const grants = view.grants.filter((grant) => coversTarget(grant, target, ancestors));
  return decideFor({ ...view, grants })(target, ancestors);
}

/** What became of one of somebody's grants, for one target. */
export interface GrantFinding {
  readonly grant: Grant;
  /** Conditions that do not hold. */
  readonly unmet: readonly UnmetCondition[];
  readonly counts: boolean;
}

/** Why somebody may, or may not: every grant about the person and the machine, and whether it counts now. INVARIANT: judged by the same functions as the decision. */
export function explainAccess(
  view: AccessView,
  target: PlacedTarget,
  ancestors: readonly TargetGroupId[],
): readonly GrantFinding[] {
  if (target.goneAt !== undefined) return [];
  return view.grants
    .filter((grant) => isSubject(grant, view) && coversTarget(grant, target, ancestors))
    .map((grant) => ({
      grant,
      unmet: unmetConditions(grant.conditions, view.circumstances),
      counts: countsNow(grant, view.circumstances),
    }));
}

/** The first moment until `horizon` at which time alone changes the answer to one that is not enough; undefined where it stays. */
export function accessUntil(
  view: AccessView,
  question: {
    readonly target: PlacedTarget;
    readonly ancestors: readonly TargetGroupId[];
    readonly isEnough: (actions: ReadonlySet<GrantAction>) => boolean;
  },
  horizon: number,
): number | undefined {
  const { target, ancestors, isEnough } = question;
  const grants = view.grants.filter((grant) => isSubject(grant, view) && coversTarget(grant, target, ancestors));
  const lookAfter = (now: number): number =>
    Math.min(...grants.map(({ conditions }) => (conditions === undefined ? Infinity : nextLook(conditions, now))));
  for (let now = lookAfter(view.circumstances.now); now <= horizon; now = lookAfter(now)) {
    const circumstances = { ...view.circumstances, now };
    if (!isEnough(allowedActions({ ...view, grants, circumstances }, target, ancestors))) return now;
  }
  return undefined;
}
