import { type Grant, groupAncestors, permissionsOf, type PlacedTarget, type PolicyState } from '@enchilada/core/access';
import type { TargetGroup } from '@enchilada/core/target';
import type { Api } from '../login/client.ts';
import type { LivePolicy } from './live-policy.ts';

/**
 * In this order a change is carried out. INVARIANT: on the way nobody may do what they may neither before nor after: denials come before what
 * they deny and go after it, what is withdrawn goes before machines move.
 */
export const PHASES = [
  'groups',
  'groups of machines',
  'denials',
  'withdrawals',
  'leaving',
  'machines',
  'denials on new machines',
  'grants',
  'joining',
  'rules',
  'lifted denials',
  'machines that go',
  'groups of machines that go',
  'groups that go',
] as const;
type Phase = (typeof PHASES)[number];

export interface Act {
  readonly phase: Phase;
  readonly run: (run: Run) => Promise<unknown>;
}

/** One line of the plan, what carries it out, and what it makes of who may do what. */
export interface Step {
  readonly act: 'create' | 'update' | 'delete';
  readonly kind: 'group' | 'member' | 'machine group' | 'machine' | 'grant' | 'rule';
  readonly name: string;
  /** What is different, for an update. */
  readonly details: readonly string[];
  readonly line?: number;
  readonly acts: readonly Act[];
  readonly imagine: (draft: Draft) => void;
}

/** Knows the ids of what was made on the way. */
export class Run {
  readonly api: Api;
  readonly #made = new Map<string, string>();

  constructor(api: Api) {
    this.api = api;
  }

  made(idToCome: string, id: string): void {
    this.#made.set(idToCome, id);
  }

  /** The same with real ids in the places of those that were to come. */
  real<T>(value: T): T {
    if (typeof value === 'string') return (this.#made.get(value) ?? value) as T;
    if (Array.isArray(value)) return (value as readonly unknown[]).map((item) => this.real(item)) as T;
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.real(item as unknown)])) as T;
  }
}

/** What would be, changed step by step in memory. */
export class Draft {
  readonly people: Map<string, Set<string>>;
  readonly grants: Map<string, Grant>;
  readonly targets: Map<string, PlacedTarget>;
  readonly targetGroups: Map<string, TargetGroup>;
  readonly names: Map<string, string>;

  constructor(live: LivePolicy) {
    const active = live.users.filter(({ disabled, role }) => !disabled && permissionsOf(role).has('machine.use'));
    this.people = new Map(active.map(({ id, groupIds }) => [id, new Set(groupIds)]));
    this.grants = new Map(live.grants.map((grant) => [grant.id, grant]));
    this.targets = new Map(
      live.targets.map(({ id, groupId, labels }) => [id, { id, groupId, labels, goneAt: undefined }]),
    );
    this.targetGroups = new Map(live.targetGroups.map(({ id, parentId, name }) => [id, { id, parentId, name }]));
    this.names = new Map(live.targets.map(({ id, name }) => [id, name]));
  }

  state(): PolicyState {
    const ancestors = new Map([...this.targetGroups.keys()].map((id) => [id, groupAncestors(this.targetGroups, id)]));
    return {
      people: new Map([...this.people].map(([id, groups]) => [id, [...groups]])),
      grants: [...this.grants.values()],
      targets: new Map(
        [...this.targets].map(([id, target]) => [id, { target, ancestors: ancestors.get(target.groupId ?? '') ?? [] }]),
      ),
    };
  }
}
