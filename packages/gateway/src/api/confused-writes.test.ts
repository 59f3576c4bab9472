import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

test('whoever knows the next version writes nothing that was read before it over what somebody else made of it', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const ann = await fixture.addUser('ann', 'user');
  const cookie = await fixture.signIn(node, 'root');
  const { users } = fixture.store.now;
  const { find } = users;
  let raced = false;
  Object.assign(users, {
    find: async (id: string) => {
      const before = await find(id);
      if (id === ann.id && before !== undefined && !raced) {
        raced = true;
        await users.update({ ...before, role: 'administrator', displayName: 'changed meanwhile' });
      }
      return before;
    },
  });
  const body = { displayName: 'Ann', version: ann.version + 1 };
  const response = await call(node, 'PUT', `/users/${ann.id}`, { cookie, body });
  assert.equal(response.statusCode, 409);
  const after = await find(ann.id);
  assert.deepEqual([after?.role, after?.displayName], ['administrator', 'changed meanwhile']);
});

test('a file of machines brings credentials only where whoever imports it may store them', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const tokenFor = async (scope: readonly string[]) => {
    const made = await call(node, 'POST', '/me/tokens', { cookie, body: { name: scope.join(), scope, days: 1 } });
    return { authorization: `Bearer ${made.json<{ readonly value: string }>().value}` };
  };
  const text = 'db 10.0.0.1 secret';
  const load = async (scope: readonly string[], preview: boolean) =>
    call(node, 'POST', '/targets/import', {
      headers: await tokenFor(scope),
      body: { format: 'proto', text, preview },
    });
  assert.equal((await load(['catalog.write'], true)).statusCode, 200);
  const refused = await load(['catalog.write'], false);
  assert.equal(refused.statusCode, 403);
  assert.match(refused.body, /credential\.write/u);
  assert.deepEqual(await fixture.store.now.catalog.listTargets(), []);
  assert.equal((await load(['catalog.write', 'credential.write'], false)).statusCode, 200);
  assert.equal((await fixture.store.now.credentials.list()).length, 1);
});
