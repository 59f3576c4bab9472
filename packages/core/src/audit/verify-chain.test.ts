import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { CHAIN_START, chainHash, verifyChain, type AuditRecord } from './index.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

function chain(length: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let sequence = 1; sequence <= length; sequence++) {
    const open = {
      node: 'node-1',
      sequence,
      at: 1_000 + sequence,
      action: 'session.opened' as const,
      actor: { kind: 'user' as const, id: 'usr_1', name: 'Büro 😀' },
      outcome: 'success' as const,
      detail: { b: 1, a: true },
    };
    const linked = { ...open, previous: records.at(-1)?.hash ?? CHAIN_START };
    records.push({ ...linked, hash: chainHash(linked, sha256) });
  }
  return records;
}

const broken = async (records: readonly AuditRecord[]) =>
  (await verifyChain(records, { node: 'node-1' }, sha256)).broken;

it('hashes the previous hash as bytes, then the canonical JSON of the rest', () => {
  const [record] = chain(1);
  assert.ok(record);
  const text =
    '{"action":"session.opened","actor":{"id":"usr_1","kind":"user","name":"Büro 😀"},"at":1001,"detail":{"a":true,"b":1},"node":"node-1","outcome":"success","sequence":1}';
  assert.equal(record.hash, createHash('sha256').update(Buffer.alloc(32)).update(text, 'utf8').digest('hex'));
});

it('holds a whole chain, in any order of keys, and one that goes on from a kept head', async () => {
  const records = chain(20);
  const head = { sequence: 20, hash: records[19]?.hash };
  assert.deepEqual(await verifyChain(records, { node: 'node-1' }, sha256), { node: 'node-1', records: 20, head });
  const reordered = records.map(
    (record) => Object.fromEntries(Object.entries(record).reverse()) as unknown as AuditRecord,
  );
  assert.equal(await broken(reordered), undefined);
  const after = { sequence: 5, hash: records[4]?.hash ?? '' };
  assert.deepEqual(await verifyChain(records.slice(5), { node: 'node-1', after }, sha256), {
    node: 'node-1',
    records: 15,
    head,
  });
  assert.equal((await verifyChain([], { node: 'node-1' }, sha256)).head.sequence, 0);
});

it('finds a removed, doubled, swapped, altered, foreign and forged record where it lies', async () => {
  const records = chain(9);
  const [first, second, third] = records;
  assert.ok(first && second && third);
  const rest = records.slice(3);
  assert.deepEqual(await broken(records.slice(1)), { sequence: 1, problem: 'sequence' });
  assert.deepEqual(await broken([first, third, ...rest]), { sequence: 2, problem: 'sequence' });
  assert.deepEqual(await broken([first, second, second, third, ...rest]), { sequence: 3, problem: 'sequence' });
  assert.deepEqual(await broken([second, first, third, ...rest]), { sequence: 1, problem: 'sequence' });
  for (const change of [
    { outcome: 'denied' },
    { at: 1 },
    { detail: { a: true } },
    { address: '192.0.2.1' },
    { actor: { kind: 'system', name: 'x' } },
  ] as const) {
    assert.deepEqual(await broken([first, { ...second, ...change }, third, ...rest]), { sequence: 2, problem: 'hash' });
  }
  assert.deepEqual(await broken([first, { ...second, node: 'node-2' }, third]), { sequence: 2, problem: 'node' });
  assert.deepEqual((await verifyChain(records, { node: 'node-2' }, sha256)).broken, { sequence: 1, problem: 'node' });
  const { hash: _, ...forged } = { ...second, outcome: 'denied' as const };
  assert.deepEqual(await broken([first, { ...forged, hash: chainHash(forged, sha256) }, third]), {
    sequence: 3,
    problem: 'previous',
  });
});
