import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AuditEvent, AuditLog } from '@enchilada/core/audit';
import { Fault } from '@enchilada/core/fault';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import { RefusalTally } from './refusal-tally.ts';

function bench() {
  const rows: AuditEvent[] = [];
  const reports: string[] = [];
  const state = { isDown: false };
  const audit: AuditLog = {
    append(event) {
      if (state.isDown) return Promise.reject(new Fault('STORE_UNAVAILABLE', 'away'));
      rows.push(event);
      return Promise.resolve({ ...event, node: 'n', sequence: rows.length, at: 0, previous: '', hash: '' });
    },
  };
  const clock = new StandingClock(1_800_000_000_000);
  const tally = new RefusalTally({ audit, clock, report: (message) => void reports.push(message) });
  /** A row stands for itself, or for as many as it says. */
  const counted = (): number => rows.reduce((sum, { detail }) => sum + Number(detail?.['count'] ?? 1), 0);
  return { rows, reports, state, clock, tally, counted };
}

const upgrade = (address: string, reason = 'TICKET_REFUSED') =>
  ({ action: 'access.denied', address, reason, object: { kind: 'route', id: 'upgrade' } }) as const;

it('writes the first refusal of an address at once, and a thousand more as one row that counts them', async () => {
  const { tally, rows, clock, counted } = bench();
  assert.equal(tally.note(upgrade('192.0.2.1')), true);
  assert.deepEqual(rows[0]?.address, '192.0.2.1');
  clock.time += 30_000;
  for (let index = 0; index < 1_000; index += 1) assert.equal(tally.note(upgrade('192.0.2.1')), false);
  await tally.settle();
  assert.equal(rows.length, 2);
  assert.equal(counted(), 1_001);
  assert.deepEqual(rows[1]?.detail, { count: 1_000, since: clock.time - 30_000, until: clock.time });
  await tally.settle();
  assert.equal(rows.length, 2);
});

it('keeps reasons and addresses apart, and takes an IPv6 network for one address', async () => {
  const { tally, rows, counted } = bench();
  tally.note(upgrade('192.0.2.1'));
  tally.note(upgrade('192.0.2.1', 'ORIGIN_REFUSED'));
  tally.note(upgrade('192.0.2.2'));
  for (let index = 0; index < 50; index += 1) tally.note(upgrade(`2001:db8:1:2::${index.toString(16)}`));
  tally.note(upgrade('2001:db8:1:2:ffff:1:2:3'));
  tally.note(upgrade('2001:db8:1:3::1'));
  await tally.settle();
  assert.equal(rows.length, 3 + 2 + 1);
  assert.equal(counted(), 3 + 50 + 1 + 1);
});

it('lets a flood from ten thousand addresses write no more than a few hundred rows, and counts each', async () => {
  const { tally, rows, counted } = bench();
  for (let index = 0; index < 10_000; index += 1) tally.note(upgrade(`10.${index >> 8}.${index & 255}.1`));
  await tally.settle();
  assert.equal(rows.length, 201);
  assert.equal(rows.at(-1)?.address, 'various');
  assert.equal(counted(), 10_000);
});

it('loses no count while the database is away', async () => {
  const { tally, rows, reports, state, counted } = bench();
  state.isDown = true;
  for (let index = 0; index < 10; index += 1) tally.note(upgrade('192.0.2.1'));
  for (let index = 0; index < 5; index += 1) tally.note(upgrade('192.0.2.2'));
  await new Promise(setImmediate);
  await assert.rejects(tally.settle());
  tally.note(upgrade('192.0.2.1'));
  assert.equal(rows.length, 0);
  assert.ok(reports.length > 0);
  state.isDown = false;
  await tally[Symbol.asyncDispose]();
  assert.equal(counted(), 16);
});
