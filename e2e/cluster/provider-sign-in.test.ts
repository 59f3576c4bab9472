import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { generateKeyPairSync, sign } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { SamlVisitor } from '@enchilada/adapters/identity-provider/saml/testing';
import { ApiProblem, type Provider } from '@enchilada/contract';
import { type FreeRadius, startFreeRadius } from '@enchilada/core/testing/servers/freeradius';
import { type SamlIdp, startSamlIdp } from '@enchilada/core/testing/servers/saml-idp';
import { type Slapd, startSlapd } from '@enchilada/core/testing/servers/slapd';
import { type Sshd, startSshd } from '@enchilada/core/testing/servers/sshd';
import { Person } from '../product/index.ts';
import type { Shell } from '../product/index.ts';
import { ADMIN } from '../tests/site.ts';
import { Balancer, DoorPage } from './balancer.ts';
import { TwoNodes } from './two-nodes.ts';

const owned = new AsyncDisposableStack();
let balancer: Balancer;
let admin: Person;
let saml: SamlIdp;
let slapd: Slapd;
let radius: FreeRadius;
let sshd: Sshd;
let targetId: string;

async function own<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  return owned.use(await starting);
}

before(async () => {
  balancer = owned.use(await Balancer.start());
  const environment = {
    ...{ ENCHILADA_PUBLIC_URL: balancer.url, ENCHILADA_SECOND_FACTOR_REQUIRED: 'nobody' },
    ENCHILADA_DIRECTORY_CHECK: '1s',
  };
  let both: TwoNodes;
  [both, saml, slapd, radius, sshd] = await Promise.all([
    own(TwoNodes.start({ environment })),
    own(startSamlIdp()),
    own(startSlapd()),
    own(startFreeRadius()),
    own(startSshd({ hostKeyTypes: ['ed25519'] })),
  ]);
  balancer.serve(both);
  admin = await Person.bootstrap(both.a, ADMIN);
  const { id: credentialId } = await admin.api.createCredential({
    body: { name: 'ssh', kind: 'password', username: sshd.username, secret: sshd.password },
  });
  const { host, port } = sshd;
  ({ id: targetId } = await admin.api.createTarget({
    body: { name: 'machine', protocol: 'ssh', host, port, credentialId, hostKeyPolicy: 'trust-first' },
  }));
});
after(() => owned.disposeAsync());

function connect(kind: string, secret: string, parameters: Provider['parameters']): Promise<Provider> {
  const rest = { rules: [], admits: 'everyone' as const, trustsFactor: false, enabled: true };
  const name = `by ${kind} ${typeof parameters['says'] === 'string' ? parameters['says'] : ''}`.trim();
  const body = { kind, name, parameters, ...rest, ...(secret === '' ? {} : { secret }) };
  return admin.api.createProvider({ body });
}

/** A live session that node B holds. */
async function liveAtB(person: Person): Promise<Shell> {
  const { user } = await person.api.getMe();
  const scope = { kind: 'target' as const, id: targetId };
  await admin.api.createGrant({ body: { subject: { kind: 'user', id: user.id }, scope, actions: ['connect'] } });
  const shell = await balancer.straight(person, 'b').open(targetId);
  await shell.live();
  return shell;
}

const hasStatus =
  (status: number) =>
  (problem: unknown): boolean =>
    problem instanceof ApiProblem && problem.status === status;

