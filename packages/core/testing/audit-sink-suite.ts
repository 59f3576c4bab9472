import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditRecord, AuditSink } from '@enchilada/core/audit';

export interface AuditSinkUnderTest extends AsyncDisposable {
  readonly sink: AuditSink;
  /** What has arrived at the other end, as lines or messages, in order; waits until as many have, where delivery takes time. */
  arrived(count: number): Promise<readonly string[]>;
  /** The record that one of them says. */
  parse(message: string): AuditRecord;
}

/** Line breaks, terminal escapes, C1, text that is reordered or hidden, and what is no character. */
const HOSTILE = [
  'a\nb',
  '\r\n{"forged":1}',
  '\u001b[2J',
  '\u009b31m',
  '\u202egnp.exe',
  '\u2066x\u2069',
  '\u2028\u2029',
  '\u0085',
  '\u200b\ufeff',
  '\u007f',
  '"\\',
  '=cmd|calc',
  '😀é',
  '\ud800',
  '\0',
];

function aRecord(sequence: number, fields: Partial<AuditRecord> = {}): AuditRecord {
  return {
    ...{ node: 'node-1', sequence, at: 1_760_000_000_000 + sequence, action: 'login.refused', outcome: 'denied' },
    actor: { kind: 'anonymous', name: 'somebody' },
    previous: '0'.repeat(64),
    hash: sequence.toString(16).padStart(64, '0'),
    ...fields,
  };
}

/** What every AuditSink does, run against the real other end. */
export function auditSinkSuite(name: string, create: () => Promise<AuditSinkUnderTest>): void {
  describe(`audit sink ${name}`, () => {
    it('delivers every record once, in order', async () => {
      await using under = await create();
      const records = Array.from({ length: 200 }, (_, index) => aRecord(index + 1));
      for (const record of records) await under.sink.deliver(record);
      const messages = await under.arrived(records.length);
      assert.deepEqual(
        messages.map((message) => under.parse(message).sequence),
        records.map(({ sequence }) => sequence),
      );
    });

    it('delivers a record whole, so that its hash can be checked at the other end', async () => {
      await using under = await create();
      const record = aRecord(7, {
        action: 'session.ended',
        actor: { kind: 'user', id: 'usr_1', name: 'Ünï' },
        address: '2001:db8::1',
        object: { kind: 'target', id: 'tgt_1', name: 'böx' },
        outcome: 'failure',
        reason: 'x'.repeat(5_000),
        detail: { sessionId: 'ses_1', bytesOut: 2 ** 41, recorded: true },
      });
      await under.sink.deliver(record);
      const [message = ''] = await under.arrived(1);
      assert.deepEqual(under.parse(message), record);
    });

    it('makes one message of a record, whatever people have typed, and none that deceives who reads it', async () => {
      await using under = await create();
      const records = HOSTILE.map((text, index) =>
        aRecord(index + 1, { actor: { kind: 'anonymous', name: text }, reason: text }),
      );
      for (const record of records) await under.sink.deliver(record);
      const messages = await under.arrived(records.length);
      assert.equal(messages.length, records.length);
      for (const [index, message] of messages.entries()) {
        assert.doesNotMatch(message, /[\p{Cc}\p{Cf}\u2028\u2029]/u, JSON.stringify(HOSTILE[index]));
        const { actor, reason } = under.parse(message);
        assert.equal(actor.name, HOSTILE[index]);
        assert.equal(reason, HOSTILE[index]);
      }
    });

    it('says whether a record that it loses may be lost', async () => {
      await using under = await create();
      assert.ok(['enforced', 'best-effort'].includes(under.sink.delivery));
    });
  });
}
