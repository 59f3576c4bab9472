import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ProviderRecord } from '@enchilada/core/identity';
import { SoftwarePasskey } from '@enchilada/core/testing/software-passkey';
import { addProvider, type Answer, ProviderBrowser as Browser } from '../testing/provider-browser.ts';
import { exampleDirectory } from '../testing/example-providers.ts';
import { call, GatewayFixture, type Node, ORIGIN, PASSWORD } from '../testing/gateway-fixture.ts';
import { DirectoryCheck } from './directory-check.ts';

async function site() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  return { fixture, node };
}

test('a first sign-in makes an account, a second finds it by the subject whatever the name has become', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  await addProvider(fixture);
  const first = await new Browser(node).signIn('idp_one', { sub: 's-1', name: 'ann' });
  assert.equal(first.body.signedIn?.stage, 'complete');
  const id = first.body.signedIn.me?.user.id;
  const again = await new Browser(node).signIn('idp_one', { sub: 's-1', name: 'ann-maria' });
  assert.equal(again.body.signedIn?.me?.user.id, id);
  const other = await new Browser(node).signIn('idp_one', { sub: 's-2', name: 'ann' });
  assert.notEqual(other.body.signedIn?.me?.user.id, id);
  assert.equal(other.body.signedIn?.me?.user.username, 'ann@Example-IdP');
  assert.deepEqual(
    fixture.audit.events.filter(({ action }) => action === 'user.created').map(({ object }) => object?.name),
    ['ann', 'ann@Example-IdP'],
  );
});

test('nobody gets a local account, or one of another provider, by bearing its name', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  await addProvider(fixture);
  await addProvider(fixture, { id: 'idp_two', name: 'Other' });
  const root = await new Browser(node).signIn('idp_one', { sub: 'root', name: 'ROOT' });
  assert.equal(root.body.signedIn?.me?.user.role, 'user');
  assert.notEqual(root.body.signedIn.me?.user.id, 'usr_root');
  const here = await new Browser(node).signIn('idp_one', { sub: 'same', name: 'bea' });
  const there = await new Browser(node).signIn('idp_two', { sub: 'same', name: 'bea' });
  assert.notEqual(here.body.signedIn?.me?.user.id, there.body.signedIn?.me?.user.id);
});

test('an answer is worth something once, to the browser that began, at the provider that it began with', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  const second = await fixture.start();
  await addProvider(fixture);
  await addProvider(fixture, { id: 'idp_two', name: 'Other' });
  const ann = { sub: 's-1', name: 'ann' };
  const lost = async (outcome: Promise<{ status: number; body: Answer }>): Promise<void> => {
    const { status, body } = await outcome;
    assert.deepEqual([status, body.code], [409, 'SIGN_IN_LOST']);
  };
  const browser = new Browser(node);
  const answer = await browser.begin('idp_one', ann);
  const thief = new Browser(node);
  await lost(thief.complete('idp_one', answer));
  await thief.begin('idp_one', ann);
  await lost(thief.complete('idp_one', answer));
  const mixed = await browser.begin('idp_one', ann);
  await lost(browser.complete('idp_two', mixed));
  await lost(browser.complete('idp_one', `${await browser.begin('idp_one', ann)}&state=x`));
  // Begun on one node and completed on another, by forty at once: one gets in.
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_unused, index) =>
      browser.at(index % 2 === 0 ? node : second).complete('idp_one', answer),
    ),
  );
  assert.equal(outcomes.filter(({ status }) => status === 200).length, 1);
  const late = await browser.begin('idp_one', ann);
  fixture.clock.time += 16 * 60_000;
  await lost(browser.complete('idp_one', late));
});

test('two tabs of one browser sign in both', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  await addProvider(fixture);
  const browser = new Browser(node);
  const one = await browser.begin('idp_one', { sub: 's-1', name: 'ann' }, '/s/new?target=tgt_1');
  const two = await browser.begin('idp_one', { sub: 's-1', name: 'ann' }, '/recordings');
  assert.equal((await browser.complete('idp_one', one)).body.next, '/s/new?target=tgt_1');
  assert.equal((await browser.complete('idp_one', two)).body.next, '/recordings');
  for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', 'x'])
    assert.equal((await browser.send('POST', '/login/providers/idp_one/start', { next })).status, 400, next);
});

