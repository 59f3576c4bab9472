import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessExplanation, RouteOutput, TargetAccess } from '@enchilada/contract';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';
import { populate } from '../testing/populate.ts';

type GrantEffect = RouteOutput<'previewGrant'>;

async function site() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  await fixture.addUser('otto', 'auditor');
  const { target } = await populate(fixture, 'ann', 'x');
  const root = await fixture.signIn(node, 'root');
  const ann = await fixture.signIn(node, 'ann');
  const grant = async (body: object) => {
    const response = await call(node, 'POST', '/grants', {
      cookie: root,
      body: {
        subject: { kind: 'user', id: 'usr_ann' },
        scope: { kind: 'target', id: target },
        actions: ['connect'],
        ...body,
      },
    });
    return { status: response.statusCode, id: response.json<{ id: string }>().id };
  };
  const open = async () =>
    (await call(node, 'POST', '/sessions', { cookie: ann, body: { targetId: target } })).json<{ code?: string }>().code;
  const explain = async (query = '') =>
    (
      await call(node, 'GET', `/access/explanation?userId=usr_ann&targetId=${target}${query}`, { cookie: root })
    ).json<AccessExplanation>();
  return { fixture, node, target, root, ann, grant, open, explain };
}

test('a denial shuts a machine that a grant opens, and the explanation says which of the two counts', async () => {
  const { fixture, grant, open, explain, ann, node, target } = await site();
  await using _ = fixture;
  assert.equal(await open(), undefined);
  const denial = await grant({ effect: 'deny' });
  assert.equal(denial.status, 201);
  assert.equal(await open(), 'NOT_FOUND');
  const listed = await call(node, 'GET', '/machines', { cookie: ann });
  assert.equal(listed.json<{ total: number }>().total, 0, 'the list knows of the denial too');
  const why = await explain();
  assert.deepEqual(why.actions, []);
  assert.deepEqual(why.findings.map(({ grant: { effect }, counts }) => [effect, counts]).sort(), [
    ['allow', true],
    ['deny', true],
  ]);
  const commands = await fixture.store.now.commands.after(0, 100);
  assert.ok(
    commands.some(({ command }) => command.kind === 'recheck-all'),
    'sessions that run are asked about',
  );
  assert.equal((await call(node, 'GET', `/machines/${target}/access`, { cookie: ann })).statusCode, 404);
});

test('a condition that does not hold is told to whoever may see the machine, with what would have to be otherwise', async () => {
  const { fixture, grant, open, explain, node, ann, target, root } = await site();
  await using _ = fixture;
  await call(node, 'DELETE', '/grants/gra_x', { cookie: root });
  await grant({ conditions: { networks: ['10.0.0.0/8'], notAfter: fixture.clock.now() + 1_000 } });
  assert.equal(await open(), 'ACCESS_NOT_NOW');
  const own = await call(node, 'GET', `/machines/${target}/access`, { cookie: ann });
  assert.deepEqual(own.json<{ actions: string[]; unmet: string[] }>().unmet, ['networks']);
  assert.deepEqual((await explain('&address=10.1.2.3')).actions, ['connect']);
  assert.deepEqual((await explain('&address=11.1.2.3')).findings[0]?.unmet, ['networks']);
  fixture.clock.time += 1_000;
  assert.equal(await open(), 'NOT_FOUND', 'a grant that is over is none');
  assert.equal((await call(node, 'GET', '/machines', { cookie: ann })).json<{ total: number }>().total, 0);
});

test('who can reach a machine is everybody with a grant, and nobody who is disabled or may use none', async () => {
  const { fixture, grant, node, root, target } = await site();
  await using _ = fixture;
  await fixture.addUser('gone', 'user', { disabledAt: 1 });
  for (const id of ['usr_otto', 'usr_gone', 'usr_root']) await grant({ subject: { kind: 'user', id } });
  const { items } = (await call(node, 'GET', `/targets/${target}/access`, { cookie: root })).json<TargetAccess>();
  assert.deepEqual(
    items.map(({ username, conditional }) => [username, conditional]),
    [
      ['ann', false],
      ['root', false],
    ],
  );
});

test('conditions that could never hold are refused', async () => {
  const { fixture, grant } = await site();
  await using _ = fixture;
  const window = { days: [1], from: '08:00', to: '18:00' };
  for (const conditions of [
    { networks: ['10.0.0.0/33'] },
    { networks: [] },
    { notAfter: 1 },
    { times: { zone: 'No/Where', windows: [window] } },
    { times: { zone: 'UTC', windows: [] } },
    { times: { zone: 'UTC', windows: [{ ...window, days: [8] }] } },
    { times: { zone: 'UTC', windows: [{ ...window, to: '25:00' }] } },
  ])
    assert.equal((await grant({ conditions })).status, 400, JSON.stringify(conditions));
});

test('the effect of a grant is told before it is given, and of its withdrawal before that', async () => {
  const { fixture, node, target, root, ann } = await site();
  await using _ = fixture;
  await fixture.addUser('bob', 'user');
  const { groups, grants, catalog } = fixture.store.now;
  await groups.insert({ id: 'grp_both', name: 'both', description: '', createdAt: 1 });
  for (const id of ['usr_ann', 'usr_bob', 'usr_otto']) await groups.addMember('grp_both', id);
  const other = await populate(fixture, 'root', 'y');
  const preview = async (body: object, cookie = root) => call(node, 'POST', '/grants/effect', { cookie, body });
  const add = { subject: { kind: 'group', id: 'grp_both' }, scope: { kind: 'all' }, actions: ['connect'] };
  const before = await catalog.version();
  const effect = (await preview({ add })).json<GrantEffect>();
  assert.deepEqual(effect.gain, { people: 2, machines: 2 }, 'an auditor opens no machine');
  assert.deepEqual(effect.people.map(({ username, gained, lost }) => [username, gained, lost]).sort(), [
    ['ann', 1, 0],
    ['bob', 2, 0],
  ]);
  assert.equal(await catalog.version(), before, 'nothing is saved');
  const [given] = (await grants.list()).filter(({ scope }) => scope.kind === 'target' && scope.id === target);
  const withdrawn = (await preview({ remove: given?.id })).json<GrantEffect>();
  assert.deepEqual(
    [withdrawn.gain, withdrawn.lose],
    [
      { people: 0, machines: 0 },
      { people: 1, machines: 1 },
    ],
  );
  assert.equal((await preview({ add: { ...add, scope: { kind: 'target', id: 'tgt_none' } } })).statusCode, 400);
  assert.equal((await preview({ add, remove: given?.id })).statusCode, 400);
  assert.equal((await preview({ add }, ann)).statusCode, 403);
  assert.ok(other.target);
});
