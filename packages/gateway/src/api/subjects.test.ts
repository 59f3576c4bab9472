import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';
import { subjectsNamed } from './subject-handlers.ts';

const people = [
  { id: 'usr_1', name: 'amanda', detail: 'Amanda Ross', isDisabled: false },
  { id: 'usr_2', name: 'b.ross', detail: 'Bob Ross', isDisabled: false },
  { id: 'usr_3', name: 'ross', detail: 'Zoë Müller', isDisabled: true },
];
const idsOf = (words: string) => subjectsNamed(people, words).map(({ id }) => id);

test('every word is sought in both names, and who begins with them stands first', () => {
  assert.deepEqual(idsOf('ross'), ['usr_3', 'usr_1', 'usr_2']);
  assert.deepEqual(idsOf('  ROSS bob '), ['usr_2']);
  assert.deepEqual(idsOf('bob ross'), ['usr_2']);
  assert.deepEqual(idsOf('MÜL'), ['usr_3']);
  assert.deepEqual(idsOf('%'), []);
  assert.deepEqual(idsOf(' '), ['usr_1', 'usr_2', 'usr_3']);
});

test('people and groups are found by name and by id, some at a time and counted whole', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const find = async (query: string) => {
    const answer = await call(node, 'GET', `/subjects?${query}`, { cookie });
    return answer.json<{ total: number; items: { id: string; name: string }[] }>();
  };
  for (const name of ['ann', 'anton', 'bert']) await fixture.addUser(name, 'user');
  const groups = ['anglers', 'bakers'].map((name) => ({ id: `grp_${name}`, name, description: '', createdAt: 0 }));
  for (const group of groups) await fixture.store.now.groups.insert(group);
  const some = await find('kind=user&text=an&limit=1');
  assert.deepEqual([some.total, some.items.map(({ name }) => name)], [2, ['ann']]);
  const bert = await find('kind=user&text=bert');
  const byId = await find(`kind=user&ids=${bert.items[0]?.id ?? ''},usr_gone`);
  assert.deepEqual([byId.total, byId.items.map(({ name }) => name)], [1, ['bert']]);
  const found = await find('kind=group&text=an');
  assert.deepEqual(found.items, [{ id: 'grp_anglers', name: 'anglers', detail: '', disabled: false }]);
});

test('people are listed whole, or sought and page by page, each with their groups', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const list = async (query: string) =>
    (await call(node, 'GET', `/users${query}`, { cookie })).json<{
      total: number;
      next?: string;
      items: { username: string; groupIds: string[] }[];
    }>();
  for (const name of ['ann', 'anton', 'bert', 'hans']) await fixture.addUser(name, 'user');
  const groups = ['anglers', 'bakers'].map((name) => ({ id: `grp_${name}`, name, description: '', createdAt: 0 }));
  for (const group of groups) await fixture.store.now.groups.insert(group);
  await fixture.store.now.groups.addMember('grp_anglers', 'usr_anton');
  await fixture.store.now.groups.addMember('grp_bakers', 'usr_anton');
  const whole = await list('');
  assert.deepEqual([whole.total, whole.items.length, whole.next], [5, 5, undefined]);
  const first = await list('?text=an&limit=2');
  assert.deepEqual(
    [first.total, ...first.items.map(({ username, groupIds }) => [username, ...groupIds])],
    [3, ['ann'], ['anton', 'grp_anglers', 'grp_bakers']],
  );
  const last = await list(`?text=an&limit=2&cursor=${first.next ?? 'none'}`);
  assert.deepEqual([last.total, last.items.map(({ username }) => username), last.next], [3, ['hans'], undefined]);
  assert.deepEqual((await list('?text=nobody')).items, []);
});

test('the people of a group come sought and page by page, and who is in it is left out of those to choose from', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const list = async (query: string) =>
    (await call(node, 'GET', `/groups/grp_anglers/members${query}`, { cookie })).json<{
      total: number;
      next?: string;
      items: { id: string; username: string; displayName: string }[];
    }>();
  const names = ['ann', 'anton', 'bert', 'hans'];
  for (const name of names) await fixture.addUser(name, 'user');
  const { groups } = fixture.store.now;
  await groups.insert({ id: 'grp_anglers', name: 'anglers', description: '', createdAt: 0 });
  assert.deepEqual(await list(''), { total: 0, items: [] });
  for (const name of names.toReversed()) await groups.addMember('grp_anglers', `usr_${name}`);
  const first = await list('?limit=3');
  assert.deepEqual([first.total, first.items.map(({ username }) => username)], [4, ['ann', 'anton', 'bert']]);
  const { next, ...last } = await list(`?limit=3&cursor=${first.next ?? 'none'}`);
  assert.deepEqual(last, { total: 4, items: [{ id: 'usr_hans', username: 'hans', displayName: 'hans' }] });
  assert.equal(next, undefined);
  const sought = await list('?text=an&limit=2');
  assert.deepEqual([sought.total, sought.items.map(({ username }) => username)], [3, ['ann', 'anton']]);
  const missing = await call(node, 'GET', '/groups/grp_none/members', { cookie });
  assert.equal(missing.statusCode, 404);

  await groups.removeMember('grp_anglers', 'usr_bert');
  const outside = async (query: string) =>
    (await call(node, 'GET', `/subjects?outside=grp_anglers&${query}`, { cookie })).json<{
      total: number;
      items: { name: string }[];
    }>();
  const found = await outside('kind=user');
  assert.deepEqual([found.total, found.items.map(({ name }) => name)], [2, ['bert', 'root']]);
  assert.equal((await outside('kind=user&text=ann')).total, 0);
});
