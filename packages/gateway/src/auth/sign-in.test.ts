import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Fault } from '@enchilada/core/fault';
import { call, cookieOf, GatewayFixture, PASSWORD } from '../testing/gateway-fixture.ts';
import { readCookie } from './cookie.ts';
import { digestOf } from './logins.ts';
import { unsealLoginPassword } from './login-password.ts';

async function ready() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator', { breakGlass: true });
  await fixture.addUser('ann', 'user');
  return { fixture, node };
}

test('a planted cookie is ignored, each sign-in gives a new one, and the old login is over', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const planted = `__Host-enchilada=${'A'.repeat(43)}`;
  const first = await call(node, 'POST', '/login', { body: { username: 'ann', password: PASSWORD }, cookie: planted });
  const header = String(first.headers['set-cookie']);
  assert.match(header, /^__Host-enchilada=[A-Za-z0-9_-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/u);
  const cookie = cookieOf(header);
  assert.notEqual(cookie, planted);
  const second = await call(node, 'POST', '/login', { body: { username: 'ann', password: PASSWORD }, cookie });
  assert.notEqual(cookieOf(second.headers['set-cookie']), cookie);
  assert.equal((await call(node, 'GET', '/me', { cookie })).statusCode, 401);
  assert.equal((await call(node, 'GET', '/me', { cookie: cookieOf(second.headers['set-cookie']) })).statusCode, 200);
});

test('what is stored is no cookie, and the sealed password opens with the cookie alone', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const cookie = await fixture.signIn(node, 'ann');
  const value = readCookie(cookie) ?? '';
  const [login] = await fixture.store.now.logins.listOf('usr_ann');
  assert.ok(login !== undefined);
  assert.equal(login.digest, digestOf(value));
  assert.ok(!JSON.stringify(login).includes(value));
  assert.equal(
    (await call(node, 'GET', '/me', { cookie: `__Host-enchilada=${login.digest.slice(0, 43)}` })).statusCode,
    401,
  );
  assert.equal(unsealLoginPassword(login, value)?.reveal(), PASSWORD);
  assert.equal(unsealLoginPassword(login, 'B'.repeat(43)), undefined);
  assert.ok(!Buffer.from(login.sealedPassword ?? []).includes(PASSWORD));
});

test('a login ends after the idle limit, after the absolute limit, and a timer’s requests do not keep it alive', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const idle = await fixture.signIn(node, 'ann');
  for (let minute = 0; minute < 20; minute += 5) {
    fixture.clock.time += 5 * 60_000;
    const { statusCode } = await call(node, 'GET', '/me', { cookie: idle, headers: { 'x-enchilada': 'background' } });
    assert.equal(statusCode, minute < 10 ? 200 : 401, `after ${minute + 5} minutes`);
  }
  const busy = await fixture.signIn(node, 'ann');
  for (let hour = 0; hour < 12 * 6 - 1; hour++) {
    fixture.clock.time += 10 * 60_000;
    assert.equal((await call(node, 'GET', '/me', { cookie: busy })).statusCode, 200);
  }
  fixture.clock.time += 10 * 60_000;
  assert.equal((await call(node, 'GET', '/me', { cookie: busy })).statusCode, 401);
});

test('what is only read is answered where the database takes no writes', async (t) => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const cookie = await fixture.signIn(node, 'ann');
  fixture.clock.time += 60_000;
  const touch = t.mock.method(fixture.store.now.logins, 'touch', () =>
    Promise.reject(new Fault('STORE_UNAVAILABLE', 'the database takes no writes')),
  );
  assert.equal((await call(node, 'GET', '/me', { cookie })).statusCode, 200);
  assert.equal(touch.mock.callCount(), 1);
});

test('sign-out, a changed password, a changed role and disabling end logins and tell every node', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const root = await fixture.signIn(node, 'root');
  const commands = async () => (await fixture.store.now.commands.after(0, 100)).map(({ command }) => command.kind);
  const ann = await fixture.signIn(node, 'ann');
  assert.equal((await call(node, 'POST', '/logout', { cookie: ann })).statusCode, 200);
  assert.deepEqual(await commands(), ['end-login']);
  const acts: readonly (() => ReturnType<typeof call>)[] = [
    () => call(node, 'PUT', '/users/usr_ann/password', { cookie: root, body: { password: PASSWORD } }),
    async () =>
      call(node, 'PUT', '/users/usr_ann', {
        cookie: root,
        body: { role: 'auditor', version: (await fixture.store.now.users.find('usr_ann'))?.version },
      }),
    async () =>
      call(node, 'PUT', '/users/usr_ann', {
        cookie: root,
        body: { disabled: true, version: (await fixture.store.now.users.find('usr_ann'))?.version },
      }),
  ];
  for (const act of acts) {
    const cookie = await fixture.signIn(node, 'ann');
    assert.ok((await act()).statusCode < 300);
    assert.equal((await call(node, 'GET', '/me', { cookie })).statusCode, 401);
  }
  assert.equal((await commands()).filter((kind) => kind === 'end-login').length, 4);
  assert.ok((await commands()).includes('recheck-user'));
});

