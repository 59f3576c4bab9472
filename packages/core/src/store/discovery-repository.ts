import type {
  DiscoveryChange,
  FoundMachine,
  FoundMachineId,
  Hint,
  NamedScope,
  Rule,
  Scope,
  Problem,
  ScopeRecord,
  SourceId,
  SourceRecord,
  Trouble,
} from '../discovery/index.ts';
import type { TargetId } from '../target/index.ts';
import type { Page, PageRequest } from './store.ts';

export interface DiscoveryChangeQuery extends PageRequest {
  readonly sourceId?: SourceId;
  readonly targetId?: TargetId;
}

/** An event may name many machines, of which some are taken in and others have to come again. */
export type HintKey = Pick<Hint, 'eventId' | 'scope' | 'nativeId'>;

export interface DiscoveryRepository {
  listSources(): Promise<readonly SourceRecord[]>;
  findSource(id: SourceId): Promise<SourceRecord | undefined>;
  /** @throws Fault CONFLICT where the name is taken. */
  insertSource(source: SourceRecord): Promise<void>;
  /** Writes all columns where the stored version is `source.version`, and raises it. */
  updateSource(source: SourceRecord): Promise<SourceRecord>;
  /** With its scopes and found machines; targets stay. */
  deleteSource(id: SourceId): Promise<void>;

  rules(): Promise<{ readonly rules: readonly Rule[]; readonly version: number }>;
  /** Replaces the whole list where the stored version is `version`. @throws Fault CONFLICT */
  saveRules(rules: readonly Rule[], version: number): Promise<number>;

  listScopes(source: SourceId): Promise<readonly ScopeRecord[]>;
  /** Adds what is missing and renames accounts; scopes that are no longer named stay as they are. */
  noteScopes(source: SourceId, scopes: readonly NamedScope[]): Promise<void>;
  /** True for the one of many that retired it. */
  retireScope(source: SourceId, scope: Scope, at: number): Promise<boolean>;
  /** A retired scope is one of the source again, has never been swept and holds nothing back; true for the one of many that did it. */
  returnScope(source: SourceId, scope: Scope): Promise<boolean>;
  /** Of all sources: scopes that were retired before then and of which no machine is known any more. */
  deleteRetiredScopes(before: number): Promise<void>;

  listTroubles(source: SourceId): Promise<readonly Trouble[]>;
  /** Keeps since when it lasts, unless nobody has met it since `expiredAt`. */
  noteTrouble(
    source: SourceId,
    trouble: Pick<Trouble, 'part' | 'account'> & { readonly problem: Problem },
    times: { readonly at: number; readonly expiredAt: number },
  ): Promise<void>;
  clearTrouble(source: SourceId, trouble: Pick<Trouble, 'part' | 'account'>): Promise<void>;

  updateScope(
    source: SourceId,
    scope: Scope,
    change: Partial<Omit<ScopeRecord, keyof NamedScope | 'sourceId'>>,
  ): Promise<void>;
  /** Takes or extends the lease by the database's clock; exactly one of many racing holders gets true. */
  lease(source: SourceId, scope: Scope, lease: { readonly holder: string; readonly forMs: number }): Promise<boolean>;
  release(source: SourceId, scope: Scope, holder: string): Promise<void>;

  /** Those of the named machines that are known. */
  found(
    source: SourceId,
    wanted: readonly { readonly scope: Scope; readonly nativeIds: readonly string[] }[],
  ): Promise<readonly FoundMachine[]>;
  /** All that are not gone. */
  listFound(source: SourceId, scope: Scope): Promise<readonly FoundMachine[]>;
  countFound(source: SourceId): Promise<readonly (Scope & { readonly present: number; readonly missing: number })[]>;
  findByTarget(target: TargetId): Promise<FoundMachine | undefined>;
  goneBefore(time: number, limit: number): Promise<readonly FoundMachine[]>;
  /** Inserts or replaces by id. */
  saveFound(machines: readonly FoundMachine[]): Promise<void>;
  deleteFound(ids: readonly FoundMachineId[]): Promise<void>;

  /** Those that were noted: the same event of the same source about the same machine. */
  notedHints<H extends HintKey>(source: SourceId, hints: readonly H[]): Promise<ReadonlySet<H>>;
  /** INVARIANT: in the transaction that writes what was learnt of the machines. One that was noted stays as it is. */
  noteHints(source: SourceId, hints: readonly HintKey[], at: number): Promise<void>;
  deleteHintsOlderThan(time: number): Promise<void>;

  appendChanges(changes: readonly DiscoveryChange[]): Promise<void>;
  /** Newest first. */
  listChanges(query: DiscoveryChangeQuery): Promise<Page<DiscoveryChange>>;
}
