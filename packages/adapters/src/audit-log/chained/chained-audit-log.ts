import { createHash } from 'node:crypto';
import { chainHash, GENESIS } from '@enchilada/core/audit';
import type { AuditEvent, AuditLog, AuditRecord, AuditSink } from '@enchilada/core/audit';
import type { Store } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';

export interface ChainedAuditLogOptions {
  readonly node: string;
  readonly store: Store;
  readonly sinks: readonly AuditSink[];
  readonly clock: Clock;
  readonly report: (message: string, cause: unknown) => void;
}

interface Waiting {
  readonly event: AuditEvent;
  readonly at: number;
  readonly done: (record: AuditRecord) => void;
  readonly failed: (cause: unknown) => void;
}

/** The chain of one node. What arrives while a write is under way goes into the next one, in one transaction. */
class ChainedAuditLog implements AuditLog {
  readonly #options: ChainedAuditLogOptions;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(options: ChainedAuditLogOptions) {
    this.#options = options;
  }

  append(event: AuditEvent): Promise<AuditRecord> {
    const { promise, resolve, reject } = Promise.withResolvers<AuditRecord>();
    this.#waiting.push({ event, at: this.#options.clock.now(), done: resolve, failed: reject });
    if (!this.#writing) void this.#write();
    return promise;
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const records = await this.#store(batch);
        await this.#deliver(records);
        for (const [index, waiting] of batch.entries()) {
          const record = records[index];
          if (record !== undefined) waiting.done(record);
        }
      } catch (cause) {
        for (const waiting of batch) waiting.failed(cause);
      }
    }
    this.#writing = false;
  }

  async #store(batch: readonly Waiting[]): Promise<readonly AuditRecord[]> {
    const { store, node } = this.#options;
    return store.transaction(async (tx) => {
      const records: AuditRecord[] = [];
      let last = await tx.audit.last(node);
      for (const { event, at } of batch) {
        const open = { ...event, node, sequence: (last?.sequence ?? 0) + 1, at };
        const previous = last?.hash ?? GENESIS;
        const record: AuditRecord = { ...open, previous, hash: chainHash(sha256, previous, open) };
        await tx.audit.append(record);
        records.push(record);
        last = record;
      }
      return records;
    });
  }

  async #deliver(records: readonly AuditRecord[]): Promise<void> {
    for (const sink of this.#options.sinks) {
      try {
        for (const record of records) await sink.deliver(record);
      } catch (cause) {
        if (sink.delivery === 'enforced') throw cause;
        this.#options.report('an audit sink failed', cause);
      }
    }
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

export function chainedAuditLog(options: ChainedAuditLogOptions): AuditLog {
  return new ChainedAuditLog(options);
}
