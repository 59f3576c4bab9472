import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTE_LIST } from '@enchilada/contract';
import { SoftwarePasskey } from '@enchilada/core/testing/software-passkey';
import { aGrant, aTarget } from '@enchilada/core/testing/store-fixture';
import { type Answer, Browser } from '../testing/browser.ts';
import { call, GatewayFixture, ORIGIN, PASSWORD } from '../testing/gateway-fixture.ts';
import { codeAt, stepAt } from './totp.ts';

async function ready(demand: GatewayFixture['demand'] = 'administrators') {
  const fixture = new GatewayFixture();
  fixture.demand = demand;
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  return { fixture, node, other: await fixture.start() };
}

test('who must have a second factor and has none can enrol one and do nothing else', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const root = new Browser(node);
  assert.deepEqual(await root.signIn('root'), { stage: 'enrolment' });
  for (const path of ['/me', '/users', '/machines', '/me/logins', '/openapi.json']) {
    const { status, body } = await root.send('GET', path);
    assert.deepEqual([status, body.code], [401, 'SECOND_FACTOR_DUE'], path);
  }
  assert.equal((await root.send('POST', '/me/recovery-codes')).status, 401);
  const halfway = root.cookie;
  const { recoveryCodes } = await root.enrolApp(fixture);
  assert.equal(recoveryCodes.length, 10);
  assert.equal(new Set(recoveryCodes).size, 10);
  assert.notEqual(root.cookie, halfway);
  assert.equal((await root.send('GET', '/users')).status, 200);
  assert.equal((await call(node, 'GET', '/me', { cookie: halfway })).statusCode, 401, 'the half-way cookie is dead');
  const actions = fixture.audit.events.map(({ action }) => action);
  assert.ok(actions.indexOf('login.awaits-factor') < actions.indexOf('login.succeeded'));
});

/** What a login may call before its second factor; everything else answers 401. Reviewed by hand (T07). */
const AT_THE_DOOR: ReadonlySet<string> = new Set([
  'listFactors',
  'startPasskeyProof',
  'prove',
  'startTotp',
  'confirmTotp',
  'startPasskey',
  'enrolPasskey',
]);

test('every route but those of the door refuses a login that lacks its factor, whatever it still lacks', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const enrolling = new Browser(node);
  await enrolling.signIn('root');
  const proving = new Browser(node);
  await proving.signIn('ann');
  await proving.enrolPasskey();
  assert.deepEqual(await proving.signIn('ann'), { stage: 'second-factor' });
  for (const route of ROUTE_LIST) {
    if (route.access === 'public' || route.access === 'bootstrap') continue;
    const path = route.path.replaceAll(/:[A-Za-z]+/gu, 'x');
    for (const { cookie } of [enrolling, proving]) {
      const response = await call(node, route.method, path, { cookie });
      const isRefused = response.json<Answer>().code === 'SECOND_FACTOR_DUE' && response.statusCode === 401;
      const mayProve = ['listFactors', 'startPasskeyProof', 'prove'].includes(route.id);
      if (AT_THE_DOOR.has(route.id)) {
        if (mayProve) assert.ok(!isRefused, route.id);
      } else assert.ok(isRefused, `${route.id} answered ${response.statusCode} ${response.body.slice(0, 200)}`);
    }
  }
});

test('nobody is asked who need not have one and has none; a group can ask its members', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  assert.equal((await new Browser(node).signIn('ann')).stage, 'complete');
  const group = { id: 'grp_ops', name: 'ops', description: '', createdAt: 0, requiresSecondFactor: true };
  await fixture.store.now.groups.insert(group);
  await fixture.store.now.groups.addMember(group.id, 'usr_ann');
  assert.equal((await new Browser(node).signIn('ann')).stage, 'enrolment');
  await fixture.store.now.groups.update({ ...group, requiresSecondFactor: false });
  assert.equal((await new Browser(node).signIn('ann')).stage, 'complete');
  fixture.demand = 'everyone';
  assert.equal((await new Browser(node).signIn('ann')).stage, 'enrolment');
});

