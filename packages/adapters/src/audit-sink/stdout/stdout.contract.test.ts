import type { AuditRecord } from '@enchilada/core/audit';
import { auditSinkSuite } from '@enchilada/core/testing/audit-sink-suite';
import { stdoutSink } from './index.ts';

auditSinkSuite('stdout', () => {
  let text = '';
  return Promise.resolve({
    sink: stdoutSink((line) => (text += line)),
    arrived: () => Promise.resolve(text.split('\n').slice(0, -1)),
    parse: (message) => {
      const { type: _, ...record } = JSON.parse(message) as AuditRecord & { readonly type: 'audit' };
      return record;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
