import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SoftwarePasskey } from '@enchilada/core/testing/software-passkey';
import { aTarget } from '@enchilada/core/testing/store-fixture';
import { Browser } from '../testing/browser.ts';
import { exampleDirectory } from '../testing/example-providers.ts';
import {
  call,
  type CallOptions,
  cookieOf,
  GatewayFixture,
  type Node,
  ORIGIN,
  PASSWORD,
} from '../testing/gateway-fixture.ts';

const MINUTE = 60_000;
const HOME = '192.0.2.7';
/** The proxy is no person's network, unless it is trusted like one. */
const PROXY = '10.9.9.9';
/** Asks for a second factor at most five minutes old. */
const VAULT = 'tgt_vault';
const MACHINE = 'tgt_machine';

/** Who comes, and what they have at hand. */
interface Visitor {
  readonly fixture: GatewayFixture;
  readonly node: Node;
  readonly name: string;
  /** Absent: nothing was enrolled. */
  readonly factors?: { readonly passkey: SoftwarePasskey; readonly recoveryCodes: readonly string[] };
  /** Made before anything was demanded. */
  readonly token?: string;
}

/** How far somebody got: what they send from then on, and what they were told. */
interface Entered {
  readonly stage: string;
  readonly with: Pick<CallOptions, 'cookie' | 'headers' | 'address'>;
}

/** Each leads as far as it does by itself. */
type Way = (visitor: Visitor) => Promise<Entered>;

async function send(node: Node, path: string, options: CallOptions): Promise<Entered & { readonly body: unknown }> {
  const response = await call(node, 'POST', path, options);
  const body = response.json<{ stage?: string; code?: string; signedIn?: { stage: string } }>();
  const set = [response.headers['set-cookie'] ?? []].flat().map(cookieOf);
  const cookie = set.find((pair) => pair.startsWith('__Host-enchilada=')) ?? options.cookie;
  const { address = HOME } = options;
  return { stage: body.signedIn?.stage ?? body.stage ?? body.code ?? '', with: { cookie, address }, body };
}

const byPassword: Way = ({ node, name }) => send(node, '/login', { body: { username: name, password: PASSWORD } });

/** Who has no factor gives none. */
const NONE: Entered = { stage: 'none to give', with: {} };

const byPasskey: Way = async ({ node, factors }) => {
  if (factors === undefined) return NONE;
  const { body } = await send(node, '/login/passkey/options', {});
  return send(node, '/login/passkey', { body: { passkey: factors.passkey.assert(body as never, ORIGIN) } });
};

/** A factor of ours, given behind whatever came before it. */
const and =
  (way: Way, by: 'passkey' | 'recovery code'): Way =>
  async (visitor) => {
    const { node, factors } = visitor;
    if (factors === undefined) return NONE;
    const { with: login } = await way(visitor);
    const prove = (body: object) => send(node, '/me/proof', { ...login, body });
    if (by === 'recovery code') return prove({ code: factors.recoveryCodes[0] });
    const { body } = await send(node, '/me/proof/options', login);
    return prove({ passkey: factors.passkey.assert(body as never, ORIGIN) });
  };

const atProvider =
  (id: string, says: Readonly<Record<string, string>> = {}): Way =>
  async ({ node, name }) => {
    const begun = await call(node, 'POST', `/login/providers/${id}/start`, { body: {} });
    const { searchParams } = new URL(begun.json<{ url: string }>().url);
    const given = { state: searchParams.get('state') ?? '', nonce: searchParams.get('nonce') ?? '' };
    const answer = new URLSearchParams({ ...given, sub: name, name, ...says }).toString();
    const cookie = cookieOf(begun.headers['set-cookie']);
    return send(node, `/login/providers/${id}/complete`, { cookie, body: { answer } });
  };

