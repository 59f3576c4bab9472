import type { FaultCode } from '../fault/index.ts';
import type { NamedScope, SourceId } from './discovery-source.ts';

/** How well a scope is known. */
export interface ScopeRecord extends NamedScope {
  readonly sourceId: SourceId;
  readonly lastEventAt: number | undefined;
  /** When the last complete listing began. */
  readonly lastSweepAt: number | undefined;
  /** Since when listings fail; what the catalog holds of the scope is what was known then. */
  readonly staleSince: number | undefined;
  readonly problem: { readonly code: FaultCode; readonly detail: string } | undefined;
  /** Removals that wait for a person. */
  readonly heldSince: number | undefined;
  readonly held: readonly string[];
  /** The rules and the settings of the source by which everything that was known was last judged; see `judgementOf`. */
  readonly judgedBy: string | undefined;
}
