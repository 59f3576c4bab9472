import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { readUserCode, type User } from '@enchilada/core/identity';
import { Browser } from '../testing/browser.ts';
import { call, cookieOf, GatewayFixture, type Node, PASSWORD } from '../testing/gateway-fixture.ts';

const MACHINE = '198.51.100.9';
const MINUTE = 60_000;

interface Codes {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly interval: number;
}

/** A program without a browser: keeps the cookie that it gets. */
class Program {
  readonly #fixture: GatewayFixture;
  readonly #node: Node;
  readonly codes: Codes;
  cookie: string | undefined;

  private constructor(fixture: GatewayFixture, node: Node, codes: Codes) {
    this.#fixture = fixture;
    this.#node = node;
    this.codes = codes;
  }

  static async ask(fixture: GatewayFixture, node: Node): Promise<Program> {
    const response = await call(node, 'POST', '/device-logins', {
      address: MACHINE,
      headers: { 'user-agent': 'tool' },
    });
    assert.equal(response.statusCode, 201, response.body);
    return new Program(fixture, node, response.json<Codes>());
  }

  /** After the interval, unless it is impatient. */
  async poll(options: { readonly at?: Node; readonly impatient?: boolean; readonly address?: string } = {}) {
    if (options.impatient !== true) this.#fixture.clock.time += this.codes.interval * 1000;
    const response = await call(options.at ?? this.#node, 'POST', '/device-logins/poll', {
      body: { deviceCode: this.codes.deviceCode },
      address: options.address ?? MACHINE,
    });
    assert.equal(response.statusCode, 200, response.body);
    const set = response.headers['set-cookie'];
    if (set !== undefined) this.cookie = cookieOf(set);
    return response.json<{ error?: string; stage?: string; interval?: number; me?: { user: User } }>();
  }

  async whoami(): Promise<number> {
    return (await call(this.#node, 'GET', '/me', { cookie: this.cookie, address: MACHINE })).statusCode;
  }
}

async function ready(options: { readonly trustedNetworks?: readonly string[] } = {}) {
  const fixture = new GatewayFixture();
  const node = await fixture.start(options);
  const other = await fixture.start(options);
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  await fixture.addUser('bob', 'user');
  const signedIn = async (name: string, at = node): Promise<Browser> => {
    const browser = new Browser(at);
    await browser.signIn(name);
    return browser;
  };
  const events = (action: string) => fixture.audit.events.filter((event) => event.action === action);
  return { fixture, node, other, signedIn, events };
}

const decide = (browser: Browser, userCode: string, verdict: 'approve' | 'deny' = 'approve') =>
  browser.send('POST', '/device-logins/decision', { userCode, verdict });

test('a program is signed in as whoever approves its code, listed among their logins, and ended there', async () => {
  const { fixture, node, other, signedIn, events } = await ready();
  await using _ = fixture;
  const program = await Program.ask(fixture, node);
  assert.match(program.codes.userCode, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/u);
  assert.equal((await program.poll()).error, 'authorization_pending');
  const ann = await signedIn('ann', other);
  const typed = program.codes.userCode.toLowerCase().replace('-', ' ');
  const { body: facts } = await ann.send('POST', '/device-logins/check', { userCode: typed });
  const { address, userAgent, ownAddress } = facts as unknown as Record<string, string>;
  assert.deepEqual([address, userAgent, ownAddress], [MACHINE, 'tool', '192.0.2.7']);
  assert.equal((await program.poll()).error, 'authorization_pending', 'who looks has not approved');
  assert.equal((await decide(ann, typed)).status, 204);
  const { stage, me } = await program.poll({ at: other });
  assert.deepEqual([stage, me?.user.username], ['complete', 'ann']);
  assert.equal(await program.whoami(), 200);
  const { body } = await ann.send('GET', '/me/logins');
  const { items } = body as unknown as { items: { id: string; method: string; address: string }[] };
  const own = items.find(({ method }) => method === 'device');
  assert.equal(own?.address, MACHINE);
  assert.equal((await ann.send('DELETE', `/me/logins/${own?.id ?? ''}`)).status, 204);
  assert.equal(await program.whoami(), 401);
  const trail = ['asked', 'approved', 'redeemed'].map((what) => events(`device-login.${what}`)[0]);
  assert.deepEqual(
    trail.map((event) => [event?.actor.name, event?.address]),
    [
      [undefined, MACHINE],
      ['ann', '192.0.2.7'],
      ['ann', MACHINE],
    ],
  );
  assert.equal(new Set(trail.map((event) => event?.object?.id)).size, 1, 'one name for all of it');
  assert.equal(trail[1]?.detail?.['askedFrom'], MACHINE);
  const told = JSON.stringify(fixture.audit.events) + fixture.logged.join('');
  for (const secret of [program.codes.deviceCode, program.codes.userCode, readUserCode(program.codes.userCode) ?? ''])
    assert.ok(!told.includes(secret));
});

test('of many who redeem one code at once on two nodes, one is signed in, and nobody afterwards', async () => {
  const { fixture, node, other, signedIn } = await ready();
  await using _ = fixture;
  const program = await Program.ask(fixture, node);
  await decide(await signedIn('ann'), program.codes.userCode);
  fixture.clock.time += 5_000;
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_unused, index) =>
      program.poll({ at: index % 2 === 0 ? node : other, impatient: true }),
    ),
  );
  assert.equal(answers.filter(({ stage }) => stage === 'complete').length, 1, JSON.stringify(answers));
  assert.equal((await program.poll({ at: other })).error, 'expired_token');
  assert.equal((await fixture.store.now.logins.listOf('usr_ann')).length, 2);
});

