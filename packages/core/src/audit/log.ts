import type { AuditEvent, AuditRecord } from './event.ts';

/** The node's own chain. Appends are serialised; the promise resolves once the record is in the database. */
export interface AuditLog {
  append(event: AuditEvent): Promise<AuditRecord>;
}

/** Hears every record after it was stored, in order. `best-effort` sinks may lose records; `enforced` ones make the append fail. */
export interface AuditSink {
  readonly delivery: 'enforced' | 'best-effort';
  deliver(record: AuditRecord): void | Promise<void>;
}
