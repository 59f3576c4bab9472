import type {
  DiscoveryChange as ChangeView,
  DiscoveryPreview,
  FoundExplanation,
  RouteOutput,
  Source as SourceView,
  SourceScope,
} from '@enchilada/contract';
import {
  type DiscoveryChange,
  entriesOf,
  type FoundMachine,
  type Projection,
  type ScopeRecord,
  type SourceRecord,
  type Trouble,
  TROUBLE_LASTS_MS,
} from '@enchilada/core/discovery';
import type { Target } from '@enchilada/core/target';
import type { Preview } from '../discovery/preview.ts';

type HeldMachine = RouteOutput<'listHeldRemovals'>['items'][number];

interface Counts {
  readonly account: string;
  readonly region: string;
  readonly present: number;
  readonly missing: number;
}

/** Only what is there: optional fields of an answer are left out and never undefined. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** What a scope is shown with. */
export interface Around {
  readonly source: SourceRecord;
  readonly counts: readonly Counts[];
  readonly troubles: readonly Trouble[];
  readonly now: number;
}

/** Troubles that some node met lately; those of a source that is switched off are over. */
function lasting({ source, troubles, now }: Omit<Around, 'counts'>): readonly Trouble[] {
  return source.enabled ? troubles.filter(({ seenAt }) => now - seenAt <= TROUBLE_LASTS_MS) : [];
}

/** Each is listed every ten minutes; the second listing that does not come is overdue. */
const LISTING_LATE_MS = 25 * 60_000;
const EVENTS_LATE_MS = 2 * 60_000;
/** A quiet account has no further event that would tell that all is well again. */
const LATE_EVENT_SAID_MS = 3_600_000;
const UNANNOUNCED_SAID_MS = 24 * 3_600_000;

/** What of a scope is overdue although nothing failed. */
function lateOf(scope: ScopeRecord, { source, now }: Pick<Around, 'source' | 'now'>): SourceScope['late'] {
  const { lastSweepAt, lastEventAt, eventLagMs = 0, unannouncedAt } = scope;
  if (!source.enabled || scope.retiredAt !== undefined) return [];
  const receivedAt = (lastEventAt ?? 0) + eventLagMs;
  const isLag = eventLagMs > EVENTS_LATE_MS && now - receivedAt <= LATE_EVENT_SAID_MS;
  // An event that came later than the listing, as after all nodes were stopped, came.
  const isUnannounced =
    unannouncedAt !== undefined && unannouncedAt > receivedAt && now - unannouncedAt <= UNANNOUNCED_SAID_MS;
  return [
    ...(lastSweepAt !== undefined && now - lastSweepAt > LISTING_LATE_MS ? (['listing'] as const) : []),
    ...(isLag ? (['events'] as const) : []),
    ...(isUnannounced ? (['unannounced'] as const) : []),
  ];
}

/** INVARIANT: where the regions of an account cannot be listed, none of its scopes is up to date, whatever its own listing says. */
function staleOf(scope: ScopeRecord, around: Omit<Around, 'counts'>): Pick<ScopeRecord, 'staleSince' | 'problem'> {
  const regions = lasting(around).find(({ part, account }) => part === 'regions' && account === scope.account);
  if (regions === undefined || scope.retiredAt !== undefined) return scope;
  return {
    staleSince: Math.min(scope.staleSince ?? Infinity, regions.since),
    problem: scope.problem ?? regions.problem,
  };
}

export function scopeView(scope: ScopeRecord, around: Around): SourceScope {
  const count = around.counts.find(({ account, region }) => account === scope.account && region === scope.region);
  const { lastEventAt, lastSweepAt, heldSince, retiredAt, eventLagMs } = scope;
  const { staleSince, problem } = staleOf(scope, around);
  return {
    account: scope.account,
    accountName: scope.accountName.slice(0, 200),
    region: scope.region,
    machines: count?.present ?? 0,
    missing: count?.missing ?? 0,
    held: [...scope.held],
    late: lateOf(scope, around),
    ...given({ lastEventAt, lastSweepAt, staleSince, heldSince, retiredAt, eventLagMs }),
    ...(problem === undefined ? {} : { problem: { code: problem.code, detail: plain(problem.detail) } }),
  };
}

function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ').slice(0, 1_000);
}

interface SourceAround extends Omit<Around, 'source'> {
  readonly externalId: string;
  readonly scopes: readonly ScopeRecord[];
}

