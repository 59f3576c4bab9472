import type { TargetGroupId } from '../target/index.ts';
import { deniedActions, GRANT_ACTIONS, type GrantAction, type GrantScope } from './grant.ts';
import { type AccessView, countingGrants, coversTarget, narrowestKey, type PlacedTarget } from './policy.ts';

const NONE: readonly number[] = [];
const NO_GROUPS: readonly TargetGroupId[] = [];

/** Many targets, and where those are that a grant may be about. Made once for everybody who asks. */
export class TargetIndex {
  readonly targets: readonly PlacedTarget[];
  /** Of each target, in the same order: a hundred thousand are looked at one after the other, and a lookup by name for each costs most of it. */
  readonly ancestors: readonly (readonly TargetGroupId[])[];
  readonly gone: readonly number[];
  readonly #byId = new Map<string, readonly number[]>();
  readonly #byGroup = new Map<TargetGroupId, number[]>();
  /** Of those keys that grants have asked for. */
  readonly #byLabel = new Map<string, ReadonlyMap<string, readonly number[]>>();
  #all: readonly number[] | undefined;

  constructor(targets: readonly PlacedTarget[], ancestors: ReadonlyMap<TargetGroupId, readonly TargetGroupId[]>) {
    this.targets = targets;
    this.ancestors = targets.map(({ groupId }) =>
      groupId === undefined ? NO_GROUPS : (ancestors.get(groupId) ?? NO_GROUPS),
    );
    this.gone = targets.flatMap(({ goneAt }, index) => (goneAt === undefined ? [] : [index]));
    for (const [index, target] of targets.entries()) {
      this.#byId.set(target.id, [index]);
      for (const group of this.ancestors[index] ?? NO_GROUPS) {
        const list = this.#byGroup.get(group);
        if (list === undefined) this.#byGroup.set(group, [index]);
        else list.push(index);
      }
    }
  }

  /** Where everything is that the scope can cover, and some more. */
  candidates(scope: GrantScope): readonly number[] {
    switch (scope.kind) {
      case 'all':
        return (this.#all ??= this.targets.map((_, index) => index));
      case 'target':
        return this.#byId.get(scope.id) ?? NONE;
      case 'target-group':
        return this.#byGroup.get(scope.id) ?? NONE;
      case 'labels': {
        const key = narrowestKey(scope.selector);
        if (key === undefined) return NONE;
        const byValue = this.#valuesOf(key);
        const values = [...new Set(scope.selector[key])];
        return values.length === 1
          ? (byValue.get(values[0] ?? '') ?? NONE)
          : values.flatMap((value) => byValue.get(value) ?? NONE);
      }
    }
  }

  #valuesOf(key: string): ReadonlyMap<string, readonly number[]> {
    const known = this.#byLabel.get(key);
    if (known !== undefined) return known;
    const byValue = new Map<string, number[]>();
    for (const [index, { labels }] of this.targets.entries()) {
      if (!Object.hasOwn(labels, key)) continue;
      const value = labels[key] ?? '';
      const list = byValue.get(value);
      if (list === undefined) byValue.set(value, [index]);
      else list.push(index);
    }
    this.#byLabel.set(key, byValue);
    return byValue;
  }
}

/** A set of actions as bits, in the order of `GRANT_ACTIONS`. */
export type ActionBits = number;

const BIT = new Map(GRANT_ACTIONS.map((action, index) => [action, 1 << index]));

export function bitsOf(actions: Iterable<GrantAction>): ActionBits {
  let bits = 0;
  for (const action of actions) bits |= BIT.get(action) ?? 0;
  return bits;
}

const sets = new Map<ActionBits, ReadonlySet<GrantAction>>();

/** One set for all who have the same. */
export function actionsOf(bits: ActionBits): ReadonlySet<GrantAction> {
  const known = sets.get(bits);
  if (known !== undefined) return known;
  const made = new Set(GRANT_ACTIONS.filter((action) => (bits & bitsOf([action])) !== 0));
  sets.set(bits, made);
  return made;
}

/**
 * What `decideFor` answers for every target of the index, as bits. It goes from the grants to the targets: most targets are somebody else's.
 * INVARIANT: who is meant, whether a grant counts and what it covers is judged by the same functions.
 */
export function decideForAll(view: AccessView, index: TargetIndex): Uint16Array {
  const { targets, ancestors, gone } = index;
  const allowed = new Uint16Array(targets.length);
  const denied = new Uint16Array(targets.length);
  for (const grant of countingGrants(view)) {
    const isDenial = grant.effect === 'deny';
    const bits = bitsOf(isDenial ? deniedActions(grant.actions) : grant.actions);
    const marks = isDenial ? denied : allowed;
    for (const at of index.candidates(grant.scope)) {
      const target = targets[at];
      if (target !== undefined && coversTarget(grant, target, ancestors[at] ?? NO_GROUPS))
        marks[at] = (marks[at] ?? 0) | bits;
    }
  }
  for (let at = 0; at < allowed.length; at += 1) allowed[at] = (allowed[at] ?? 0) & ~(denied[at] ?? 0);
  for (const at of gone) allowed[at] = 0;
  return allowed;
}
