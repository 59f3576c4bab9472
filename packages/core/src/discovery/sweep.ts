import { type Fault, toFault } from '../fault/index.ts';
import type { Store } from '../store/index.ts';
import type { Clock } from '../time/index.ts';
import { needsApproval } from './breaker.ts';
import type { CatalogUpdater } from './catalog-updater.ts';
import type { DiscoveryChange, ScopeNews } from './scope-news.ts';
import type { DiscoverySource, Scope, Sighting, SourceRecord } from './discovery-source.ts';
import { effectOf, type FoundMachine } from './found-machine.ts';
import { problemOf, type ScopeRecord } from './scope-record.ts';

/** How long a machine may be absent from complete listings before it is hidden. */
export const MISSING_GRACE_MS = 15 * 60_000;

/** An event of a launch is taken in by then, where events come at all. */
const ANNOUNCED_WITHIN_MS = 2 * 60_000;

export interface SweepParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly updater: CatalogUpdater;
}

export interface SweepResult {
  readonly outcome: 'complete' | 'held' | 'failed';
  readonly seen: number;
  readonly changes: readonly DiscoveryChange[];
  /** Why it failed. */
  readonly failure?: Fault;
}

/**
 * Compares a scope with its source: mark and sweep. INVARIANT: nothing is removed unless every page was read, a further
 * look at each absent machine found nothing either, and the removals are few or a person agreed to them.
 */
export async function sweepScope(
  parts: SweepParts,
  subject: { readonly record: SourceRecord; readonly source: DiscoverySource; readonly scope: ScopeRecord },
  signal: AbortSignal,
): Promise<SweepResult> {
  const { store, clock } = parts;
  const { record, source, scope } = subject;
  const startedAt = clock.now();
  const sweep = new Sweep(parts, subject);
  try {
    await sweep.load();
    for await (const page of source.scan(scope, signal)) await sweep.see(page);
    signal.throwIfAborted();
    const absent = sweep.absent();
    if (absent.length > 0)
      await sweep.see(
        await source.describe(
          scope,
          absent.map(({ nativeId }) => nativeId),
          signal,
        ),
      );
  } catch (failure) {
    if (signal.aborted) throw failure;
    await store.now.discovery.updateScope(record.id, scope, {
      staleSince: scope.staleSince ?? startedAt,
      problem: problemOf(failure),
    });
    return { outcome: 'failed', seen: sweep.seen, changes: sweep.changes, failure: toFault(failure) };
  }
  const outcome = await sweep.remove();
  // Where no event ever comes, there is nothing that tells of launches.
  const isUnannounced = source.hints !== undefined && sweep.unannounced;
  await store.now.discovery.updateScope(record.id, scope, {
    lastSweepAt: startedAt,
    staleSince: undefined,
    problem: undefined,
    ...(isUnannounced ? { unannouncedAt: startedAt } : {}),
  });
  return { outcome, seen: sweep.seen, changes: sweep.changes };
}

/**
 * Lets the machines of a scope go that its source no longer lists, by the same grace. INVARIANT: all that goes with retired scopes is counted together:
 * a list of accounts that is cut takes no more away than a list of machines that is.
 */
export async function sweepRetired(
  parts: SweepParts,
  subject: { readonly record: SourceRecord; readonly source: DiscoverySource; readonly scope: ScopeRecord },
): Promise<SweepResult> {
  const { discovery } = parts.store.now;
  const { record, source } = subject;
  const sweep = new Sweep(parts, subject);
  await sweep.load();
  const [scopes, counts] = await Promise.all([discovery.listScopes(record.id), discovery.countFound(record.id)]);
  const isRetired = ({ account, region }: Scope): boolean =>
    scopes.some((one) => one.account === account && one.region === region && one.retiredAt !== undefined);
  // INVARIANT: one that came back since it was read loses nothing, for what is in it is not counted here.
  if (!isRetired(subject.scope)) return { outcome: 'complete', seen: 0, changes: [] };
  const sum = (of: typeof counts): number => of.reduce((all, { present }) => all + present, 0);
  const isMany = needsApproval(sum(counts.filter(isRetired)), sum(counts));
  const outcome = await sweep.remove(isMany || source.hidesScopes === true);
  return { outcome, seen: 0, changes: sweep.changes };
}

class Sweep {
  readonly #parts: SweepParts;
  readonly #record: SourceRecord;
  readonly #scope: ScopeRecord;
  #known = new Map<string, FoundMachine>();
  readonly #seen = new Set<string>();
  readonly changes: DiscoveryChange[] = [];
  #isUnannounced = false;

  constructor(parts: SweepParts, { record, scope }: { readonly record: SourceRecord; readonly scope: ScopeRecord }) {
    this.#parts = parts;
    this.#record = record;
    this.#scope = scope;
  }

  get seen(): number {
    return this.#seen.size;
  }

  async load(): Promise<void> {
    const known = await this.#parts.store.now.discovery.listFound(this.#record.id, this.#scope);
    this.#known = new Map(known.map((machine) => [machine.nativeId, machine]));
  }

  async see(page: readonly Sighting[]): Promise<void> {
    for (const { nativeId } of page) this.#seen.add(nativeId);
    const news = page.filter((sighting) => {
      const effect = effectOf(this.#known.get(sighting.nativeId), sighting);
      if (effect === 'appears' && this.#isLate(sighting)) this.#isUnannounced = true;
      return effect !== 'nothing' && effect !== 'refreshes';
    });
    if (news.length > 0) await this.#apply({ sightings: news });
  }

  absent(): readonly FoundMachine[] {
    return [...this.#known.values()].filter(({ nativeId }) => !this.#seen.has(nativeId));
  }

  /** Whether a machine is there that was launched while we were looking, a minute ago at least, and of which no event told. */
  get unannounced(): boolean {
    return this.#isUnannounced;
  }

  async remove(isMany = needsApproval(this.absent().length, this.#known.size)): Promise<'complete' | 'held'> {
    const { store, clock } = this.#parts;
    const absent = this.absent();
    const ids = absent.map(({ nativeId }) => nativeId);
    if (isMany && absent.length > 0) {
      await store.now.discovery.updateScope(this.#record.id, this.#scope, {
        held: ids,
        heldSince: this.#scope.heldSince ?? clock.now(),
      });
      return 'held';
    }
    if (this.#scope.heldSince !== undefined)
      await store.now.discovery.updateScope(this.#record.id, this.#scope, { held: [], heldSince: undefined });
    const since = clock.now() - MISSING_GRACE_MS;
    const gone = absent.filter(({ missingSince }) => missingSince !== undefined && missingSince <= since);
    const missing = absent.filter(({ missingSince }) => missingSince === undefined);
    if (gone.length + missing.length > 0)
      await this.#apply({
        sightings: [],
        missing: missing.map(({ nativeId }) => nativeId),
        gone: gone.map(({ nativeId }) => nativeId),
      });
    return 'complete';
  }

  #isLate({ observedAt, facts: { launchedAt } }: Sighting): boolean {
    const { lastSweepAt } = this.#scope;
    if (launchedAt === undefined || lastSweepAt === undefined) return false;
    return launchedAt > lastSweepAt && launchedAt < observedAt - ANNOUNCED_WITHIN_MS;
  }

  async #apply(news: Pick<ScopeNews, 'sightings' | 'missing' | 'gone'>): Promise<void> {
    const { store, updater } = this.#parts;
    const whole: ScopeNews = { ...news, source: this.#record, scope: this.#scope, cause: 'sweep' };
    this.changes.push(...(await store.transaction((tx) => updater.apply(tx, whole))));
  }
}
