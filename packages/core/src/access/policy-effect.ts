import type { GroupId, UserId } from '../identity/index.ts';
import type { TargetGroupId, TargetId } from '../target/index.ts';
import type { Grant } from './grant.ts';
import { type Decide, decideFor, type PlacedTarget } from './policy.ts';

/** All that decides who may do what: once as it is, once as it will be. */
export interface PolicyState {
  /** Those who may use machines at all. */
  readonly people: ReadonlyMap<UserId, readonly GroupId[]>;
  readonly grants: readonly Grant[];
  readonly targets: ReadonlyMap<
    TargetId,
    { readonly target: PlacedTarget; readonly ancestors: readonly TargetGroupId[] }
  >;
}

export interface PersonEffect {
  readonly gained: readonly TargetId[];
  readonly lost: readonly TargetId[];
}

const NONE: PersonEffect = { gained: [], lost: [] };

/**
 * What becomes of everybody between two states, at any time and from anywhere; people whom nothing changes for are left out.
 * INVARIANT: judged by the function that decides. People with the same grants meet the same effect, and it is worked out once for them.
 */
export function effectBetween(before: PolicyState, after: PolicyState, now: number): ReadonlyMap<UserId, PersonEffect> {
  const sides = [new Side(before, now), new Side(after, now)] as const;
  const targets = new Set([...before.targets.keys(), ...after.targets.keys()]);
  const known = new Map<string, PersonEffect>();
  const effects = new Map<UserId, PersonEffect>();
  for (const userId of new Set([...before.people.keys(), ...after.people.keys()])) {
    const [had, has] = [sides[0].of(userId), sides[1].of(userId)];
    const key = `${had.key}\n${has.key}`;
    let effect = known.get(key);
    if (effect === undefined) {
      effect = compare(had.actionsOn, has.actionsOn, targets);
      known.set(key, effect);
    }
    if (effect.gained.length + effect.lost.length > 0) effects.set(userId, effect);
  }
  return effects;
}

type ActionsOn = (id: TargetId) => ReadonlySet<string>;

function compare(had: ActionsOn | undefined, has: ActionsOn | undefined, targets: ReadonlySet<TargetId>): PersonEffect {
  if (had === undefined && has === undefined) return NONE;
  const gained: TargetId[] = [];
  const lost: TargetId[] = [];
  for (const id of targets) {
    const [before, after] = [had?.(id) ?? NOTHING, has?.(id) ?? NOTHING];
    if ([...after].some((action) => !before.has(action))) gained.push(id);
    if ([...before].some((action) => !after.has(action))) lost.push(id);
  }
  return { gained, lost };
}

const NOTHING: ReadonlySet<string> = new Set();

class Side {
  readonly #state: PolicyState;
  readonly #now: number;
  readonly #bySubject = new Map<string, Grant[]>();

  constructor(state: PolicyState, now: number) {
    this.#state = state;
    this.#now = now;
    for (const grant of state.grants) {
      const subject = `${grant.subject.kind} ${grant.subject.id}`;
      const list = this.#bySubject.get(subject);
      if (list === undefined) this.#bySubject.set(subject, [grant]);
      else list.push(grant);
    }
  }

  of(userId: UserId): { readonly key: string; readonly actionsOn: ActionsOn | undefined } {
    const groupIds = this.#state.people.get(userId);
    if (groupIds === undefined) return { key: '', actionsOn: undefined };
    const subjects = [`user ${userId}`, ...groupIds.map((id) => `group ${id}`)];
    const grants = subjects.flatMap((subject) => this.#bySubject.get(subject) ?? []);
    if (grants.length === 0) return { key: '', actionsOn: undefined };
    const circumstances = { now: this.#now, address: undefined };
    let decide: Decide | undefined;
    const key = grants
      .map(({ id }) => id)
      .sort()
      .join(' ');
    const actionsOn: ActionsOn = (id) => {
      const placed = this.#state.targets.get(id);
      if (placed === undefined) return NOTHING;
      decide ??= decideFor({ userId, groupIds, grants, circumstances });
      return decide(placed.target, placed.ancestors);
    };
    return { key, actionsOn };
  }
}