test('a code signs in once, over two nodes at once, and neither it nor an older one ever again', async () => {
  const { fixture, node, other } = await ready('nobody');
  await using _ = fixture;
  const ann = new Browser(node);
  await ann.signIn('ann');
  const { seed } = await ann.enrolApp(fixture);
  fixture.clock.time += 60_000;
  const now = stepAt(fixture.clock.now());
  const waiting: Browser[] = [];
  // Five, so that the last is not met by the throttle where the others were refused before it.
  for (let count = 0; count < 5; count++) {
    const browser = new Browser(count % 2 === 0 ? node : other);
    assert.deepEqual(await browser.signIn('ann'), { stage: 'second-factor' });
    waiting.push(browser);
  }
  const code = codeAt(seed, now);
  const answers = await Promise.all(waiting.map((browser) => browser.send('POST', '/me/proof', { code })));
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 401, 401, 401, 401]);
  await fixture.store.now.throttle.deleteOlderThan(Number.MAX_SAFE_INTEGER);
  const late = new Browser(other);
  await late.signIn('ann');
  assert.equal((await late.send('POST', '/me/proof', { code: codeAt(seed, now - 1) })).body.code, 'FACTOR_REFUSED');
  const next = await late.send('POST', '/me/proof', { code: codeAt(seed, now + 1) });
  assert.equal(next.body.me?.login.factor, 'totp');
});

test('a recovery code works once, however it is typed, and says so in the audit log', async () => {
  const { fixture, node, other } = await ready('nobody');
  await using _ = fixture;
  const ann = new Browser(node);
  await ann.signIn('ann');
  const { recoveryCodes } = await ann.enrolApp(fixture);
  const [code = ''] = recoveryCodes;
  const browsers = [new Browser(node), new Browser(other)];
  for (const browser of browsers) await browser.signIn('ann');
  const answers = await Promise.all(
    browsers.map((browser) => browser.send('POST', '/me/proof', { code: code.toUpperCase().replaceAll('-', ' ') })),
  );
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 401]);
  assert.equal(fixture.audit.events.find(({ action }) => action === 'recovery-code.used')?.detail?.['left'], 9);
});

test('ten wrong answers end the login, and guessing is slowed like guessing passwords', async () => {
  const { fixture, node, other } = await ready('nobody');
  await using _ = fixture;
  const ann = new Browser(node);
  await ann.signIn('ann');
  await ann.enrolApp(fixture);
  const guesser = new Browser(node);
  await guesser.signIn('ann');
  let refusals = 0;
  for (let count = 0; count < 5; count++)
    if ((await guesser.send('POST', '/me/proof', { code: '000000' })).body.code === 'FACTOR_REFUSED') refusals += 1;
  assert.equal(refusals, 5);
  assert.equal((await guesser.at(other).send('POST', '/me/proof', { code: '000000' })).status, 429);
  for (let code = ''; code !== 'UNAUTHENTICATED';) {
    fixture.clock.time += 30_001;
    code = (await guesser.send('POST', '/me/proof', { code: '000000' })).body.code;
    if (code === 'FACTOR_REFUSED') refusals += 1;
  }
  assert.ok(refusals > 5 && refusals <= 10, `${refusals} answers reached the check`);
});

test('a passkey signs in without a password, counts as second factor, and its answer works once over two nodes', async () => {
  const { fixture, node, other } = await ready();
  await using _ = fixture;
  const root = new Browser(node);
  await root.signIn('root');
  const passkey = await root.enrolPasskey();
  const fresh = new Browser(node);
  const { body: options } = await fresh.send('POST', '/login/passkey/options');
  const assertion = passkey.assert(options as never, ORIGIN);
  const answers = await Promise.all(
    [fresh, new Browser(other), new Browser(node)].map((browser) =>
      browser.send('POST', '/login/passkey', { passkey: assertion }),
    ),
  );
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 401, 401]);
  const won = answers.find(({ status }) => status === 200);
  assert.deepEqual([won?.body.stage, won?.body.me?.login.factor], ['complete', 'passkey']);
});

test('answers of strangers who have no passkey are counted and do not fill the audit log', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const stranger = new Browser(node);
  const { body: options } = await stranger.send('POST', '/login/passkey/options');
  const assertion = new SoftwarePasskey().assert(options as never, ORIGIN);
  for (let attempt = 0; attempt < 30; attempt++)
    assert.equal((await stranger.send('POST', '/login/passkey', { passkey: assertion })).status, 401);
  const refused = fixture.audit.events.filter(({ action }) => action === 'login.refused');
  assert.deepEqual(
    refused.map(({ reason, outcome }) => [reason, outcome]),
    [['passkey refused', 'denied']],
  );
});