const inDirectory =
  (id: string, group?: string): Way =>
  async ({ node, name }) => {
    exampleDirectory.set(name, {
      ...{
        subject: name,
        username: name,
        displayName: '',
        email: undefined,
        groups: group === undefined ? [] : [group],
      },
    });
    const body = { username: name, password: [...name].reverse().join(''), providerId: id };
    const first = await send(node, '/login', { body });
    if (first.stage !== 'question') return first;
    const { ticket } = (first.body as { readonly question: { readonly ticket: string } }).question;
    return send(node, '/login', { body: { ...body, answer: { ticket, text: '246810' } } });
  };

const throughProxy: Way = ({ node, name }) =>
  send(node, '/login/providers/idp_front/proxy', { address: PROXY, headers: { 'x-front-user': name }, body: {} });

/** A program, approved by who came in that way. */
const asProgram =
  (approver: Way): Way =>
  async (visitor) => {
    const { fixture, node } = visitor;
    const { deviceCode, userCode, interval } = (await send(node, '/device-logins', {})).body as Readonly<
      Record<'deviceCode' | 'userCode', string>
    > & { readonly interval: number };
    const { stage, with: login } = await approver(visitor);
    if (stage === NONE.stage) return NONE;
    await call(node, 'POST', '/device-logins/decision', { ...login, body: { userCode, verdict: 'approve' } });
    fixture.clock.time += interval * 1_000;
    const { body, ...entered } = await send(node, '/device-logins/poll', { body: { deviceCode } });
    return { ...entered, stage: entered.stage || ((body as { readonly error?: string }).error ?? '') };
  };

const byToken: Way = ({ token }) =>
  Promise.resolve({ stage: 'token', with: { address: HOME, headers: { authorization: `Bearer ${token ?? ''}` } } });

interface Situation {
  readonly demand: 'nobody' | 'everyone';
  readonly hasFactors: boolean;
  readonly isTrusted: boolean;
}

/** Of whom a second factor is demanded, who has one, and from where. */
const SITUATIONS: readonly Situation[] = [
  { demand: 'nobody', hasFactors: false, isTrusted: false },
  { demand: 'everyone', hasFactors: false, isTrusted: false },
  { demand: 'nobody', hasFactors: true, isTrusted: false },
  { demand: 'everyone', hasFactors: true, isTrusted: false },
  { demand: 'everyone', hasFactors: true, isTrusted: true },
];

interface Path {
  readonly way: Way;
  /** By which the account came to be, and its factors and tokens. A service account is made by an administrator. */
  readonly origin: Way | 'service account';
  /** How far it leads in each situation, and what may be done there. */
  readonly leads: readonly string[];
}

const PROVEN = 'complete: look, machine, vault, own token';
/** What has proved no factor: where one is there, it is asked for; a trusted network lets in, and adds nothing that stays. */
const UNPROVEN = [
  'complete: look, machine, own token',
  'enrolment',
  'second-factor',
  'second-factor',
  'complete: look, machine',
];
const WITH_A_FACTOR_OF_OURS = ['none to give', 'none to give', PROVEN, PROVEN, PROVEN];
const WITH_THE_FACTOR_OF_A_TRUSTED_PROVIDER = SITUATIONS.map(() => PROVEN);
const A_TOKEN = SITUATIONS.map(() => 'token: look');

