import type { StoreTransaction } from '../store/index.ts';
import type { Target, TargetGroup } from '../target/index.ts';
import { type Clock, type RandomSource, randomId } from '../time/index.ts';
import type { Hint, NamedScope, Sighting, SourceRecord } from './discovery-source.ts';
import {
  boundedFacts,
  effectOf,
  type FoundMachine,
  isSuccessor,
  type Projection,
  type SightingEffect,
} from './found-machine.ts';
import { mergeProjection, project, type Projected, type ProjectedFields, type ProjectionParts } from './projection.ts';
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

  /**
   * INVARIANT: depends on the transaction alone, so that it may run again after a serialisation failure, and so that no rule
   * and no protected tag that were taken away since are judged by.
   */
  async apply(tx: StoreTransaction, news: ScopeNews): Promise<readonly DiscoveryChange[]> {
    const { scope, hints = [], missing = [], gone = [], lastEventAt, eventLagMs } = news;
    const source = await tx.discovery.findSource(news.source.id);
    if (source === undefined) return [];
    const { rules } = await tx.discovery.rules();
    const at = this.#parts.clock.now();
    if (hints.length > 0) await tx.discovery.noteEvents([...new Set(hints.map(({ eventId }) => eventId))], at);
    if (lastEventAt !== undefined) await tx.discovery.updateScope(source.id, scope, { lastEventAt, eventLagMs });
    const ids = [...new Set([...news.sightings.map(({ nativeId }) => nativeId), ...missing, ...gone])];
    const known = new Map(
      (await tx.discovery.found(source.id, scope, ids)).map((machine) => [machine.nativeId, machine]),
    );
    const projection = { ...this.#parts.projection, rules };
    const run = new Run(tx, { ...this.#parts, projection, news: { ...news, source }, at });
    await run.load([...known.values()]);
    for (const sighting of latest(news.sightings)) run.sight(known.get(sighting.nativeId), sighting);
    await run.showAll();
    for (const id of missing) run.miss(known.get(id));
    for (const id of gone) run.lose(known.get(id));
    return run.finish();
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

interface RunParts extends Pick<UpdaterParts, 'random'> {
  readonly projection: ProjectionParts;
  readonly news: ScopeNews;
  readonly at: number;
}

/** A machine that may be shown, and what the rules make of it. */
interface Judged {
  readonly machine: FoundMachine;
  readonly effect: SightingEffect;
  readonly projected: Projected;
}

class Run {
  readonly #tx: StoreTransaction;
  readonly #parts: RunParts;
  readonly #projection: ProjectionParts;
  readonly #targets = new Map<string, Target>();
  readonly #groups = new Map<string, TargetGroup>();
  readonly #references = new Map<string, boolean>();
  readonly #judged: Judged[] = [];
  /** Who has a name that is wanted, by its key. */
  readonly #holders = new Map<string, string>();
  readonly #namesTaken = new Set<string>();
  readonly #inserts: Target[] = [];
  readonly #updates: Target[] = [];
  readonly #found: FoundMachine[] = [];
  readonly #changes: DiscoveryChange[] = [];
  #groupsLoaded = false;

  constructor(tx: StoreTransaction, parts: RunParts) {
    this.#tx = tx;
    this.#parts = parts;
    this.#projection = parts.projection;
  }

  async load(known: readonly FoundMachine[]): Promise<void> {
    const ids = known.flatMap(({ targetId }) => (targetId === undefined ? [] : [targetId]));
    for (const target of await this.#tx.catalog.findTargets(ids)) this.#targets.set(target.id, target);
  }

  sight(last: FoundMachine | undefined, sighting: Sighting): void {
    const { news, at } = this.#parts;
    const known = last !== undefined && isSuccessor(last, sighting) ? this.#succeed(last) : last;
    // What is no longer there has no facts of its own.
    const isBare = sighting.facts.state === 'terminated' && sighting.facts.incarnation === undefined;
    const facts = isBare && known !== undefined ? { ...known.facts, state: 'terminated' as const } : sighting.facts;
    const bounded = { ...sighting, facts: boundedFacts(facts) };
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
      launchedBy: known?.launchedBy ?? launcherOf(news, sighting.nativeId),
      firstSeenAt: known?.firstSeenAt ?? at,
    };
    if (effect === 'terminates') this.#hide(machine);
    else this.#judge(machine, effect);
  }

  /** After all were seen: what their names need of the database is asked for once. */
  async showAll(): Promise<void> {
    const wanted = this.#judged.flatMap(({ machine, projected: { fields } }) =>
      fields === undefined ? [] : namesFor(fields.name, machine),
    );
    for (const { id, name } of await this.#tx.catalog.findTargetsByName(wanted)) this.#holders.set(nameKeyOf(name), id);
    for (const judged of this.#judged) await this.#show(judged);
  }

  miss(known: FoundMachine | undefined): void {
    if (known === undefined || known.goneAt !== undefined || known.missingSince !== undefined) return;
    this.#found.push({ ...known, missingSince: this.#parts.at });
    this.#note(known, 'missing');
  }

  lose(known: FoundMachine | undefined): void {
    if (known === undefined || known.goneAt !== undefined) return;
    this.#hide({ ...known, goneAt: this.#parts.at });
  }

  async finish(): Promise<readonly DiscoveryChange[]> {
    const { catalog, discovery } = this.#tx;
    if (this.#inserts.length > 0) await catalog.insertTargets(this.#inserts);
    if (this.#updates.length > 0) await catalog.updateTargets(this.#updates);
    if (this.#found.length > 0) await discovery.saveFound(this.#found);
    if (this.#changes.length > 0) await discovery.appendChanges(this.#changes);
    return this.#changes;
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
    else this.#found.push(kept);
  }

  #hide(machine: FoundMachine): void {
    const target = this.#targetOf(machine);
    if (target !== undefined && target.goneAt === undefined)
      this.#updates.push({ ...target, goneAt: this.#parts.at, updatedAt: this.#parts.at });
    this.#found.push(machine);
    this.#note(machine, 'gone');
  }

  #judge(machine: FoundMachine, effect: SightingEffect): void {
    const { source, scope } = this.#parts.news;
    const candidate: Candidate = { source, scope, nativeId: machine.nativeId, facts: machine.facts };
    this.#judged.push({ machine, effect, projected: project(candidate, this.#projection) });
  }

  async #show({ machine, effect, projected }: Judged): Promise<void> {
    const { at } = this.#parts;
    const { decision, fields, omitted } = projected;
    const target = this.#targetOf(machine);
    const judged = { ...machine, trace: decision.trace, omitted };
    if (target === undefined && machine.projected !== undefined) {
      this.#found.push({ ...judged, omitted: 'deleted' });
      return;
    }
    if (fields === undefined) {
      if (target !== undefined && target.goneAt === undefined)
        this.#updates.push({ ...target, goneAt: at, updatedAt: at });
      this.#found.push(judged);
      if (effect === 'appears' || target?.goneAt === undefined) this.#note(judged, kindOf(effect));
      return;
    }
    const next = await this.#complete(fields, machine, target);
    if (target === undefined) {
      const inserted = newTarget(`tgt_${randomId(this.#parts.random)}`, next, at);
      this.#inserts.push(inserted);
      this.#found.push({ ...judged, targetId: inserted.id, projected: next });
      this.#note({ ...judged, targetId: inserted.id }, effect === 'refreshes' ? 'placed' : kindOf(effect));
      return;
    }
    const merged = { ...mergeProjection(target, machine.projected, next), goneAt: undefined };
    const isSame = JSON.stringify(merged) === JSON.stringify(target);
    if (!isSame) this.#updates.push({ ...merged, updatedAt: at });
    this.#found.push({ ...judged, projected: next });
    if (effect === 'changes' || effect === 'returns') this.#note(judged, kindOf(effect));
    else if (!isSame) this.#note(judged, 'placed');
  }

  /** Fields that need the database: the group's id, a name that is free, references that exist. */
  async #complete(fields: ProjectedFields, machine: FoundMachine, target: Target | undefined): Promise<Projection> {
    const { path, ...rest } = fields;
    const { credentials, catalog } = this.#tx;
    const has = async (key: string, look: () => Promise<unknown>): Promise<boolean> => {
      const kept = this.#references.get(key) ?? (await look()) !== undefined;
      this.#references.set(key, kept);
      return kept;
    };
    const { credentialId, jumpTargetId } = rest;
    return {
      ...rest,
      name: this.#freeName(fields.name, machine, target),
      groupId: await this.#groupAt(path),
      credentialId:
        credentialId !== undefined && (await has(credentialId, () => credentials.find(credentialId)))
          ? credentialId
          : undefined,
      jumpTargetId:
        jumpTargetId !== undefined &&
        jumpTargetId !== target?.id &&
        (await has(jumpTargetId, () => catalog.findTarget(jumpTargetId)))
          ? jumpTargetId
          : undefined,
    };
  }

  #freeName(wanted: string, machine: FoundMachine, target: Target | undefined): string {
    const names = namesFor(wanted, machine);
    for (const name of names) {
      const key = nameKeyOf(name);
      const holder = this.#holders.get(key);
      if (this.#namesTaken.has(key) || (holder !== undefined && holder !== target?.id)) continue;
      this.#namesTaken.add(key);
      return name;
    }
    return `${names.at(-1)?.slice(0, 150) ?? ''} ${machine.id.slice(-12)}`;
  }

  async #groupAt(path: readonly string[]): Promise<string | undefined> {
    const { catalog } = this.#tx;
    if (!this.#groupsLoaded) {
      for (const group of await catalog.listGroups()) this.#groups.set(keyOf(group.parentId, group.name), group);
      this.#groupsLoaded = true;
    }
    let parentId: string | undefined;
    for (const name of path) {
      const key = keyOf(parentId, name);
      let group = this.#groups.get(key);
      if (group === undefined) {
        group = { id: `tgp_${randomId(this.#parts.random)}`, parentId, name };
        await catalog.insertGroup(group);
        this.#groups.set(key, group);
      }
      parentId = group.id;
    }
    return parentId;
  }

  #targetOf(machine: FoundMachine): Target | undefined {
    return machine.targetId === undefined ? undefined : this.#targets.get(machine.targetId);
  }

  #note(machine: FoundMachine, kind: ChangeKind): void {
    const { news, at, random } = this.#parts;
    const { sourceId, scope, nativeId, facts, targetId } = machine;
    this.#changes.push({
      id: `chg_${randomId(random)}`,
      at,
      sourceId,
      ...scope,
      nativeId,
      name: facts.name,
      kind,
      cause: news.cause,
      targetId,
    });
  }
}

/** The name that a machine is to have, and the one that it gets where another has that. */
function namesFor(wanted: string, { nativeId }: FoundMachine): readonly string[] {
  const short = nativeId.split('/').at(-1) ?? nativeId;
  return [wanted, `${[...wanted].slice(0, 100).join('')} (${short.slice(0, 80)})`];
}

function nameKeyOf(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}

function keyOf(parentId: string | undefined, name: string): string {
  return `${parentId ?? ''}/${nameKeyOf(name)}`;
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

function newTarget(id: string, projection: Projection, at: number): Target {
  return {
    ...projection,
    id,
    description: '',
    builtIn: undefined,
    goneAt: undefined,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}
