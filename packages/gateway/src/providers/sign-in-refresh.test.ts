import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import type { AssertedPerson, RefreshVerdict } from '@enchilada/core/identity';
import { Fault } from '@enchilada/core/fault';
import { until } from '@enchilada/core/testing/until';
import { exampleRefresh } from '../testing/example-providers.ts';
import { call, GatewayFixture, type Node } from '../testing/gateway-fixture.ts';
import { addProvider, ProviderBrowser } from '../testing/provider-browser.ts';

const AWAY = new Fault('PROVIDER_UNAVAILABLE', 'the provider answers 503');
const WITHDRAWN: RefreshVerdict = { outcome: 'withdrawn', error: 'invalid_grant' };
const MINUTE = 60_000;

beforeEach(() => {
  exampleRefresh.shown.length = 0;
  exampleRefresh.next = undefined;
  exampleRefresh.before = () => Promise.resolve(undefined);
  exampleRefresh.says = () => Promise.resolve({ outcome: 'stands', person: undefined });
});

async function site() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const record = await addProvider(fixture, { rules: [{ from: 'ops', groupId: 'grp_ops', role: undefined }] });
  await fixture.store.now.groups.insert({ id: 'grp_ops', name: 'ops', description: '', createdAt: 0 });
  const signIn = async (sub: string, refresh?: string) => {
    const browser = new ProviderBrowser(node);
    const person = { sub, name: sub, group: 'ops', ...(refresh === undefined ? {} : { refresh }) };
    const { body } = await browser.signIn('idp_one', person);
    assert.equal(body.signedIn?.stage, 'complete', JSON.stringify(body));
    const inside = async () => (await browser.send('GET', '/me')).status === 200;
    return { browser, inside, userId: body.signedIn.me?.user.id ?? '' };
  };
  /** All tokens are due, as after their time. */
  const ask = async (...subjects: readonly string[]): Promise<void> => {
    for (const subject of subjects) await fixture.store.now.refreshTokens.hurry('idp_one', subject);
    await node.refresh.run();
  };
  const endings = () =>
    fixture.audit.events.filter(({ action }) => action === 'login.ended').map(({ reason }) => reason ?? '');
  return { fixture, node, record, signIn, ask, endings };
}

/** A program that somebody's browser signs in (RFC 8628). */
async function signInProgram(fixture: GatewayFixture, node: Node, approver: ProviderBrowser) {
  const program = new ProviderBrowser(node);
  const { deviceCode, userCode, interval } = (await program.send('POST', '/device-logins')).body as unknown as {
    readonly deviceCode: string;
    readonly userCode: string;
    readonly interval: number;
  };
  const { status } = await approver.send('POST', '/device-logins/decision', { userCode, verdict: 'approve' });
  assert.equal(status, 204);
  fixture.clock.time += interval * 1_000;
  await program.send('POST', '/device-logins/poll', { deviceCode });
  const inside = async () => (await program.send('GET', '/me')).status === 200;
  assert.equal(await inside(), true);
  return { inside };
}

const person = (subject: string, groups: readonly string[]): AssertedPerson => ({
  ...{ subject, username: subject, displayName: subject, email: undefined, groups },
});

test('groups follow what the provider says of somebody who stays signed in', async () => {
  const { fixture, node, signIn, ask } = await site();
  await using _ = fixture;
  const ann = await signIn('ann', 'token-1');
  const groups = () => fixture.store.now.groups.groupsOf(ann.userId);
  assert.deepEqual(await groups(), ['grp_ops']);
  await node.refresh.run();
  assert.deepEqual(exampleRefresh.shown, [], 'nobody is asked before the time');
  exampleRefresh.says = () => Promise.resolve({ outcome: 'stands', person: person('ann', ['other']) });
  await ask('ann');
  assert.deepEqual([await groups(), await ann.inside()], [[], true]);
  const removed = fixture.audit.events.filter(({ action }) => action === 'group.member-removed');
  assert.equal(removed.length, 1);
  await ask('ann');
  assert.deepEqual(exampleRefresh.shown, ['token-1', 'token-1'], 'a provider that does not rotate is shown the same');
});

