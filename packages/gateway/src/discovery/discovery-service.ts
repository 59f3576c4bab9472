import type { AuditLog } from '@enchilada/core/audit';
import {
  CatalogUpdater,
  externalIdOf,
  type DiscoveryChange,
  type Hint,
  type MachineAccess,
  type NamedScope,
  type ProjectionParts,
  type RefusalReason,
  type Rule,
  type ScopeRecord,
  type SourceKind,
  type SourceRecord,
  type SourceType,
  type SweepResult,
} from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { type By } from '../access/grant-events.ts';
import type { FreshLook } from '@enchilada/core/session';
import type { Target } from '@enchilada/core/target';
import { lookAgain } from './fresh-look.ts';
import { Settlements } from '../settlement/settlements.ts';
import { preview, previewKnown, type Preview, type PreviewOf, type PreviewParts } from './preview.ts';
import { PreviewSources } from './preview-sources.ts';
import { purgeGone } from './purge.ts';
import { Refusals } from './refusals.ts';
import { addRuleGrants, type RuleGrantChange } from './rule-grants.ts';
import { RuleSettlement } from './rule-settlement.ts';
import { type RunnerCounts, SourceRunner } from './source-runner.ts';
import { SourceTroubles } from './source-troubles.ts';

const REFRESH_MS = 3_000;
const PURGE_EVERY_MS = 3_600_000;

export interface DiscoveryParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly nodeId: string;
  readonly types: readonly SourceType[];
  readonly protocols: ProjectionParts['protocols'];
  readonly portOf: ProjectionParts['portOf'];
  readonly report: (message: string, cause: unknown) => void;
}