test('who was on the way in with a password when it was changed does not get in', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const root = await fixture.signIn(node, 'root');
  const ann = await fixture.signIn(node, 'ann');
  const next = 'another long enough phrase';
  const last = `${next}, and one more`;
  const own = () => call(node, 'PUT', '/me/password', { cookie: ann, body: { current: PASSWORD, next } });
  const byRoot = () => call(node, 'PUT', '/users/usr_ann/password', { cookie: root, body: { password: last } });
  for (const [password, change] of [
    [PASSWORD, own],
    [next, byRoot],
  ] as const) {
    const verify = fixture.hasher.verify.bind(fixture.hasher);
    fixture.hasher.verify = async (given, hash) => {
      fixture.hasher.verify = verify;
      const matches = await verify(given, hash);
      assert.ok((await change()).statusCode < 300);
      return matches;
    };
    const late = await call(node, 'POST', '/login', { body: { username: 'ann', password } });
    assert.equal(late.statusCode, 401, late.body);
    assert.equal(late.headers['set-cookie'], undefined);
  }
  assert.deepEqual(await fixture.store.now.logins.listOf('usr_ann'), []);
  assert.equal((await call(node, 'POST', '/login', { body: { username: 'ann', password: last } })).statusCode, 200);
});

test('the sixth attempt is refused even when right, over two nodes, and later let in again', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const other = await fixture.start();
  const attempt = (at: typeof node, password: string, address?: string) =>
    call(at, 'POST', '/login', { body: { username: 'ann', password }, ...(address === undefined ? {} : { address }) });
  for (let count = 0; count < 5; count++)
    assert.equal((await attempt(count % 2 === 0 ? node : other, 'wrong')).statusCode, 401);
  const refused = await attempt(other, PASSWORD);
  assert.equal(refused.statusCode, 429);
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.equal(
    (await attempt(node, PASSWORD, '198.51.100.9')).statusCode,
    200,
    'the right person from another address',
  );
  fixture.clock.time += 31_000;
  assert.equal((await attempt(node, 'wrong')).statusCode, 401);
  assert.equal((await attempt(node, PASSWORD)).statusCode, 429, 'the delay grows');
  fixture.clock.time += 61_000;
  assert.equal((await attempt(node, PASSWORD)).statusCode, 200);
  assert.equal(fixture.audit.events.filter(({ action }) => action === 'login.throttled').length, 2);
});

test('a thousand guesses from one address over three nodes reach the hash ten times at most, a colleague behind it still gets in', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const nodes = [node, await fixture.start(), await fixture.start()];
  await fixture.signIn(node, 'root');
  fixture.hasher.verified = 0;
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 50 }, (_unused, index) =>
        call(nodes[index % 3] ?? node, 'POST', '/login', {
          body: { username: index % 2 === 0 ? 'ann' : `nobody-${round}-${index}`, password: 'wrong' },
        }),
      ),
    );
  }
  assert.ok(fixture.hasher.verified <= 10, `${fixture.hasher.verified} reached the hash`);
  await fixture.signIn(node, 'root');
});

test('guesses from as many addresses as an IPv6 network has are those of one', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const nodes = [node, await fixture.start()];
  const guess = (index: number, network: string) =>
    call(nodes[index % 2] ?? node, 'POST', '/login', {
      body: { username: `nobody-${index}`, password: 'wrong' },
      address: `${network}::${(index + 1).toString(16)}`,
    });
  const statuses = [];
  for (let index = 0; index < 100; index++) statuses.push((await guess(index, '2001:db8:1:2')).statusCode);
  assert.ok(fixture.hasher.verified <= 10, `${fixture.hasher.verified} reached the hash`);
  assert.ok(
    statuses.slice(10).every((status) => status === 429),
    String(statuses),
  );
  assert.equal((await guess(0, '2001:db8:1:3')).statusCode, 401);
});

test('an address over its limit writes no counter for the names it goes on trying', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const nodes = [node, await fixture.start()];
  const guess = (index: number) =>
    call(nodes[index % 2] ?? node, 'POST', '/login', { body: { username: `nobody-${index}`, password: 'wrong' } });
  const counters = (): unknown => {
    using database = new DatabaseSync(join(fixture.folder, 'store.db'), { readOnly: true });
    return database.prepare('select * from throttle order by key_digest').all();
  };
  let guesses = 0;
  while ((await guess(guesses++)).statusCode !== 429);
  const before = counters();
  const answers = await Promise.all(Array.from({ length: 200 }, (_unused, index) => guess(guesses + index)));
  assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([429]));
  assert.deepEqual(counters(), before);
});

