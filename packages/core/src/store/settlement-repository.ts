import type { Settlement } from '../identity/index.ts';

/** What follows from what was written and is not done yet. `leaseMs` counts by the database's clock. */
export interface SettlementRepository {
  /** The caller's to do, for as long as the lease. */
  add(settlement: Settlement, leaseMs: number): Promise<void>;
  /** Those whose lease is over, oldest first, on a new one; each is answered to exactly one of many racing callers. */
  take(leaseMs: number, limit: number): Promise<readonly Settlement[]>;
  /** A new lease for whoever is still at it. */
  keep(id: string, leaseMs: number): Promise<void>;
  /** To be called in the transaction that appends the event: true for exactly one of many racing callers. */
  tell(id: string): Promise<boolean>;
  remove(ids: readonly string[]): Promise<void>;
}
