import {
  type CatalogUpdater,
  CatalogWriter,
  type Delivery,
  type DiscoveryChange,
  type DiscoverySource,
  type Hint,
  type NamedScope,
  processDeliveries,
  type RefusalReason,
  type Scope,
  type ScopeRecord,
  type Sighting,
  type SourceRecord,
  sweepRetired,
  sweepScope,
  type SweepResult,
  takeListing,
} from '@enchilada/core/discovery';
import { Fault, toFault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { HintIntake } from './hint-intake.ts';
import { Looks } from './looks.ts';
import { pause, PAUSE_AFTER_FAILURE_MS } from './pause.ts';
import { ScopeLease } from './scope-lease.ts';
import { SourceTroubles } from './source-troubles.ts';
import { TrustCheck } from './trust-check.ts';

const SWEEP_EVERY_MS = 10 * 60_000;
const SCOPES_EVERY_MS = 10 * 60_000;
/** A scope that is no longer listed asks no cloud; its machines go when their grace is over. */
const RETIRED_EVERY_MS = 60_000;
const LOOK_EVERY_MS = 2_000;
const SWEEPS_AT_ONCE = 8;
/** A sweep that takes longer is waited for by no other: its cloud does not answer, or has much to list. */
const SLOW_AFTER_MS = 5_000;
/** With those that are slow. An account that is silent is so in all of its regions, of which there are some thirty. */
const MOST_SWEEPS = 64;

export interface RunnerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly nodeId: string;
  readonly updater: CatalogUpdater;
  readonly refused: (record: SourceRecord, hint: Hint, reason: RefusalReason) => void;
  readonly unreadable: (record: SourceRecord, problem: string) => void;
  /** The machines of a scope that events name could not be read. */
  readonly unread: (record: SourceRecord, scope: ScopeRecord, failure: Fault) => void;
  /** Scopes that the source no longer lists, or lists again. */
  readonly relisted: (record: SourceRecord, what: 'retired' | 'returned', scopes: readonly NamedScope[]) => void;
  readonly swept: (record: SourceRecord, scope: ScopeRecord, result: SweepResult) => void;
  readonly report: (message: string, cause: unknown) => void;
}

export interface RunnerCounts {
  messages: number;
  retried: number;
  copies: number;
  changes: number;
  sweeps: number;
  failedSweeps: number;
}

/** One source at work on this node: every node takes events; a scope is swept by whichever node holds its lease. */
export class SourceRunner implements AsyncDisposable {
  readonly record: SourceRecord;
  readonly counts: RunnerCounts = { messages: 0, retried: 0, copies: 0, changes: 0, sweeps: 0, failedSweeps: 0 };
  readonly #parts: RunnerParts;
  readonly #source: DiscoverySource;
  readonly #stop = new AbortController();
  readonly #writer: CatalogWriter;
  /** By scope: those that are being swept, and those that wait for their turn. */
  readonly #sweeping = new Map<string, Promise<void>>();
  readonly #due = new Set<string>();
  /** By scope: the end of the sweep that was begun last, also of those that somebody asked for. */
  readonly #ends = new Map<string, Promise<void>>();
  readonly #troubles: SourceTroubles;
  readonly #slow = new Set<string>();
  readonly #peeks: Looks;
  readonly #trust: TrustCheck;
  #listing: Promise<void> | undefined;
  #isListed = false;
  #short: ReadonlySet<string> = new Set();
  #looks: Promise<void> | undefined;
  #intake: HintIntake | undefined;
  #scopes: readonly ScopeRecord[] = [];
  #scopesReadAt = -Infinity;
  #jitter = new Map<string, number>();

