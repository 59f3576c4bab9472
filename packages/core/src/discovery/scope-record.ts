import { type FaultCode, toFault } from '../fault/index.ts';
import type { NamedScope, SourceId } from './discovery-source.ts';

/** What failed, in the operator's words. */
export interface Problem {
  readonly code: FaultCode;
  readonly detail: string;
}

/** How well a scope is known. */
export interface ScopeRecord extends NamedScope {
  readonly sourceId: SourceId;
  readonly lastEventAt: number | undefined;
  /** When the last complete listing began. */
  readonly lastSweepAt: number | undefined;
  /** Since when listings fail; what the catalog holds of the scope is what was known then. */
  readonly staleSince: number | undefined;
  readonly problem: Problem | undefined;
  /** Removals that wait for a person. */
  readonly heldSince: number | undefined;
  readonly held: readonly string[];
  /** The rules and the settings of the source by which everything that was known was last judged; see `judgementOf`. */
  readonly judgedBy: string | undefined;
  /** Since when its source no longer lists it: no events, no sweeps, and its machines go. */
  readonly retiredAt: number | undefined;
  /** How long after it happened the last event was taken in. */
  readonly eventLagMs: number | undefined;
  /** When a listing last found a machine of whose launch no event had told. */
  readonly unannouncedAt: number | undefined;
}

/** What of a source as a whole can fail, beside the listings of its scopes. */
export type TroublePart =
  /** It could not be opened with its settings. */
  | 'settings'
  /** Which accounts there are. */
  | 'accounts'
  /** Which regions an account has. */
  | 'regions'
  /** Receiving events. */
  | 'events'
  /** Ending events that were received. */
  | 'endings'
  /** How it is let in to an account: too easily. */
  | 'trust'
  /** What the networks of an account are called. */
  | 'networks';

/** Something wrong with a source that no sweep of a scope shows. */
export interface Trouble {
  readonly part: TroublePart;
  /** Empty where it concerns the source as a whole. */
  readonly account: string;
  readonly since: number;
  /** When some node last met it; see `TROUBLE_LASTS_MS`. */
  readonly seenAt: number;
  readonly problem: Problem;
}

/** A trouble that no node has met for so long is over: the node that had it may have died, or the source was switched off. */
export const TROUBLE_LASTS_MS = 5 * 60_000;
const LONGEST_DETAIL = 1_000;

export function problemOf(failure: unknown): Problem {
  const { code, message } = toFault(failure);
  return { code, detail: message.slice(0, LONGEST_DETAIL) };
}
