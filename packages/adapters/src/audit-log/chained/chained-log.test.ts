import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { verifyChain, type AuditEvent, type AuditRecord, type AuditSink } from '@enchilada/core/audit';
import { Fault, isFault } from '@enchilada/core/fault';
import type { AuditRepository, Store } from '@enchilada/core/store';
import { systemClock } from '@enchilada/core/testing/authorized';
import { chainedLog, type ChainedLogParts } from './index.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const event = (name: string): AuditEvent => ({
  action: 'login.refused',
  actor: { kind: 'anonymous', name },
  outcome: 'denied',
  detail: { attempts: 3 },
});

/** A table that behaves as the contract suite asks of the real one: numbers are taken once, batches land whole. Refuses what `fails` says. */
class Table {
  readonly rows: AuditRecord[] = [];
  writes = 0;
  fails: 'before' | 'after' | 'late' | 'for long' | undefined;
  #late: (() => unknown) | undefined;
  /** Answers nothing. */
  isAway = false;

  readonly audit: Pick<AuditRepository, 'last' | 'appendAll' | 'chain'> = {
    last: async (node) => {
      if (this.isAway) throw new Fault('STORE_UNAVAILABLE', 'away');
      return this.rows.findLast((row) => row.node === node);
    },
    chain: async (node, after, limit) => {
      if (this.isAway) throw new Fault('STORE_UNAVAILABLE', 'away');
      return this.rows.filter((row) => row.node === node && row.sequence > after).slice(0, limit);
    },
    appendAll: async (records) => {
      await new Promise(setImmediate);
      this.writes++;
      const { fails } = this;
      this.fails = undefined;
      this.#late?.();
      this.#late = undefined;
      if (this.isAway || fails === 'before') throw new Fault('STORE_UNAVAILABLE', 'gone');
      if (
        records.some((record) => this.rows.some((row) => row.node === record.node && row.sequence === record.sequence))
      )
        throw new Fault('CONFLICT', 'taken');
      const land = () => this.rows.push(...records.map((record) => JSON.parse(JSON.stringify(record)) as AuditRecord));
      if (fails === 'late') this.#late = land;
      else land();
      if (fails === 'for long') this.isAway = true;
      if (fails !== undefined) throw new Fault('STORE_UNAVAILABLE', 'gone');
    },
  };
}

function open(table: Table, fields: Partial<ChainedLogParts> = {}) {
  const store = { now: { audit: table.audit } } as unknown as Store;
  return chainedLog({
    store,
    node: 'node-1',
    clock: systemClock,
    sha256,
    sinks: [],
    onSinkFailure: () => assert.fail('a sink failed'),
    ...fields,
  });
}

const verify = (table: Table) => verifyChain(table.rows, { node: 'node-1' }, sha256);

it('chains what comes at once in the order of the calls, in few writes', async () => {
  const table = new Table();
  const log = open(table);
  const records = await Promise.all(Array.from({ length: 500 }, (_, index) => log.append(event(`person ${index}`))));
  assert.deepEqual(
    records.map(({ sequence }) => sequence),
    Array.from({ length: 500 }, (_, index) => index + 1),
  );
  assert.deepEqual(
    records.map(({ actor }) => actor.name),
    Array.from({ length: 500 }, (_, index) => `person ${index}`),
  );
  assert.deepEqual(table.rows, records);
  assert.equal((await verify(table)).broken, undefined);
  assert.ok(table.writes <= 5);
});

it('goes on where the chain ended, after a restart', async () => {
  const table = new Table();
  await open(table).append(event('before'));
  await open(table).append(event('after'));
  assert.equal((await verify(table)).records, 2);
});

it('rejects what was not stored, and leaves no gap', async () => {
  const table = new Table();
  const log = open(table);
  await log.append(event('one'));
  table.isAway = true;
  await assert.rejects(log.append(event('lost')), (error) => isFault(error, 'STORE_UNAVAILABLE'));
  table.isAway = false;
  await log.append(event('next'));
  const report = await verify(table);
  assert.deepEqual([report.records, report.broken], [2, undefined]);
});

for (const [when, fails] of [
  ['before it was done', 'before'],
  ['once it was done', 'after'],
  ['and was done later', 'late'],
] as const) {
  it(`writes an event once although a write broke off ${when}`, async () => {
    const table = new Table();
    const log = open(table);
    await log.append(event('one'));
    table.fails = fails;
    const records = await Promise.all([event('two'), event('three')].map((next) => log.append(next)));
    assert.deepEqual(records, table.rows.slice(1));
    await log.append(event('four'));
    assert.deepEqual(
      table.rows.map(({ actor }) => actor.name),
      ['one', 'two', 'three', 'four'],
    );
    assert.equal((await verify(table)).broken, undefined);
  });
}

it('finds its record when the same event is given again after an outage, and takes an equal one for another', async () => {
  const table = new Table();
  const log = open(table);
  const lost = event('lost');
  table.fails = 'for long';
  for (let count = 0; count < 2; count++)
    await assert.rejects(log.append(lost), (error) => isFault(error, 'STORE_UNAVAILABLE'));
  table.isAway = false;
  const [before, again, equal] = await Promise.all([event('new'), lost, event('lost')].map((one) => log.append(one)));
  assert.deepEqual([again?.sequence, before?.sequence, equal?.sequence], [1, 2, 3]);
  const report = await verify(table);
  assert.deepEqual([report.records, report.broken], [3, undefined]);
});

it('links anew when another process of the node went first', async () => {
  const table = new Table();
  const [one, two] = [open(table), open(table)];
  for (let round = 0; round < 5; round++) await Promise.all([one.append(event('one')), two.append(event('two'))]);
  const report = await verify(table);
  assert.deepEqual([report.records, report.broken], [10, undefined]);
});

it('delivers to sinks in order and after the store; only an enforced one can refuse', async () => {
  const table = new Table();
  const heard: number[] = [];
  const failures: unknown[] = [];
  const listener: AuditSink = {
    delivery: 'best-effort',
    async deliver({ sequence }) {
      assert.ok(table.rows.some((row) => row.sequence === sequence));
      await new Promise(setImmediate);
      heard.push(sequence);
    },
  };
  const lost: AuditSink = { delivery: 'best-effort', deliver: () => Promise.reject(new Error('lost')) };
  const log = open(table, { sinks: [listener, lost], onSinkFailure: (error) => failures.push(error) });
  await Promise.all([1, 2, 3, 4].map((index) => log.append(event(String(index)))));
  assert.deepEqual([heard, failures.length], [[1, 2, 3, 4], 4]);
  const enforced: AuditSink = {
    delivery: 'enforced',
    deliver: () => {
      throw new Error('refused');
    },
  };
  await assert.rejects(open(table, { sinks: [enforced] }).append(event('5')), /refused/u);
  assert.equal((await verify(table)).records, 5);
});
