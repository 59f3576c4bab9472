import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Provider } from '@enchilada/contract';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

test('the secret of an identity provider stays with the place that it was entered for', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const fields = { name: 'Book', rules: [], admits: 'matched', trustsFactor: false, enabled: false };
  const given = { ...fields, kind: 'phonebook', parameters: { shelf: 'left' }, secret: 'a stored secret' };
  const made = (await call(node, 'POST', '/providers', { cookie, body: given })).json<Provider>();
  let { version } = made;
  const put = async (change: object) => {
    const body = { ...fields, parameters: { shelf: 'left' }, version, ...change };
    const response = await call(node, 'PUT', `/providers/${made.id}`, { cookie, body });
    if (response.statusCode === 200) ({ version } = response.json<Provider>());
    return response;
  };
  const moved = await put({ parameters: { shelf: 'right' } });
  assert.equal(moved.statusCode, 400);
  assert.match(moved.body, /secret must be given anew where shelf changes/u);
  assert.match(moved.body, /body\/secret/u);
  assert.equal((await put({ parameters: {} })).statusCode, 400, 'nor where it is left out');
  const kept = await fixture.store.now.providers.find(made.id);
  assert.deepEqual(kept?.parameters, { shelf: 'left' });
  assert.equal((await put({ parameters: { shelf: 'left', shade: 'blue' } })).statusCode, 200, 'what is no place');
  const anew = await put({ parameters: { shelf: 'right' }, secret: 'of the other place' });
  assert.equal(anew.statusCode, 200);
  const after = await fixture.store.now.providers.find(made.id);
  assert.notDeepEqual(after?.secret, kept?.secret);
});
