import type { Target, TargetGroupId } from '../target/index.ts';
import type { Circumstances } from './conditions.ts';
import type { Grant } from './grant.ts';
import { type AccessView, coversTarget, decideFor } from './policy.ts';

/** A change of the grants: what is given, or what is withdrawn. */
export type GrantChange = { readonly add: Grant } | { readonly remove: Grant };

export interface Placement {
  readonly target: Target;
  readonly ancestors: readonly TargetGroupId[];
}

/** The machines on which somebody may do more, or less, once the change is made. */
export interface EffectOnPerson {
  readonly gained: readonly Target[];
  readonly lost: readonly Target[];
}

/**
 * What a change does, at any time and from anywhere. INVARIANT: judged by the function that decides.
 * People who have the same grants meet the same effect, and it is worked out once for them.
 */
export class EffectOfChange {
  readonly #changed: Grant;
  readonly #after: (grants: readonly Grant[]) => readonly Grant[];
  readonly #placements: readonly Placement[];
  readonly #circumstances: Circumstances;
  readonly #known = new Map<string, EffectOnPerson>();

  constructor(change: GrantChange, placements: Iterable<Placement>, now: number) {
    const changed = 'add' in change ? change.add : change.remove;
    this.#changed = changed;
    this.#after =
      'add' in change ? (grants) => [...grants, changed] : (grants) => grants.filter(({ id }) => id !== changed.id);
    this.#placements = [...placements].filter(({ target, ancestors }) => coversTarget(changed, target, ancestors));
    this.#circumstances = { now, address: undefined };
  }

  /** @param person somebody the change is about, with the grants that are about them before it */
  on(person: Omit<AccessView, 'circumstances'>): EffectOnPerson {
    const key = person.grants.map(({ id }) => id).join(' ');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const before = decideFor({ ...person, circumstances: this.#circumstances });
    const after = decideFor({ ...person, grants: this.#after(person.grants), circumstances: this.#circumstances });
    const gained: Target[] = [];
    const lost: Target[] = [];
    for (const { target, ancestors } of this.#placements) {
      const [had, has] = [before(target, ancestors), after(target, ancestors)];
      if ([...has].some((action) => !had.has(action))) gained.push(target);
      if ([...had].some((action) => !has.has(action))) lost.push(target);
    }
    const effect = { gained, lost };
    this.#known.set(key, effect);
    return effect;
  }

  get changed(): Grant {
    return this.#changed;
  }
}
