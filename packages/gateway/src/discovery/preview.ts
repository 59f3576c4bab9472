import {
  boundedFacts,
  type CatalogEntry,
  type DiscoverySource,
  type FoundMachine,
  nameKeyOf,
  namesFor,
  type NamedScope,
  type Omission,
  projectMachine,
  type Projected,
  type ProjectionParts,
  type Rule,
  type Scope,
  type Sighting,
  type SourceRecord,
  withKnownName,
} from '@enchilada/core/discovery';
import { Fault, toFault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import type { TargetGroup } from '@enchilada/core/target';
import type { Clock } from '@enchilada/core/time';
import type { OpenedSource } from './preview-sources.ts';

/** An answer begins to look at further scopes for so long, and leaves the rest to be asked for: a page shows how far it is. */
const BEGINS_MS = 5_000;
/** What one scope may take. An answer comes before the minute after which proxies give up. */
const SCOPE_LIMIT_MS = 50_000;
const LISTING_LIMIT_MS = 110_000;
const LOOKS_AT_ONCE = 8;
const MOST_LISTED = 500;

export type PreviewEffect = 'appears' | 'changes' | 'goes' | 'stays' | 'left-out';
/** What a person has to see first. */
const ORDER: readonly PreviewEffect[] = ['goes', 'appears', 'changes', 'left-out', 'stays'];

/** What a source would do to one machine. */
export interface PreviewEntry {
  readonly scope: NamedScope;
  readonly nativeId: string;
  readonly effect: PreviewEffect;
  readonly name: string;
  readonly projected: Projected;
  readonly omitted: Omission | undefined;
}

/** A scope that is to be looked at. */
export interface PreviewScope extends NamedScope {
  /** Where the known machines of several sources are judged: whose it is. */
  readonly sourceId?: string;
  /** The source no longer lists it: what is known of it goes. */
  readonly leaves?: boolean;
}

export interface PreviewFailure {
  readonly scope: Scope;
  readonly fault: Fault;
}

export interface Preview {
  /** INVARIANT: exact over the scopes that were looked at, however many machines are listed. */
  readonly counts: Readonly<Record<PreviewEffect, number>>;
  readonly entries: readonly PreviewEntry[];
  /** Scopes that could not be read, and why. */
  readonly failures: readonly PreviewFailure[];
  /** How many scopes were looked at. */
  readonly scopes: number;
  /** Those that were not looked at yet. */
  readonly rest: readonly PreviewScope[];
}

export interface PreviewParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly projection: Omit<ProjectionParts, 'rules'>;
}

/** @param scopes what an earlier answer left; undefined: begin */
export interface PreviewOf {
  readonly rules: readonly Rule[];
  readonly scopes: readonly PreviewScope[] | undefined;
}

/** Reads the source and writes nothing. */
export async function preview(
  parts: PreviewParts,
  opened: OpenedSource & { readonly record: SourceRecord },
  { rules, scopes }: PreviewOf,
): Promise<Preview> {
  const { record, source } = opened;
  const until = parts.clock.monotonicMs() + BEGINS_MS;
  const begun = scopes === undefined ? await listed(parts, opened) : await confined(parts, opened, scopes);
  const tally = new Tally(await judgesOf(parts, rules), begun.failures);
  return tally.over(begun.scopes, { until, clock: parts.clock }, async (scope) => {
    const found = await parts.store.now.discovery.listFound(record.id, scope);
    const sightings = scope.leaves === true ? [] : await seen(parts.clock, source, { scope, found });
    return { record, scope, sightings, found };
  });
}

/** What other rules would do to the machines that are known; asks no cloud. */
export async function previewKnown(
  parts: PreviewParts,
  sourceId: string | undefined,
  { rules, scopes }: PreviewOf,
): Promise<Preview> {
  const { store, clock } = parts;
  const until = clock.monotonicMs() + BEGINS_MS;
  const sources = new Map((await store.now.discovery.listSources()).map((record) => [record.id, record]));
  const known: PreviewScope[] = [...(scopes ?? [])];
  if (scopes === undefined)
    for (const { id } of sources.values())
      if (sourceId === undefined || sourceId === id)
        for (const { account, region, accountName } of await store.now.discovery.listScopes(id))
          known.push({ sourceId: id, account, region, accountName });
  return new Tally(await judgesOf(parts, rules), []).over(known, { until, clock }, async (scope) => {
    const record = sources.get(scope.sourceId ?? sourceId ?? '');
    if (record === undefined) return undefined;
    const found = await store.now.discovery.listFound(record.id, scope);
    return { record, scope, sightings: found.map(sightingOf), found };
  });
}

interface Begun {
  readonly scopes: readonly PreviewScope[];
  readonly failures: readonly PreviewFailure[];
}