test('a token that the provider gives in place of another is the one that is shown next', async () => {
  const { fixture, signIn, ask } = await site();
  await using _ = fixture;
  const ann = await signIn('ann', 'token-1');
  exampleRefresh.next = 'token-2';
  await ask('ann');
  exampleRefresh.next = 'token-3';
  // Kept although the rest of the answer is lost.
  exampleRefresh.says = () => Promise.reject(AWAY);
  await ask('ann');
  exampleRefresh.next = undefined;
  const [token] = await fixture.store.now.refreshTokens.take('idp_one', { leaseMs: 0, limit: 1 });
  assert.deepEqual([token, exampleRefresh.shown.length], [undefined, 2], 'it waits before it asks again');
  await ann.browser.send('POST', '/logout');
  assert.deepEqual(exampleRefresh.shown, ['token-1', 'token-2', 'given back: token-3']);
});

test('who is withdrawn there is out here, with what cannot be asked about, and the rest is asked about at once', async () => {
  const { fixture, signIn, ask, endings } = await site();
  await using _ = fixture;
  const [laptop, desk, phone, other] = [
    await signIn('ann', 'laptop'),
    await signIn('ann', 'desk'),
    await signIn('ann'),
    await signIn('bob', 'bob'),
  ];
  exampleRefresh.says = (token) =>
    Promise.resolve(token === 'laptop' ? WITHDRAWN : { outcome: 'stands', person: undefined });
  const before = (await fixture.store.now.commands.after(0, 1_000)).length;
  await ask('ann');
  const inside = await Promise.all([laptop, desk, phone, other].map((one) => one.inside()));
  assert.deepEqual(inside, [false, true, false, true]);
  assert.ok(exampleRefresh.shown.includes('desk') && !exampleRefresh.shown.includes('bob'));
  assert.deepEqual(endings(), Array(2).fill('the provider no longer confirms the sign-in (invalid_grant)'));
  const posted = (await fixture.store.now.commands.after(0, 1_000)).slice(before);
  const ends = posted.map(({ command }) => command).filter(({ kind }) => kind === 'end-login');
  assert.deepEqual(
    ends.map((command) => command.kind === 'end-login' && command.isWithdrawn),
    [true, true],
  );
  exampleRefresh.says = () => Promise.resolve(WITHDRAWN);
  await ask('ann');
  assert.deepEqual([await desk.inside(), await other.inside()], [false, true]);
});

test('whom no rule admits any more is out, and in again once the provider says so', async () => {
  const { fixture, signIn, ask, record } = await site();
  await using _ = fixture;
  await fixture.store.now.providers.update({ ...record, admits: 'matched' });
  const ann = await signIn('ann', 'token-1');
  exampleRefresh.says = () => Promise.resolve({ outcome: 'stands', person: person('ann', []) });
  await ask('ann');
  assert.equal(await ann.inside(), false);
  assert.ok((await fixture.store.now.users.find(ann.userId))?.disabledAt !== undefined);
  assert.equal(fixture.audit.events.filter(({ action }) => action === 'user.disabled').length, 1);
  assert.equal(await (await signIn('ann', 'token-2')).inside(), true);
});

