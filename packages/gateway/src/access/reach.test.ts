import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessReport } from '@enchilada/contract';
import type { Grant } from '@enchilada/core/access';
import { aGrant, aTarget } from '@enchilada/core/testing/store-fixture';
import { aMoment } from '@enchilada/core/testing/store-policy-history-cases';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';
import { everyReach } from './every-reach.ts';
import { pastMoment } from './policy-moment.ts';

async function site() {
  const fixture = new GatewayFixture();
  fixture.clock.time = await fixture.store.clock();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('otto', 'auditor');
  await fixture.addUser('una', 'user');
  await fixture.addUser('bob', 'user');
  const { now } = fixture.store;
  for (const [name, env] of [
    ['shop', 'prod'],
    ['till', 'prod'],
    ['lab', 'test'],
  ] as const)
    await now.catalog.insertTarget(aTarget({ id: `tgt_${name}`, name, protocol: 'proto', labels: { env } }));
  await now.groups.insert({ id: 'grp_ops', name: 'ops', description: '', createdAt: 1 });
  const cookie = await fixture.signIn(node, 'otto');
  const get = (path: string) => call(node, 'GET', path, { cookie });
  const moment = () => aMoment(fixture.store);
  const report = async (query: string) => (await get(`/access/report?${query}`)).json<AccessReport>();
  const machinesOf = async (user: string, at: number) =>
    (await report(`user=${user}&at=${at}`)).items.map(({ targetName, grantIds }) => [targetName, ...grantIds]);
  const scope = { kind: 'labels', selector: { env: ['prod'] } } as const;
  const grant = (fields: Partial<Grant>) =>
    now.grants.insert(aGrant({ kind: 'group', id: 'grp_ops' }, { scope, ...fields }));
  return { fixture, node, now, get, moment, report, machinesOf, grant };
}

test('an auditor learns which machines somebody could reach at a moment, by which grants, whatever changed since', async () => {
  const { fixture, now, moment, report, machinesOf, grant } = await site();
  await using _ = fixture;
  const before = await moment();
  await grant({ id: 'gra_label' });
  const outside = await moment();
  await now.groups.addMember('grp_ops', 'usr_una');
  const member = await moment();
  await grant({ id: 'gra_own', subject: { kind: 'user', id: 'usr_una' }, scope: { kind: 'target', id: 'tgt_lab' } });
  await grant({ id: 'gra_deny', effect: 'deny', scope: { kind: 'target', id: 'tgt_till' } });
  const denied = await moment();
  for (const id of ['gra_label', 'gra_own', 'gra_deny']) await now.grants.delete(id);
  await now.catalog.deleteTarget('tgt_shop');
  const afterwards = await moment();
  await now.groups.delete('grp_ops');
  await now.users.delete('usr_una');

  assert.deepEqual(await machinesOf('una', before), []);
  assert.deepEqual(await machinesOf('una', outside), []);
  assert.deepEqual(await machinesOf('una', member), [
    ['shop', 'gra_label'],
    ['till', 'gra_label'],
  ]);
  assert.deepEqual(await machinesOf('UNA', denied), [
    ['lab', 'gra_own'],
    ['shop', 'gra_label'],
  ]);
  assert.deepEqual(await machinesOf('usr_una', afterwards), []);
  const found = await report(`user=una&at=${denied}&limit=1`);
  assert.deepEqual([found.total, found.items.length], [2, 1], 'a page knows of what it does not show');
  assert.deepEqual(
    found.grants.map(({ id, subjectName }) => [id, subjectName]),
    [['gra_own', 'una']],
    'with the names of then',
  );
});

test('who could reach a machine is told by its name of then, and both may be asked for', async () => {
  const { fixture, now, moment, report, grant, get } = await site();
  await using _ = fixture;
  await grant({ id: 'gra_label', conditions: { networks: ['10.0.0.0/8'] } });
  for (const id of ['usr_una', 'usr_bob', 'usr_otto']) await now.groups.addMember('grp_ops', id);
  const during = await moment();
  await now.catalog.deleteTarget('tgt_shop');
  const { items } = await report(`target=shop&at=${during}`);
  assert.deepEqual(
    items.map(({ username, conditional }) => [username, conditional]),
    [
      ['bob', true],
      ['una', true],
    ],
    'an auditor opens no machine, whatever group they are in',
  );
  const pair = await report(`target=shop&user=una&at=${during}`);
  assert.deepEqual([pair.userId, pair.targetId], ['usr_una', 'tgt_shop'], 'by which an auditor asks why');
  assert.deepEqual(
    pair.items.map(({ username, targetName }) => [username, targetName]),
    [['una', 'shop']],
  );
  assert.deepEqual((await report(`user=otto&at=${during}`)).obstacles, ['no-machine-permission']);
  const status = async (query: string) => (await get(`/access/report?${query}`)).statusCode;
  assert.equal(await status(`at=${during}`), 400);
  assert.equal(await status('target=shop'), 404);
  assert.equal(await status(`user=nobody&at=${during}`), 404);
  assert.equal(await status('user=una&at=1'), 422);
});