test('a passkey’s answer of another origin, name, challenge, person, key, without verification or of a clone is refused', async () => {
  const { fixture, node } = await ready('nobody');
  await using _ = fixture;
  const ann = new Browser(node);
  await ann.signIn('ann');
  const passkey = await ann.enrolPasskey();
  const bob = new Browser(node);
  await fixture.addUser('bob', 'user');
  await bob.signIn('bob');
  const foreign = await bob.enrolPasskey();
  const door = new Browser(node);
  await door.signIn('ann');
  const ask = async () =>
    (await door.send('POST', '/me/proof/options')).body as unknown as { challenge: string; rpId: string };
  const wrong: Record<string, () => Promise<object>> = {
    origin: async () => passkey.assert(await ask(), 'https://bastion.test.evil.example'),
    scheme: async () => passkey.assert(await ask(), 'http://bastion.test'),
    name: async () => passkey.assert({ ...(await ask()), rpId: 'evil.example' }, ORIGIN),
    challenge: async () => passkey.assert({ ...(await ask()), challenge: 'A'.repeat(43) }, ORIGIN),
    person: async () => foreign.assert(await ask(), ORIGIN),
    key: async () => ({ ...new SoftwarePasskey().assert(await ask(), ORIGIN), credentialId: passkey.credentialId }),
    unverified: async () => passkey.assert(await ask(), ORIGIN, 0x01),
    absent: async () => passkey.assert(await ask(), ORIGIN, 0x04),
    handle: async () => ({
      ...passkey.assert(await ask(), ORIGIN),
      userHandle: Buffer.from('usr_bob').toString('base64url'),
    }),
    purpose: async () => passkey.assert((await door.send('POST', '/login/passkey/options')).body as never, ORIGIN),
    garbage: async () => ({ ...passkey.assert(await ask(), ORIGIN), clientDataJSON: 'AAAA' }),
  };
  for (const [what, make] of Object.entries(wrong)) {
    const browser = new Browser(node);
    await browser.signIn('ann');
    const { status, body } = await browser.send('POST', '/me/proof', { passkey: await make() });
    assert.deepEqual([status, body.code], [401, 'FACTOR_REFUSED'], what);
    assert.equal((await browser.send('GET', '/me')).status, 401, what);
  }
  const right = await door.send('POST', '/me/proof', { passkey: passkey.assert(await ask(), ORIGIN) });
  assert.equal(right.status, 200);
  const clone = new Browser(node);
  await clone.signIn('ann');
  passkey.counter -= 2;
  assert.equal((await clone.send('POST', '/me/proof', { passkey: passkey.assert(await ask(), ORIGIN) })).status, 401);
});

test('a password is no second factor, and a stolen cookie adds no factor of its own', async () => {
  const { fixture, node } = await ready('nobody');
  await using _ = fixture;
  const ann = new Browser(node);
  await ann.signIn('ann');
  fixture.clock.time += 11 * 60_000;
  assert.equal((await ann.send('POST', '/me/factors/totp')).body.code, 'STEP_UP_REQUIRED');
  assert.equal((await ann.send('POST', '/me/proof', { password: 'wrong' })).status, 401);
  assert.equal((await ann.send('POST', '/me/proof', { password: PASSWORD })).status, 200);
  const { seed } = await ann.enrolApp(fixture);
  assert.equal((await ann.send('POST', '/me/proof', { password: PASSWORD })).status, 401);
  const door = new Browser(node);
  await door.signIn('ann');
  assert.equal((await door.send('POST', '/me/proof', { password: PASSWORD })).status, 401);
  assert.equal((await door.send('POST', '/me/factors/totp')).body.code, 'SECOND_FACTOR_DUE');
  assert.equal((await door.send('POST', '/me/factors/passkey/options')).body.code, 'SECOND_FACTOR_DUE');
  fixture.clock.time += 11 * 60_000;
  assert.equal((await ann.send('POST', '/me/recovery-codes')).body.code, 'STEP_UP_REQUIRED');
  const code = codeAt(seed, stepAt(fixture.clock.now()));
  assert.equal((await ann.send('POST', '/me/proof', { code })).status, 200);
  assert.equal((await ann.send('POST', '/me/recovery-codes')).status, 201);
});