/** What the source lists, and what is known and would leave it; see `takeListing`, which does what is said here. */
async function listed(
  { store, clock }: PreviewParts,
  { record, source, listing }: OpenedSource & { readonly record: SourceRecord },
): Promise<Begun> {
  const list = await within({ clock, limitMs: LISTING_LIMIT_MS, what: 'the accounts and regions' }, (signal) =>
    source.scopes(signal),
  );
  const known = await store.now.discovery.listScopes(record.id);
  const isThere = new Set(list.map(keyOf));
  const unlisted = new Map(list.flatMap(({ account, unlisted: fault }) => (fault ? [[account, fault]] : [])));
  const scopes: PreviewScope[] = list.map(({ account, region, accountName }) => ({ account, region, accountName }));
  for (const { account, region, accountName } of known) {
    if (isThere.has(keyOf({ account, region }))) continue;
    const stays = list.length === 0 || unlisted.has(account);
    scopes.push({ account, region, accountName, ...(stays ? {} : { leaves: true }) });
  }
  const failures = list.flatMap(({ account, region, unlisted: fault }) =>
    fault === undefined ? [] : [{ scope: { account, region }, fault }],
  );
  if (list.length === 0 && known.length > 0) {
    const fault = new Fault(
      'DISCOVERY_FAILED',
      'the list of accounts is empty and was not before; what is known stays',
    );
    failures.push({ scope: { account: '', region: '' }, fault });
  }
  listing.scopes = scopes;
  return { scopes, failures };
}

/**
 * Of what a client goes on with, what the source lists: roles are assumed nowhere else. Another node may have given the answer before, so that one may
 * have to list anew.
 */
async function confined(
  parts: PreviewParts,
  opened: OpenedSource & { readonly record: SourceRecord },
  wanted: readonly PreviewScope[],
): Promise<Begun> {
  const all = opened.listing.scopes ?? (await listed(parts, opened)).scopes;
  const byKey = new Map(all.map((scope) => [keyOf(scope), scope]));
  const scopes = wanted.flatMap((scope) => byKey.get(keyOf(scope)) ?? []);
  const failures = wanted.flatMap((scope) =>
    byKey.has(keyOf(scope))
      ? []
      : [{ scope, fault: new Fault('DISCOVERY_FAILED', 'the source does not list this account and region') }],
  );
  return { scopes, failures };
}

/** All that the source says of a scope, and once more of what its listing lacks; see `sweepScope`. */
function seen(
  clock: Clock,
  source: DiscoverySource,
  { scope, found }: { readonly scope: Scope; readonly found: readonly FoundMachine[] },
): Promise<readonly Sighting[]> {
  return within({ clock, limitMs: SCOPE_LIMIT_MS, what: 'the account and region' }, async (signal) => {
    const byId = new Map<string, Sighting>();
    for await (const page of source.scan(scope, signal))
      for (const sighting of page) byId.set(sighting.nativeId, sighting);
    const absent = found.flatMap(({ nativeId }) => (byId.has(nativeId) ? [] : [nativeId]));
    if (absent.length > 0)
      for (const sighting of await source.describe(scope, absent, signal))
        if (sighting.facts.state !== 'terminated') byId.set(sighting.nativeId, sighting);
    return [...byId.values()];
  });
}