test('a provider that does not answer ends nothing, is shown to be in trouble, and ends what it is silent about too long', async () => {
  const { fixture, node, signIn, ask, endings } = await site();
  await using _ = fixture;
  const root = await fixture.signIn(node, 'root');
  const ann = await signIn('ann', 'token-1');
  const bob = await signIn('bob', 'token-2');
  const health = async () => {
    const { items } = (await call(node, 'GET', '/providers', { cookie: root })).json<{
      items: { refresh: unknown }[];
    }>();
    return items[0]?.refresh;
  };
  assert.deepEqual(await health(), { logins: 2, failing: 0 });
  const signedInAt = fixture.clock.now();
  exampleRefresh.says = () => Promise.reject(AWAY);
  await ask('ann', 'bob');
  assert.deepEqual([await ann.inside(), await bob.inside()], [true, true]);
  assert.deepEqual(await health(), {
    ...{ logins: 2, failing: 2, unansweredSince: signedInAt },
    reason: 'PROVIDER_UNAVAILABLE: the provider answers 503',
  });
  fixture.clock.time += 119 * MINUTE;
  const carla = await signIn('carla', 'token-3');
  await ask('carla');
  assert.equal(await carla.inside(), true);
  assert.equal(endings().length, 0);
  const dora = await signIn('dora', 'token-4');
  fixture.clock.time += 120 * MINUTE;
  await ask('dora');
  assert.deepEqual(endings(), ['the provider Example IdP has not answered for too long: the provider answers 503']);
  assert.equal(await dora.inside(), false);
});

test('an answer that is not believed ends the sign-in that it is about', async () => {
  const { fixture, signIn, ask, endings } = await site();
  await using _ = fixture;
  const ann = await signIn('ann', 'token-1');
  exampleRefresh.says = () => Promise.reject(new Fault('PROVIDER_REFUSED', 'the ID token is of another person'));
  await ask('ann');
  assert.equal(await ann.inside(), false);
  assert.match(endings().join(), /cannot be believed: the ID token is of another person/u);
});

test('an answer that was lost is named where the provider refuses afterwards', async () => {
  const { fixture, node, signIn, endings } = await site();
  await using _ = fixture;
  await signIn('ann', 'token-1');
  // A node takes the token and dies.
  await fixture.store.now.refreshTokens.hurry('idp_one', 'ann');
  assert.equal((await fixture.store.now.refreshTokens.take('idp_one', { leaseMs: 0, limit: 1 })).length, 1);
  exampleRefresh.says = () => Promise.resolve(WITHDRAWN);
  await node.refresh.run();
  assert.match(endings().join(), /invalid_grant; an earlier answer was lost, which may be the cause/u);
});

test('a slow provider keeps nobody else waiting, however many of its people are due', async () => {
  const { fixture, node, signIn } = await site();
  await using _ = fixture;
  await addProvider(fixture, { id: 'idp_two', name: 'Another IdP' });
  const browser = new ProviderBrowser(node);
  await browser.signIn('idp_two', { sub: 'zoe', name: 'zoe', refresh: 'quick' });
  const slow = Array.from({ length: 9 }, (_unused, n) => `slow-${n}`);
  for (const name of slow) await signIn(name, name);
  const answer = Promise.withResolvers<RefreshVerdict>();
  exampleRefresh.says = (token) =>
    token === 'quick' ? Promise.resolve({ outcome: 'stands', person: undefined }) : answer.promise;
  for (const name of slow) await fixture.store.now.refreshTokens.hurry('idp_one', name);
  await fixture.store.now.refreshTokens.hurry('idp_two', 'zoe');
  const running = node.refresh.run();
  await until(() => exampleRefresh.shown.includes('quick'));
  answer.resolve({ outcome: 'stands', person: undefined });
  await running;
  assert.deepEqual([...exampleRefresh.shown].sort(), ['quick', ...slow].sort());
});

/** Does something once the provider was asked about ann, and before the node has its answer. */
async function whileAsked(
  {
    fixture,
    node,
    asked,
  }: Pick<Awaited<ReturnType<typeof site>>, 'fixture' | 'node'> & { readonly asked: Promise<unknown> },
  act: () => Promise<void>,
): Promise<void> {
  await fixture.store.now.refreshTokens.hurry('idp_one', 'ann');
  const running = node.refresh.run();
  await asked;
  await act();
  await running;
}

