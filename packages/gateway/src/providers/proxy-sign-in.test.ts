import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

const PROXY = '10.9.9.9';

interface Facts {
  readonly providers: readonly { readonly way: string }[];
}

test('a person comes in through the proxy; its header from anywhere else is refused, audited, and shows no way', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.store.now.providers.insert({
    ...{ id: 'idp_front', kind: 'front', name: 'Front', parameters: {}, secret: undefined, rules: [] },
    ...{ admits: 'everyone', trustsFactor: false, enabled: true, version: 1, createdAt: 0, updatedAt: 0 },
  });
  const enter = (address: string, user = 'ann') =>
    call(node, 'POST', '/login/providers/idp_front/proxy', { address, headers: { 'x-front-user': user }, body: {} });
  const ways = async (address: string) =>
    (await call(node, 'GET', '/sign-in', { address })).json<Facts>().providers.map(({ way }) => way);

  const inside = await enter(PROXY);
  assert.equal(inside.statusCode, 200, inside.body);
  assert.ok(inside.headers['set-cookie'] !== undefined);
  assert.deepEqual(await ways(PROXY), ['proxy']);

  const outside = await enter('192.0.2.7', 'root');
  assert.equal(outside.headers['set-cookie'], undefined);
  assert.equal(outside.json<{ code: string }>().code, 'PROVIDER_REFUSED');
  assert.deepEqual(await ways('192.0.2.7'), []);
  const refusal = fixture.audit.events.findLast(({ action }) => action === 'login.refused');
  assert.deepEqual([refusal?.address, refusal?.object?.id], ['192.0.2.7', 'idp_front']);
  assert.match(refusal?.reason ?? '', /192\.0\.2\.7/u);

  // The name of a local account leads to an account of its own.
  const root = (await enter(PROXY, 'root')).json<{ signedIn?: unknown; me?: { user: { id: string; role: string } } }>();
  assert.notEqual(root.me?.user.id, 'usr_root');
  assert.equal(root.me?.user.role, 'user');
});
