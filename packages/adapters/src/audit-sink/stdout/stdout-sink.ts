import type { AuditRecord, AuditSink } from '@enchilada/core/audit';
import { escapeJson } from '@enchilada/core/text';

/** One record a line, marked among the lines of the log by its type; parsing gives the record back to the letter. */
function auditLine(record: AuditRecord): string {
  return `${escapeJson({ type: 'audit', ...record })}\n`;
}

/** @param write takes a line; usually `(line) => process.stdout.write(line)`. */
export function stdoutSink(write: (line: string) => unknown): AuditSink {
  return {
    delivery: 'best-effort',
    deliver(record) {
      write(auditLine(record));
    },
  };
}
