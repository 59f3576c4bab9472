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
