import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API_PREFIX, CSRF_HEADER, ROUTE_LIST, type RouteDefinition } from '@enchilada/contract';
import { Fault } from '@enchilada/core/fault';
import { call, GatewayFixture, ORIGIN, PASSWORD } from '../testing/gateway-fixture.ts';
import { type AppParts, createApp } from './app.ts';
import { createLog } from './log.ts';

const CHANGES = ROUTE_LIST.filter((route) => route.method !== 'GET');

function appParts(routes: AppParts['routes']): AppParts {
  return {
    handlers: Object.fromEntries(
      ROUTE_LIST.map((route) => [route.id, () => Promise.resolve(undefined)]),
    ) as unknown as AppParts['handlers'],
    gate: {
      claim: () => Promise.resolve(undefined),
      identifyToken: () => Promise.resolve(undefined),
      bootstrapRequired: () => Promise.resolve(false),
    },
    audit: { append: () => Promise.reject(new Error('unused')) },
    clientAddress: () => '192.0.2.1',
    origins: () => new Set([ORIGIN]),
    isTls: true,
    log: createLog('fatal', { write: () => undefined }),
    random: { bytes: (length) => new Uint8Array(length) },
    observe: () => undefined,
    ...(routes === undefined ? {} : { routes }),
  };
}

test('a route without a declared permission, or without a handler, stops the start', () => {
  const route = ROUTE_LIST[0];
  assert.ok(route !== undefined);
  const { access: _access, ...undeclared } = route;
  assert.throws(
    () => createApp(appParts([undeclared as RouteDefinition & { id: string }])),
    (error) => error instanceof Fault && /declares no permission/u.test(error.message),
  );
  assert.throws(() => createApp(appParts([{ ...route, id: 'nobody', path: '/nobody' }])), /has no handler/u);
});

test('every change is refused as a form, as text, without the header and from another origin', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const before = fixture.audit.events.length;
  for (const route of CHANGES) {
    const url = `${API_PREFIX}${route.path.replaceAll(/:[A-Za-z]+/gu, 'x')}`;
    const send = (headers: Record<string, string>, payload = '{}') =>
      node.app.inject({ method: route.method, url, headers: { cookie, ...headers }, payload });
    const good = { [CSRF_HEADER]: '1', origin: ORIGIN, 'content-type': 'application/json' };
    const attempts = [
      send({ ...good, 'content-type': 'application/x-www-form-urlencoded' }, 'a=b'),
      send({ ...good, 'content-type': 'multipart/form-data; boundary=x' }, '--x--'),
      send({ ...good, 'content-type': 'text/plain' }),
      send({ origin: ORIGIN, 'content-type': 'application/json' }),
      send({ ...good, origin: 'https://evil.test' }),
      send({ ...good, origin: 'null' }),
      send({ ...good, origin: `${ORIGIN}.evil.test` }),
      send({ ...good, 'sec-fetch-site': 'cross-site' }),
      send({ ...good, 'sec-fetch-site': 'same-site' }),
    ];
    for (const [index, response] of (await Promise.all(attempts)).entries()) {
      assert.equal(response.statusCode, 403, `${route.id}, attempt ${index}: ${response.body}`);
      assert.equal(response.json<{ code: string }>().code, 'ORIGIN_REFUSED');
    }
  }
  assert.equal(fixture.audit.events.length, before, 'nothing happened');
});

test('an unknown name, a wrong type and a poisoned object in a body are refused by name', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const refused = async (body: unknown) => {
    const response = await call(node, 'POST', '/groups', {
      cookie,
      body,
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(response.statusCode, 400);
    return response.json<{ code: string; detail: string; reference: string; facts: Record<string, string> }>();
  };
  assert.match((await refused({ name: 'a', description: '', extra: 1 })).facts['field'] ?? '', /extra/u);
  assert.match((await refused({ name: 5, description: '' })).facts['field'] ?? '', /name/u);
  assert.match((await refused({ name: 'tab\u0007', description: '' })).detail, /pattern/u);
  assert.equal((await refused('{"name":"a","description":"","__proto__":{"admin":true}}')).code, 'INVALID_REQUEST');
  assert.equal((await refused('{"name":')).code, 'INVALID_REQUEST');
  assert.equal((await refused(JSON.stringify({ name: 'a', description: 'x'.repeat(70_000) }))).code, 'INVALID_REQUEST');
  assert.match((await refused({})).reference, /^ref_/u);
});

test('what fails inside is answered without its words, and logged under the reference', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  fixture.store.now.nodes.list = () => Promise.reject(new Error('table canary-table is broken'));
  const response = await call(node, 'GET', '/nodes', { cookie });
  assert.equal(response.statusCode, 500);
  assert.ok(!response.body.includes('canary'));
  const { reference } = response.json<{ reference: string }>();
  const line = fixture.logged.find((text) => text.includes(reference) && text.includes('canary-table'));
  assert.ok(line !== undefined);
});

test('no password, cookie or token reaches the log, at the most talkative level', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  const token = (await node.bootstrap.issue()) ?? '';
  await call(node, 'POST', '/bootstrap', { body: { token, username: 'root', displayName: '', password: PASSWORD } });
  const cookie = await fixture.signIn(node, 'root');
  await call(node, 'POST', '/login', { body: { username: 'root', password: 'canary-password' } });
  await call(node, 'POST', '/credentials', {
    cookie,
    body: { name: 'c', kind: 'password', username: 'u', secret: 'canary-secret' },
  });
  const all = fixture.logged.join('') + JSON.stringify(fixture.audit.events);
  assert.ok(fixture.logged.length > 3);
  for (const secret of [token, PASSWORD, 'canary-password', 'canary-secret', cookie.split('=')[1] ?? '?'])
    assert.ok(!all.includes(secret), secret);
});

test('every answer carries the headers that keep it out of frames, caches and other origins', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  for (const path of ['/sign-in', '/me', '/nothing-here']) {
    const { headers } = await call(node, 'GET', path);
    assert.equal(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'", path);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.match(String(headers['strict-transport-security']), /max-age/u);
  }
});
