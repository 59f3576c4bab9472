import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessExplanation, AccessReport, TargetAccess } from '@enchilada/contract';
import { askedText, type Grant } from '@enchilada/core/access';
import { aGrant, aTarget } from '@enchilada/core/testing/store-fixture';
import { aMoment } from '@enchilada/core/testing/store-policy-history-cases';
import { sha256Hex } from '../requests/access-requests.ts';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

const TARGET = 'tgt_m';

async function site() {
  const fixture = new GatewayFixture();
  fixture.clock.time = await fixture.store.clock();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('otto', 'auditor');
  await fixture.addUser('ann', 'user');
  const { now } = fixture.store;
  await now.catalog.insertTarget(aTarget({ id: TARGET, name: 'machine', protocol: 'proto', labels: { env: 'prod' } }));
  await now.groups.insert({ id: 'grp_ops', name: 'ops', description: '', createdAt: 1 });
  const cookie = await fixture.signIn(node, 'otto');
  const get = (path: string) => call(node, 'GET', path, { cookie });
  const moment = () => aMoment(fixture.store);
  const who = async (at: number) =>
    (await get(`/targets/${TARGET}/access?at=${at}`)).json<TargetAccess>().items.map(({ username }) => username);
  const why = async (at: number, query = '') =>
    (await get(`/access/explanation?userId=usr_ann&targetId=${TARGET}&at=${at}${query}`)).json<AccessExplanation>();
  const grant = async (fields: Partial<Grant>) => {
    const whole = aGrant({ kind: 'user', id: 'usr_ann' }, fields);
    await now.grants.insert(whole);
    return whole;
  };
  return { fixture, node, now, get, moment, who, why, grant };
}

test('an auditor learns who could reach a machine between a grant and its end, and by which', async () => {
  const { fixture, now, moment, who, why, grant } = await site();
  await using _ = fixture;
  const before = await moment();
  await grant({ id: 'gra_a' });
  const during = await moment();
  await grant({ id: 'gra_d', effect: 'deny' });
  const denied = await moment();
  for (const id of ['gra_d', 'gra_a']) await now.grants.delete(id);
  const afterwards = await moment();
  assert.deepEqual(
    [await who(before), await who(during), await who(denied), await who(afterwards)],
    [[], ['ann'], [], []],
  );
  const found = await why(during);
  assert.deepEqual([found.actions, found.findings.map((one) => one.grant.id)], [['connect'], ['gra_a']]);
  assert.equal(found.findings[0]?.grant.subjectName, 'ann');
  assert.equal((await why(denied)).findings.length, 2);
  assert.deepEqual([(await why(afterwards)).actions, (await why(afterwards)).findings], [[], []]);
});

test('memberships, labels, people and machines are judged as they were', async () => {
  const { fixture, now, moment, who, why, grant, get } = await site();
  await using _ = fixture;
  const scope = { kind: 'labels', selector: { env: ['prod'] } } as const;
  await grant({ id: 'gra_g', subject: { kind: 'group', id: 'grp_ops' }, scope });
  const asks: [number, readonly string[]][] = [];
  const expect = async (...people: readonly string[]) => void asks.push([await moment(), people]);
  const label = async (env: string) => {
    const target = await now.catalog.findTarget(TARGET);
    assert.ok(target);
    await now.catalog.updateTarget({ ...target, labels: { env } });
  };
  await expect();
  await now.groups.addMember('grp_ops', 'usr_ann');
  await expect('ann');
  await label('test');
  await expect();
  await label('prod');
  await expect('ann');
  const ann = await now.users.find('usr_ann');
  assert.ok(ann);
  const disabled = await now.users.update({ ...ann, disabledAt: 5 });
  await expect();
  const whenDisabled = await moment();
  await now.users.update({ ...disabled, disabledAt: undefined });
  await expect('ann');
  await now.groups.removeMember('grp_ops', 'usr_ann');
  await expect();
  await now.groups.addMember('grp_ops', 'usr_ann');
  await expect('ann');
  const target = await now.catalog.findTarget(TARGET);
  assert.ok(target);
  await now.catalog.updateTarget({ ...target, goneAt: 5 });
  await expect();
  const whenGone = await moment();
  await now.catalog.deleteTarget(TARGET);
  await now.groups.delete('grp_ops');
  await now.users.delete('usr_ann');
  const atLast = await moment();

  for (const [at, people] of asks) assert.deepEqual(await who(at), people, `${asks.findIndex(([one]) => one === at)}`);
  assert.deepEqual((await why(whenDisabled)).obstacles, ['account-disabled']);
  assert.deepEqual((await why(whenGone)).obstacles, ['machine-gone']);
  const found = await why(asks[1]?.[0] ?? 0);
  assert.equal(found.findings[0]?.grant.subjectName, 'ops', 'a group that is no more has its name still');
  assert.equal((await get(`/targets/${TARGET}/access?at=${atLast}`)).statusCode, 404);
  assert.equal((await get(`/targets/${TARGET}/access`)).statusCode, 404);
});

