import { toFault } from '../fault/index.ts';
import type { Store } from '../store/index.ts';
import type { Clock } from '../time/index.ts';
import { needsApproval } from './breaker.ts';
import type { CatalogUpdater, DiscoveryChange, ScopeNews } from './catalog-updater.ts';
import type { DiscoverySource, Sighting, SourceRecord } from './discovery-source.ts';
import { effectOf, type FoundMachine } from './found-machine.ts';
import type { ScopeRecord } from './scope-record.ts';

/** How long a machine may be absent from complete listings before it is hidden. */
export const MISSING_GRACE_MS = 15 * 60_000;

export interface SweepParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly updater: CatalogUpdater;
}

export interface SweepResult {
  readonly outcome: 'complete' | 'held' | 'failed';
  readonly seen: number;
  readonly changes: readonly DiscoveryChange[];
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
    const { code, message } = toFault(failure);
    await store.now.discovery.updateScope(record.id, scope, {
      staleSince: scope.staleSince ?? startedAt,
      problem: { code, detail: message.slice(0, 1_000) },
    });
    return { outcome: 'failed', seen: sweep.seen, changes: sweep.changes };
  }
  const outcome = await sweep.remove();
  await store.now.discovery.updateScope(record.id, scope, {
    lastSweepAt: startedAt,
    staleSince: undefined,
    problem: undefined,
  });
  return { outcome, seen: sweep.seen, changes: sweep.changes };
}

class Sweep {
  readonly #parts: SweepParts;
  readonly #record: SourceRecord;
  readonly #scope: ScopeRecord;
  #known = new Map<string, FoundMachine>();
  readonly #seen = new Set<string>();
  readonly changes: DiscoveryChange[] = [];

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
      return effect !== 'nothing' && effect !== 'refreshes';
    });
    if (news.length > 0) await this.#apply({ sightings: news });
  }

  absent(): readonly FoundMachine[] {
    return [...this.#known.values()].filter(({ nativeId }) => !this.#seen.has(nativeId));
  }

  async remove(): Promise<'complete' | 'held'> {
    const { store, clock } = this.#parts;
    const absent = this.absent();
    const ids = absent.map(({ nativeId }) => nativeId);
    if (needsApproval(absent.length, this.#known.size)) {
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

  async #apply(news: Pick<ScopeNews, 'sightings' | 'missing' | 'gone'>): Promise<void> {
    const { store, updater } = this.#parts;
    const whole: ScopeNews = { ...news, source: this.#record, scope: this.#scope, cause: 'sweep' };
    this.changes.push(...(await store.transaction((tx) => updater.apply(tx, whole))));
  }
}
