import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessReport } from '@enchilada/contract';
import type { Grant } from '@enchilada/core/access';
import { aTarget } from '@enchilada/core/testing/store-fixture';
import { aMoment } from '@enchilada/core/testing/store-policy-history-cases';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

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
  const grant = async (fields: Partial<Grant>) => {
    const whole: Grant = {
      ...{ id: 'gra_x', subject: { kind: 'group', id: 'grp_ops' } },
      ...{ scope: { kind: 'labels', selector: { env: ['prod'] } }, actions: ['connect'] },
      ...{ createdAt: 1, createdBy: 'usr_root' },
      ...fields,
    };
    await now.grants.insert(whole);
  };
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
