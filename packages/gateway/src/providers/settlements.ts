import type { AuditEvent, AuditLog } from '@enchilada/core/audit';
import type { ProviderId, Settlement } from '@enchilada/core/identity';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import { type Clock, type RandomSource, randomId } from '@enchilada/core/time';

export interface SettlementsParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** Who judges people; what follows of that is written down with it and answered. */
export interface Judge {
  judgeOne(
    providerId: ProviderId,
    who: { readonly userId: string; readonly displayName: string },
  ): Promise<readonly Settlement[]>;
  /** @param alive to be called now and then */
  judgeEverybody(providerId: ProviderId, alive: () => Promise<void>): Promise<void>;
}

export interface Owed {
  readonly providerId: ProviderId;
  readonly event: AuditEvent;
  readonly people?: readonly string[];
  readonly displayName?: string;
  readonly everybody?: boolean;
}

/** With a look each second, what a dead node left is begun within four. */
const LEASE_MS = 3_000;
const RENEWED_AFTER_MS = 1_000;

/**
 * What follows from what providers say, written down in the transaction of its cause and done after it: by this node, or where it dies, by whichever
 * looks next. All of it may be done twice and is then the same, but for an event whose append was the last that a node did: it is in the log twice.
 */
export class Settlements {
  readonly #parts: SettlementsParts;

  constructor(parts: SettlementsParts) {
    this.#parts = parts;
  }

  /** The answer is to be settled once the transaction is committed. */
  async owe(tx: StoreTransaction, owed: Owed): Promise<Settlement> {
    const { providerId, event, people = [], displayName = '', everybody = false } = owed;
    const settlement: Settlement = {
      ...{ id: `stl_${randomId(this.#parts.random)}`, providerId, event, people },
      ...(displayName === '' ? {} : { displayName }),
      ...(everybody ? { everybody } : {}),
    };
    await tx.settlements.add(settlement, LEASE_MS);
    return settlement;
  }

  async settle(settlement: Settlement, judge: Judge): Promise<void> {
    const { store, audit, clock } = this.#parts;
    const { id, providerId, event, people, displayName = '', everybody } = settlement;
    if (event !== undefined) await audit.append(event);
    if (people.length > 0 || everybody === true) {
      const told: Settlement = { ...settlement, event: undefined };
      let keptAtMs = -Infinity;
      const alive = async (): Promise<void> => {
        if (clock.monotonicMs() - keptAtMs < RENEWED_AFTER_MS) return;
        await store.now.settlements.keep(told, LEASE_MS);
        keptAtMs = clock.monotonicMs();
      };
      await alive();
      for (const userId of people) {
        for (const owed of await judge.judgeOne(providerId, { userId, displayName })) await this.settle(owed, judge);
        await alive();
      }
      if (everybody === true) await judge.judgeEverybody(providerId, alive);
    }
    await store.now.settlements.remove(id);
  }

  /** Does what others left. One that fails hinders none behind it, and is tried again once its lease is over. */
  async settleLeftOver(judge: Judge): Promise<void> {
    const failures: unknown[] = [];
    for (;;) {
      // One at a time: the next would wait on a lease that runs out.
      const [settlement] = await this.#parts.store.now.settlements.take(LEASE_MS, 1);
      if (settlement === undefined) break;
      await this.settle(settlement, judge).catch((failure: unknown) => failures.push(failure));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'something that providers wrote could not be settled');
  }
}