/** @throws Fault where it takes longer */
async function within<T>(
  { clock, limitMs, what }: { readonly clock: Clock; readonly limitMs: number; readonly what: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  using _limit = clock.after(limitMs, () => {
    stop.abort(new Fault('DISCOVERY_FAILED', `${what} took longer than ${limitMs / 1_000} s to list`));
  });
  return await work(stop.signal);
}

/** What machines are judged by. */
interface Judges {
  readonly projection: ProjectionParts;
  /** By their keys; see `pathKeyOf`. */
  readonly paths: ReadonlyMap<string, string>;
}

async function judgesOf({ store, projection }: PreviewParts, rules: readonly Rule[]): Promise<Judges> {
  const groups = new Map((await store.now.catalog.listGroups()).map((group) => [group.id, group]));
  const pathOf = ({ parentId, name }: TargetGroup): readonly string[] => {
    const parent = parentId === undefined ? undefined : groups.get(parentId);
    return [...(parent === undefined ? [] : pathOf(parent)), name];
  };
  const paths = new Map([...groups.values()].map((group) => [group.id, pathKeyOf(pathOf(group))]));
  return { projection: { ...projection, rules }, paths };
}

/** Groups are found whatever the case of their names; see `CatalogUpdater`. */
function pathKeyOf(path: readonly string[]): string {
  return path.map(nameKeyOf).join('/');
}

interface Looked {
  readonly record: SourceRecord;
  readonly scope: PreviewScope;
  readonly sightings: readonly Sighting[];
  readonly found: readonly FoundMachine[];
}

/** Counts all and keeps the first of each effect. */
class Tally {
  readonly #judges: Judges;
  readonly #failures: PreviewFailure[];
  readonly #counts: Record<PreviewEffect, number> = { appears: 0, changes: 0, goes: 0, stays: 0, 'left-out': 0 };
  readonly #first: Record<PreviewEffect, PreviewEntry[]> = {
    ...{ appears: [], changes: [], goes: [], stays: [], 'left-out': [] },
  };

  constructor(judges: Judges, failures: readonly PreviewFailure[]) {
    this.#judges = judges;
    this.#failures = [...failures];
  }

  /** INVARIANT: where scopes are named, some are looked at, so that whoever goes on with the rest comes to an end. */
  async over(
    scopes: readonly PreviewScope[],
    { until, clock }: { readonly until: number; readonly clock: Clock },
    look: (scope: PreviewScope) => Promise<Looked | undefined>,
  ): Promise<Preview> {
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let scope = scopes[next]; scope !== undefined; scope = scopes[next]) {
        if (next >= LOOKS_AT_ONCE && clock.monotonicMs() >= until) return;
        next++;
        try {
          const looked = await look(scope);
          if (looked !== undefined) this.#compare(looked);
        } catch (failure) {
          this.#failures.push({ scope, fault: toFault(failure) });
        }
      }
    };
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, lane));
    return {
      counts: this.#counts,
      entries: ORDER.flatMap((effect) => this.#first[effect]).slice(0, MOST_LISTED),
      failures: this.#failures,
      scopes: next,
      rest: scopes.slice(next),
    };
  }

  #compare({ record, scope, sightings, found }: Looked): void {
    const { projection } = this.#judges;
    const known = new Map(found.map((machine) => [machine.nativeId, machine]));
    for (const { nativeId, facts } of sightings) {
      const { name } = facts;
      const before = known.get(nativeId);
      const candidate = { source: record, scope, nativeId, facts: boundedFacts(withKnownName(before?.facts, facts)) };
      const { first, further } = projectMachine(candidate, projection);
      known.delete(nativeId);
      this.#judge({ scope, nativeId, name, projected: first }, before);
      if (further !== undefined)
        this.#judge({ scope, nativeId, name, projected: further }, before && { ...before, ...furtherOf(before) });
      else if (before !== undefined) this.#furtherGoes(scope, before);
    }
    for (const [nativeId, machine] of known) {
      const { facts, targetId } = machine;
      const { first } = projectMachine({ source: record, scope, nativeId, facts }, projection);
      // What never was in the catalog is not missed.
      if (targetId !== undefined)
        this.#add({ scope, nativeId, name: facts.name, projected: first, effect: 'goes', omitted: undefined });
      this.#furtherGoes(scope, machine);
    }
  }

  #judge(seen: Omit<PreviewEntry, 'effect' | 'omitted'>, before: FoundMachine | undefined): void {
    const { projected } = seen;
    if (before?.omitted === 'deleted') this.#add({ ...seen, effect: 'left-out', omitted: 'deleted' });
    else this.#add({ ...seen, omitted: projected.omitted, effect: effectOn(before, projected, this.#judges.paths) });
  }

  #furtherGoes(scope: PreviewScope, { nativeId, facts, further }: FoundMachine): void {
    if (further?.projected === undefined || further.omitted !== undefined) return;
    const decision = { outcome: {}, trace: further.trace, placedByTag: false };
    const projected = { decision, fields: { ...further.projected, path: [] } };
    this.#add({ scope, nativeId, name: facts.name, projected, effect: 'goes', omitted: undefined });
  }

  #add(entry: PreviewEntry): void {
    this.#counts[entry.effect]++;
    const first = this.#first[entry.effect];
    if (first.length < MOST_LISTED) first.push(entry);
  }
}

function sightingOf({ nativeId, facts, observedAt }: FoundMachine): Sighting {
  return { nativeId, facts, observedAt };
}

/** One that no tag asked for any more is none. */
function furtherOf({ further }: FoundMachine): CatalogEntry {
  if (further !== undefined && further.omitted !== 'untagged') return further;
  return { targetId: undefined, projected: undefined, omitted: undefined, trace: [] };
}

function effectOn(
  before: FoundMachine | undefined,
  { fields }: Projected,
  paths: ReadonlyMap<string, string>,
): PreviewEffect {
  if (fields === undefined) return before?.targetId === undefined ? 'left-out' : 'goes';
  if (before?.projected === undefined) return 'appears';
  const { groupId, name, ...last } = before.projected;
  const { path, name: wanted, ...next } = fields;
  const isPlaced = pathKeyOf(path) === (groupId === undefined ? '' : paths.get(groupId));
  // Where another machine has the name, it was given a longer one.
  const isNamed = namesFor(wanted, before).includes(name) || name.endsWith(before.id.slice(-12));
  return isPlaced && isNamed && JSON.stringify(last) === JSON.stringify(next) ? 'stays' : 'changes';
}

function keyOf({ account, region }: Scope): string {
  return `${account} ${region}`;
}