test('who signs out while the provider is asked leaves it no token that nobody has', async () => {
  const { fixture, node, signIn } = await site();
  await using _ = fixture;
  const ann = await signIn('ann', 'token-1');
  const [asked, answer] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  exampleRefresh.next = 'token-2';
  exampleRefresh.before = () => {
    asked.resolve(undefined);
    return answer.promise;
  };
  await whileAsked({ fixture, node, asked: asked.promise }, async () => {
    await ann.browser.send('POST', '/logout');
    answer.resolve(undefined);
  });
  assert.deepEqual(exampleRefresh.shown, ['token-1', 'given back: token-1', 'given back: token-2']);
});

test('a program goes on being asked about when the browser that approved it is gone, and is out when the provider says so', async () => {
  const { fixture, node, signIn, ask, endings } = await site();
  await using _ = fixture;
  const ann = await signIn('ann', 'token-1');
  const program = await signInProgram(fixture, node, ann.browser);
  await ann.browser.send('POST', '/logout');
  await ask('ann');
  assert.deepEqual(exampleRefresh.shown, ['token-1'], 'asked with, and not given back');
  assert.deepEqual([await ann.inside(), await program.inside()], [false, true]);
  exampleRefresh.says = () => Promise.resolve(WITHDRAWN);
  await ask('ann');
  assert.equal(await program.inside(), false);
  assert.deepEqual(endings().slice(-1), ['the provider no longer confirms the sign-in (invalid_grant)']);
});

test('a refusal that comes while the login is handed over to a program ends that too', async () => {
  const { fixture, node, signIn } = await site();
  await using _ = fixture;
  const ann = await signIn('ann', 'token-1');
  const program = await signInProgram(fixture, node, ann.browser);
  const [asked, answer] = [Promise.withResolvers<undefined>(), Promise.withResolvers<RefreshVerdict>()];
  exampleRefresh.says = () => {
    asked.resolve(undefined);
    return answer.promise;
  };
  await whileAsked({ fixture, node, asked: asked.promise }, async () => {
    await ann.browser.send('POST', '/logout');
    answer.resolve(WITHDRAWN);
  });
  assert.equal(await program.inside(), false);
});

test('a token is kept whatever its length', async () => {
  const { fixture, signIn, ask } = await site();
  await using _ = fixture;
  const [first, next] = ['a'.repeat(10_000), 'b'.repeat(400_000)];
  await signIn('ann', first);
  exampleRefresh.next = next;
  await ask('ann');
  await ask('ann');
  assert.deepEqual(
    exampleRefresh.shown.map(({ length }) => length),
    [first.length, next.length],
  );
});

test('no token lies anywhere in clear', async () => {
  const { fixture, node, signIn, ask } = await site();
  await using _ = fixture;
  const root = await fixture.signIn(node, 'root');
  const [first, second] = ['first-canary-7f3a', 'second-canary-91bc'];
  await signIn('ann', first);
  exampleRefresh.next = second;
  await ask('ann');
  exampleRefresh.says = () => Promise.reject(AWAY);
  await ask('ann');
  const answers = await Promise.all(
    ['/providers', '/users', '/audit', '/me/logins'].map((path) => call(node, 'GET', path, { cookie: root })),
  );
  const places = [
    ...answers.map(({ body }) => body),
    JSON.stringify(fixture.audit.events),
    fixture.logged.join('\n'),
    ...(await Promise.all(
      ['store.db', 'store.db-wal'].map((file) => readFile(join(fixture.folder, file), 'latin1').catch(() => '')),
    )),
  ];
  assert.ok((places.at(-1) ?? '').length + (places.at(-2) ?? '').length > 0, 'the database was read');
  for (const place of places)
    for (const token of [first, second]) {
      assert.ok(!place.includes(token));
      assert.ok(!place.includes(Buffer.from(token).toString('base64').slice(0, 16)));
    }
});