test('an unknown name costs the same hash as a wrong password and is answered alike', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  await fixture.addUser('gone', 'user', { disabledAt: 1 });
  const bodies = [];
  for (const [username, password] of [
    ['nobody', PASSWORD],
    ['ann', 'wrong'],
    ['gone', PASSWORD],
  ]) {
    fixture.hasher.verified = 0;
    const response = await call(node, 'POST', '/login', { body: { username, password } });
    assert.equal(fixture.hasher.verified, 1);
    bodies.push({ status: response.statusCode, ...response.json<object>(), reference: '' });
  }
  assert.deepEqual(bodies[0], bodies[1]);
  assert.deepEqual(bodies[0], bodies[2]);
});

test('a forwarded address counts only from a trusted proxy, and then the right-most untrusted hop', async () => {
  await using fixture = new GatewayFixture();
  const plain = await fixture.start();
  const behind = await fixture.start({ trustedProxies: ['192.0.2.0/24'] });
  await fixture.addUser('root', 'administrator');
  const addressOf = async (node: typeof plain) => {
    await call(node, 'POST', '/login', {
      body: { username: 'root', password: PASSWORD },
      headers: {
        'x-forwarded-for': '203.0.113.66, 198.51.100.5, 192.0.2.8',
        forwarded: 'for=1.2.3.4',
        'x-real-ip': '1.2.3.4',
      },
    });
    return fixture.audit.events.findLast(({ action }) => action === 'login.succeeded')?.address;
  };
  assert.equal(await addressOf(plain), '192.0.2.7');
  assert.equal(await addressOf(behind), '198.51.100.5');
});

test('nothing but the bootstrap answers before there is an administrator; the token works once', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  const other = await fixture.start();
  const token = await node.bootstrap.issue();
  assert.ok(token !== undefined && Buffer.from(token, 'base64url').length === 32);
  for (const username of ['admin', 'root', 'guacadmin'])
    assert.equal((await call(node, 'POST', '/login', { body: { username, password: username } })).statusCode, 503);
  assert.equal((await call(node, 'GET', '/machines')).json<{ code: string }>().code, 'BOOTSTRAP_REQUIRED');
  assert.equal((await call(node, 'GET', '/sign-in')).json<{ bootstrapRequired: boolean }>().bootstrapRequired, true);
  const body = { token, username: 'root', displayName: 'Root', password: PASSWORD };
  assert.equal((await call(node, 'POST', '/bootstrap', { body: { ...body, token: 'x'.repeat(43) } })).statusCode, 403);
  assert.equal(
    (await call(node, 'POST', '/bootstrap', { body: { ...body, password: 'password1234' } })).json<{ code: string }>()
      .code,
    'PASSWORD_TOO_WEAK',
  );
  const racing = await Promise.all([node, other].map((at) => call(at, 'POST', '/bootstrap', { body })));
  assert.deepEqual(racing.map(({ statusCode }) => statusCode).sort(), [201, 403]);
  assert.equal(
    (await call(node, 'POST', '/bootstrap', { body: { ...body, username: 'again' } })).json<{ code: string }>().code,
    'BOOTSTRAP_TOKEN_REFUSED',
  );
  assert.equal((await call(other, 'GET', '/me')).statusCode, 401);
  assert.equal(await node.bootstrap.issue(), undefined);
});

test('an expired bootstrap token is refused, a restart issues a new one and kills the old', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  const first = await node.bootstrap.issue();
  const second = await node.bootstrap.issue();
  assert.equal((await call(node, 'POST', '/bootstrap/check', { body: { token: first } })).statusCode, 403);
  assert.equal((await call(node, 'POST', '/bootstrap/check', { body: { token: second } })).statusCode, 204);
  fixture.clock.time += 60 * 60_000 + 1;
  assert.equal((await call(node, 'POST', '/bootstrap/check', { body: { token: second } })).statusCode, 403);
});

test('two nodes print a link each, both work, and of both used at once one makes the administrator', async () => {
  await using fixture = new GatewayFixture();
  const nodes = [await fixture.start(), await fixture.start()];
  const tokens = await Promise.all(nodes.map((node) => node.bootstrap.issue()));
  for (const [index, node] of nodes.entries())
    for (const token of tokens)
      assert.equal(
        (await call(node, 'POST', '/bootstrap/check', { body: { token } })).statusCode,
        204,
        `node ${index}`,
      );
  const racing = await Promise.all(
    nodes.flatMap((node, at) =>
      tokens.map((token, index) =>
        call(node, 'POST', '/bootstrap', {
          body: { token, username: `admin-${at}-${index}`, displayName: '', password: PASSWORD },
        }),
      ),
    ),
  );
  assert.deepEqual(racing.map(({ statusCode }) => statusCode).toSorted(), [201, 403, 403, 403]);
  assert.equal((await fixture.store.now.users.list()).length, 1);
  for (const node of nodes) assert.equal(await node.bootstrap.issue(), undefined);
});

test('the administrator of last resort signs in loudly', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  await fixture.signIn(node, 'root');
  assert.ok(fixture.audit.events.some(({ action }) => action === 'login.break-glass'));
});
