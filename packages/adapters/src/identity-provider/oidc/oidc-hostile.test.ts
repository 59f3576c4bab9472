import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Fault, isFault } from '@enchilada/core/fault';
import type { RedirectProvider, SignInFlow } from '@enchilada/core/identity';
import { exportSPKI, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { HostileIssuer, type Lies } from './testing/hostile-issuer.ts';
import { OidcProvider } from './oidc-provider.ts';

const value = (): string => randomBytes(32).toString('base64url');
const json = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

let hostile: HostileIssuer;
let other: HostileIssuer;

before(async () => {
  hostile = await HostileIssuer.start();
  other = await HostileIssuer.start();
});
after(async () => {
  await hostile[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

function open(issuer: HostileIssuer, parameters: Record<string, string | string[]> = {}): RedirectProvider {
  return new OidcProvider({
    id: 'idp_x',
    parameters: { issuer: issuer.issuer, clientId: 'bastion', ...parameters },
    secret: undefined,
  });
}

const AT = {
  ...{ returnTo: 'https://bastion.test/sign-in/back/idp_x', answerTo: '', logoutTo: '', metadata: '' },
  signedOut: 'https://bastion.test/sign-in',
};

interface Attempt {
  readonly lies?: Lies;
  /** What the browser brings back instead of what the provider sent. */
  readonly answer?: (answer: URLSearchParams, flow: SignInFlow) => URLSearchParams;
  readonly flow?: (flow: SignInFlow) => SignInFlow;
  readonly parameters?: Record<string, string | string[]>;
}

async function signIn({ lies = {}, answer, flow: change, parameters }: Attempt = {}) {
  const provider = open(hostile, parameters);
  const flow: SignInFlow = {
    ...{ state: value(), nonce: value(), verifier: value() },
    at: AT,
    isFresh: false,
  };
  hostile.lies = lies;
  const began = new URL(await provider.begin(flow));
  hostile.nonce = began.searchParams.get('nonce') ?? '';
  const honest = new URLSearchParams({ code: 'c0de', state: flow.state, iss: hostile.issuer });
  return provider.complete((answer?.(honest, flow) ?? honest).toString(), change?.(flow) ?? flow);
}

const claims = (change: Record<string, unknown>): Attempt => ({
  lies: { claims: (honest) => ({ ...honest, ...change }) },
});
const without = (name: string): Attempt => ({
  lies: { claims: (honest) => Object.fromEntries(Object.entries(honest).filter(([key]) => key !== name)) },
});
const replace = (name: string, text: string): Attempt => ({
  answer: (answer) => {
    answer.set(name, text);
    return answer;
  },
});
const now = (): number => Math.floor(Date.now() / 1000);

/** T10. Each is something that an attacker or a broken provider does; none of them may sign anybody in. */
const CASES: Readonly<Record<string, () => Attempt | Promise<Attempt>>> = {
  'the token is of another issuer': () => claims({ iss: other.issuer }),
  'the token is of an issuer that begins alike': () => claims({ iss: `${hostile.issuer}/` }),
  'the answer names another issuer (mix-up)': () => replace('iss', other.issuer),
  'the answer names no issuer, though the provider promises it': () => ({
    answer: (answer) => {
      answer.delete('iss');
      return answer;
    },
  }),
  'the token is not signed (alg none)': () => ({
    lies: { idToken: (given) => `${json({ alg: 'none' })}.${json(given)}.` },
  }),
  'the token keeps a signature and says alg none': () => ({
    lies: {
      idToken: async (given, { sign }) =>
        `${json({ alg: 'none' })}.${json(given)}.${(await sign(given)).split('.')[2] ?? ''}`,
    },
  }),
  'the token is signed with HS256 by the public key': () => ({
    lies: {
      idToken: async (given, { publicKey }) => {
        const head = `${json({ alg: 'HS256', kid: 'k1' })}.${json(given)}`;
        return `${head}.${createHmac('sha256', await exportSPKI(publicKey))
          .update(head)
          .digest('base64url')}`;
      },
    },
  }),
  'the token is signed with HS256 by the client id': () => ({
    lies: {
      idToken: (given) => {
        const head = `${json({ alg: 'HS256' })}.${json(given)}`;
        return `${head}.${createHmac('sha256', 'bastion').update(head).digest('base64url')}`;
      },
    },
  }),
  'the token brings its own key (jwk)': async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    return {
      lies: {
        idToken: (given) => new SignJWT(given).setProtectedHeader({ alg: 'RS256', jwk }).sign(privateKey),
      },
    };
  },
  'the token names where its key is (jku)': async () => {
    const { privateKey } = await generateKeyPair('RS256');
    return {
      lies: {
        idToken: (given) =>
          new SignJWT(given)
            .setProtectedHeader({ alg: 'RS256', kid: 'k1', jku: `${other.issuer}/jwks` })
            .sign(privateKey),
      },
    };
  },
  'the token is signed by the key of another provider': () => ({
    lies: { idToken: (given) => other.honest.sign(given) },
  }),
  'the token names a key that the provider does not have': () => ({
    lies: { idToken: (given, { sign }) => sign(given, { kid: 'unknown' }) },
  }),
  'the payload was changed after it was signed': () => ({
    lies: {
      idToken: async (given, { sign }) => {
        const [head = '', , signature = ''] = (await sign(given)).split('.');
        return `${head}.${json({ ...given, sub: 'administrator' })}.${signature}`;
      },
    },
  }),
  'the token has no nonce': () => without('nonce'),
  'the token has the nonce of another sign-in': () => claims({ nonce: value() }),
  'the token is for somebody else': () => claims({ aud: 'another-client' }),
  'the token is for several, and authorized to another': () => claims({ aud: ['bastion', 'other'], azp: 'other' }),
  'the token has expired': () => claims({ iat: now() - 900, exp: now() - 600 }),
  'the token never expires': () => without('exp'),
  'the token is not valid yet': () => claims({ nbf: now() + 600 }),
  'the token says nobody': () => without('sub'),
  'the token is of another access token (at_hash)': () =>
    claims({ at_hash: createHash('sha256').update('other').digest().subarray(0, 16).toString('base64url') }),
  'the state is that of another sign-in': () => replace('state', value()),
  'the answer has two states': () => ({
    answer: (answer) => {
      answer.append('state', value());
      return answer;
    },
  }),
  'there is no ID token': () => ({
    lies: { tokens: ({ id_token: _, ...answer }) => answer },
  }),
  'there is no code': () => ({
    answer: (answer) => {
      answer.delete('code');
      return answer;
    },
  }),
  'the provider refused': () => ({
    answer: () => new URLSearchParams({ error: 'access_denied', error_description: '<script>' }),
  }),
  'the userinfo is about somebody else': () => ({
    lies: {
      claims: ({ groups: _, ...honest }) => honest,
      userinfo: { sub: 'administrator', groups: ['admins'] },
    },
  }),
  'the provider now calls itself otherwise': () => ({
    lies: { metadata: (metadata) => ({ ...metadata, issuer: other.issuer }) },
  }),
  'a required claim says something else': () => ({
    ...claims({ hd: 'evil.example' }),
    parameters: { required: ['hd=example.org'] },
  }),
  'a required claim is missing': () => ({ parameters: { required: ['email_verified=true'] } }),
  'the token is encrypted to nobody': () => ({
    lies: { idToken: () => 'a.b.c.d.e' },
  }),
  'the answer is a megabyte and more': () => ({
    lies: { tokens: (answer) => ({ ...answer, filler: 'x'.repeat(2 * 1024 * 1024) }) },
  }),
};

test('an honest answer signs in', async () => {
  const { person } = await signIn();
  assert.deepEqual([person.subject, person.username, person.groups], ['mallory', 'mallory', ['ops']]);
  assert.equal(hostile.requests.at(-1)?.get('code_verifier')?.length, 43);
});

for (const [name, attempt] of Object.entries(CASES)) {
  test(`nobody signs in where ${name}`, async () => {
    const outcome = await signIn(await attempt()).then(
      () => 'signed in',
      (failure: unknown) => failure,
    );
    assert.ok(
      outcome instanceof Fault && ['PROVIDER_REFUSED', 'PROVIDER_UNAVAILABLE', 'NOT_ADMITTED'].includes(outcome.code),
      String(outcome),
    );
  });
}

test('settings without a trustworthy issuer are refused', () => {
  for (const issuer of ['http://login.example.org', 'ftp://x', 'https://user:pass@login.example.org', ''])
    assert.throws(
      () => new OidcProvider({ id: 'x', parameters: { issuer, clientId: 'c' }, secret: undefined }),
      (failure) => isFault(failure, 'INVALID_REQUEST'),
      issuer,
    );
});

const leave = (from: JWTPayload, name: string): JWTPayload =>
  Object.fromEntries(Object.entries(from).filter(([key]) => key !== name));

const LOGOUT = { 'http://schemas.openid.net/event/backchannel-logout': {} };

test('a logout token is believed where it is one, and nothing else is', async () => {
  hostile.lies = {};
  const provider = open(hostile);
  const { sign, issuer } = hostile.honest;
  const good = { iss: issuer, aud: 'bastion', iat: now(), jti: 'j1', sub: 'mallory', sid: 's1', events: LOGOUT };
  const heard = await provider.hearLogout({ logout_token: await sign(good, { typ: 'logout+jwt' }) });
  assert.deepEqual([heard.id, heard.subject, heard.session], ['j1', 'mallory', 's1']);
  const bad: Readonly<Record<string, string>> = {
    'an ID token': await sign({ ...leave(good, 'events'), nonce: 'n' }),
    'with a nonce': await sign({ ...good, nonce: 'n' }),
    'for another client': await sign({ ...good, aud: 'other' }),
    'of another issuer': await sign({ ...good, iss: other.issuer }),
    'by another key': await other.honest.sign(good),
    'without an id': await sign(leave(good, 'jti')),
    'an hour old': await sign({ ...good, iat: now() - 3600 }),
    'without a time': await sign(leave(good, 'iat')),
    'of another event': await sign({ ...good, events: { 'urn:other': {} } }),
    'an access token': await sign(good, { typ: 'at+jwt' }),
    unsigned: `${json({ alg: 'none' })}.${json(good)}.`,
    nothing: '',
  };
  for (const [name, logoutToken] of Object.entries(bad))
    await assert.rejects(
      provider.hearLogout({ logout_token: logoutToken }),
      (failure) => isFault(failure, 'PROVIDER_REFUSED'),
      name,
    );
});
