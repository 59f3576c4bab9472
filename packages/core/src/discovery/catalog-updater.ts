import type { StoreTransaction } from '../store/index.ts';
import type { Target } from '../target/index.ts';
import { type Clock, type RandomSource, randomId } from '../time/index.ts';
import { CatalogBatch, namesFor, type WantedMachines } from './catalog-batch.ts';
import type { Hint, NamedScope, Sighting, SourceRecord } from './discovery-source.ts';
import {
  boundedFacts,
  type CatalogEntry,
  withKnownName,
  effectOf,
  entriesOf,
  type FoundMachine,
  isSuccessor,
  type SightingEffect,
} from './found-machine.ts';
import {
  mergeProjection,
  newTarget,
  type Projected,
  type ProjectedMachine,
  projectMachine,
  type ProjectionParts,
} from './projection.ts';
import type { ScopeRecord } from './scope-record.ts';
import type { Candidate } from './rule.ts';

/** What happened to a machine, for the timeline. */
export type ChangeKind = 'appeared' | 'changed' | 'returned' | 'missing' | 'gone' | 'placed';
export type ChangeCause = 'event' | 'sweep' | 'rules';

export interface DiscoveryChange {
  readonly id: string;
  readonly at: number;
  readonly sourceId: string;
  readonly account: string;
  readonly region: string;
  readonly nativeId: string;
  readonly name: string;
  readonly kind: ChangeKind;
  readonly cause: ChangeCause;
  readonly targetId: string | undefined;
}

