import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTE_LIST } from '@enchilada/contract';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

/** What proxies and other products set, and anybody else can (T12). */
const CLAIMS: Readonly<Record<string, string>> = {
  'x-forwarded-user': 'root',
  'x-forwarded-email': 'root@example.org',
  'x-remote-user': 'root',
  'remote-user': 'root',
  'x-authenticated-user': 'root',
  'x-webauth-user': 'root',
  'x-enchilada-user': 'root',
  'x-enchilada-role': 'administrator',
  'x-bastion-user': 'root',
  'x-ssl-client-s-dn': 'CN=root',
  authorization: `Basic ${Buffer.from('root:a long enough phrase').toString('base64')}`,
  'x-forwarded-host': 'evil.test',
  'x-forwarded-proto': 'http',
  'x-forwarded-server': 'evil.test',
  'x-forwarded-prefix': '/evil',
  forwarded: 'for=127.0.0.1;host=evil.test;proto=http',
  'x-real-ip': '127.0.0.1',
  'true-client-ip': '127.0.0.1',
  'cf-connecting-ip': '127.0.0.1',
  'x-client-ip': '127.0.0.1',
  'x-original-url': '/api/v1/sign-in',
  'x-rewrite-url': '/api/v1/sign-in',
  'x-http-method-override': 'DELETE',
  'x-method-override': 'DELETE',
  host: 'evil.test',
};

test('no header makes anybody somebody, or another method or address of a request', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  const cookie = await fixture.signIn(node, 'ann');
  for (const [name, value] of Object.entries(CLAIMS)) {
    const headers = { [name]: value };
    assert.equal((await call(node, 'GET', '/me', { headers })).statusCode, 401, name);
    assert.equal((await call(node, 'GET', '/users', { headers, cookie })).statusCode, 403, name);
    const me = await call(node, 'GET', '/me', { headers, cookie });
    assert.equal(me.json<{ user: { username: string } }>().user.username, 'ann', name);
    assert.doesNotMatch(me.body + JSON.stringify(me.headers), /evil/u, name);
    const refused = await call(node, 'POST', '/login', { headers, body: { username: 'root', password: 'wrong' } });
    assert.equal(refused.statusCode, 401, name);
    assert.equal(fixture.audit.events.at(-1)?.address, '192.0.2.7', name);
    await fixture.store.now.throttle.deleteOlderThan(Number.MAX_SAFE_INTEGER);
  }
});

test('no route removes or rewrites a recording or what was audited', () => {
  const changing = ROUTE_LIST.filter(
    ({ method, path }) => /^\/(?:recordings|audit)\b/u.test(path) && (method === 'PUT' || method === 'DELETE'),
  );
  assert.deepEqual(changing, []);
});
