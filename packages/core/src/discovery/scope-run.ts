import type { Target } from '../target/index.ts';
import { type RandomSource, randomId } from '../time/index.ts';
import { type CatalogBatch, namesFor, type WantedMachines } from './catalog-batch.ts';
import type { Sighting } from './discovery-source.ts';
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
import type { Candidate } from './rule.ts';
import type { ChangeKind, DiscoveryChange, ScopeNews } from './scope-news.ts';

interface RunParts {
  readonly random: RandomSource;
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
export class ScopeRun {
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

/** The newest of several sightings of one machine. */
function latest(sightings: readonly Sighting[]): readonly Sighting[] {
  const byId = new Map<string, Sighting>();
  for (const sighting of sightings) {
    const other = byId.get(sighting.nativeId);
    if (other === undefined || sighting.observedAt >= other.observedAt) byId.set(sighting.nativeId, sighting);
  }
  return [...byId.values()];
}
