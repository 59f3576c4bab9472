import type { Target, TargetId } from '../target/index.ts';
import type { MachineFacts, Scope, Sighting, SourceId } from './discovery-source.ts';
import type { Omission } from './projection.ts';
import type { RuleTrace } from './rule.ts';

export type FoundMachineId = string;

/** The part of a target that discovery wrote last. What differs from it was changed by a person and is theirs. */
export type Projection = Pick<
  Target,
  | 'name'
  | 'protocol'
  | 'host'
  | 'port'
  | 'groupId'
  | 'labels'
  | 'parameters'
  | 'credentialId'
  | 'jumpTargetId'
  | 'hostKeyPolicy'
>;

/** One target of a machine: what discovery made of it, and why. */
export interface CatalogEntry {
  readonly targetId: TargetId | undefined;
  readonly projected: Projection | undefined;
  /** Why it is not in the catalog although the machine is there. */
  readonly omitted: Omission | undefined;
  readonly trace: readonly RuleTrace[];
}

/**
 * A machine of a source, as last described. INVARIANT: keyed on source, account, region and native id; an address is never its identity. The entries
 * of a machine are in its one record: they are seen, missed, ended and purged together.
 */
export interface FoundMachine extends CatalogEntry {
  readonly id: FoundMachineId;
  readonly sourceId: SourceId;
  readonly scope: Scope;
  readonly nativeId: string;
  readonly facts: MachineFacts;
  readonly observedAt: number;
  /** Since when complete listings lack it. */
  readonly missingSince: number | undefined;
  /** Since when nobody sees it: terminated, or missing for longer than the grace. */
  readonly goneAt: number | undefined;
  /** Where its tag asked for a further protocol, now or before: its target for that. */
  readonly further?: CatalogEntry;
  readonly launchedBy: string | undefined;
  readonly firstSeenAt: number;
}

export function entriesOf({ targetId, projected, omitted, trace, further }: FoundMachine): readonly CatalogEntry[] {
  const first = { targetId, projected, omitted, trace };
  return further === undefined ? [first] : [first, further];
}

export function targetIdsOf(machine: FoundMachine): readonly TargetId[] {
  return entriesOf(machine).flatMap(({ targetId }) => targetId ?? []);
}

/** What a sighting changes about what is known. */
export type SightingEffect = 'appears' | 'changes' | 'returns' | 'refreshes' | 'terminates' | 'nothing';

/** Whether the sighting is of another machine under the same native id. INVARIANT: it gets none of the first one's grants, keys and secrets. */
export function isSuccessor(known: FoundMachine, { facts, observedAt }: Sighting): boolean {
  const { incarnation } = facts;
  return incarnation !== undefined && incarnation !== known.facts.incarnation && observedAt > known.observedAt;
}

/**
 * INVARIANT: an older observation never overwrites a newer one, and a terminated machine never comes back: cloud ids are not reused.
 * Where they are, the incarnation tells: see `isSuccessor`.
 */
export function effectOf(known: FoundMachine | undefined, sighting: Sighting): SightingEffect {
  const ends = sighting.facts.state === 'terminated';
  if (known === undefined) return ends ? 'nothing' : 'appears';
  if (known.facts.state === 'terminated')
    return !ends && sighting.facts.incarnation !== undefined && sighting.observedAt > known.observedAt
      ? 'returns'
      : 'nothing';
  if (sighting.observedAt < known.observedAt) return 'nothing';
  if (ends) return 'terminates';
  if (known.goneAt !== undefined || known.missingSince !== undefined) return 'returns';
  if (!sameFacts(known.facts, withKnownName(known.facts, sighting.facts))) return 'changes';
  return sighting.observedAt > known.observedAt ? 'refreshes' : 'nothing';
}

/** INVARIANT: a name that cannot be read for once is no other name: nothing moves for want of a permission. */
export function withKnownName(known: MachineFacts | undefined, facts: MachineFacts): MachineFacts {
  const { network, networkName } = known ?? {};
  if (facts.networkName !== undefined || networkName === undefined || facts.network !== network) return facts;
  return { ...facts, networkName };
}

function sameFacts(a: MachineFacts, b: MachineFacts): boolean {
  return canonical(a) === canonical(b);
}

/** Keys in order, absent ones left out. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}

const LONGEST_TEXT = 256;
const MOST_TAGS = 60;

/** INVARIANT: whatever a cloud answers is bounded before it is kept. */
export function boundedFacts(facts: MachineFacts): MachineFacts {
  const text = (value: string | undefined): string | undefined =>
    value?.slice(0, LONGEST_TEXT).replaceAll(/\p{Surrogate}/gu, '\ufffd');
  const tags = Object.entries(facts.tags)
    .slice(0, MOST_TAGS)
    .map(([key, value]) => [text(key) ?? '', text(value) ?? '']);
  const bounded = Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [key, typeof value === 'string' ? text(value) : (value as unknown)]),
  );
  return {
    ...(bounded as unknown as MachineFacts),
    privateAddresses: facts.privateAddresses.slice(0, 16),
    publicAddresses: facts.publicAddresses.slice(0, 16),
    tags: Object.fromEntries(tags) as Readonly<Record<string, string>>,
    ...(facts.stated === undefined
      ? {}
      : {
          stated: {
            ...facts.stated,
            ...(facts.stated.group === undefined ? {} : { group: text(facts.stated.group) ?? '' }),
          },
        }),
  };
}