/** Reviewed by hand (T07). */
const PATHS: Readonly<Record<string, Path>> = {
  'a password': { way: byPassword, origin: byPassword, leads: UNPROVEN },
  'a passkey alone': { way: byPasskey, origin: byPassword, leads: WITH_A_FACTOR_OF_OURS },
  'a password and a passkey': { way: and(byPassword, 'passkey'), origin: byPassword, leads: WITH_A_FACTOR_OF_OURS },
  'a password and a recovery code': {
    way: and(byPassword, 'recovery code'),
    origin: byPassword,
    leads: WITH_A_FACTOR_OF_OURS,
  },
  'a provider that says it asked for a factor, and is not trusted with it': {
    way: atProvider('idp_plain', { mfa: 'yes' }),
    origin: atProvider('idp_plain'),
    leads: UNPROVEN,
  },
  'a provider that is trusted with the factor and asked for none': {
    way: atProvider('idp_trusted'),
    origin: atProvider('idp_trusted'),
    leads: UNPROVEN,
  },
  'a provider that is trusted with the factor and asked for it': {
    way: atProvider('idp_trusted', { mfa: 'yes' }),
    origin: atProvider('idp_trusted'),
    leads: WITH_THE_FACTOR_OF_A_TRUSTED_PROVIDER,
  },
  'a provider, and a passkey of ours': {
    way: and(atProvider('idp_plain'), 'passkey'),
    origin: atProvider('idp_plain'),
    leads: WITH_A_FACTOR_OF_OURS,
  },
  'a password of a directory': { way: inDirectory('dir_plain'), origin: inDirectory('dir_plain'), leads: UNPROVEN },
  'a password and an answer, of a directory that is not trusted with the factor': {
    way: inDirectory('dir_plain', 'asked'),
    origin: inDirectory('dir_plain'),
    leads: UNPROVEN,
  },
  'a password and an answer, of a directory that is trusted with the factor': {
    way: inDirectory('dir_trusted', 'asked'),
    origin: inDirectory('dir_trusted'),
    leads: WITH_THE_FACTOR_OF_A_TRUSTED_PROVIDER,
  },
  'a proxy': { way: throughProxy, origin: throughProxy, leads: UNPROVEN },
  'a program that a password approved': {
    way: asProgram(byPassword),
    origin: byPassword,
    // Whoever has a factor gives it to approve, wherever they are.
    leads: ['complete: look, machine', ...SITUATIONS.slice(1).map(() => 'authorization_pending')],
  },
  'a program that a password and a passkey approved': {
    way: asProgram(and(byPassword, 'passkey')),
    origin: byPassword,
    leads: [
      'none to give',
      'none to give',
      'complete: look, machine, vault',
      'complete: look, machine, vault',
      'complete: look, machine, vault',
    ],
  },
  'an API token': { way: byToken, origin: byPassword, leads: A_TOKEN },
  'a token of a service account': { way: byToken, origin: 'service account', leads: A_TOKEN },
};

async function site({ isTrusted }: Situation) {
  const fixture = new GatewayFixture();
  const node = await fixture.start(isTrusted ? { trustedNetworks: [`${HOME}/32`, `${PROXY}/32`] } : {});
  await fixture.addUser('root', 'administrator');
  const { providers, catalog } = fixture.store.now;
  for (const [id, kind, trustsFactor] of [
    ['idp_plain', 'away', false],
    ['idp_trusted', 'away', true],
    ['dir_plain', 'phonebook', false],
    ['dir_trusted', 'phonebook', true],
    ['idp_front', 'front', true],
  ] as const)
    await providers.insert({
      ...{ id, kind, name: id, parameters: {}, secret: undefined, rules: [], admits: 'everyone', trustsFactor },
      ...{ enabled: true, version: 1, createdAt: 0, updatedAt: 0 },
    });
  const machine = { protocol: 'proto', parameters: {} };
  await catalog.insertTarget(aTarget({ ...machine, id: MACHINE, name: 'machine' }));
  await catalog.insertTarget(aTarget({ ...machine, id: VAULT, name: 'vault', proofMinutes: 5 }));
  return { fixture, node, root: await fixture.signIn(node, 'root') };
}

type Grounds = Awaited<ReturnType<typeof site>>;

async function tokenOf(node: Node, path: string, cookie: string | undefined): Promise<string> {
  const made = await call(node, 'POST', path, { cookie, body: { name: 'ci', scope: ['recording.own'], days: 1 } });
  assert.equal(made.statusCode, 201, made.body);
  return made.json<{ readonly value: string }>().value;
}

