import {
  CHAIN_START,
  chainHash,
  type AuditEvent,
  type AuditLog,
  type AuditRecord,
  type AuditSink,
  type Sha256,
} from '@enchilada/core/audit';
import { isFault, toFault } from '@enchilada/core/fault';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';

export interface ChainedLogParts {
  readonly store: Store;
  /** INVARIANT: one process writes a node's chain; the database refuses a second record under one number. */
  readonly node: string;
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly sinks: readonly AuditSink[];
  /** Hears of records that a best-effort sink did not take. */
  readonly onSinkFailure: (error: unknown) => void;
}

interface Waiting {
  readonly event: AuditEvent;
  readonly settlementId: string | undefined;
  readonly at: number;
  readonly resolve: (record: AuditRecord | undefined) => void;
  readonly reject: (error: unknown) => void;
}

type Head = Pick<AuditRecord, 'sequence' | 'hash'>;

/** What came while a batch was on its way goes into the next: one write for many, and the order of the calls. */
const MAX_BATCH = 200;
/** How often a batch is linked anew after another process of the same node, or a late write of its own, went first. */
const MAX_ATTEMPTS = 5;

export function chainedLog(parts: ChainedLogParts): AuditLog {
  return new ChainedLog(parts);
}

class ChainedLog implements AuditLog {
  readonly #parts: ChainedLogParts;
  readonly #waiting: Waiting[] = [];
  #draining = false;
  /** Unknown at the start and after a failure: a write whose answer was lost may have happened. */
  #head: Head | undefined;
  /** What events became in writes that were not answered. By the event itself: another that says the same is another. */
  readonly #unanswered = new WeakMap<AuditEvent, AuditRecord>();

  constructor(parts: ChainedLogParts) {
    this.#parts = parts;
  }

  append(event: AuditEvent, settlementId: string): Promise<AuditRecord | undefined>;
  append(event: AuditEvent): Promise<AuditRecord>;
  append(event: AuditEvent, settlementId?: string): Promise<AuditRecord | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, settlementId, at: this.#parts.clock.now(), resolve, reject });
      if (!this.#draining) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      // One turn later, so that calls made together share a batch.
      await Promise.resolve();
      for (let batch = this.#waiting.splice(0, MAX_BATCH); batch.length > 0; batch = this.#waiting.splice(0, MAX_BATCH))
        await this.#write(batch);
    } finally {
      this.#draining = false;
    }
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    let stored: ReadonlyMap<Waiting, AuditRecord>;
    try {
      stored = await this.#store(batch);
    } catch (error) {
      for (const { reject } of batch) reject(toFault(error));
      return;
    }
    for (const [{ resolve, reject }, record] of stored) {
      const failure = await this.#deliver(record);
      if (failure === undefined) resolve(record);
      else reject(failure);
    }
    for (const waiting of batch) if (!stored.has(waiting)) waiting.resolve(undefined);
  }

  /** Without those that a settlement told before. */
  async #store(batch: readonly Waiting[]): Promise<ReadonlyMap<Waiting, AuditRecord>> {
    let isInDoubt = false;
    for (let attempt = 1; ; attempt++) {
      try {
        const written = await this.#written(batch);
        const missing = batch.filter((one) => !written.has(one));
        return new Map([...written, ...(await this.#append(missing))]);
      } catch (error) {
        this.#head = undefined;
        if (attempt === MAX_ATTEMPTS) throw error;
        if (isFault(error, 'CONFLICT')) continue;
        // Asked once more: where only the answer was lost, the records are found.
        if (isInDoubt) throw error;
        isInDoubt = true;
      }
    }
  }

  async #append(batch: readonly Waiting[]): Promise<ReadonlyMap<Waiting, AuditRecord>> {
    if (batch.length === 0) return new Map();
    const { store, node } = this.#parts;
    const head = this.#head ?? (await store.now.audit.last(node));
    let linked: ReadonlyMap<Waiting, AuditRecord> = new Map();
    const append = async (tx: StoreTransaction): Promise<void> => {
      linked = this.#link(await untold(tx, batch), head);
      if (linked.size > 0) await tx.audit.appendAll([...linked.values()]);
    };
    try {
      await (batch.some(({ settlementId }) => settlementId !== undefined)
        ? store.transaction(append)
        : append(store.now));
    } catch (error) {
      if (!isFault(error, 'CONFLICT')) for (const [{ event }, record] of linked) this.#unanswered.set(event, record);
      throw error;
    }
    this.#head = [...linked.values()].at(-1) ?? head;
    return linked;
  }

  /**
   * Which of the events the chain holds already, by writes whose answer was lost. INVARIANT: such a write that comes through late has a number that
   * the next one wants too; the database refuses the second of them, and the chain is read again.
   */
  async #written(batch: readonly Waiting[]): Promise<ReadonlyMap<Waiting, AuditRecord>> {
    const { store, node } = this.#parts;
    const found = new Map<Waiting, AuditRecord>();
    for (const waiting of batch) {
      const record = this.#unanswered.get(waiting.event);
      if (record === undefined) continue;
      const [row] = await store.now.audit.chain(node, record.sequence - 1, 1);
      if (row?.hash === record.hash) found.set(waiting, record);
    }
    return found;
  }

  #link(batch: readonly Waiting[], head: Head = { sequence: 0, hash: CHAIN_START }): ReadonlyMap<Waiting, AuditRecord> {
    const { node, sha256 } = this.#parts;
    let { sequence, hash: previous } = head;
    return new Map(
      batch.map((waiting) => {
        sequence += 1;
        const record = { ...withoutAbsent(waiting.event), node, sequence, at: waiting.at, previous };
        previous = chainHash(record, sha256);
        return [waiting, { ...record, hash: previous }];
      }),
    );
  }

  /** The failure of an enforced sink; the record stays stored. */
  async #deliver(record: AuditRecord): Promise<unknown> {
    for (const sink of this.#parts.sinks) {
      try {
        await sink.deliver(record);
      } catch (error) {
        if (sink.delivery === 'enforced') return toFault(error);
        this.#parts.onSinkFailure(error);
      }
    }
    return undefined;
  }
}

/** INVARIANT: marked as told in the transaction that appends, so that of two who settle the same one alone does. */
async function untold(tx: StoreTransaction, batch: readonly Waiting[]): Promise<readonly Waiting[]> {
  const owed: Waiting[] = [];
  for (const waiting of batch)
    if (waiting.settlementId === undefined || (await tx.settlements.tell(waiting.settlementId))) owed.push(waiting);
  return owed;
}

/** As it will be read back: JSON knows no undefined. */
function withoutAbsent(event: AuditEvent): AuditEvent {
  return JSON.parse(JSON.stringify(event)) as AuditEvent;
}
