import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import type { AssertedLogin, RedirectProvider, SignInFlow } from '@enchilada/core/identity';
import { HostileIssuer, type Lies } from './testing/hostile-issuer.ts';
import { OpenIdServer, OpenIdVisitor } from './testing/index.ts';
import { OidcProvider } from './oidc-provider.ts';

const value = (): string => randomBytes(32).toString('base64url');
const AT = {
  ...{ returnTo: 'http://localhost:1/sign-in/back/idp_x', answerTo: '', logoutTo: 'http://localhost:1/logout' },
  ...{ metadata: '', signedOut: 'http://localhost:1/sign-in' },
};

let server: OpenIdServer;
let hostile: HostileIssuer;
before(async () => {
  server = await OpenIdServer.start();
  server.register(AT);
  hostile = await HostileIssuer.start();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await hostile[Symbol.asyncDispose]();
});

function open(parameters: Record<string, string | string[]> = {}): RedirectProvider {
  return new OidcProvider({
    id: 'idp_x',
    parameters: { issuer: server.issuer, clientId: server.clientId, ...parameters },
    secret: new Secret(server.clientSecret),
  });
}

async function signIn(provider: RedirectProvider, name: string): Promise<AssertedLogin> {
  const flow: SignInFlow = { state: value(), nonce: value(), verifier: value(), at: AT, isFresh: false };
  const back = await new OpenIdVisitor().signIn(await provider.begin(flow), { name, home: AT.returnTo });
  return provider.complete(back.search.slice(1), flow);
}

/** Asks with a token, and answers what was kept in its place. */
async function ask(provider: RedirectProvider, token: Secret, subject: string) {
  const kept: Secret[] = [];
  assert.ok(provider.refresh);
  const verdict = await provider.refresh(token, subject, (next) => {
    kept.push(next);
    return Promise.resolve();
  });
  return { verdict, kept };
}

test('a real provider is asked again, gives a new token each time, and says what has changed', async () => {
  server.people.set('rita', { name: 'Rita', groups: ['ops'] });
  const provider = open({ offline: 'consent' });
  const { refreshToken } = await signIn(provider, 'rita');
  assert.ok(refreshToken);
  server.people.set('rita', { name: 'Rita R.', groups: ['ops', 'dba'] });
  const first = await ask(provider, refreshToken, 'rita');
  assert.ok(first.verdict.outcome === 'stands');
  assert.deepEqual([first.verdict.person?.displayName, first.verdict.person?.groups], ['Rita R.', ['ops', 'dba']]);
  const [next] = first.kept;
  assert.ok(next);
  assert.notEqual(next.reveal(), refreshToken.reveal());
  assert.equal((await ask(provider, next, 'rita')).verdict.outcome, 'stands');
});

test('a token that is shown twice ends the family of a real provider, and so the sign-in', async () => {
  const provider = open({ offline: 'consent' });
  const { refreshToken } = await signIn(provider, 'saul');
  assert.ok(refreshToken);
  const { kept } = await ask(provider, refreshToken, 'saul');
  assert.deepEqual((await ask(provider, refreshToken, 'saul')).verdict, {
    ...{ outcome: 'withdrawn', error: 'invalid_grant' },
  });
  const [next] = kept;
  assert.ok(next);
  assert.equal((await ask(provider, next, 'saul')).verdict.outcome, 'withdrawn');
});

test('somebody who is disabled at a real provider is known by its refusal, and one who signed out here too', async () => {
  const provider = open({ offline: 'consent' });
  const [gone, out] = [await signIn(provider, 'tess'), await signIn(provider, 'una')];
  assert.ok(gone.refreshToken && out.refreshToken);
  server.disabled.add('tess');
  assert.equal((await ask(provider, gone.refreshToken, 'tess')).verdict.outcome, 'withdrawn');
  await provider.revoke?.(out.refreshToken);
  assert.equal((await ask(provider, out.refreshToken, 'una')).verdict.outcome, 'withdrawn');
});

test('without the scope a real provider gives no token', async () => {
  assert.equal((await signIn(open(), 'vic')).refreshToken, undefined);
});

function openHostile(parameters: Record<string, string | string[]> = {}): RedirectProvider {
  const given = { issuer: hostile.issuer, clientId: 'bastion', ...parameters };
  return new OidcProvider({ id: 'idp_x', parameters: given, secret: undefined });
}

const NEXT = { refresh_token: 'the-next' };
const lying = (change: Record<string, unknown>): Lies => ({
  claims: (claims) => ({ ...claims, ...change }),
  tokens: (answer) => ({ ...answer, ...NEXT }),
});
const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

const UNBELIEVED: Readonly<Record<string, Lies>> = {
  'another person': lying({ sub: 'alice' }),
  'another issuer': lying({ iss: 'https://evil.example' }),
  'another client': lying({ aud: 'another' }),
  'two clients': lying({ aud: ['another', 'bastion'], azp: 'another' }),
  'a token that has expired': lying({ exp: 1_000 }),
  'a token that nobody signed': {
    idToken: (claims) => `${encode({ alg: 'none' })}.${encode(claims)}.`,
    tokens: (answer) => ({ ...answer, ...NEXT }),
  },
  'a token signed otherwise': {
    idToken: (claims, { sign }) => sign(claims).then((token) => `${token.slice(0, -8)}AAAAAAAA`),
    tokens: (answer) => ({ ...answer, ...NEXT }),
  },
  'another person at the UserInfo endpoint': {
    tokens: ({ id_token: _, ...answer }) => ({ ...answer, ...NEXT }),
    userinfo: { sub: 'alice' },
  },
};

