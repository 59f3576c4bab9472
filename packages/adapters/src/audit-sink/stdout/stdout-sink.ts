import type { AuditRecord, AuditSink } from '@enchilada/core/audit';

/** C1 controls, DEL, line separators, and what reorders or hides text (Unicode UAX #9, default ignorables). JSON itself escapes C0. */
const UNSAFE = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** One record a line, marked among the lines of the log by its type; in ASCII wherever a character could deceive a terminal; parsing gives the record back to the letter. */
export function auditLine(record: AuditRecord): string {
  return `${JSON.stringify({ type: 'audit', ...record }).replaceAll(UNSAFE, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
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
