import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import { call, GatewayFixture, PASSWORD } from '../testing/gateway-fixture.ts';

interface Account {
  readonly id: string;
  readonly service: boolean;
  readonly hasPassword: boolean;
  readonly version: number;
}

async function ready() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  const cookie = await fixture.signIn(node, 'root');
  const send = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) =>
    call(node, method, path, { cookie, ...(body === undefined ? {} : { body }) });
  const make = async (username: string, role = 'auditor') => {
    const made = await send('POST', '/users', { username, displayName: '', role, service: true });
    assert.equal(made.statusCode, 201, made.body);
    return made.json<Account>();
  };
  const token = async (id: string, scope: readonly string[]) =>
    send('POST', `/users/${id}/tokens`, { name: 'ci', scope, days: 1 });
  const as = (value: string, path: string, method: 'GET' | 'POST' = 'GET') =>
    call(node, method, path, {
      headers: { authorization: `Bearer ${value}` },
      ...(method === 'POST' ? { body: {} } : {}),
    });
  return { fixture, node, cookie, send, make, token, as };
}

test('a service account does with a token what its role and the scope allow, until it is withdrawn, disabled or over', async () => {
  const { fixture, send, make, token, as } = await ready();
  await using _ = fixture;
  const account = await make('backup');
  assert.deepEqual([account.service, account.hasPassword], [true, false]);
  const made = (await token(account.id, ['audit.read'])).json<{ value: string; token: { id: string } }>();
  assert.equal((await as(made.value, '/audit')).statusCode, 200);
  assert.equal((await as(made.value, '/users')).statusCode, 403);
  assert.equal((await as(made.value, '/sessions', 'POST')).statusCode, 403);
  const listed = (await send('GET', `/users/${account.id}/tokens`)).json<{ items: { id: string }[] }>();
  assert.deepEqual(
    listed.items.map(({ id }) => id),
    [made.token.id],
  );
  assert.ok(!JSON.stringify(listed).includes(made.value));
  const created = fixture.audit.events.find(({ action }) => action === 'token.created');
  assert.deepEqual([created?.actor.name, created?.detail?.['owner']], ['root', 'backup']);

  const { version } = (await send('GET', `/users/${account.id}`)).json<Account>();
  await send('PUT', `/users/${account.id}`, { disabled: true, version });
  assert.equal((await as(made.value, '/audit')).statusCode, 401, 'disabled');
  await send('PUT', `/users/${account.id}`, { disabled: false, version: version + 1 });
  assert.equal((await as(made.value, '/audit')).statusCode, 200, 'enabled again');
  assert.equal((await send('DELETE', `/users/${account.id}/tokens/${made.token.id}`)).statusCode, 204);
  assert.equal((await as(made.value, '/audit')).statusCode, 401, 'withdrawn');
  const short = (await token(account.id, ['audit.read'])).json<{ value: string }>();
  fixture.clock.time += 25 * 3_600_000;
  assert.equal((await as(short.value, '/audit')).statusCode, 401, 'over');
});

test('a service account has no password, gets none, and never a login', async () => {
  const { fixture, node, send, make } = await ready();
  await using _ = fixture;
  const password = 'an entirely new phrase';
  const body = { username: 'robot', displayName: '', role: 'user', service: true, password };
  assert.equal((await send('POST', '/users', body)).statusCode, 409);
  const { id } = await make('robot');
  assert.equal((await send('PUT', `/users/${id}/password`, { password })).statusCode, 409);
  // Also where somebody has written a password into the database.
  const user = await fixture.store.now.users.find(id);
  const ann = await fixture.store.now.users.find('usr_ann');
  assert.ok(user !== undefined && ann !== undefined);
  await fixture.store.now.users.update({ ...user, passwordHash: ann.passwordHash });
  const login = await call(node, 'POST', '/login', { body: { username: 'robot', password: PASSWORD } });
  assert.deepEqual([login.statusCode, login.headers['set-cookie']], [401, undefined]);
  await assert.rejects(
    node.recovery.issue({ username: 'robot', enable: false, resetFactors: false, claimedBy: undefined }),
    (failure) => isFault(failure, 'CONFLICT'),
  );
});

test('nobody lends a service account what they or it lack, nor makes tokens for people, nor with a token', async () => {
  const { fixture, node, make, token, send } = await ready();
  await using _ = fixture;
  const auditor = await make('reader', 'auditor');
  assert.equal((await token(auditor.id, ['catalog.write'])).statusCode, 403, 'the account lacks it');
  assert.equal((await token('usr_ann', ['recording.own'])).statusCode, 409, "a person's");
  const robot = await make('robot', 'administrator');
  const made = (await token(robot.id, ['access.read', 'access.write'])).json<{ value: string }>();
  const request = {
    headers: { authorization: `Bearer ${made.value}` },
    body: { name: 'x', scope: ['audit.read'], days: 1 },
  };
  assert.equal((await call(node, 'POST', `/users/${robot.id}/tokens`, request)).statusCode, 403);
  fixture.clock.time += 11 * 60_000;
  assert.equal((await token(robot.id, ['audit.read'])).statusCode, 403, 'a proof that is too old');
  // A program is not the last administrator.
  const root = (await send('GET', '/users/usr_root')).json<Account>();
  const demoted = await send('PUT', '/users/usr_root', { role: 'user', version: root.version });
  assert.equal(demoted.json<{ code: string }>().code, 'LAST_ADMINISTRATOR');
});