test('a code is decided once, by one person, and not after its time; what is denied stays denied', async () => {
  const { fixture, node, other, signedIn, events } = await ready();
  await using _ = fixture;
  const program = await Program.ask(fixture, node);
  const [ann, bob] = [await signedIn('ann'), await signedIn('bob', other)];
  const verdicts = await Promise.all([ann, bob].map((browser) => decide(browser, program.codes.userCode)));
  assert.deepEqual(verdicts.map(({ status }) => status).toSorted(), [204, 404]);
  const denied = await Program.ask(fixture, node);
  assert.equal((await decide(ann, denied.codes.userCode, 'deny')).status, 204);
  assert.equal((await decide(bob, denied.codes.userCode)).status, 404);
  assert.equal((await denied.poll()).error, 'access_denied');
  assert.equal((await denied.poll({ at: other })).error, 'access_denied');
  assert.equal(events('device-login.denied')[0]?.actor.name, 'ann');
  const late = await Program.ask(fixture, node);
  const approved = await Program.ask(fixture, node);
  assert.equal((await decide(bob, approved.codes.userCode)).status, 204);
  fixture.clock.time += 10 * MINUTE;
  assert.equal((await late.poll()).error, 'expired_token');
  assert.equal((await decide(await signedIn('ann'), late.codes.userCode)).status, 404);
  assert.equal((await approved.poll()).error, 'expired_token', 'an approval ends with its code');
  await fixture.store.now.deviceLogins.deleteExpired(fixture.clock.now());
  assert.equal(program.cookie ?? denied.cookie ?? late.cookie ?? approved.cookie, undefined);
});

test('guesses at codes are slowed for the person who guesses, on all nodes, and for nobody else', async () => {
  const { fixture, node, other, signedIn, events } = await ready();
  await using _ = fixture;
  const program = await Program.ask(fixture, node);
  const guesser = await signedIn('bob');
  for (let index = 0; index < 10; index++) {
    const at = index % 2 === 0 ? guesser : guesser.at(other);
    assert.equal((await at.send('POST', '/device-logins/check', { userCode: 'BCDF-GHJK' })).status, 404);
  }
  for (const path of ['check', 'decision'])
    for (const at of [guesser, guesser.at(other)]) {
      const body = { userCode: program.codes.userCode, ...(path === 'check' ? {} : { verdict: 'approve' }) };
      assert.equal((await at.send('POST', `/device-logins/${path}`, body)).status, 429, 'even for a right one');
    }
  assert.equal(events('device-login.refused').length, 10);
  assert.equal((await decide(await signedIn('ann'), program.codes.userCode)).status, 204);
});

test('guesses that are made at once are no more than those made one after the other', async () => {
  const { fixture, node, other, signedIn } = await ready();
  await using _ = fixture;
  const program = await Program.ask(fixture, node);
  const guesser = await signedIn('bob');
  const codes = [...Array<string>(99).fill('BCDF-GHJK'), program.codes.userCode];
  const answers = await Promise.all(
    codes.map((userCode, index) =>
      guesser.at(index % 2 === 0 ? node : other).send('POST', '/device-logins/check', { userCode }),
    ),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([404, 429]));
});

