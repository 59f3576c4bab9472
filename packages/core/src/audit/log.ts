import type { AuditEvent, AuditRecord } from './event.ts';

/** The node's own chain. Appends are serialised; the promise resolves once the record is in the database. */
export interface AuditLog {
  /** What a settlement owes, in one transaction with the mark that it is told: once, however many settle it. Undefined where it was told before. */
  append(event: AuditEvent, settlementId: string): Promise<AuditRecord | undefined>;
  /**
   * An event that could not be appended may be given again: the same object is the same event, and found where it was written after all and only the
   * answer was lost.
   */
  append(event: AuditEvent): Promise<AuditRecord>;
}

/** Hears every record after it was stored, in order. `best-effort` sinks may lose records; `enforced` ones make the append fail. */
export interface AuditSink {
  readonly delivery: 'enforced' | 'best-effort';
  deliver(record: AuditRecord): void | Promise<void>;
}
