import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AuditRecord } from '@enchilada/core/audit';
import { stdoutSink } from './index.ts';

it('prints one line a record, which holds no control or bidi character and parses back to the record', () => {
  const hostile = [
    'a\nb',
    '\r\n{"forged":1}',
    '\u001b[2J',
    '\u009b31m',
    '\u202egnp.exe',
    '\u2066x\u2069',
    '\u2028',
    '\u2029',
    '\u0085',
    '\u200b',
    '\ufeff',
    '\u007f',
    '"\\',
    '😀é',
    '\ud800',
    '\0',
  ];
  const lines: string[] = [];
  const sink = stdoutSink((line) => lines.push(line));
  const records = hostile.map((name, index): AuditRecord => ({
    ...{
      node: 'node-1',
      sequence: index + 1,
      at: 1,
      action: 'login.refused',
      outcome: 'denied',
      previous: '0'.repeat(64),
      hash: 'f'.repeat(64),
    },
    actor: { kind: 'anonymous', name },
    reason: name,
  }));
  for (const record of records) void sink.deliver(record);
  const text = lines.join('');
  assert.equal(text.split('\n').length - 1, records.length);
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\u2028\u2029]/u);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    records.map((record) => ({ type: 'audit', ...record })),
  );
});
