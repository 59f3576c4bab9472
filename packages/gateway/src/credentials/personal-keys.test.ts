import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

test('a key is made with a recent proof alone, is its person’s alone, and nobody has more than five', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('kira', 'user');
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'kira');
  const make = (name: string) => call(node, 'POST', '/me/keys', { cookie, body: { name } });
  const made = await make('laptop');
  assert.equal(made.statusCode, 201, made.body);
  const { id, line, fingerprint } = made.json<{ id: string; line: string; fingerprint: string }>();
  assert.match(line, /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\S+ kira-laptop$/u);
  assert.match(fingerprint, /^SHA256:[A-Za-z0-9+/]{43}$/u);
  const root = await fixture.signIn(node, 'root');
  assert.equal((await call(node, 'DELETE', `/me/keys/${id}`, { cookie: root })).statusCode, 404);
  assert.deepEqual((await call(node, 'GET', '/me/keys', { cookie: root })).json(), { items: [] });
  for (const name of ['2', '3', '4', '5']) assert.equal((await make(name)).statusCode, 201);
  assert.equal((await make('6')).json<{ code: string }>().code, 'CONFLICT');
  fixture.clock.time += 11 * 60_000;
  assert.equal((await call(node, 'DELETE', `/me/keys/${id}`, { cookie })).statusCode, 204, 'less needs no proof');
  assert.equal((await make('late')).json<{ code: string }>().code, 'STEP_UP_REQUIRED');
  const trail = fixture.audit.events.filter(({ action }) => action.startsWith('personal-key.'));
  assert.deepEqual(
    [trail.length, trail.at(-1)?.action, trail.at(-1)?.detail],
    [...[6, 'personal-key.removed'], { fingerprint }],
  );
  assert.doesNotMatch(JSON.stringify([fixture.audit.events, fixture.logged, made.body]), /PRIVATE KEY|MC4CAQAw/u);
});
