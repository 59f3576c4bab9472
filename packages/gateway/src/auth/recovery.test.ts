import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, GatewayFixture, PASSWORD } from '../testing/gateway-fixture.ts';

const NEXT = 'an entirely new phrase 12';

async function ready() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator', { breakGlass: true });
  await fixture.addUser('ann', 'user');
  const link = async (username: string, change: { enable?: boolean; resetFactors?: boolean } = {}) =>
    (await node.recovery.issue({ username, enable: false, resetFactors: false, claimedBy: 'tester', ...change })).token;
  const codes = (action: string) => fixture.audit.events.filter((event) => event.action === action);
  return { fixture, node, link, codes };
}

test('a link sets one new password, ends every login, signs nobody in, and only its digest was ever stored', async () => {
  const { fixture, node, link, codes } = await ready();
  await using _ = fixture;
  const cookie = await fixture.signIn(node, 'root');
  const token = await link('root');
  assert.match(token, /^[A-Za-z0-9_-]{43}$/u);
  assert.equal(await fixture.store.now.recovery.find(token, fixture.clock.now()), undefined);
  const facts = await call(node, 'POST', '/recovery/check', { body: { token } });
  assert.deepEqual(facts.json(), {
    username: 'root',
    displayName: 'root',
    expiresAt: fixture.clock.now() + 15 * 60_000,
  });
  const set = await call(node, 'POST', '/recovery', { body: { token, password: NEXT } });
  assert.equal(set.statusCode, 204);
  assert.equal(set.headers['set-cookie'], undefined);
  assert.equal((await call(node, 'GET', '/me', { cookie })).statusCode, 401);
  const signIn = (password: string) => call(node, 'POST', '/login', { body: { username: 'root', password } });
  assert.equal((await signIn(PASSWORD)).statusCode, 401);
  assert.equal((await signIn(NEXT)).statusCode, 200);
  assert.equal((await call(node, 'POST', '/recovery', { body: { token, password: NEXT } })).statusCode, 403);
  assert.deepEqual(codes('recovery.issued')[0]?.detail, {
    role: 'administrator',
    breakGlass: true,
    enabled: false,
    claimedBy: 'tester',
  });
  const [recovered] = codes('user.recovered');
  assert.deepEqual([recovered?.address, recovered?.object?.id], ['192.0.2.7', 'usr_root']);
  assert.equal(codes('login.break-glass').length, 2);
  const told = JSON.stringify(fixture.audit.events) + fixture.logged.join('');
  assert.ok(!told.includes(token) && !told.includes(NEXT));
});

test('of many who use one link at once on two nodes exactly one sets the password', async () => {
  const { fixture, node, link, codes } = await ready();
  await using _ = fixture;
  const other = await fixture.start();
  const token = await link('ann');
  const passwords = Array.from({ length: 8 }, (_unused, index) => `a phrase that is number ${index}`);
  const answers = await Promise.all(
    passwords.map((password, index) =>
      call(index % 2 === 0 ? node : other, 'POST', '/recovery', {
        body: { token, password },
        address: `192.0.2.${index + 50}`,
      }),
    ),
  );
  const won = answers.findIndex(({ statusCode }) => statusCode === 204);
  assert.deepEqual(
    answers.filter(({ statusCode }) => statusCode !== 403).map(({ statusCode }) => statusCode),
    [204],
  );
  const signedIn = await call(node, 'POST', '/login', { body: { username: 'ann', password: passwords[won] } });
  assert.equal(signedIn.statusCode, 200);
  assert.equal(codes('user.recovered').length, 1);
});

test('an expired link, a replaced one and that of a removed or disabled person are refused; a weak password does not spend it', async () => {
  const { fixture, node, link } = await ready();
  await using _ = fixture;
  const use = async (token: string, password = NEXT) =>
    (await call(node, 'POST', '/recovery', { body: { token, password } })).statusCode;
  const [first, second] = [await link('ann'), await link('ann')];
  assert.equal(await use(first), 403);
  assert.equal(await use(second, 'short'), 422);
  fixture.clock.time += 15 * 60_000;
  assert.equal(await use(second), 403);
  const third = await link('ann');
  const ann = await fixture.store.now.users.find('usr_ann');
  assert.ok(ann);
  await fixture.store.now.users.update({ ...ann, disabledAt: 1 });
  assert.equal(await use(third), 403);
  await assert.rejects(link('ann'), { code: 'CONFLICT' });
  const fourth = await link('ann', { enable: true });
  const signIn = await call(node, 'POST', '/login', { body: { username: 'ann', password: PASSWORD } });
  assert.equal(signIn.statusCode, 401, 'the old password of an account that was enabled opens nothing');
  assert.equal(await use(fourth), 204);
  const fifth = await link('ann');
  await fixture.store.now.users.delete('usr_ann');
  assert.equal(await use(fifth), 403);
  await assert.rejects(link('nobody'), { code: 'NOT_FOUND' });
});

test('after ten wrong links an address is refused even with the right one, on every node, for a minute', async () => {
  const { fixture, node, link, codes } = await ready();
  await using _ = fixture;
  const other = await fixture.start();
  const token = await link('ann');
  const guess = (index: number, path: '/recovery' | '/recovery/check' | '/bootstrap/check') =>
    call(index % 2 === 0 ? node : other, 'POST', path, {
      body: path === '/recovery' ? { token: 'x'.repeat(43), password: NEXT } : { token: 'x'.repeat(43) },
    });
  for (let index = 0; index < 10; index++)
    assert.equal((await guess(index, index < 5 ? '/recovery' : '/recovery/check')).statusCode, 403);
  const flood = await Promise.all(Array.from({ length: 100 }, (_unused, index) => guess(index, '/recovery/check')));
  assert.ok(flood.every(({ statusCode }) => statusCode === 429));
  const refused = await call(other, 'POST', '/recovery', { body: { token, password: NEXT } });
  assert.equal(refused.statusCode, 429);
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.equal(codes('recovery.refused').length, 10, 'a flood does not fill the audit log');
  const elsewhere = await call(node, 'POST', '/recovery/check', { body: { token }, address: '198.51.100.3' });
  assert.equal(elsewhere.statusCode, 200);
  fixture.clock.time += 61_000;
  assert.equal((await call(node, 'POST', '/recovery', { body: { token, password: NEXT } })).statusCode, 204);
});

test('second factors are removed when that is asked for, loudly, and the old password then opens nothing', async () => {
  const { fixture, node, link, codes } = await ready();
  await using _ = fixture;
  const token = await link('root', { resetFactors: true });
  assert.equal(codes('factor.reset')[0]?.object?.id, 'usr_root');
  const signIn = (password: string) => call(node, 'POST', '/login', { body: { username: 'root', password } });
  assert.equal((await signIn(PASSWORD)).statusCode, 401);
  assert.equal((await call(node, 'POST', '/recovery', { body: { token, password: NEXT } })).statusCode, 204);
  assert.equal((await signIn(NEXT)).statusCode, 200);
});

test('whoever was recovered signs in from there although strangers exhaust the account', async () => {
  const { fixture, node, link } = await ready();
  await using _ = fixture;
  for (let index = 0; index < 40; index++)
    await call(node, 'POST', '/login', {
      body: { username: 'root', password: 'wrong' },
      address: `203.0.113.${index}`,
    });
  const signIn = (password: string) => call(node, 'POST', '/login', { body: { username: 'root', password } });
  assert.equal((await signIn(PASSWORD)).statusCode, 429);
  await call(node, 'POST', '/recovery', { body: { token: await link('root'), password: NEXT } });
  assert.equal((await signIn(NEXT)).statusCode, 200);
});