/** Keeps a runner for each source that is switched on, follows what other nodes change, and tidies up. */
export class DiscoveryService implements AsyncDisposable {
  readonly types: ReadonlyMap<SourceKind, SourceType>;
  readonly #parts: DiscoveryParts;
  readonly #updater: CatalogUpdater;
  readonly #runners = new Map<string, SourceRunner>();
  readonly #timers: Disposable[] = [];
  readonly #opening = new Map<string, { readonly version: number; readonly troubles: SourceTroubles }>();
  readonly #settlements: Settlements;
  readonly #previewSources: PreviewSources;
  readonly #ruleSettlement: RuleSettlement;
  #refreshing: Promise<void> | undefined;
  #stopped = false;
  readonly #refusals: Refusals;
  /** Of runners that are no more: counters never go back. */
  readonly #stoppedCounts: RunnerCounts = {
    messages: 0,
    retried: 0,
    copies: 0,
    changes: 0,
    sweeps: 0,
    failedSweeps: 0,
  };

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
    this.types = new Map(parts.types.map((type) => [type.manifest.kind, type]));
    const { clock, random, protocols, portOf } = parts;
    this.#updater = new CatalogUpdater({ clock, random, projection: { protocols, portOf } });
    this.#previewSources = new PreviewSources(clock);
    this.#refusals = new Refusals({ ...parts, name: parts.nodeId });
    this.#settlements = new Settlements(parts);
    this.#ruleSettlement = new RuleSettlement({ ...parts, settlements: this.#settlements, updater: this.#updater });
  }

  async start(): Promise<void> {
    await this.refresh();
    const { clock, report } = this.#parts;
    const every = (ms: number, what: string, work: () => Promise<void>): void => {
      this.#timers.push(
        clock.every(ms, () => {
          work().catch((cause: unknown) => {
            report(what, cause);
          });
        }),
      );
    };
    every(REFRESH_MS, 'the sources could not be read again', () => this.refresh());
    every(PURGE_EVERY_MS, 'machines long gone could not be removed', () =>
      purgeGone({ ...this.#parts, settlements: this.#settlements }),
    );
  }

  /** Made by us, different for each source and not editable: a role that asks for it can be assumed on no other's behalf. */
  externalIdOf({ id }: Pick<SourceRecord, 'id'>): string {
    return externalIdOf(id);
  }

  /** How a source that is switched on lets people in to its machines. */
  accessOf(sourceId: string): MachineAccess | undefined {
    return this.#runners.get(sourceId)?.access;
  }

  /** See `BrokerParts.lookAgain`. */
  lookAgain(target: Target, signal: AbortSignal): Promise<FreshLook> {
    const { store, clock } = this.#parts;
    return lookAgain({ store, clock, runnerOf: (id) => this.#runners.get(id) }, target, signal);
  }

  /** For `/metrics`: of this node since it started. */
  get numbers() {
    const runners = [...this.#runners.values()];
    const sum = (key: keyof RunnerCounts): number =>
      runners.reduce((all, { counts }) => all + counts[key], this.#stoppedCounts[key]);
    const scopes = runners.flatMap((runner) => runner.scopes);
    const active = scopes.filter(({ retiredAt }) => retiredAt === undefined);
    const oldest = Math.min(...active.map(({ lastSweepAt }) => lastSweepAt ?? Infinity));
    return {
      messages: sum('messages'),
      retried: sum('retried'),
      copies: sum('copies'),
      changes: sum('changes'),
      sweeps: sum('sweeps'),
      failedSweeps: sum('failedSweeps'),
      refusedEvents: this.#refusals.count,
      staleScopes: active.filter(({ staleSince }) => staleSince !== undefined).length,
      heldScopes: scopes.filter(({ heldSince }) => heldSince !== undefined).length,
      retiredScopes: scopes.length - active.length,
      troubles: runners.reduce((all, runner) => all + runner.troubles, 0),
      oldestSweepSeconds: Number.isFinite(oldest) ? Math.max(0, this.#parts.clock.now() - oldest) / 1_000 : 0,
    };
  }

  /** Starts, stops and restarts runners so that they are what the database says. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Sweeps every scope of a source now. @throws Fault CONFLICT where it is switched off */
  async sweepNow(id: string): Promise<readonly SweepResult[]> {
    const runner = this.#runners.get(id);
    if (runner === undefined) throw new Fault('CONFLICT', 'the source is switched off, or its settings do not work');
    await runner.listScopes();
    const scopes = await this.#parts.store.now.discovery.listScopes(id);
    const results = await Promise.all(scopes.map((scope) => runner.sweep(scope)));
    return results.filter((result) => result !== undefined);
  }

  /** A person agrees to removals that were held. Only those that were shown go. */
  async acceptRemovals(
    record: SourceRecord,
    scope: ScopeRecord,
    ids: readonly string[],
  ): Promise<readonly DiscoveryChange[]> {
    const { store } = this.#parts;
    const held = new Set(scope.held);
    const gone = ids.filter((id) => held.has(id));
    const news = { source: record, scope, cause: 'sweep', sightings: [], gone } as const;
    const changes = await store.transaction((tx) => this.#updater.apply(tx, news));
    const rest = scope.held.filter((id) => !gone.includes(id));
    await store.now.discovery.updateScope(record.id, scope, {
      held: rest,
      heldSince: rest.length === 0 ? undefined : scope.heldSince,
    });
    return changes;
  }

  /** Reads the source and writes nothing. */
  async preview(record: SourceRecord, of: PreviewOf): Promise<Preview> {
    await using opened = await this.#previewSources.take(this.#typeOf(record), record);
    return await preview(this.#previewParts(), { record, ...opened }, of);
  }

  /** What other rules would do to the machines that are known; asks no cloud. */
  previewKnown(sourceId: string | undefined, of: PreviewOf): Promise<Preview> {
    return previewKnown(this.#previewParts(), sourceId, of);
  }

  /** Saves rules and judges everything that is known again, without asking any cloud. @param by who is behind the grants of rules, given and withdrawn */
  async saveRules(
    rules: readonly Rule[],
    { version, by, withdrawnBy }: { readonly version: number; readonly by: string; readonly withdrawnBy: By },
  ): Promise<{ readonly version: number; readonly changed: number; readonly grants: RuleGrantChange }> {
    const { store, random, clock } = this.#parts;
    const now = clock.now();
    const saved = await store.transaction(async (tx) => ({
      version: await tx.discovery.saveRules(rules, version),
      grants: await addRuleGrants(tx, rules, { now, by, random }),
    }));
    const { changed } = await this.#ruleSettlement.settle(saved.version, withdrawnBy);
    await store.now.commands.post({ kind: 'recheck-all' }, clock.now());
    return { ...saved, changed };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    await this.#refreshing?.catch(() => undefined);
    await Promise.all([...this.#runners.values()].map((runner) => runner[Symbol.asyncDispose]()));
    this.#runners.clear();
    await this.#previewSources[Symbol.asyncDispose]();
  }

  #typeOf(record: Pick<SourceRecord, 'kind'>): SourceType {
    const type = this.types.get(record.kind);
    if (type === undefined) throw new Fault('INVALID_REQUEST', `there is no kind of source ${record.kind}`);
    return type;
  }

  #previewParts(): PreviewParts {
    const { store, clock, protocols, portOf } = this.#parts;
    return { store, clock, projection: { protocols, portOf } };
  }

  async #refresh(): Promise<void> {
    const { store, report } = this.#parts;
    const [sources, nodes] = await Promise.all([store.now.discovery.listSources(), store.now.nodes.list()]);
    for (const type of this.types.values()) type.shareAmong?.(Math.max(1, nodes.length));
    const wanted = sources.filter(({ enabled }) => enabled);
    const versions = new Map(wanted.map(({ id, version }) => [id, version]));
    for (const [id, runner] of this.#runners) {
      if (versions.get(id) === runner.record.version) continue;
      this.#runners.delete(id);
      await runner[Symbol.asyncDispose]();
      for (const key of Object.keys(runner.counts) as (keyof RunnerCounts)[])
        this.#stoppedCounts[key] += runner.counts[key];
    }
    for (const record of wanted) {
      if (this.#runners.has(record.id) || this.#stopped) continue;
      try {
        const source = await this.#typeOf(record).open(record);
        const runner = new SourceRunner({ ...this.#runnerParts(), updater: this.#updater }, record, source);
        this.#runners.set(record.id, runner);
        runner.start();
        await this.#troublesOf(record).well('settings');
      } catch (failure) {
        report(`the source ${record.name} could not be opened`, failure);
        await this.#troublesOf(record).failed('settings', failure);
      }
    }
    try {
      await this.#ruleSettlement.catchUp(sources);
    } catch (failure) {
      report('machines could not be judged by the rules that were saved', failure);
    }
  }

  /** Of sources as this node opens them, by source and version. */
  #troublesOf({ id, version }: SourceRecord): SourceTroubles {
    const kept = this.#opening.get(id);
    if (kept?.version === version) return kept.troubles;
    const troubles = new SourceTroubles(this.#parts, id);
    this.#opening.set(id, { version, troubles });
    return troubles;
  }

  #runnerParts() {
    const { store, clock, random, nodeId, audit, report } = this.#parts;
    const append = (event: Parameters<AuditLog['append']>[0]): void => {
      audit.append(event).catch((cause: unknown) => {
        report('an act of discovery could not be audited', cause);
      });
    };
    const actor = { kind: 'system', name: nodeId } as const;
    return {
      store,
      clock,
      random,
      nodeId,
      report,
      refused: (record: SourceRecord, hint: Hint, reason: RefusalReason): void => {
        this.#refusals.refused(record, hint, reason);
      },
      unreadable: (record: SourceRecord, problem: string): void => {
        this.#refusals.unreadable(record, problem);
      },
      unread: (record: SourceRecord, scope: ScopeRecord, failure: Fault): void => {
        report('machines that events name could not be read', failure);
        this.#refusals.denied(record, scope, failure);
      },
      relisted: (record: SourceRecord, what: 'retired' | 'returned', scopes: readonly NamedScope[]): void => {
        append({
          action: `source.scopes-${what}`,
          actor,
          object: { kind: 'source', id: record.id, name: record.name },
          outcome: 'success',
          detail: { scopes: scopes.length, named: namesOf(scopes) },
        });
      },
      swept: (record: SourceRecord, scope: ScopeRecord, { outcome, failure }: SweepResult): void => {
        if (failure !== undefined) this.#refusals.denied(record, scope, failure);
        if (outcome !== 'held' || scope.heldSince !== undefined) return;
        append({
          action: 'source.removals-held',
          actor,
          object: { kind: 'source', id: record.id, name: record.name },
          outcome: 'denied',
          reason: 'a listing lacks more machines than may go without a person',
          detail: { account: scope.account, region: scope.region },
        });
      },
    };
  }
}

/** An audit event holds so many; the page has them all. */
const NAMED_SCOPES = 50;

function namesOf(scopes: readonly NamedScope[]): string {
  const named = scopes.slice(0, NAMED_SCOPES).map(({ account, region }) => `${account} ${region}`);
  return [...named, ...(scopes.length > NAMED_SCOPES ? ['…'] : [])].join(', ');
}