/** Somebody with everything that the path may need, made while nothing was demanded. */
async function prepare(
  { fixture, node, root }: Grounds,
  { origin }: Path,
  { name, hasFactors }: { readonly name: string; readonly hasFactors: boolean },
): Promise<Visitor> {
  const visitor = { fixture, node, name };
  if (origin === 'service account') {
    const body = { username: name, displayName: '', role: 'user', service: true };
    const { id } = (await call(node, 'POST', '/users', { cookie: root, body })).json<{ readonly id: string }>();
    return { ...visitor, token: await tokenOf(node, `/users/${id}/tokens`, root) };
  }
  if (origin === byPassword) await fixture.addUser(name, 'user');
  const browser = new Browser(node);
  browser.cookie = (await origin(visitor)).with.cookie;
  if (!hasFactors) return { ...visitor, token: await tokenOf(node, '/me/tokens', browser.cookie) };
  const { recoveryCodes } = await browser.enrolApp(fixture);
  const passkey = await browser.enrolPasskey();
  return { ...visitor, factors: { passkey, recoveryCodes }, token: await tokenOf(node, '/me/tokens', browser.cookie) };
}

/** Whatever the account is, a grant names it: only the way in can keep it from a machine. */
async function grantTo(fixture: GatewayFixture, name: string): Promise<void> {
  const user = await fixture.store.now.users.findByUsername(name);
  assert.ok(user, name);
  await fixture.store.now.grants.insert({
    ...{ id: `gra_${name}`, subject: { kind: 'user', id: user.id }, scope: { kind: 'all' }, actions: ['connect'] },
    ...{ createdAt: 0, createdBy: 'usr_root' },
  });
}

async function leadsTo(way: Way, visitor: Visitor): Promise<string> {
  const { fixture, node } = visitor;
  const { stage, with: login } = await way(visitor);
  const may: string[] = [];
  const attempt = async (what: string, method: 'GET' | 'POST', path: string, body?: object): Promise<void> => {
    const { statusCode } = await call(node, method, path, { ...login, body });
    if (statusCode < 300) may.push(what);
  };
  const token = { name: 'mine', scope: ['recording.own'], days: 1 };
  await attempt('look', 'GET', '/me');
  await attempt('machine', 'POST', '/sessions', { targetId: MACHINE });
  await attempt('vault', 'POST', '/sessions', { targetId: VAULT });
  await attempt('own token', 'POST', '/me/tokens', token);
  fixture.clock.time += 11 * MINUTE;
  await attempt('vault, eleven minutes later', 'POST', '/sessions', { targetId: VAULT });
  await attempt('own token, eleven minutes later', 'POST', '/me/tokens', token);
  return may.length === 0 ? stage : `${stage}: ${may.join(', ')}`;
}

for (const [index, situation] of SITUATIONS.entries()) {
  const { demand, hasFactors, isTrusted } = situation;
  const where = isTrusted ? ', on a trusted network' : '';
  test(`every way in leads as far as the reviewed table says: a factor is demanded of ${demand}, ${hasFactors ? 'everyone' : 'nobody'} has one${where}`, async () => {
    const grounds = await site(situation);
    const { fixture } = grounds;
    await using _ = fixture;
    exampleDirectory.clear();
    const visitors = new Map<string, Visitor>();
    for (const [at, [path, description]] of Object.entries(PATHS).entries()) {
      visitors.set(path, await prepare(grounds, description, { name: `visitor${at}`, hasFactors }));
      await grantTo(fixture, `visitor${at}`);
    }
    fixture.demand = demand;
    const found: Record<string, string> = {};
    for (const [path, visitor] of visitors) found[path] = await leadsTo(PATHS[path]?.way ?? byPassword, visitor);
    assert.deepEqual(found, Object.fromEntries(Object.entries(PATHS).map(([path, { leads }]) => [path, leads[index]])));
  });
}