  constructor(parts: RunnerParts, record: SourceRecord, source: DiscoverySource) {
    this.#parts = parts;
    this.#writer = new CatalogWriter(parts.store, parts.updater);
    this.record = record;
    this.#source = source;
    this.#troubles = new SourceTroubles(parts, record.id);
    const { clock, report } = parts;
    this.#trust = new TrustCheck({ clock, report, source, troubles: this.#troubles, stopped: this.#stop.signal });
    this.#peeks = new Looks({
      clock,
      describe: (scope, ids, signal) => source.describe(scope, ids, signal),
      take: async (scope, sighting) => {
        const news = { source: record, scope, cause: 'event', sightings: [sighting] } as const;
        await this.#note(await this.#writer.write(news));
      },
      stopped: this.#stop.signal,
    });
  }

  start(): void {
    this.#looks = this.#keepLooking();
  }

  get access(): DiscoverySource['access'] {
    return this.#source.access;
  }

  get scopes(): readonly ScopeRecord[] {
    return this.#scopes;
  }

  get troubles(): number {
    return this.#troubles.count;
  }

  /** Describes one machine now and takes in what is said; undefined where the source does not know it. @throws Fault @see Looks */
  look(scope: ScopeRecord, nativeId: string): Promise<Sighting | undefined> {
    return this.#peeks.look(scope, nativeId);
  }

  /**
   * Sweeps one scope now; undefined where another node does so already, or took it over in the middle. INVARIANT: one after the other: the lease
   * tells nodes apart, and not the regular sweep of one from that which somebody asks it for.
   */
  sweep(scope: ScopeRecord): Promise<SweepResult | undefined> {
    const key = keyOf(scope);
    const before = this.#ends.get(key);
    const swept = before === undefined ? this.#sweep(scope) : before.then(() => this.#sweepAgain(scope));
    const end = swept
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => {
        if (this.#ends.get(key) === end) this.#ends.delete(key);
      });
    this.#ends.set(key, end);
    return swept;
  }

  /** What the sweep before it learnt is held against what this one finds. */
  async #sweepAgain(scope: ScopeRecord): Promise<SweepResult | undefined> {
    const all = await this.#parts.store.now.discovery.listScopes(this.record.id);
    return this.#sweep(all.find((one) => keyOf(one) === keyOf(scope)) ?? scope);
  }

  async #sweep(scope: ScopeRecord): Promise<SweepResult | undefined> {
    const { store, clock, updater, swept } = this.#parts;
    const { record } = this;
    const source = this.#source;
    await using lease = await ScopeLease.take(this.#parts, { source: record.id, scope });
    if (lease === undefined) return undefined;
    const signal = AbortSignal.any([this.#stop.signal, lease.lost]);
    try {
      const result =
        scope.retiredAt === undefined
          ? await sweepScope({ store, clock, updater }, { record, source, scope }, signal)
          : await sweepRetired({ store, clock, updater }, { record, source, scope });
      this.counts.sweeps++;
      if (result.outcome === 'failed') this.counts.failedSweeps++;
      await this.#note(result.changes);
      swept(record, scope, result);
      return result;
    } catch (failure) {
      if (lease.lost.aborted) return undefined;
      throw failure;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the source was stopped'));
    await Promise.all([
      this.#looks,
      this.#listing,
      this.#trust.running,
      this.#intake?.[Symbol.asyncDispose](),
      ...this.#sweeping.values(),
      ...this.#ends.values(),
    ]);
    await this.#source[Symbol.asyncDispose]();
  }

  /** Asks the source which scopes it has, and not before now; never fails. */
  async listScopes(): Promise<void> {
    await this.#listing;
    await this.#relist();
  }

  #relist(): Promise<void> {
    this.#listing ??= this.#listScopes().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#parts;
    if (clock.monotonicMs() - this.#scopesReadAt > (this.#source.scopesEveryMs ?? SCOPES_EVERY_MS)) void this.#relist();
    await this.#sayShortfalls();
    await this.#troubles.renew();
    this.#scopes = await store.now.discovery.listScopes(this.record.id);
    if (this.#scopes.length === 0) {
      await this.#listing;
      this.#scopes = await store.now.discovery.listScopes(this.record.id);
    }
    this.#stop.signal.throwIfAborted();
    // INVARIANT: nothing is received before the scopes were listed, or events of all that are new would be refused.
    if (this.#isListed && this.#scopes.length > 0) this.#intake ??= this.#takeHints();
    const now = clock.now();
    for (const scope of this.#scopes) {
      const key = keyOf(scope);
      if (!this.#sweeping.has(key) && this.#isDue(scope, now)) this.#due.add(key);
    }
    this.#sweepDue();
  }

  /** What is no longer met is over. */
  async #sayShortfalls(): Promise<void> {
    const shortfalls = this.#source.shortfalls?.() ?? new Map<string, Fault>();
    for (const [account, fault] of shortfalls) await this.#troubles.failed('networks', fault, account);
    for (const account of this.#short) if (!shortfalls.has(account)) await this.#troubles.well('networks', account);
    this.#short = new Set(shortfalls.keys());
  }

  /** INVARIANT: waited for only where no scope is known: one account that does not answer keeps no other's sweep waiting. */
  async #listScopes(): Promise<void> {
    const { clock, report } = this.#parts;
    const { signal } = this.#stop;
    try {
      await this.#takeListing();
    } catch (failure) {
      if (signal.aborted) return;
      report('the scopes of a source could not be listed; those that are known stay', toFault(failure));
      await this.#troubles.failed('accounts', failure);
    }
    this.#scopesReadAt = clock.monotonicMs();
    this.#isListed = true;
  }

  async #takeListing(): Promise<void> {
    const { store, clock, relisted } = this.#parts;
    const listed = await this.#source.scopes(this.#stop.signal);
    const { retired, returned, unlisted, isSuspicious } = await takeListing({ store, clock }, this.record.id, listed);
    for (const scope of returned) this.#jitter.delete(keyOf(scope));
    if (retired.length > 0) relisted(this.record, 'retired', retired);
    if (returned.length > 0) relisted(this.record, 'returned', returned);
    for (const [account, fault] of unlisted) await this.#troubles.failed('regions', fault, account);
    await this.#troubles.onlyIn('regions', new Set(unlisted.keys()));
    if (isSuspicious)
      await this.#troubles.failed(
        'accounts',
        new Fault('DISCOVERY_FAILED', 'the list of accounts is empty and was not before; what is known stays'),
      );
    else await this.#troubles.well('accounts');
    this.#trust.begin([...new Set(listed.map(({ account }) => account))]);
  }

  /** INVARIANT: waited for by nobody but the end: a cloud that does not answer takes a place for moments and keeps no other scope waiting. */
  #sweepDue(): void {
    for (const key of this.#due) {
      const { size } = this.#sweeping;
      if (size - this.#slow.size >= SWEEPS_AT_ONCE || size >= MOST_SWEEPS || this.#stop.signal.aborted) return;
      this.#due.delete(key);
      // Another node may have swept it while it waited here.
      const scope = this.#scopes.find((one) => keyOf(one) === key);
      if (scope === undefined || !this.#isDue(scope, this.#parts.clock.now())) continue;
      const slow = this.#parts.clock.after(SLOW_AFTER_MS, () => {
        this.#slow.add(key);
        this.#sweepDue();
      });
      const swept = this.#sweepAlone(key, scope).then(() => {
        slow[Symbol.dispose]();
        this.#slow.delete(key);
        this.#sweeping.delete(key);
        this.#sweepDue();
      });
      this.#sweeping.set(key, swept);
    }
  }

  async #sweepAlone(key: string, scope: ScopeRecord): Promise<void> {
    try {
      // One that another node sweeps is looked at again soon, for that node may die in the middle.
      if ((await this.sweep(scope)) === undefined) return;
    } catch (failure) {
      if (this.#stop.signal.aborted) return;
      this.#parts.report('a scope could not be swept', failure);
    }
    this.#jitter.set(key, this.#parts.clock.now());
  }

  /** INVARIANT: a scope that fails waits as long as one that succeeds; clouds are never asked faster because they fail. */
  #isDue(scope: ScopeRecord, now: number): boolean {
    const key = keyOf(scope);
    if (scope.retiredAt !== undefined) return now - (this.#jitter.get(key) ?? 0) > RETIRED_EVERY_MS;
    const last = Math.max(scope.lastSweepAt ?? 0, this.#jitter.get(key) ?? 0);
    if (last === 0) return true;
    // Spread over a fifth of the period, the same for each scope in each round; regions that differ in their last sign alone are far apart.
    const mixed = [...key].reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) % 1_000_003, 7);
    const spread = ((mixed * 7_919) % 1_000) / 1_000;
    return now - last > SWEEP_EVERY_MS * (0.9 + 0.2 * spread);
  }

  #takeHints(): HintIntake | undefined {
    const { clock, report } = this.#parts;
    const { hints: queue } = this.#source;
    if (queue === undefined) return undefined;
    const laneOf = ({ hints: [first] }: Delivery): string => {
      const key = first === undefined ? '' : keyOf(first.scope);
      return this.#scopes.some((scope) => keyOf(scope) === key && scope.retiredAt === undefined) ? key : '';
    };
    const received = (failure: unknown): void => {
      void (failure === undefined ? this.#troubles.well('events') : this.#troubles.failed('events', failure));
    };
    return new HintIntake({ clock, queue, laneOf, received, report, take: (deliveries) => this.#takeIn(deliveries) });
  }

  async #takeIn(deliveries: readonly Delivery[]): Promise<void> {
    const { store, clock, refused, unreadable, unread, report } = this.#parts;
    const { record } = this;
    const result = await processDeliveries(
      {
        clock,
        writer: this.#writer,
        inbox: store.now.discovery,
        report,
        scopes: () => this.#scopes,
        refused: (hint, reason) => {
          refused(record, hint, reason);
        },
        unreadable: (problem) => {
          unreadable(record, problem);
        },
        failed: (scope, failure) => {
          unread(record, scope, failure);
        },
      },
      { record, source: this.#source, deliveries },
      this.#stop.signal,
    );
    if (result.unended === undefined) await this.#troubles.well('endings');
    else await this.#troubles.failed('endings', result.unended);
    this.counts.messages += deliveries.length;
    this.counts.retried += result.retried;
    this.counts.copies += result.copies;
    await this.#note(result.changes);
  }

  /** Sessions on machines that are gone end now and not at the next look at everybody's rights. */
  async #note(changes: readonly DiscoveryChange[]): Promise<void> {
    this.counts.changes += changes.length;
    if (changes.some(({ kind }) => kind === 'gone'))
      await this.#parts.store.now.commands.post({ kind: 'recheck-all' }, this.#parts.clock.now());
  }

  async #keepLooking(): Promise<void> {
    const { clock, report } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#look();
        await pause(clock, LOOK_EVERY_MS, signal);
      } catch (failure) {
        if (signal.aborted) return;
        report('a source could not be swept', failure);
        await pause(clock, PAUSE_AFTER_FAILURE_MS, signal);
      }
    }
  }
}

function keyOf({ account, region }: Scope): string {
  return `${account} ${region}`;
}
