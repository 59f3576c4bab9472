import type { Hint, NamedScope, Sighting, SourceRecord } from './discovery-source.ts';

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
  /** What made us look, and is answered by the sightings: noted with them, so that no copy of it is looked at again. */
  readonly hints?: readonly Hint[];
  /** Of all events that came, also those that are asked about again. */
  readonly lastEventAt?: number;
  /** How long after it happened the newest was received. */
  readonly eventLagMs?: number;
  /** Rules have changed: judge again, whatever the sightings say. */
  readonly judgeAgain?: true;
}
