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

/** What was written, and the events that it is known by afterwards. */
export interface Written<T> {
  readonly result: T;
  readonly events: readonly AuditEvent[];
}

export interface Owed {
  /** Who judges `people` or everybody. */
  readonly providerId?: ProviderId;
  readonly event: AuditEvent;
  readonly people?: readonly string[];
  readonly displayName?: string;
  readonly everybody?: boolean;
}

/** With a look each second, what a dead node left is begun within four. */
const LEASE_MS = 3_000;
const RENEWED_AFTER_MS = 1_000;

/**
 * What follows from what was written through the API or by a provider, written down in the transaction of its cause and done after it: by this node, or
 * where it dies, by whichever looks next. All of it may be done twice and is then the same; an event is appended once.
 */
export class Settlements {
  readonly #parts: SettlementsParts;

  constructor(parts: SettlementsParts) {
    this.#parts = parts;
  }

  /** INVARIANT: what is to be audited of a write is written down with it, so that it is in the log also where this node dies behind it. */
  async write<T>(work: (tx: StoreTransaction) => Promise<Written<T>>): Promise<T> {
    const { store, audit } = this.#parts;
    const { result, settlements } = await store.transaction(async (tx) => {
      const written = await work(tx);
      const owed: Settlement[] = [];
      for (const event of written.events) owed.push(await this.owe(tx, { event }));
      return { result: written.result, settlements: owed };
    });
    // Given together, they share a batch of the log.
    await Promise.all(settlements.flatMap(({ id, event }) => (event === undefined ? [] : audit.append(event, id))));
    await store.now.settlements.remove(settlements.map(({ id }) => id));
    return result;
  }

  /** The answer is to be settled once the transaction is committed. */
  async owe(tx: StoreTransaction, owed: Owed): Promise<Settlement> {
    const { providerId, event, people = [], displayName = '', everybody = false } = owed;
    const settlement: Settlement = {
      ...{ id: `stl_${randomId(this.#parts.random)}`, event, people },
      ...(providerId === undefined ? {} : { providerId }),
      ...(displayName === '' ? {} : { displayName }),
      ...(everybody ? { everybody } : {}),
    };
    await tx.settlements.add(settlement, LEASE_MS);
    return settlement;
  }

  async settle(settlement: Settlement, judge: Judge): Promise<void> {
    const { store, audit, clock } = this.#parts;
    const { id, providerId, event, people, displayName = '', everybody } = settlement;
    if (event !== undefined) await audit.append(event, id);
    if (providerId !== undefined && (people.length > 0 || everybody === true)) {
      let keptAtMs = -Infinity;
      const alive = async (): Promise<void> => {
        if (clock.monotonicMs() - keptAtMs < RENEWED_AFTER_MS) return;
        await store.now.settlements.keep(id, LEASE_MS);
        keptAtMs = clock.monotonicMs();
      };
      await alive();
      for (const userId of people) {
        for (const owed of await judge.judgeOne(providerId, { userId, displayName })) await this.settle(owed, judge);
        await alive();
      }
      if (everybody === true) await judge.judgeEverybody(providerId, alive);
    }
    await store.now.settlements.remove([id]);
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
    if (failures.length > 0) throw new AggregateError(failures, 'something that was written could not be settled');
  }
}