for (const [name, lies] of Object.entries(UNBELIEVED))
  test(`an answer about ${name} is not believed, and the token that came with it is kept`, async () => {
    hostile.lies = lies;
    const kept: string[] = [];
    const asked = openHostile().refresh?.(new Secret('the-first'), 'mallory', (next) => {
      kept.push(next.reveal());
      return Promise.resolve();
    });
    await assert.rejects(asked ?? Promise.resolve(), (failure) => isFault(failure, 'PROVIDER_REFUSED'));
    assert.deepEqual(kept, ['the-next']);
  });

test('the token that comes is kept, however the provider writes the address that gave it', async () => {
  for (const address of [`${hostile.issuer.replace('http', 'HTTP')}/token`, `${hostile.issuer}/realm/../token`]) {
    hostile.lies = { ...lying({}), metadata: (metadata) => ({ ...metadata, token_endpoint: address }) };
    const { verdict, kept } = await ask(openHostile(), new Secret('the-first'), 'mallory');
    assert.deepEqual([verdict.outcome, ...kept.map((next) => next.reveal())], ['stands', 'the-next'], address);
  }
});

test('a token is kept whatever its length', async () => {
  const long = 'x'.repeat(200_000);
  hostile.lies = { ...lying({}), tokens: (answer) => ({ ...answer, refresh_token: long }) };
  const { kept } = await ask(openHostile(), new Secret('the-first'), 'mallory');
  assert.deepEqual(
    kept.map((next) => next.reveal()),
    [long],
  );
});

test('an honest answer without an ID token speaks through the UserInfo endpoint', async () => {
  hostile.lies = {
    tokens: ({ id_token: _, ...answer }) => answer,
    userinfo: { sub: 'mallory', groups: ['dba'] },
  };
  const { verdict, kept } = await ask(openHostile(), new Secret('the-first'), 'mallory');
  assert.ok(verdict.outcome === 'stands');
  assert.deepEqual([verdict.person?.groups, kept], [['dba'], []]);
  hostile.lies = { metadata: ({ userinfo_endpoint: _, ...rest }) => rest, tokens: ({ id_token: _, ...rest }) => rest };
  assert.deepEqual((await ask(openHostile(), new Secret('the-first'), 'mallory')).verdict, {
    ...{ outcome: 'stands', person: undefined },
  });
});

test('a condition of the form that holds no more admits nobody', async () => {
  hostile.lies = {};
  const asked = ask(openHostile({ required: ['tid=staff'] }), new Secret('the-first'), 'mallory');
  await assert.rejects(asked, (failure) => isFault(failure, 'NOT_ADMITTED'));
});

test('what cannot be kept is said, whatever the answer was', async () => {
  hostile.lies = lying({});
  const asked = openHostile().refresh?.(new Secret('the-first'), 'mallory', () =>
    Promise.reject(new Fault('STORE_UNAVAILABLE', 'the database is away')),
  );
  await assert.rejects(asked ?? Promise.resolve(), (failure) => isFault(failure, 'STORE_UNAVAILABLE'));
});

test('a provider in trouble says nothing of anybody', async () => {
  let trouble: { readonly status: number; readonly type: string; readonly body: string; readonly challenge?: string };
  const door = createServer((request, response) => {
    if (request.url === '/token') {
      const { status, type, body, challenge } = trouble;
      const headers = challenge === undefined ? {} : { 'www-authenticate': challenge };
      response.writeHead(status, { 'content-type': type, ...headers }).end(body);
    } else
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          ...{ issuer: home, token_endpoint: `${home}/token`, jwks_uri: `${home}/jwks` },
          authorization_endpoint: `${home}/auth`,
        }),
      );
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const home = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
  const provider = openHostile({ issuer: home });
  const json = 'application/json';
  for (const one of [
    { status: 500, type: json, body: '{"error":"invalid_grant"}' },
    { status: 503, type: 'text/html', body: '<p>back soon' },
    { status: 429, type: json, body: '{"error":"slow_down"}' },
    { status: 200, type: 'text/html', body: '<p>sign in to the network' },
    { status: 200, type: json, body: '{' },
    { status: 404, type: 'text/plain', body: 'no' },
    { status: 403, type: 'text/html', body: 'blocked' },
    { status: 401, type: json, body: '{"error":"invalid_client"}' },
    { status: 400, type: json, body: '{"error":"unauthorized_client"}' },
    // RFC 6749 section 5.2: so is a client refused whose own secret is the wrong one.
    { status: 401, type: json, body: '{"error":"invalid_client"}', challenge: 'Basic realm="clients"' },
    { status: 401, type: 'text/html', body: 'no', challenge: 'Basic realm="clients"' },
    { status: 400, type: json, body: '{"error":"not known: the-first"}' },
    { status: 200, type: json, body: 'the-first' },
  ]) {
    trouble = one;
    const asked = ask(provider, new Secret('the-first'), 'mallory');
    await assert.rejects(
      asked,
      (failure) => isFault(failure, 'PROVIDER_UNAVAILABLE') && !inspect(failure).includes('the-first'),
      JSON.stringify(one),
    );
  }
  trouble = { status: 401, type: json, body: '{"error":"invalid_grant"}', challenge: 'Bearer error="invalid_token"' };
  assert.equal((await ask(provider, new Secret('the-first'), 'mallory')).verdict.outcome, 'withdrawn');
  trouble = { status: 400, type: json, body: '{"error":"invalid_grant"}' };
  assert.equal((await ask(provider, new Secret('the-first'), 'mallory')).verdict.outcome, 'withdrawn');
  door.closeAllConnections();
  await new Promise((resolve) => door.close(resolve));
  const gone = ask(provider, new Secret('the-first'), 'mallory');
  await assert.rejects(gone, (failure) => isFault(failure, 'PROVIDER_UNAVAILABLE'), 'nobody listens');
});