test('rules admit, put into groups and give roles; what is no longer said is taken back, what was given by hand stays', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  const { groups } = fixture.store.now;
  for (const id of ['grp_ops', 'grp_hand']) await groups.insert({ id, name: id, description: '', createdAt: 0 });
  const record = await addProvider(fixture, {
    admits: 'matched',
    rules: [
      { from: 'ops', groupId: 'grp_ops', role: undefined },
      { from: 'audit', groupId: 'grp_gone', role: 'auditor' },
    ],
  });
  const stranger = await new Browser(node).signIn('idp_one', { sub: 's-9', name: 'eve', group: 'OPS' });
  assert.deepEqual([stranger.status, stranger.body.code], [403, 'NOT_ADMITTED']);
  assert.equal(await fixture.store.now.users.findByUsername('eve'), undefined);
  const in_ = await new Browser(node).signIn('idp_one', { sub: 's-1', name: 'ann', group: 'ops' });
  const id = in_.body.signedIn?.me?.user.id ?? '';
  assert.deepEqual(await groups.groupsOf(id), ['grp_ops']);
  await groups.addMember('grp_hand', id);
  const moved = await new Browser(node).signIn('idp_one', { sub: 's-1', name: 'ann', group: 'audit' });
  assert.equal(moved.body.signedIn?.me?.user.role, 'auditor');
  assert.deepEqual(await groups.groupsOf(id), ['grp_hand']);
  // Out of every group: refused, and what the groups gave is gone.
  await new Browser(node).signIn('idp_one', { sub: 's-1', name: 'ann', group: 'ops' });
  assert.equal((await new Browser(node).signIn('idp_one', { sub: 's-1', name: 'ann' })).body.code, 'NOT_ADMITTED');
  assert.deepEqual(await groups.groupsOf(id), ['grp_hand']);
  // A rule that is taken back takes its members back without anybody signing in.
  await new Browser(node).signIn('idp_one', { sub: 's-1', name: 'ann', group: 'ops' });
  assert.deepEqual(await groups.groupsOf(id), ['grp_hand', 'grp_ops']);
  await fixture.store.now.providers.update({ ...record, rules: [] });
  await node.providerPeople.judgeEverybody(record.id);
  assert.deepEqual(await groups.groupsOf(id), ['grp_hand']);
});

test('our second factor is asked for after the provider, unless the provider is trusted with it and gave one', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  fixture.demand = 'everyone';
  await addProvider(fixture);
  await addProvider(fixture, { id: 'idp_two', name: 'Trusted', trustsFactor: true });
  const stage = async (id: string, mfa: string) =>
    (await new Browser(node).signIn(id, { sub: 's-1', name: 'ann', mfa })).body.signedIn?.stage;
  assert.equal(await stage('idp_one', 'yes'), 'enrolment');
  assert.equal(await stage('idp_two', 'no'), 'enrolment');
  assert.equal(await stage('idp_two', 'yes'), 'complete');
});

test('no login lasts longer than the one at the provider that it rests on, also after a second factor', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  await addProvider(fixture);
  const until = fixture.clock.now() + 5 * 60_000;
  const browser = new Browser(node);
  const first = await browser.signIn('idp_one', { sub: 's-1', name: 'ann', until: `${until}` });
  const userId = first.body.signedIn?.me?.user.id ?? '';
  const endOf = async () => (await fixture.store.now.logins.listOf(userId)).map(({ expiresAt }) => expiresAt);
  assert.deepEqual(await endOf(), [until]);
  const passkey = new SoftwarePasskey();
  const options = (await browser.send('POST', '/me/factors/passkey/options')).body as never;
  await browser.send('POST', '/me/factors/passkey', { passkey: passkey.create(options, ORIGIN), name: 'x' });
  await fixture.store.now.logins.deleteOf(userId);
  const again = new Browser(node);
  const half = await again.signIn('idp_one', { sub: 's-1', name: 'ann', until: `${until}` });
  assert.equal(half.body.signedIn?.stage, 'second-factor');
  const asked = (await again.send('POST', '/me/proof/options')).body as never;
  const done = await again.send('POST', '/me/proof', { passkey: passkey.assert(asked, ORIGIN) });
  assert.equal(done.status, 200, JSON.stringify(done.body));
  assert.deepEqual(await endOf(), [until]);
  fixture.clock.time = until;
  assert.equal((await again.send('GET', '/me')).status, 401);
});

test('a passkey of ours is no way around the provider', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  await addProvider(fixture);
  const browser = new Browser(node);
  await browser.signIn('idp_one', { sub: 's-1', name: 'ann' });
  const passkey = new SoftwarePasskey();
  const options = (await browser.send('POST', '/me/factors/passkey/options')).body as never;
  const enrolled = await browser.send('POST', '/me/factors/passkey', {
    passkey: passkey.create(options, ORIGIN),
    name: 'x',
  });
  assert.equal(enrolled.status, 201, JSON.stringify(enrolled.body));
  const stranger = new Browser(node);
  const asked = (await stranger.send('POST', '/login/passkey/options')).body as never;
  const outcome = await stranger.send('POST', '/login/passkey', { passkey: passkey.assert(asked, ORIGIN) });
  assert.deepEqual([outcome.status, outcome.body.code], [401, 'FACTOR_REFUSED']);
});

