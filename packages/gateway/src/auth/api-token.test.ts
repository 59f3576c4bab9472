import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTE_LIST } from '@enchilada/contract';
import { TOKEN_PERMISSIONS } from '@enchilada/core/access';
import { call, GatewayFixture, type Node } from '../testing/gateway-fixture.ts';

interface Made {
  readonly token: { readonly id: string; readonly scope: readonly string[] };
  readonly value: string;
}

async function ready() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('otto', 'auditor');
  return { fixture, node, cookie: await fixture.signIn(node, 'root') };
}

async function make(node: Node, cookie: string, scope: readonly string[]): Promise<Made> {
  const response = await call(node, 'POST', '/me/tokens', { cookie, body: { name: 'ci', scope, days: 1 } });
  assert.equal(response.statusCode, 201, response.body);
  return response.json<Made>();
}

const bearer = (value: string) => ({ headers: { authorization: `Bearer ${value}` } });

test('a token does what its scope says and nothing besides, on every route', async () => {
  const { fixture, node, cookie } = await ready();
  await using _ = fixture;
  const { value } = await make(node, cookie, ['audit.read']);
  for (const route of ROUTE_LIST) {
    if (route.access === 'public' || route.access === 'bootstrap') continue;
    const path = route.path.replaceAll(/:[A-Za-z]+/gu, 'x');
    const { statusCode, body } = await call(node, route.method, path, bearer(value));
    const wanted = [route.access].flat();
    const mayTry = wanted.includes('audit.read') || (route.access === 'signed-in' && route.method === 'GET');
    assert.equal(statusCode === 403, !mayTry, `${route.id} answered ${statusCode} ${body.slice(0, 200)}`);
  }
  assert.deepEqual((await call(node, 'GET', '/me', bearer(value))).json<{ permissions: string[] }>().permissions, [
    'audit.read',
  ]);
});

test('even a token with every permission opens no machine, signs nobody in and changes no account of its owner', async () => {
  const { fixture, node, cookie } = await ready();
  await using _ = fixture;
  const { value } = await make(node, cookie, TOKEN_PERMISSIONS);
  for (const [method, path] of [
    ['POST', '/sessions'],
    ['POST', '/sessions/ses_x/tickets'],
    ['PUT', '/me/password'],
    ['POST', '/me/tokens'],
    ['GET', '/me/factors'],
    ['POST', '/me/factors/totp'],
    ['POST', '/me/proof'],
    ['POST', '/logout'],
  ] as const)
    assert.equal((await call(node, method, path, bearer(value))).statusCode, 403, path);
  const both = await call(node, 'POST', '/me/tokens', { cookie, ...bearer(value), body: {} });
  assert.equal(both.statusCode, 403, 'a cookie beside the token lends it nothing');
});

test('a token is worth no more than its owner at the moment of use', async () => {
  const { fixture, node, cookie } = await ready();
  await using _ = fixture;
  const otto = await fixture.signIn(node, 'otto');
  const denied = await call(node, 'POST', '/me/tokens', {
    cookie: otto,
    body: { name: 'x', scope: ['access.write'], days: 1 },
  });
  assert.equal(denied.statusCode, 403);
  const { value } = await make(node, otto, ['audit.read', 'recording.read']);
  const audit = () => call(node, 'GET', '/audit', bearer(value));
  assert.equal((await audit()).statusCode, 200);
  const change = async (body: object) => {
    const version = (await fixture.store.now.users.find('usr_otto'))?.version;
    assert.equal((await call(node, 'PUT', '/users/usr_otto', { cookie, body: { ...body, version } })).statusCode, 200);
  };
  await change({ role: 'user' });
  assert.equal((await audit()).statusCode, 403);
  await change({ role: 'auditor' });
  assert.equal((await audit()).statusCode, 200);
  await change({ disabled: true });
  assert.equal((await audit()).statusCode, 401);
});

test('a token that may write people makes no administrator and touches none', async () => {
  const { fixture, node, cookie } = await ready();
  await using _ = fixture;
  const { value } = await make(node, cookie, ['access.read', 'access.write']);
  const people = { username: 'new', displayName: '', role: 'administrator' };
  assert.equal((await call(node, 'POST', '/users', { ...bearer(value), body: people })).statusCode, 403);
  assert.equal((await call(node, 'DELETE', '/users/usr_root/factors', bearer(value))).statusCode, 403);
  const password = { password: 'an entirely new phrase' };
  assert.equal(
    (await call(node, 'PUT', '/users/usr_root/password', { ...bearer(value), body: password })).statusCode,
    403,
  );
});

test('an expired, withdrawn, altered or malformed token is nobody, on every node', async () => {
  const { fixture, node, cookie } = await ready();
  await using _ = fixture;
  const other = await fixture.start();
  const { value, token } = await make(node, cookie, ['audit.read']);
  const status = async (text: string) =>
    (await call(other, 'GET', '/audit', { headers: { authorization: text } })).statusCode;
  assert.equal(await status(`Bearer ${value}`), 200);
  for (const text of [
    value,
    `bearer ${value}`,
    `Bearer ${value}A`,
    `Bearer ${value.slice(0, -1)}`,
    'Bearer ',
    `Basic ${value}`,
  ])
    assert.equal(await status(text), 401, text.replace(value, 'VALUE'));
  assert.equal(await status(`Bearer ${value.slice(0, -1)}${value.endsWith('A') ? 'E' : 'A'}`), 401);
  assert.equal((await call(node, 'DELETE', `/me/tokens/${token.id}`, { cookie })).statusCode, 204);
  assert.equal(await status(`Bearer ${value}`), 401);
  const second = await make(node, cookie, ['audit.read']);
  fixture.clock.time += 24 * 60 * 60_000;
  assert.equal(await status(`Bearer ${second.value}`), 401);
});

test('making a token asks for a recent proof; its value is shown once and never stored or logged', async () => {
  const { fixture, node, cookie } = await ready();
  await using _ = fixture;
  const { value } = await make(node, cookie, ['audit.read']);
  await call(node, 'GET', '/audit', bearer(value));
  const kept = JSON.stringify(await fixture.store.now.tokens.listOf('usr_root'));
  assert.ok(!kept.includes(value) && !(await call(node, 'GET', '/me/tokens', { cookie })).body.includes(value));
  assert.ok(!fixture.logged.join('').includes(value) && !JSON.stringify(fixture.audit.events).includes(value));
  fixture.clock.time += 11 * 60_000;
  const late = await call(node, 'POST', '/me/tokens', { cookie, body: { name: 'x', scope: ['audit.read'], days: 1 } });
  assert.equal(late.json<{ code: string }>().code, 'STEP_UP_REQUIRED');
});