test('the file holds everything, the moment and the audit record of its making, and says so of nothing too', async () => {
  const { fixture, now, moment, get, grant } = await site();
  await using _ = fixture;
  const before = await moment();
  await grant({ id: 'gra_label' });
  await now.groups.addMember('grp_ops', 'usr_una');
  const during = await moment();
  await now.grants.delete('gra_label');
  const file = (at: number, format: string) => get(`/access/report/export?user=una&at=${at}&format=${format}`);

  const csv = await file(during, 'csv');
  const iso = new Date(during).toISOString();
  const head = fixture.audit.events.length;
  assert.deepEqual(fixture.audit.events.at(-1)?.detail, { format: 'csv', user: 'una', at: iso, rows: 2 });
  const [, ...lines] = csv.body.trimEnd().split('\r\n');
  const hash = '0'.repeat(64);
  assert.deepEqual(
    lines,
    ['shop', 'till'].map((name) =>
      [
        ...[iso, 'una', 'una', 'usr_una', name, `tgt_${name}`, 'connect', 'false'],
        ...['gra_label', 'ops → env in (prod)', '', 'node-1', `${head}`, hash],
      ]
        .map((field) => `"${field}"`)
        .join(','),
    ),
  );
  assert.match(csv.headers['content-disposition'] as string, /attachment; filename="access-.*\.csv"/u);

  const json = (await file(during, 'json')).json<{ at: string; audit: object; items: object[]; grants: object[] }>();
  assert.equal(json.at, iso);
  assert.deepEqual(json.audit, { node: 'node-1', sequence: fixture.audit.events.length, hash });
  assert.deepEqual([json.items.length, json.grants.length], [2, 1]);

  const nothing = (await file(before, 'csv')).body.trimEnd().split('\r\n');
  assert.equal(nothing.length, 2);
  assert.ok(nothing[1]?.startsWith(`"${new Date(before).toISOString()}","una","","","",`), nothing[1]);
  assert.ok(nothing[1]?.includes(hash));
});

test('a file of everybody and everything says of each what the report of that person says', async () => {
  const { fixture, now, get, moment, report, grant } = await site();
  await using _ = fixture;
  for (const id of ['usr_una', 'usr_bob', 'usr_otto']) await now.groups.addMember('grp_ops', id);
  await fixture.addUser('zoe', 'user');
  await now.groups.addMember('grp_ops', 'usr_zoe');
  await grant({ id: 'gra_label' });
  await grant({ id: 'gra_own', subject: { kind: 'user', id: 'usr_bob' }, scope: { kind: 'all' }, actions: ['watch'] });
  await grant({
    ...{ id: 'gra_deny', effect: 'deny', subject: { kind: 'user', id: 'usr_una' } },
    ...{ scope: { kind: 'target', id: 'tgt_till' } },
  });
  const at = await moment();
  await now.catalog.deleteTarget('tgt_shop');
  const answer = await get(`/access/report/export?at=${at}&format=json`);
  const whole = answer.json<{ items: AccessReport['items']; grants: AccessReport['grants']; at: string }>();
  const each = await Promise.all(['bob', 'otto', 'root', 'una', 'zoe'].map((user) => report(`user=${user}&at=${at}`)));
  assert.deepEqual(
    whole.items,
    each.flatMap(({ items }) => items),
  );
  assert.deepEqual(
    whole.items.map(({ username, targetName, actions }) => [username, targetName, actions.join()]),
    [
      ['bob', 'lab', 'watch'],
      ['bob', 'shop', 'connect,watch'],
      ['bob', 'till', 'connect,watch'],
      ['una', 'shop', 'connect'],
      ['zoe', 'shop', 'connect'],
      ['zoe', 'till', 'connect'],
    ],
    'no auditor among them, and the machine that is no more',
  );
  assert.deepEqual(whole.grants.map(({ id }) => id).sort(), ['gra_label', 'gra_own']);
  assert.deepEqual(fixture.audit.events.at(-1)?.detail, { format: 'json', at: new Date(at).toISOString(), rows: 6 });
  const csv = await get(`/access/report/export?at=${at}&format=csv`);
  assert.equal(csv.body.trimEnd().split('\r\n').length, 7);
});

test('what is too much for one file is said so, before anything is written down as told', async () => {
  const { fixture, node, now, get, moment, grant } = await site();
  await using _ = fixture;
  const cookie = await fixture.signIn(node, 'otto');
  await now.groups.addMember('grp_ops', 'usr_una');
  await now.groups.addMember('grp_ops', 'usr_bob');
  await grant({ id: 'gra_all', scope: { kind: 'all' } });
  const at = await moment();
  const past = await pastMoment(fixture.store, at);
  assert.equal((await everyReach(past, 6)).rows, 6);
  await assert.rejects(everyReach(past, 5), { code: 'REPORT_TOO_LARGE', facts: { most: 5 } });
  const size = (query: string) => get(`/access/report/size?${query}`);
  assert.deepEqual((await size(`at=${at}`)).json(), { at, rows: 6 });
  assert.deepEqual((await size(`at=${at}&user=una`)).json(), { at, rows: 3 });
  assert.equal((await size('at=1')).statusCode, 422);
  const before = fixture.audit.events.length;
  assert.equal((await get(`/access/report/export?at=1&format=csv`)).statusCode, 422);
  const una = await fixture.signIn(node, 'una');
  assert.equal((await call(node, 'GET', '/access/report/export?format=csv', { cookie: una })).statusCode, 403);
  assert.ok(!fixture.audit.events.slice(before).some(({ action }) => action === 'access.exported'));
  assert.equal((await call(node, 'GET', '/access/report/export?format=csv', { cookie })).statusCode, 200);
});

test('what takes an approval is told as such', async () => {
  const { fixture, moment, report, grant } = await site();
  await using _ = fixture;
  const conditions = { approval: { groups: ['grp_ops'], count: 1, minutes: 60 } };
  await grant({ id: 'gra_ask', subject: { kind: 'user', id: 'usr_una' }, conditions });
  const { items } = await report(`user=una&at=${await moment()}`);
  assert.deepEqual(
    items.map(({ targetName, conditional }) => [targetName, conditional]),
    [
      ['shop', true],
      ['till', true],
    ],
  );
});