test('SAML: what is asked for at one node is answered at the other and completed at the first, once, and a sign-out ends it on both', async () => {
  const provider = await connect('saml', saml.spKey, {
    entityId: saml.entityId,
    metadataUrl: saml.metadataUrl,
    ourCertificate: saml.spCertificate.trim().split('\n'),
  });
  await saml.register(await (await fetch(provider.metadata ?? '')).text());
  const path = `/login/providers/${provider.id}`;
  const begin = async (page: DoorPage, node: 'a' | 'b'): Promise<string> => {
    balancer.turn = node;
    const { url } = (await (await page.send(`${path}/start`, {})).json()) as { readonly url: string };
    return url;
  };
  const visitor = new SamlVisitor();
  const page = new DoorPage(balancer.url);
  const form = await visitor.signIn(await begin(page, 'a'), {
    name: 'paula',
    password: saml.people.get('paula')?.password ?? '',
  });
  /** Answers with what the browser comes back, where the answer was kept. */
  const post = async (node: 'a' | 'b', fields = form.fields): Promise<string> => {
    balancer.turn = node;
    const body = new URLSearchParams(fields);
    const response = await fetch(form.action, { method: 'POST', redirect: 'manual', body });
    assert.equal(response.status, 303);
    return new URL(response.headers.get('location') ?? '').search.slice(1);
  };
  const complete = async (who: DoorPage, node: 'a' | 'b', answer: string): Promise<number> => {
    balancer.turn = node;
    return (await who.send(`${path}/complete`, { answer })).status;
  };
  const answer = await post('b');
  assert.match(answer, /^state=/u);
  assert.equal(await post('a'), '', 'the same assertion, before anybody was signed in by it');
  assert.equal(await complete(new DoorPage(balancer.url), 'a', answer), 409, 'in another browser');
  assert.equal(await complete(page, 'a', answer), 200);
  assert.equal(await complete(page, 'b', answer), 409, 'once');
  for (const node of ['a', 'b'] as const) assert.equal(await post(node), '', `the same assertion at node ${node}`);
  // The assertion of one attempt for another, begun by somebody who came by it.
  const thief = new DoorPage(balancer.url);
  const state = new URL(await begin(thief, 'b')).searchParams.get('RelayState') ?? '';
  const stolen = await post('a', { ...form.fields, RelayState: state });
  assert.match(stolen, /^state=/u);
  assert.equal(await complete(thief, 'b', stolen), 401);
  assert.equal(thief.isSignedIn, false);

  const { person } = page;
  balancer.turn = 'b';
  const { user, login } = await person.api.getMe();
  assert.deepEqual([user.displayName, login.method], ['Paula Provider', 'sso']);
  const shell = await liveAtB(person);
  // The provider sends the browser, and the balancer that to node A.
  balancer.turn = 'a';
  const signedOut = encodeURIComponent(`${balancer.url}/sign-in`);
  const logout = `${saml.origin}/saml2/idp/SingleLogoutService.php?ReturnTo=${signedOut}`;
  await fetch(await visitor.goUntil(logout, provider.logoutTo ?? ''), { redirect: 'manual' });
  await shell.ended();
  await shell.leave();
  balancer.turn = 'b';
  await assert.rejects(person.api.getMe(), hasStatus(401));
});

test('LDAP: whom the directory no longer has is out of what they opened at the other node, and back in when they return', async () => {
  const { id: providerId } = await connect('ldap', slapd.searcher.password, {
    servers: [`ldaps://localhost:${slapd.ldapsPort}`],
    authorities: slapd.ca.trim().split('\n'),
    bindDn: slapd.searcher.dn,
    peopleBase: 'ou=people,dc=example,dc=test',
    peopleFilter: '(&(objectClass=person)(!(employeeType=left)))',
    groupBase: 'ou=groups,dc=example,dc=test',
  });
  const employee = (type: string): Promise<void> =>
    slapd.modify(
      `dn: uid=alice,ou=people,dc=example,dc=test\nchangetype: modify\nreplace: employeeType\nemployeeType: ${type}\n`,
    );
  const signIn = async (node: 'a' | 'b'): Promise<Person> => {
    balancer.turn = node;
    const alice = new Person(balancer.url);
    await alice.api.login({ body: { username: 'alice', password: 'password of alice', providerId } });
    return alice;
  };
  const alice = await signIn('a');
  const shell = await liveAtB(alice);
  await employee('left');
  await shell.ended();
  await shell.leave();
  for (const node of ['a', 'b'] as const) {
    balancer.turn = node;
    await assert.rejects(alice.api.getMe(), hasStatus(401));
    await assert.rejects(signIn(node), hasStatus(401));
  }
  await employee('staff');
  await signIn('b');
});

test('RADIUS: a question that was asked at one node is answered at the other, once, and nobody is signed in in between', async () => {
  // This server takes no request without a Message-Authenticator, neither the first nor the answer.
  const { id: providerId } = await connect('radius', radius.secret, { servers: [`127.0.0.1:${radius.port}`] });
  const names = { username: 'carol', password: 'password of carol', providerId };
  const login = async (node: 'a' | 'b', answer?: { readonly ticket: string; readonly text: string }) => {
    balancer.turn = node;
    const carol = new Person(balancer.url);
    const signedIn = await carol.api.login({ body: { ...names, ...(answer === undefined ? {} : { answer }) } });
    return { carol, ...signedIn };
  };
  const asked = await login('a');
  assert.deepEqual([asked.stage, asked.question?.text, asked.carol.cookie], ['question', 'The code on your token', '']);
  const answer = { ticket: asked.question?.ticket ?? '', text: radius.code };
  const { carol, stage } = await login('b', answer);
  assert.equal(stage, 'complete');
  balancer.turn = 'a';
  const me = await carol.api.getMe();
  assert.deepEqual([me.user.username, me.login.method], ['carol', 'directory']);
  for (const node of ['a', 'b'] as const) await assert.rejects(login(node, answer), hasStatus(409));
  // A wrong answer spends the question on every node.
  const next = await login('b');
  const wrong = { ticket: next.question?.ticket ?? '', text: '000000' };
  await assert.rejects(login('a', wrong), hasStatus(401));
  await assert.rejects(login('b', { ...wrong, text: radius.code }), hasStatus(409));
});