test('a step up keeps the login and its sessions, and replaces the cookie', async () => {
  const { fixture, node } = await ready('nobody');
  await using _ = fixture;
  const ann = new Browser(node);
  await ann.signIn('ann');
  const passkey = await ann.enrolPasskey();
  const [before] = await fixture.store.now.logins.listOf('usr_ann');
  const old = ann.cookie;
  const { body } = await ann.send('POST', '/me/proof/options');
  await ann.send('POST', '/me/proof', { passkey: passkey.assert(body as never, ORIGIN) });
  const [after] = await fixture.store.now.logins.listOf('usr_ann');
  assert.equal(after?.digest, before?.digest);
  assert.notEqual(ann.cookie, old);
  assert.equal((await call(node, 'GET', '/me', { cookie: old })).statusCode, 401);
  assert.ok((await fixture.store.now.commands.after(0, 100)).every(({ command }) => command.kind !== 'end-login'));
});

test('a machine that asks for a fresh second factor opens for nobody without one', async () => {
  const { fixture, node } = await ready('nobody');
  await using _ = fixture;
  const id = 'tgt_vault';
  await fixture.store.now.catalog.insertTarget(aTarget({ id, protocol: 'proto', parameters: {}, proofMinutes: 5 }));
  await fixture.store.now.grants.insert(aGrant({ kind: 'user', id: 'usr_ann' }));
  const ann = new Browser(node);
  await ann.signIn('ann');
  const open = () => ann.send('POST', '/sessions', { targetId: id });
  assert.equal((await open()).body.code, 'STEP_UP_REQUIRED');
  const passkey = await ann.enrolPasskey();
  assert.equal((await open()).status, 201);
  fixture.clock.time += 5 * 60_000 + 1;
  assert.equal((await open()).body.code, 'STEP_UP_REQUIRED');
  const { body } = await ann.send('POST', '/me/proof/options');
  await ann.send('POST', '/me/proof', { passkey: passkey.assert(body as never, ORIGIN) });
  assert.equal((await open()).status, 201);
  const elsewhere = new Browser(node);
  elsewhere.cookie = await elsewhere.signIn('root').then(() => elsewhere.cookie);
  assert.equal((await elsewhere.send('POST', '/sessions', { targetId: id })).status, 404, 'no grant, no question');
});

test('a grant that asks for a fresh passkey opens by one, by nothing less and by no older one, and is explained', async () => {
  const { fixture, node } = await ready('nobody');
  await using _ = fixture;
  const id = 'tgt_vault';
  await fixture.store.now.catalog.insertTarget(aTarget({ id, protocol: 'proto', parameters: {} }));
  const root = new Browser(node);
  await root.signIn('root');
  const grant = { subject: { kind: 'user', id: 'usr_ann' }, scope: { kind: 'all' }, actions: ['connect'] };
  const conditions = { secondFactor: { level: 'passkey', minutes: 5 } };
  assert.equal((await root.send('POST', '/grants', { ...grant, conditions, effect: 'deny' })).status, 400);
  const made = await root.send('POST', '/grants', { ...grant, conditions });
  assert.equal(made.status, 201);
  assert.deepEqual((made.body as unknown as { conditions: unknown }).conditions, conditions);

  const ann = new Browser(node);
  await ann.signIn('ann');
  const open = async () => {
    const { body } = await ann.send('POST', '/sessions', { targetId: id });
    const { code, session, facts } = body as unknown as {
      readonly code?: string;
      readonly session?: { readonly id: string };
      readonly facts?: unknown;
    };
    return { code, id: session?.id ?? '', facts };
  };
  const why = async () => (await ann.send('GET', `/machines/${id}/access`)).body as unknown as OwnAccess;
  const listed = (await ann.send('GET', '/machines')).body as unknown as { total: number };
  assert.equal(listed.total, 1, 'the machine is there to be opened');
  const refused = await open();
  assert.equal(refused.code, 'STEP_UP_REQUIRED');
  assert.deepEqual(refused.facts, { factor: true, passkey: true, minutes: 5 });
  assert.deepEqual(await why(), { actions: [], unmet: ['second-factor'], obstacles: ['second-factor'] });
  await ann.enrolApp(fixture);
  assert.equal((await open()).code, 'STEP_UP_REQUIRED');
  assert.deepEqual((await why()).obstacles, ['passkey']);
  const query = `/access/explanation?userId=usr_ann&targetId=${id}`;
  const explained = (await root.send('GET', query)).body as unknown as OwnAccess;
  assert.deepEqual([explained.actions, explained.obstacles], [['connect'], ['passkey']]);

  const passkey = await ann.enrolPasskey();
  const opened = await open();
  assert.equal(opened.code, undefined);
  assert.deepEqual(await why(), { actions: ['connect'], unmet: [], obstacles: [] });
  fixture.clock.time += 5 * 60_000 + 1;
  assert.equal((await open()).code, 'STEP_UP_REQUIRED');
  const again = (browser: Browser) => browser.send('POST', `/sessions/${opened.id}/tickets`, { mode: 'control' });
  assert.equal((await again(ann)).status, 201, 'the login that opened it goes on in it');
  const { body } = await ann.send('POST', '/me/proof/options');
  await ann.send('POST', '/me/proof', { passkey: passkey.assert(body as never, ORIGIN) });
  assert.equal((await open()).code, undefined);

  await root.send('POST', '/grants', grant);
  fixture.clock.time += 5 * 60_000 + 1;
  assert.equal((await open()).code, undefined, 'another grant asks for nothing');
});

