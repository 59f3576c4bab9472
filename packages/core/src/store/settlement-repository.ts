import type { Settlement } from '../identity/index.ts';

/** What follows from what identity providers wrote and is not done yet. `leaseMs` counts by the database's clock. */
export interface SettlementRepository {
  /** The caller's to do, for as long as the lease. */
  add(settlement: Settlement, leaseMs: number): Promise<void>;
  /** Those whose lease is over, oldest first, on a new one; each is answered to exactly one of many racing callers. */
  take(leaseMs: number, limit: number): Promise<readonly Settlement[]>;
  /** A new lease for whoever is still at it, without the event where it was appended. */
  keep(settlement: Settlement, leaseMs: number): Promise<void>;
  remove(id: string): Promise<void>;
}