/** Everything that is learnt about one scope at once; it becomes one transaction. */
export interface ScopeNews {
  readonly source: SourceRecord;
  readonly scope: NamedScope;
  readonly cause: ChangeCause;
  readonly sightings: readonly Sighting[];
  /** Known machines that a complete listing lacks. */
  readonly missing?: readonly string[];
  /** Missing ones whose grace is over. */
  readonly gone?: readonly string[];
  /** What made us look; noted once each. */
  readonly hints?: readonly Hint[];
  /** Of all events that came, also those that are asked about again. */
  readonly lastEventAt?: number;
  /** How long after it happened the newest was received. */
  readonly eventLagMs?: number;
  /** Rules have changed: judge again, whatever the sightings say. */
  readonly judgeAgain?: true;
}

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
    const events = new Set<string>();
    const runs: (Run | undefined)[] = [];
    for (const news of all) {
      const source = await batch.source(news.source.id);
      const projection = { ...this.#parts.projection, rules };
      runs.push(source && new Run(batch, { ...this.#parts, projection, news: { ...news, source }, at }));
      if (source === undefined) continue;
      const { scope, hints = [], lastEventAt, eventLagMs } = news;
      for (const { eventId } of hints) events.add(eventId);
      if (lastEventAt !== undefined) await tx.discovery.updateScope(source.id, scope, { lastEventAt, eventLagMs });
    }
    const running = runs.filter((run) => run !== undefined);
    if (events.size > 0) await tx.discovery.noteEvents([...events], at);
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

/** The newest of several sightings of one machine. */
function latest(sightings: readonly Sighting[]): readonly Sighting[] {
  const byId = new Map<string, Sighting>();
  for (const sighting of sightings) {
    const other = byId.get(sighting.nativeId);
    if (other === undefined || sighting.observedAt >= other.observedAt) byId.set(sighting.nativeId, sighting);
  }
  return [...byId.values()];
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

interface RunParts extends Pick<UpdaterParts, 'random'> {
  readonly projection: ProjectionParts;
  readonly news: ScopeNews;
  readonly at: number;
}

/** A machine that may be shown, and what the rules make of it. */
interface Judged {
  readonly machine: FoundMachine;
  readonly effect: SightingEffect;
  readonly projected: ProjectedMachine;
}

interface Entering {
  readonly machine: FoundMachine;
  readonly entry: CatalogEntry;
  readonly projected: Projected;
  readonly effect: SightingEffect;
  /** In the timeline. */
  readonly called: string;
}

type Noted = Pick<CatalogEntry, 'targetId'> & Pick<Entering, 'called'>;

/** What one scope brings to a batch. */
class Run {
  readonly changes: DiscoveryChange[] = [];
  readonly wanted: WantedMachines;
  readonly #batch: CatalogBatch;
  readonly #parts: RunParts;
  readonly #judged: Judged[] = [];

  constructor(batch: CatalogBatch, parts: RunParts) {
    const { source, scope, sightings, missing = [], gone = [] } = parts.news;
    this.#batch = batch;
    this.#parts = parts;
    const nativeIds = [...new Set([...sightings.map(({ nativeId }) => nativeId), ...missing, ...gone])];
    this.wanted = { source: source.id, scope, nativeIds };
  }

  sight(): void {
    for (const sighting of latest(this.#parts.news.sightings)) this.#sight(this.#known(sighting.nativeId), sighting);
  }

  /** What the machines that were seen would be called; after all were seen. */
  get names(): readonly string[] {
    return this.#judged.flatMap(({ machine, projected: { first, further } }) =>
      [first.fields, further?.fields].flatMap((fields) => (fields === undefined ? [] : namesFor(fields.name, machine))),
    );
  }

  async finish(): Promise<void> {
    const { missing = [], gone = [] } = this.#parts.news;
    for (const judged of this.#judged) await this.#show(judged);
    for (const id of missing) this.#miss(this.#known(id));
    for (const id of gone) this.#lose(this.#known(id));
  }

  #known(nativeId: string): FoundMachine | undefined {
    return this.#batch.known(this.wanted, nativeId);
  }

  #sight(last: FoundMachine | undefined, sighting: Sighting): void {
    const { news, at } = this.#parts;
    const known = last !== undefined && isSuccessor(last, sighting) ? this.#succeed(last) : last;
    // What is no longer there has no facts of its own.
    const isBare = sighting.facts.state === 'terminated' && sighting.facts.incarnation === undefined;
    const facts = isBare && known !== undefined ? { ...known.facts, state: 'terminated' as const } : sighting.facts;
    const bounded = { ...sighting, facts: boundedFacts(withKnownName(known?.facts, facts)) };
    const effect = effectOf(known, bounded);
    const judges = news.judgeAgain === true && known?.goneAt === undefined && known?.facts.state !== 'terminated';
    if (effect === 'nothing' && !judges) return;
    // A sweep of a cloud at rest writes nothing; an event's answer keeps later, older answers out.
    if (effect === 'refreshes' && news.cause === 'sweep' && !judges) return;
    const machine: FoundMachine = {
      id: known?.id ?? `fnd_${randomId(this.#parts.random)}`,
      sourceId: news.source.id,
      scope: { account: news.scope.account, region: news.scope.region },
      nativeId: sighting.nativeId,
      facts: bounded.facts,
      observedAt: sighting.observedAt,
      // Rules say nothing of whether a machine is there.
      missingSince: news.cause === 'rules' ? known?.missingSince : undefined,
      goneAt: effect === 'terminates' ? at : undefined,
      targetId: known?.targetId,
      projected: known?.projected,
      omitted: known?.omitted,
      trace: known?.trace ?? [],
      ...(known?.further === undefined ? {} : { further: known.further }),
      launchedBy: known?.launchedBy ?? launcherOf(news, sighting.nativeId),
      firstSeenAt: known?.firstSeenAt ?? at,
    };
    if (effect === 'terminates') this.#hide(machine);
    else this.#judge(machine, effect);
  }

  #miss(known: FoundMachine | undefined): void {
    if (known === undefined || known.goneAt !== undefined || known.missingSince !== undefined) return;
    this.#batch.saves({ ...known, missingSince: this.#parts.at });
    this.#noteAll(known, 'missing');
  }

  #lose(known: FoundMachine | undefined): void {
    if (known === undefined || known.goneAt !== undefined) return;
    this.#hide({ ...known, goneAt: this.#parts.at });
  }

  /** The first machine leaves its native id to the next one and stays, gone, with its history until it is purged. */
  #succeed(last: FoundMachine): undefined {
    const { at } = this.#parts;
    const kept = {
      ...last,
      nativeId: `${last.nativeId}#${last.facts.incarnation ?? last.id}`,
      goneAt: last.goneAt ?? at,
    };
    if (last.goneAt === undefined) this.#hide(kept);
    else this.#batch.saves(kept);
  }

  #hide(machine: FoundMachine): void {
    for (const entry of entriesOf(machine)) this.#hideTarget(this.#batch.targetOf(entry));
    this.#batch.saves(machine);
    this.#noteAll(machine, 'gone');
  }

  #hideTarget(target: Target | undefined): void {
    if (target !== undefined && target.goneAt === undefined)
      this.#batch.updates({ ...target, goneAt: this.#parts.at, updatedAt: this.#parts.at });
  }

  #judge(machine: FoundMachine, effect: SightingEffect): void {
    const { source, scope } = this.#parts.news;
    const candidate: Candidate = { source, scope, nativeId: machine.nativeId, facts: machine.facts };
    this.#judged.push({ machine, effect, projected: projectMachine(candidate, this.#parts.projection) });
  }

  async #show({ machine, effect, projected }: Judged): Promise<void> {
    const { targetId, projected: last, omitted, trace } = machine;
    const entry = { targetId, projected: last, omitted, trace };
    const called = machine.facts.name;
    const first = await this.#enter({ machine, entry, called, projected: projected.first, effect });
    const further = await this.#showFurther({ machine, effect, projected });
    this.#batch.saves({ ...machine, ...first, ...(further === undefined ? {} : { further }) });
  }

  async #showFurther({ machine, effect, projected }: Judged): Promise<CatalogEntry | undefined> {
    const { further: entry } = machine;
    const target = entry && this.#batch.targetOf(entry);
    if (projected.further !== undefined) {
      const known = entry ?? { targetId: undefined, projected: undefined, omitted: undefined, trace: [] };
      const isBack = target?.goneAt !== undefined;
      const own = target === undefined ? 'appears' : isBack ? 'returns' : effect;
      const called = projected.further.fields?.name ?? furtherName(machine);
      return this.#enter({ machine, entry: known, called, projected: projected.further, effect: own });
    }
    if (entry === undefined || target === undefined) return entry;
    this.#hideTarget(target);
    if (target.goneAt === undefined) this.#note(machine, 'gone', { targetId: target.id, called: furtherName(machine) });
    return { ...entry, omitted: 'untagged' };
  }

  /** Brings one entry to what it should be. */
  async #enter({ machine, entry, called, projected, effect }: Entering): Promise<CatalogEntry> {
    const { at } = this.#parts;
    const { decision, fields, omitted } = projected;
    const target = this.#batch.targetOf(entry);
    const judged: CatalogEntry = { ...entry, trace: decision.trace, omitted };
    if (target === undefined && entry.projected !== undefined) return { ...judged, omitted: 'deleted' };
    if (fields === undefined) {
      this.#hideTarget(target);
      if (effect === 'appears' || target?.goneAt === undefined)
        this.#note(machine, kindOf(effect), { ...entry, called });
      return judged;
    }
    const next = await this.#batch.complete(fields, machine, target);
    const entered: CatalogEntry = { ...judged, projected: next };
    if (target === undefined) {
      const inserted = newTarget(`tgt_${randomId(this.#parts.random)}`, next, at);
      this.#batch.inserts(inserted);
      const kind = effect === 'refreshes' ? 'placed' : kindOf(effect);
      this.#note(machine, kind, { targetId: inserted.id, called });
      return { ...entered, targetId: inserted.id };
    }
    const merged = { ...mergeProjection(target, entry.projected, next), goneAt: undefined };
    const isSame = JSON.stringify(merged) === JSON.stringify(target);
    if (!isSame) this.#batch.updates({ ...merged, updatedAt: at });
    if (effect === 'changes' || effect === 'returns') this.#note(machine, kindOf(effect), { ...entry, called });
    else if (!isSame) this.#note(machine, 'placed', { ...entry, called });
    return entered;
  }

  /** Of each entry that is in the catalog; of the machine where none is. */
  #noteAll(machine: FoundMachine, kind: ChangeKind): void {
    const { targetId, facts, further } = machine;
    this.#note(machine, kind, { targetId, called: facts.name });
    if (further?.targetId !== undefined && further.omitted === undefined)
      this.#note(machine, kind, { targetId: further.targetId, called: furtherName(machine) });
  }

  #note(machine: FoundMachine, kind: ChangeKind, { targetId, called }: Noted): void {
    const { news, at, random } = this.#parts;
    const { sourceId, scope, nativeId } = machine;
    const which = { sourceId, ...scope, nativeId, name: called, targetId };
    const change = { id: `chg_${randomId(random)}`, at, ...which, kind, cause: news.cause };
    this.changes.push(change);
    this.#batch.notes(change);
  }
}

function furtherName({ further, facts }: FoundMachine): string {
  return further?.projected?.name ?? facts.name;
}

function kindOf(effect: SightingEffect): ChangeKind {
  switch (effect) {
    case 'appears':
      return 'appeared';
    case 'returns':
      return 'returned';
    case 'terminates':
      return 'gone';
    case 'changes':
      return 'changed';
    case 'refreshes':
    case 'nothing':
      return 'placed';
  }
}

function launcherOf(news: ScopeNews, nativeId: string): string | undefined {
  return news.hints?.find((hint) => hint.nativeId === nativeId && hint.launchedBy !== undefined)?.launchedBy;
}