interface OwnAccess {
  readonly actions: readonly string[];
  readonly unmet: readonly string[];
  readonly obstacles: readonly string[];
}

test('the last factor of somebody who must have one stays; an administrator resets somebody else’s and not the own', async () => {
  const { fixture, node } = await ready();
  await using _ = fixture;
  const root = new Browser(node);
  await root.signIn('root');
  await root.enrolApp(fixture);
  const own = (await root.send('GET', '/me/factors')).body as unknown as { items: { id: string }[]; required: boolean };
  assert.equal(own.required, true);
  assert.equal((await root.send('DELETE', `/me/factors/${own.items[0]?.id ?? ''}`)).status, 409);
  await root.enrolPasskey();
  assert.equal((await root.send('DELETE', `/me/factors/${own.items[0]?.id ?? ''}`)).status, 204);
  assert.equal((await root.send('DELETE', '/users/usr_root/factors')).status, 409);
  const ann = new Browser(node);
  await ann.signIn('ann');
  await ann.enrolPasskey();
  assert.equal((await root.send('DELETE', '/users/usr_ann/factors')).status, 204);
  assert.equal((await ann.send('GET', '/me')).status, 401);
  assert.equal((await ann.signIn('ann')).stage, 'complete');
});

test('a trusted network is let in by password alone, and a machine still asks for the factor', async () => {
  await using fixture = new GatewayFixture();
  fixture.demand = 'everyone';
  const node = await fixture.start({ trustedNetworks: ['192.0.2.0/24'] });
  await fixture.addUser('root', 'administrator');
  assert.equal((await new Browser(node).signIn('root')).stage, 'complete');
  const abroad = await call(node, 'POST', '/login', {
    body: { username: 'root', password: PASSWORD },
    address: '203.0.113.9',
  });
  assert.equal(abroad.json<Answer>().stage, 'enrolment');
});

test('no seed, code or recovery code is stored as it is, and none reaches log or audit', async () => {
  const { fixture, node } = await ready('nobody');
  await using _ = fixture;
  const ann = new Browser(node);
  await ann.signIn('ann');
  const { seed, recoveryCodes } = await ann.enrolApp(fixture);
  await fixture.store[Symbol.asyncDispose]();
  const { readFileSync, readdirSync } = await import('node:fs');
  const files = readdirSync(fixture.folder).filter((name) => name.startsWith('store.db'));
  const stored = Buffer.concat(files.map((name) => readFileSync(`${fixture.folder}/${name}`)));
  assert.ok(stored.includes('second_factor'));
  const written = fixture.logged.join('') + JSON.stringify(fixture.audit.events);
  for (const code of recoveryCodes) {
    assert.ok(!stored.includes(code) && !stored.includes(code.replaceAll('-', '')));
    assert.ok(!written.includes(code));
  }
  assert.ok(!stored.includes(seed));
});
