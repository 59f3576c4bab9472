import type { StoreTransaction } from '../store/index.ts';
import type { Clock, RandomSource } from '../time/index.ts';
import { CatalogBatch } from './catalog-batch.ts';
import type { SourceRecord } from './discovery-source.ts';
import type { ProjectionParts } from './projection.ts';
import type { DiscoveryChange, ScopeNews } from './scope-news.ts';
import type { ScopeRecord } from './scope-record.ts';
import { ScopeRun } from './scope-run.ts';

export interface UpdaterParts {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly projection: Omit<ProjectionParts, 'rules'>;
}

/** Names what machines are judged by: whatever rights or places it gave is judged again where the name is another. */
function judgementOf(rulesVersion: number, source: Pick<SourceRecord, 'version'>): string {
  return `${rulesVersion}.${source.version}`;
}

/** Brings the catalog to what was seen. What people set by hand stays; see `mergeProjection`. */
export class CatalogUpdater {
  readonly #parts: UpdaterParts;

  constructor(parts: UpdaterParts) {
    this.#parts = parts;
  }

  /** @see applyAll */
  async apply(tx: StoreTransaction, news: ScopeNews): Promise<readonly DiscoveryChange[]> {
    const [changes = []] = await this.applyAll(tx, [news]);
    return changes;
  }

  /**
   * What each brought, in their order; several scopes ask the database as often as one does. INVARIANT: depends on the transaction
   * alone, so that it may run again after a serialisation failure, and so that no rule and no protected tag that were taken away
   * since are judged by.
   */
  async applyAll(tx: StoreTransaction, all: readonly ScopeNews[]): Promise<readonly (readonly DiscoveryChange[])[]> {
    const changes: (readonly DiscoveryChange[])[] = [];
    for (const round of roundsOf(all)) changes.push(...(await this.#applyRound(tx, round)));
    return changes;
  }

  async #applyRound(tx: StoreTransaction, all: readonly ScopeNews[]): Promise<readonly (readonly DiscoveryChange[])[]> {
    const at = this.#parts.clock.now();
    const { rules } = await tx.discovery.rules();
    const batch = new CatalogBatch(tx, this.#parts.random);
    const runs: (ScopeRun | undefined)[] = [];
    for (const news of all) {
      const source = await batch.source(news.source.id);
      const projection = { ...this.#parts.projection, rules };
      runs.push(source && new ScopeRun(batch, { ...this.#parts, projection, news: { ...news, source }, at }));
      if (source === undefined) continue;
      const { scope, hints = [], lastEventAt, eventLagMs } = news;
      if (hints.length > 0) await tx.discovery.noteHints(source.id, hints, at);
      if (lastEventAt !== undefined) await tx.discovery.updateScope(source.id, scope, { lastEventAt, eventLagMs });
    }
    const running = runs.filter((run) => run !== undefined);
    await batch.load(running.map(({ wanted }) => wanted));
    for (const run of running) run.sight();
    await batch.loadHolders(running.flatMap(({ names }) => names));
    for (const run of running) await run.finish();
    await batch.write();
    return runs.map((run) => run?.changes ?? []);
  }

  /** Judges what is known of a scope by the rules and the source as they are now, unless that was done. */
  async judgeAgain(
    tx: StoreTransaction,
    { sourceId, account, region }: ScopeRecord,
  ): Promise<readonly DiscoveryChange[]> {
    const source = await tx.discovery.findSource(sourceId);
    const scope = (await tx.discovery.listScopes(sourceId)).find(
      (one) => one.account === account && one.region === region,
    );
    if (source === undefined || scope === undefined) return [];
    const judgedBy = judgementOf((await tx.discovery.rules()).version, source);
    if (scope.judgedBy === judgedBy) return [];
    const found = await tx.discovery.listFound(sourceId, scope);
    const sightings = found.map(({ nativeId, facts, observedAt }) => ({ nativeId, facts, observedAt }));
    const changes = await this.apply(tx, { source, scope, cause: 'rules', sightings, judgeAgain: true });
    await tx.discovery.updateScope(sourceId, scope, { judgedBy });
    return changes;
  }
}

/** INVARIANT: no scope is twice in one: what is learnt of it later is held against what was written before. */
function roundsOf(all: readonly ScopeNews[]): readonly (readonly ScopeNews[])[] {
  const rounds: ScopeNews[][] = [];
  let seen = new Set<string>();
  for (const news of all) {
    const key = `${news.source.id} ${news.scope.account} ${news.scope.region}`;
    const round = seen.has(key) ? undefined : rounds.at(-1);
    if (round === undefined) {
      rounds.push([news]);
      seen = new Set();
    } else round.push(news);
    seen.add(key);
  }
  return rounds;
}