test('who polls too fast is told to slow down and by how much, and gets no answer sooner for it', async () => {
  const { fixture, node, other, signedIn } = await ready();
  await using _ = fixture;
  const program = await Program.ask(fixture, node);
  await decide(await signedIn('ann'), program.codes.userCode);
  assert.deepEqual(await program.poll({ impatient: true }), { error: 'slow_down', interval: 10 });
  assert.deepEqual(await program.poll({ impatient: true, at: other }), { error: 'slow_down', interval: 15 });
  assert.deepEqual(await program.poll(), { error: 'slow_down', interval: 20 });
  fixture.clock.time += 15_000;
  assert.equal((await program.poll({ impatient: true })).stage, 'complete');
});

test('one address asks for so many codes in a minute, and what it asks for beyond fills no log', async () => {
  const { fixture, node, other, events } = await ready();
  await using _ = fixture;
  const ask = (at: Node, address: string) => call(at, 'POST', '/device-logins', { address });
  const answers = [];
  for (let index = 0; index < 40; index++)
    answers.push((await ask(index % 2 === 0 ? node : other, MACHINE)).statusCode);
  assert.equal(answers.filter((status) => status === 201).length, events('device-login.asked').length);
  assert.ok(answers.slice(20).every((status) => status === 429));
  assert.ok(events('device-login.refused').length <= 2, 'one row a node');
  assert.equal((await ask(node, '203.0.113.1')).statusCode, 201);
});

test('an IPv6 network asks for no more codes than one address', async () => {
  const { fixture, node, other } = await ready();
  await using _ = fixture;
  const ask = async (at: Node, address: string) => (await call(at, 'POST', '/device-logins', { address })).statusCode;
  const statuses = [];
  for (let index = 0; index < 40; index++)
    statuses.push(await ask(index % 2 === 0 ? node : other, `2001:db8:1:2::${index.toString(16)}`));
  assert.ok(
    statuses.slice(20).every((status) => status === 429),
    String(statuses),
  );
  assert.equal(await ask(node, '2001:db8:1:3::1'), 201);
});

test('an approval is not kept for later', async () => {
  const { fixture, node, signedIn } = await ready();
  await using _ = fixture;
  const program = await Program.ask(fixture, node);
  const ann = await signedIn('ann');
  assert.equal((await decide(ann, program.codes.userCode)).status, 204);
  fixture.clock.time += 2 * MINUTE;
  assert.equal((await program.poll()).error, 'expired_token');
  assert.equal((await fixture.store.now.logins.listOf('usr_ann')).length, 1);
});

test('whoever ends the login that approved a program while it is being signed in ends that too', async () => {
  const { fixture, node, signedIn, events } = await ready();
  await using _ = fixture;
  const program = await Program.ask(fixture, node);
  const ann = await signedIn('ann');
  await decide(ann, program.codes.userCode);
  const { secondFactors } = fixture.store.now;
  const listOf = secondFactors.listOf.bind(secondFactors);
  // Asked on the way, after the login that approved was found alive.
  mock.method(secondFactors, 'listOf', async (id: string) => {
    mock.restoreAll();
    assert.equal((await ann.send('POST', '/logout')).status, 200);
    return listOf(id);
  });
  assert.equal((await program.poll()).error, 'access_denied');
  assert.equal(program.cookie, undefined);
  assert.deepEqual(await fixture.store.now.logins.listOf('usr_ann'), []);
  assert.equal(events('device-login.refused').length, 1);
});

test('a changed password takes an approval back, and ends the programs that were approved before', async () => {
  const { fixture, node, other, signedIn } = await ready();
  await using _ = fixture;
  const [first, second] = [await Program.ask(fixture, node), await Program.ask(fixture, node)];
  const ann = await signedIn('ann');
  await decide(ann, first.codes.userCode);
  assert.equal((await first.poll()).stage, 'complete');
  await decide(ann, second.codes.userCode);
  const next = 'another long enough phrase';
  assert.equal((await ann.at(other).send('PUT', '/me/password', { current: PASSWORD, next })).status, 200);
  assert.equal(await first.whoami(), 401);
  assert.equal((await second.poll()).error, 'access_denied');
});

