import type { AuditSink } from '@enchilada/core/audit';

/** JSON lines, one a record; JSON's own escapes keep control characters off the terminal. */
export function stdoutSink(write: (line: string) => void): AuditSink {
  return {
    delivery: 'best-effort',
    deliver: (record) => {
      write(`${JSON.stringify({ type: 'audit', ...record }).replaceAll(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/gu, escape)}\n`);
    },
  };
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
