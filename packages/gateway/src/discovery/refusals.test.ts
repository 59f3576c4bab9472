import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AuditEvent } from '@enchilada/core/audit';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import { aSource } from '@enchilada/core/testing/store-discovery-cases';
import { Refusals } from './refusals.ts';

it('whoever makes up accounts without end does not make the audit log forget what it was told', async () => {
  const events: AuditEvent[] = [];
  const audit = { append: (event: AuditEvent) => Promise.resolve(void events.push(event)) } as never;
  const refusals = new Refusals({ audit, clock: new StandingClock(1), name: 'node', report: assert.fail });
  const record = aSource();
  const refuse = (account: string): void => {
    const hint = { eventId: account, scope: { account, region: 'r' }, nativeId: 'i', at: 1 };
    refusals.refused(record, hint, 'unknown-scope');
  };
  for (let round = 0; round < 3; round++) for (let one = 0; one < 1_500; one++) refuse(String(one));
  await refusals.settled();
  const told = events.map(({ detail }) => detail?.['account']);
  assert.equal(new Set(told).size, told.length, 'each once');
  assert.ok(told.length < 1_500, 'and not all of them');
  assert.equal(refusals.count, 4_500);
});