test('an approval is worth nothing once the login that gave it has ended or its account is disabled', async () => {
  const { fixture, node, signedIn, events } = await ready();
  await using _ = fixture;
  const [first, second, third] = [
    await Program.ask(fixture, node),
    await Program.ask(fixture, node),
    await Program.ask(fixture, node),
  ];
  const ann = await signedIn('ann');
  assert.equal((await decide(ann, first.codes.userCode)).status, 204);
  await ann.send('POST', '/logout');
  assert.equal((await first.poll()).error, 'access_denied');
  assert.equal(events('device-login.refused').length, 1);
  const bob = await signedIn('bob');
  assert.equal((await decide(bob, second.codes.userCode)).status, 204);
  assert.equal((await second.poll()).stage, 'complete');
  assert.equal((await decide(bob, third.codes.userCode)).status, 204);
  const root = await signedIn('root');
  assert.equal((await root.send('PUT', '/users/usr_bob', { disabled: true, version: 1 })).status, 200);
  assert.equal((await third.poll()).error, 'access_denied');
  assert.equal(await second.whoami(), 401, 'a login of before has ended too');
});

test('a stolen login approves nothing without a fresh proof, nor does a chain of programs', async () => {
  const { fixture, node, signedIn } = await ready();
  await using _ = fixture;
  const ann = await signedIn('ann');
  const first = await Program.ask(fixture, node);
  await decide(ann, first.codes.userCode);
  assert.equal((await first.poll()).stage, 'complete');
  fixture.clock.time += 10 * MINUTE;
  const next = await Program.ask(fixture, node);
  const body = { userCode: next.codes.userCode, verdict: 'approve' };
  for (const cookie of [ann.cookie, first.cookie]) {
    const answer = await call(node, 'POST', '/device-logins/decision', { body, cookie });
    assert.equal(answer.json<{ code: string }>().code, 'STEP_UP_REQUIRED');
  }
  assert.equal((await next.poll()).error, 'authorization_pending');
});

test('a program that was approved adds nothing that stays longer, unless it proves who it is itself', async () => {
  const { fixture, node, signedIn } = await ready();
  await using _ = fixture;
  const root = await signedIn('root');
  const [program, next] = [await Program.ask(fixture, node), await Program.ask(fixture, node)];
  await decide(root, program.codes.userCode);
  assert.equal((await program.poll()).stage, 'complete');
  const send = async (path: string, body?: object) => {
    const answer = await call(node, 'POST', path, { body, cookie: program.cookie, address: MACHINE });
    const set = answer.headers['set-cookie'];
    if (set !== undefined) program.cookie = cookieOf(set);
    return { status: answer.statusCode, code: answer.json<{ code?: string }>().code };
  };
  const token = { name: 't', scope: ['audit.read'], days: 1 };
  for (const [path, body] of [
    ['/me/tokens', token],
    ['/me/factors/totp'],
    ['/me/factors/passkey/options'],
    ['/device-logins/decision', { userCode: next.codes.userCode, verdict: 'approve' }],
  ] as const)
    assert.equal((await send(path, body)).code, 'STEP_UP_REQUIRED', path);
  assert.equal((await send('/me/proof', { password: PASSWORD })).status, 200);
  assert.equal((await send('/me/tokens', token)).status, 201);
});

test('no other site, no token and nobody half-way through the door approves or looks', async () => {
  const { fixture, node, signedIn } = await ready();
  await using _ = fixture;
  const program = await Program.ask(fixture, node);
  const root = await signedIn('root');
  const { body: made } = await root.send('POST', '/me/tokens', { name: 't', scope: ['audit.read'], days: 1 });
  const { value = '' } = made as { value?: string };
  await (await signedIn('ann')).enrolApp(fixture);
  const halfway = await signedIn('ann');
  const { userCode } = program.codes;
  for (const [path, body] of [
    ['check', { userCode }],
    ['decision', { userCode, verdict: 'approve' }],
  ] as const) {
    const send = (cookie: string | undefined, headers: Record<string, string> = {}) =>
      call(node, 'POST', `/device-logins/${path}`, { body, cookie, headers });
    assert.equal((await send(root.cookie, { origin: 'https://evil.example' })).statusCode, 403);
    assert.equal((await send(root.cookie, { 'x-enchilada': '' })).statusCode, 403);
    assert.equal((await send(root.cookie, { 'content-type': 'text/plain' })).statusCode, 403);
    assert.equal((await send(root.cookie, { 'sec-fetch-site': 'cross-site' })).statusCode, 403);
    assert.equal((await send(undefined, { authorization: `Bearer ${value}` })).statusCode, 403);
    assert.equal((await send(halfway.cookie)).json<{ code: string }>().code, 'SECOND_FACTOR_DUE');
    assert.equal((await send(undefined)).statusCode, 401);
  }
  assert.equal((await program.poll()).error, 'authorization_pending');
});