export function sourceViewOf(source: SourceRecord, parts: SourceAround): SourceView {
  const { externalId, counts } = parts;
  const around = { ...parts, source };
  const latest = (times: readonly (number | undefined)[]): number | undefined => {
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  };
  const scopes = parts.scopes.filter(({ retiredAt }) => retiredAt === undefined);
  const { id, kind, name, enabled, version, createdAt, updatedAt } = source;
  return {
    id,
    kind,
    name,
    enabled,
    externalId,
    parameters: Object.fromEntries(
      Object.entries(source.parameters).map(([key, value]) => [key, typeof value === 'object' ? [...value] : value]),
    ),
    protectedTags: [...source.protectedTags],
    machines: counts.reduce((sum, { present }) => sum + present, 0),
    missing: counts.reduce((sum, { missing }) => sum + missing, 0),
    scopes: scopes.length,
    staleScopes: scopes.filter((scope) => staleOf(scope, around).staleSince !== undefined).length,
    // Machines of a retired scope may wait for a person too.
    heldScopes: parts.scopes.filter(({ heldSince }) => heldSince !== undefined).length,
    retiredScopes: parts.scopes.length - scopes.length,
    lateScopes: scopes.filter((scope) => lateOf(scope, around).length > 0).length,
    troubles: lasting(around).map(({ part, account, since, problem }) => ({
      part,
      account,
      since,
      code: problem.code,
      detail: plain(problem.detail),
    })),
    ...given({
      lastEventAt: latest(scopes.map((scope) => scope.lastEventAt)),
      lastSweepAt: latest(scopes.map((scope) => scope.lastSweepAt)),
    }),
    version,
    createdAt,
    updatedAt,
  };
}

export function changeView(change: DiscoveryChange): ChangeView {
  const { id, at, sourceId, account, region, nativeId, name, kind, cause, targetId } = change;
  return {
    id,
    at,
    sourceId,
    account,
    region,
    machine: nativeId,
    name: plain(name),
    kind,
    cause,
    ...given({ targetId }),
  };
}

export function heldView(machine: string, found: FoundMachine | undefined): HeldMachine {
  const { name = found?.facts.name ?? '', host } = found?.projected ?? {};
  return { machine, name: plain(name === '' ? machine : name).slice(0, 300), ...given({ host }) };
}

export function previewView({ counts, entries, failures, scopes, rest }: Preview): DiscoveryPreview {
  return {
    appears: counts.appears,
    changes: counts.changes,
    goes: counts.goes,
    stays: counts.stays,
    leftOut: counts['left-out'],
    failures: failures.map(({ scope, fault }) => ({
      account: scope.account,
      region: scope.region,
      code: fault.code,
      detail: plain(fault.message).slice(0, 1_000),
    })),
    scopes,
    rest: rest.map(({ account, accountName, region, sourceId, leaves }) => ({
      ...{ account, region, accountName: accountName.slice(0, 200) },
      ...given({ sourceId }),
      ...(leaves === true ? { leaves } : {}),
    })),
    machines: entries.map(({ scope, nativeId, name, effect, projected, omitted }) => ({
      machine: nativeId,
      name: plain(projected.fields?.name ?? name).slice(0, 300),
      account: scope.account,
      accountName: scope.accountName.slice(0, 200),
      region: scope.region,
      effect,
      ...given({
        group: projected.fields?.path.join('/'),
        protocol: projected.fields?.protocol,
        host: projected.fields?.host,
        omitted,
      }),
      trace: [...projected.decision.trace],
    })),
  };
}

/** INVARIANT: compared field by field with what discovery wrote last; see `mergeProjection`. */
function changedByHand(target: Target, projected: Projection | undefined): readonly string[] {
  if (projected === undefined) return [];
  return (Object.keys(projected) as (keyof Projection)[]).filter(
    (field) => JSON.stringify(target[field]) !== JSON.stringify(projected[field]),
  );
}

export function explain(
  {
    source,
    scope,
    found,
  }: { readonly source: SourceRecord; readonly scope: ScopeRecord | undefined; readonly found: FoundMachine },
  target: Target,
): FoundExplanation {
  const { missingSince, goneAt, launchedBy } = found;
  const { projected, omitted, trace } = entriesOf(found).find(({ targetId }) => targetId === target.id) ?? found;
  return {
    origin: 'found',
    sourceId: source.id,
    sourceName: source.name,
    ...found.scope,
    accountName: (scope?.accountName ?? found.scope.account).slice(0, 200),
    machine: found.nativeId,
    platform: found.facts.platform,
    state: found.facts.state,
    firstSeenAt: found.firstSeenAt,
    observedAt: found.observedAt,
    ...given({ missingSince, goneAt, launchedBy, omitted }),
    trace: [...trace],
    changedByHand: [...changedByHand(target, projected)],
  };
}