test('a provider that is switched off signs nobody in, and a disabled account stays out', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  const record = await addProvider(fixture);
  const browser = new Browser(node);
  const first = await browser.signIn('idp_one', { sub: 's-1', name: 'ann' });
  const pending = await browser.begin('idp_one', { sub: 's-1', name: 'ann' });
  const user = await fixture.store.now.users.find(first.body.signedIn?.me?.user.id ?? '');
  assert.ok(user);
  await fixture.store.now.users.update({ ...user, disabledAt: 1 });
  assert.equal((await browser.complete('idp_one', pending)).body.code, 'LOGIN_REFUSED');
  const late = await browser.begin('idp_one', { sub: 's-2', name: 'bob' });
  await fixture.store.now.providers.update({ ...record, enabled: false });
  assert.equal((await browser.complete('idp_one', late)).status, 404);
  assert.equal((await browser.send('POST', '/login/providers/idp_one/start', {})).status, 404);
  const offered = await browser.send('GET', '/sign-in');
  assert.deepEqual((offered.body as { providers: unknown[] }).providers, []);
});

async function tell(node: Node, fields: Record<string, string>, id = 'idp_one'): Promise<number> {
  const response = await node.app.inject({
    method: 'POST',
    url: `/api/v1/login/providers/${id}/back-channel-logout`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(fields).toString(),
  });
  return response.statusCode;
}

test("the provider's server ends exactly the login it names, once", async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  await addProvider(fixture);
  const [ann, phone, bob] = [new Browser(node), new Browser(node), new Browser(node)];
  await ann.signIn('idp_one', { sub: 's-1', name: 'ann', sid: 'a' });
  await phone.signIn('idp_one', { sub: 's-1', name: 'ann', sid: 'b' });
  await bob.signIn('idp_one', { sub: 's-2', name: 'bob', sid: 'c' });
  const inside = async () =>
    (await Promise.all([ann, phone, bob].map((one) => one.send('GET', '/me')))).map(({ status }) => status);
  assert.deepEqual(await inside(), [200, 200, 200]);
  assert.equal(await tell(node, { sid: 'a' }), 400, 'unsigned');
  assert.equal(await tell(node, { jti: '1', sid: 'a' }, 'idp_none'), 400);
  assert.equal(await tell(node, { jti: '1' }), 400, 'names nobody');
  assert.equal(await tell(node, { jti: '2', sid: 'a' }), 200);
  assert.deepEqual(await inside(), [401, 200, 200]);
  const ended = fixture.audit.events.filter(({ action }) => action === 'login.ended');
  assert.deepEqual(
    ended.map(({ reason }) => reason),
    ['signed out at the provider'],
  );
  const posted = await fixture.store.now.commands.after(0, 100);
  assert.ok(
    posted.some(({ command }) => command.kind === 'end-login'),
    'the live sessions of the login end too',
  );
  assert.equal(await tell(node, { jti: '2', sub: 's-2' }), 400, 'a message is heard once');
  assert.equal(await tell(node, { jti: '3', sub: 's-1' }), 200);
  assert.deepEqual(await inside(), [401, 401, 200]);
});

test('signing out says where to sign out at the provider', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  await addProvider(fixture);
  const browser = new Browser(node);
  await browser.signIn('idp_one', { sub: 's-1', name: 'ann' });
  assert.deepEqual((await browser.send('POST', '/logout')).body, { next: 'https://idp.test/out' });
  assert.equal((await browser.send('GET', '/me')).status, 401);
});

test('the database holds nothing that completes a sign-in or a login', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  await addProvider(fixture);
  const browser = new Browser(node);
  const answer = new URLSearchParams(await browser.begin('idp_one', { sub: 's-1', name: 'ann' }));
  const state = answer.get('state') ?? '';
  const secret = browser.cookies.get('__Host-enchilada-browser') ?? '';
  const redeemed = await fixture.store.now.providers.redeem(
    createHash('sha256').update(state).digest('hex'),
    createHash('sha256').update(secret).digest('hex'),
    0,
  );
  const stored = JSON.stringify(redeemed);
  for (const value of [state, secret, answer.get('nonce') ?? '']) assert.ok(value !== '' && !stored.includes(value));
});

test('guessing at the door is slowed for each address', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  await addProvider(fixture);
  const statuses = [];
  for (let attempt = 0; attempt < 40; attempt++)
    statuses.push(
      (await new Browser(node).send('POST', '/login/providers/idp_one/complete', { answer: 'state=x' })).status,
    );
  assert.deepEqual([statuses[0], statuses.at(-1)], [409, 429]);
  assert.ok(fixture.audit.events.filter(({ action }) => action === 'login.refused').length <= 30);
});