test('what sign-in asks of a person at the address of the program is asked there too', async () => {
  const { fixture, node, signedIn } = await ready({ trustedNetworks: ['192.0.2.0/24'] });
  await using _ = fixture;
  fixture.demand = 'everyone';
  const inside = await Program.ask(fixture, node);
  await decide(await signedIn('bob'), inside.codes.userCode);
  assert.equal((await inside.poll({ address: '192.0.2.44' })).stage, 'complete');
  const outside = await Program.ask(fixture, node);
  await decide(await signedIn('bob'), outside.codes.userCode);
  assert.deepEqual(await outside.poll(), { stage: 'enrolment' });
  assert.equal(await outside.whoami(), 401);
  const ann = await signedIn('ann');
  await ann.enrolApp(fixture);
  const proven = await Program.ask(fixture, node);
  await decide(ann, proven.codes.userCode);
  assert.equal((await proven.poll()).stage, 'complete', 'the factor that the person gave counts');
});

test('a login at a provider carries over: its sign-out ends the program, and the program signs nobody out there', async () => {
  const { fixture, node, signedIn } = await ready();
  await using _ = fixture;
  await fixture.store.now.providers.insert({
    ...{ id: 'idp_one', kind: 'away', name: 'Example', parameters: {}, secret: undefined, rules: [] },
    ...{ admits: 'everyone', trustsFactor: false, enabled: true, version: 1, createdAt: 0, updatedAt: 0 },
  });
  const ann = await signedIn('ann');
  const [login] = await fixture.store.now.logins.listOf('usr_ann');
  const hint = { keyId: 'k', bytes: new Uint8Array(1) };
  const note = { providerId: 'idp_one', subject: 's-1', session: 'sid-1', hint };
  await fixture.store.now.providers.noteLogin({ ...note, loginDigest: login?.digest ?? '' });
  const program = await Program.ask(fixture, node);
  await decide(ann, program.codes.userCode);
  assert.equal((await program.poll()).stage, 'complete');
  const rests = await fixture.store.now.providers.loginsOf('idp_one', { subject: undefined, session: 'sid-1' });
  assert.equal(rests.length, 2);
  const made = rests.find((digest) => digest !== login?.digest) ?? '';
  assert.equal((await fixture.store.now.providers.findLogin(made))?.hint, undefined);
});

test('what was switched off gives no code, shows and decides none, and redeems none, whichever node is asked', async () => {
  const { fixture, node, other, signedIn, events } = await ready();
  await using _ = fixture;
  const before = await Program.ask(fixture, node);
  const [waiting, approved] = [await Program.ask(fixture, node), await Program.ask(fixture, node)];
  const [ann, root] = [await signedIn('ann'), await signedIn('root')];
  await decide(ann, before.codes.userCode);
  assert.equal((await before.poll()).stage, 'complete');
  await decide(ann, approved.codes.userCode);
  const turn = async (deviceSignIn: boolean) =>
    assert.equal((await root.send('PUT', '/settings', { deviceSignIn })).status, 200);
  await turn(false);
  const changed = events('settings.updated').map(({ actor, detail }) => [actor.name, detail]);
  assert.deepEqual(changed, [['root', { deviceSignIn: false }]]);
  const { userCode } = waiting.codes;
  const { deviceCode } = approved.codes;
  for (const at of [node, other])
    for (const [step, cookie, body] of [
      ['', undefined, undefined],
      ['/check', ann.cookie, { userCode }],
      ['/decision', ann.cookie, { userCode, verdict: 'approve' }],
      ['/poll', undefined, { deviceCode }],
    ] as const) {
      const answer = await call(at, 'POST', `/device-logins${step}`, { body, cookie, address: MACHINE });
      assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [403, 'DEVICE_SIGN_IN_OFF'], step);
      assert.equal(answer.headers['set-cookie'], undefined, step);
    }
  const reasons = events('device-login.refused').map(({ reason }) => reason);
  assert.deepEqual(reasons, ['switched off in the settings', 'switched off in the settings'], 'one row a node');
  assert.equal((await fixture.store.now.logins.listOf('usr_ann')).length, 2);
  assert.equal(await before.whoami(), 200, 'who was signed in before stays so');
  await turn(true);
  assert.equal((await waiting.poll()).error, 'authorization_pending');
  assert.equal((await approved.poll()).stage, 'complete', 'the approval is not over yet');
});