/** From where the proxy asks; whoever else asks is at 127.0.0.1. */
const PROXY = '127.0.0.2';
const TOKEN = { tokenHeader: 'x-assertion', issuer: 'https://proxy.test', audience: 'bastion', usernameClaim: 'sub' };

/** The keys of a proxy that signs what it says, as Cloudflare Access and Google's IAP do, behind an address (RFC 7517). */
async function signingProxy() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }];
  const server = createServer((_request, response) => void response.end(JSON.stringify({ keys })));
  await once(server.listen(0, 'localhost'), 'listening');
  owned.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    keysUrl: `http://localhost:${(server.address() as AddressInfo).port}/`,
    /** RFC 7515, section 7.1; ES256 by RFC 7518, section 3.4. */
    token: (subject: string, endsInSeconds: number): string => {
      const at = Math.floor(Date.now() / 1_000);
      const { issuer: iss, audience: aud } = TOKEN;
      const said = `${part({ alg: 'ES256', kid: 'k' })}.${part({ iss, aud, sub: subject, iat: at - 600, exp: at + endsInSeconds })}`;
      const by = sign('sha256', Buffer.from(said), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${said}.${by.toString('base64url')}`;
    },
  };
}

test('an authenticating proxy: whom it brings in at one node is in at the other, a sign-out there is one here, and nobody else is believed', async () => {
  const { keysUrl, token } = await signingProxy();
  const [tokens, headers] = await Promise.all([
    connect('forward-auth', '', { peers: [PROXY], says: 'token', keysUrl, ...TOKEN }),
    connect('forward-auth', '', { peers: [PROXY], says: 'headers', userHeader: 'x-auth-request-user' }),
  ]);
  const ways = [
    { id: tokens.id, subject: 'tess', headers: { 'x-assertion': token('tess', 600) } },
    { id: headers.id, subject: 'hugo', headers: { 'x-auth-request-user': 'hugo' } },
  ];
  const enter = async (node: 'a' | 'b', id: string): Promise<Person> => {
    balancer.turn = node;
    const person = new Person(balancer.url);
    await person.api.signInThroughProxy({ params: { id }, body: {} });
    return person;
  };
  for (const { id, subject, headers } of ways) {
    balancer.vouches = { from: PROXY, headers };
    const person = await enter('a', id);
    balancer.turn = 'b';
    const { user, login } = await person.api.getMe();
    assert.deepEqual([user.username, login.method], [subject, 'sso']);
    const shell = await liveAtB(person);
    const { cookie } = person;
    balancer.turn = 'b';
    await person.api.logout();
    await shell.ended();
    await shell.leave();
    for (const node of ['a', 'b'] as const) {
      balancer.turn = node;
      person.cookie = cookie;
      await assert.rejects(person.api.getMe(), hasStatus(401), `${subject} at node ${node} after the sign-out`);
    }
    // What a proxy says is nothing to be used once: it says it with each request, and whoever is in there may come in here again.
    const again = await enter('a', id);
    assert.notEqual(again.cookie, cookie);

    // The same words from elsewhere, at either node, and of a token whose time is over also through the proxy.
    balancer.vouches = { from: '127.0.0.3', headers };
    for (const node of ['a', 'b'] as const) await assert.rejects(enter(node, id), hasStatus(401), subject);
    assert.equal((await again.api.getMe()).user.id, user.id, 'a login goes on wherever its cookie comes from');
  }
  balancer.vouches = { from: PROXY, headers: { 'x-assertion': token('tess', -60) } };
  for (const node of ['a', 'b'] as const) await assert.rejects(enter(node, tokens.id), hasStatus(401), 'expired');
  balancer.vouches = undefined;

  const { items } = await admin.api.listAudit({ query: { action: 'login.refused', limit: 100 } });
  for (const { id } of ways) {
    const refused = items.filter(({ object }) => object?.id === id);
    assert.deepEqual(
      [...new Set(refused.map(({ node }) => node))].sort(),
      ['node-a', 'node-b'],
      'each node wrote down whom it refused',
    );
    assert.ok(refused.some(({ reason = '' }) => reason.includes('127.0.0.3')));
  }
});

test('an API token that was made at one node is good at the other, and refused there once it is withdrawn', async () => {
  const me = balancer.straight(admin, 'a');
  const { token, value } = await me.api.createToken({ body: { name: 'ci', scope: ['catalog.read'], days: 1 } });
  const ask = async (node: 'a' | 'b'): Promise<number> => {
    balancer.turn = node;
    const response = await fetch(`${balancer.url}/api/v1/targets`, { headers: { authorization: `Bearer ${value}` } });
    await response.body?.cancel();
    return response.status;
  };
  assert.deepEqual([await ask('b'), await ask('a')], [200, 200]);
  await me.api.removeToken({ params: { id: token.id } });
  assert.deepEqual([await ask('b'), await ask('a')], [401, 401]);
});