function directory(...names: readonly string[]): void {
  exampleDirectory.clear();
  for (const name of names)
    exampleDirectory.set(name, { subject: name, username: name, displayName: name, email: undefined, groups: ['ops'] });
}

test('a directory signs in by password, is asked again on a timer, and takes back whom it no longer knows', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  const { store, clock } = fixture;
  directory('ann', 'bob');
  await addProvider(fixture, { id: 'idp_dir', kind: 'phonebook', name: 'Staff' });
  const enter = (username: string, password: string) =>
    new Browser(node).send('POST', '/login', { username, password, providerId: 'idp_dir' });
  assert.equal((await enter('ann', 'wrong')).body.code, 'LOGIN_REFUSED');
  const ann = new Browser(node);
  assert.equal(
    (await ann.send('POST', '/login', { username: 'ann', password: 'nna', providerId: 'idp_dir' })).status,
    200,
  );
  // The local password form knows nothing of the directory's people.
  assert.equal((await new Browser(node).send('POST', '/login', { username: 'ann', password: 'nna' })).status, 401);
  assert.equal(
    (await new Browser(node).send('POST', '/login', { username: 'root', password: PASSWORD, providerId: 'idp_dir' }))
      .status,
    401,
  );
  const reports: string[] = [];
  const check = new DirectoryCheck({
    ...{ store, clock, registry: node.registry, people: node.providerPeople, everyMs: 60_000 },
    report: (message) => reports.push(message),
  });
  await check.run();
  assert.equal((await ann.send('GET', '/me')).status, 200);
  directory('bob');
  await check.run();
  assert.equal((await ann.send('GET', '/me')).status, 200, 'asked once in an interval, by one node');
  clock.time += 61_000;
  await check.run();
  assert.equal((await ann.send('GET', '/me')).status, 401);
  const disabled = fixture.audit.events.find(({ action }) => action === 'user.disabled');
  assert.deepEqual(disabled?.actor, { kind: 'system', name: 'Staff' });
  directory('ann', 'bob');
  assert.equal((await enter('ann', 'nna')).status, 200, 'back in the directory, back in');
});

test('a directory that suddenly knows hardly anybody disables nobody', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  const { store, clock } = fixture;
  const names = Array.from({ length: 12 }, (_unused, index) => `person-${index}`);
  directory(...names);
  const record = await addProvider(fixture, { id: 'idp_dir', kind: 'phonebook', name: 'Staff' });
  for (const person of exampleDirectory.values()) await node.providerPeople.admit(record, person);
  directory('person-0');
  const reports: string[] = [];
  await new DirectoryCheck({
    ...{ store, clock, registry: node.registry, people: node.providerPeople, everyMs: 60_000 },
    report: (message) => reports.push(message),
  }).run();
  assert.match(reports.join(), /no longer knows 11 of 12 people: nobody was disabled/u);
  assert.equal((await store.now.users.list()).filter(({ disabledAt }) => disabledAt !== undefined).length, 0);
});

test('a provider takes neither the last administrator nor a secret out', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  const root = await fixture.signIn(node, 'root');
  const body = {
    ...{ kind: 'away', name: 'New', parameters: {}, rules: [], admits: 'matched', trustsFactor: false, enabled: true },
    secret: 'a very secret value',
  };
  const made = await call(node, 'POST', '/providers', { cookie: root, body });
  assert.equal(made.statusCode, 201, made.body);
  assert.equal(made.json<{ hasSecret: boolean }>().hasSecret, true);
  const { id } = made.json<{ id: string }>();
  assert.ok(!made.body.includes(body.secret));
  assert.ok(!JSON.stringify(await fixture.store.now.providers.find(id)).includes(body.secret));
  assert.ok(!JSON.stringify(fixture.audit.events).includes(body.secret));
  assert.equal((await node.registry.open(id)).record.name, 'New');
  await fixture.store.now.providers.insertIdentity({
    ...{ providerId: id, subject: 'r', userId: 'usr_root', groups: [], seenAt: 0, isSuspended: false },
  });
  const record = await fixture.store.now.providers.find(id);
  assert.ok(record);
  const demoting: ProviderRecord = {
    ...record,
    rules: [{ from: 'x', groupId: undefined, role: 'user' }],
    admits: 'everyone',
  };
  const person = { subject: 'r', username: 'root', displayName: '', email: undefined, groups: ['x'] };
  assert.equal((await node.providerPeople.admit(demoting, person)).role, 'administrator');
});