test('times are judged at the moment, with an address and without', async () => {
  const { fixture, moment, who, why, grant } = await site();
  await using _ = fixture;
  const hour = (add: number): string =>
    `${String((new Date(fixture.clock.time).getUTCHours() + add) % 24).padStart(2, '0')}:00`;
  const times = (from: number, to: number) => ({
    zone: 'UTC',
    windows: [{ days: [1, 2, 3, 4, 5, 6, 7], from: hour(from), to: hour(to) }],
  });
  await grant({ id: 'gra_later', conditions: { times: times(3, 4) } });
  const outside = await moment();
  await grant({ id: 'gra_now', conditions: { times: times(22, 2), networks: ['10.0.0.0/8'] } });
  const inside = await moment();
  assert.deepEqual([await who(outside), await who(inside)], [[], ['ann']]);
  assert.deepEqual((await why(outside)).findings[0]?.unmet, ['times']);
  assert.deepEqual((await why(inside, '&address=10.1.2.3')).actions, ['connect']);
  assert.deepEqual((await why(inside, '&address=11.1.2.3')).actions, []);
});

test('an approved request counts for its time, until it is withdrawn, while its approver still was one', async () => {
  const { fixture, now, moment, why, grant, get } = await site();
  await using _ = fixture;
  await fixture.addUser('bob', 'user');
  await now.groups.addMember('grp_ops', 'usr_bob');
  const rule = { groups: ['grp_ops'], count: 1, minutes: 60, sessions: 1 };
  await grant({ id: 'gra_ask', conditions: { approval: rule } });
  const from = await moment();
  const asked = {
    ...{ id: 'req_1', userId: 'usr_ann', grantId: 'gra_ask', scope: { kind: 'target', id: TARGET } as const },
    ...{ actions: ['connect'] as const, from, until: from + 3_600_000, reason: 'x', sessions: 1, breakGlass: false },
    createdAt: from,
  };
  const hash = sha256Hex(askedText(asked));
  const stands = { username: 'ann', scopeName: 'machine', state: 'pending', uses: 0, decidedAt: undefined } as const;
  await now.requests.insert({ ...asked, ...stands, hash, decisions: [] });
  const pending = await moment();
  const approved = await moment();
  const decision = { userId: 'usr_bob', username: 'bob', verdict: 'approve', words: '', hash, at: approved } as const;
  await now.requests.addDecision('req_1', decision);
  await now.requests.move('req_1', { from: ['pending'], to: 'approved', at: approved });
  const standing = await moment();
  await now.groups.removeMember('grp_ops', 'usr_bob');
  const fallen = await moment();
  await now.groups.addMember('grp_ops', 'usr_bob');
  const again = await moment();
  const withdrawn = await moment();
  await now.requests.move('req_1', { from: ['approved'], to: 'cancelled', at: withdrawn });
  const actions = async (at: number) => (await why(at, '&address=10.1.2.3')).actions;
  for (const at of [pending, fallen, withdrawn]) assert.deepEqual(await actions(at), []);
  for (const at of [standing, again]) assert.deepEqual(await actions(at), ['connect']);
  const reported = async (at: number) => {
    const { items } = (await get(`/access/report?user=ann&at=${at}`)).json<AccessReport>();
    return items.map(({ conditional, grantIds }) => [conditional, grantIds.includes('req_1')]);
  };
  for (const at of [pending, fallen, withdrawn]) assert.deepEqual(await reported(at), [[true, false]]);
  for (const at of [standing, again]) assert.deepEqual(await reported(at), [[false, true]]);
});

test('what is before the history, or not past, is no answer', async () => {
  const { fixture, get, moment } = await site();
  await using _ = fixture;
  const since = await fixture.store.now.policyHistory.knownSince();
  for (const at of [0, since - 1, (await moment()) + 3_600_000])
    for (const path of [
      `/targets/${TARGET}/access?at=${at}`,
      `/access/explanation?userId=usr_ann&targetId=${TARGET}&at=${at}`,
      `/access/report?user=ann&at=${at}`,
    ]) {
      const answer = await get(path);
      const { code, facts } = answer.json<{ code: string; facts: { since: number } }>();
      assert.deepEqual([answer.statusCode, code, facts.since], [422, 'HISTORY_UNKNOWN', since]);
    }
  assert.equal((await get(`/targets/${TARGET}/access?at=yesterday`)).statusCode, 400);
});
