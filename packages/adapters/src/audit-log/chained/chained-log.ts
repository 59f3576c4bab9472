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
import type { Store } from '@enchilada/core/store';
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
  readonly at: number;
  readonly resolve: (record: AuditRecord) => void;
  readonly reject: (error: unknown) => void;
}

type Head = Pick<AuditRecord, 'sequence' | 'hash'>;

/** What came while a batch was on its way goes into the next: one write for many, and the order of the calls. */
const MAX_BATCH = 200;
/** How often a batch is linked anew after another process of the same node went first. */
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

  constructor(parts: ChainedLogParts) {
    this.#parts = parts;
  }

  append(event: AuditEvent): Promise<AuditRecord> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, at: this.#parts.clock.now(), resolve, reject });
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
    let records: readonly AuditRecord[];
    try {
      records = await this.#store(batch);
    } catch (error) {
      this.#head = undefined;
      for (const { reject } of batch) reject(toFault(error));
      return;
    }
    for (const [index, record] of records.entries()) {
      const failure = await this.#deliver(record);
      if (failure === undefined) batch[index]?.resolve(record);
      else batch[index]?.reject(failure);
    }
  }

  async #store(batch: readonly Waiting[]): Promise<readonly AuditRecord[]> {
    const { store, node } = this.#parts;
    for (let attempt = 1; ; attempt++) {
      const head = this.#head ?? (await store.now.audit.last(node)) ?? { sequence: 0, hash: CHAIN_START };
      const records = this.#link(batch, head);
      try {
        await store.now.audit.appendAll(records);
        this.#head = records.at(-1);
        return records;
      } catch (error) {
        this.#head = undefined;
        if (!isFault(error, 'CONFLICT') || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  #link(batch: readonly Waiting[], head: Head): readonly AuditRecord[] {
    const { node, sha256 } = this.#parts;
    let { sequence, hash: previous } = head;
    return batch.map(({ event, at }) => {
      sequence += 1;
      const record = { ...withoutAbsent(event), node, sequence, at, previous };
      previous = chainHash(record, sha256);
      return { ...record, hash: previous };
    });
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

/** As it will be read back: JSON knows no undefined. */
function withoutAbsent(event: AuditEvent): AuditEvent {
  return JSON.parse(JSON.stringify(event)) as AuditEvent;
}
