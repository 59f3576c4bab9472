import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import type { ProxyProvider } from '@enchilada/core/identity';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { TrustedProxy } from './forward-auth-provider.ts';

const { publicKey, privateKey } = await generateKeyPair('ES256');
const { privateKey: otherKey } = await generateKeyPair('ES256');
const server = createServer((request, response) => {
  if (request.url === '/flood') {
    const more = (): void => {
      while (!response.destroyed && response.write(' '.repeat(64 * 1024)));
    };
    response.on('drain', more);
    more();
    return;
  }
  void exportJWK(publicKey).then((jwk) => response.end(JSON.stringify({ keys: [{ ...jwk, kid: 'k', alg: 'ES256' }] })));
});
let keysUrl = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  keysUrl = `http://localhost:${(server.address() as AddressInfo).port}/`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

function open(parameters: Readonly<Record<string, string | string[]>>): ProxyProvider {
  return new TrustedProxy({
    id: 'idp_x',
    parameters: { peers: ['10.0.0.7', '2001:db8::/64'], ...parameters },
    secret: undefined,
  });
}
const byHeaders = () => open({ says: 'headers' });
const byToken = () => open({ tokenHeader: 'X-Assertion', keysUrl, issuer: 'https://proxy.test', audience: 'bastion' });

const request = (headers: Readonly<Record<string, readonly string[]>>, peer = '10.0.0.7') => ({
  peer,
  headers: (name: string) => headers[name] ?? [],
});

const sign = (claims: JWTPayload, key = privateKey): Promise<string> =>
  new SignJWT({
    iss: 'https://proxy.test',
    aud: 'bastion',
    sub: 's-1',
    email: 'ann@example.org',
    groups: ['ops'],
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setIssuedAt()
    .setExpirationTime(claims.exp ?? '5m')
    .sign(key);

const refused = (outcome: Promise<unknown>, why: string): Promise<void> =>
  assert.rejects(outcome, (failure) => isFault(failure, 'PROVIDER_REFUSED'), why);

test('headers are believed from the proxy, once each, and from nobody else', async () => {
  const headers = { 'x-auth-request-user': ['ann'], 'x-auth-request-groups': ['ops, dev'] };
  const { person } = await byHeaders().read(request(headers));
  assert.deepEqual([person.subject, person.username, person.groups], ['ann', 'ann', ['ops', 'dev']]);
  assert.equal((await byHeaders().read(request(headers, '2001:db8::1'))).person.subject, 'ann');
  for (const peer of ['10.0.0.8', '127.0.0.1', '::1', '2001:db9::1', 'unknown', ''])
    await refused(byHeaders().read(request(headers, peer)), peer);
  await refused(byHeaders().read(request({})), 'none');
  await refused(byHeaders().read(request({ 'x-auth-request-user': ['ann', 'root'] })), 'two');
  await refused(byHeaders().read(request({ ...headers, 'x-auth-request-groups': ['ops', 'admins'] })), 'two groups');
  await refused(
    byHeaders().read(request({ ...headers, 'x-auth-request-preferred-username': ['a', 'b'] })),
    'two names',
  );
  await refused(byHeaders().read(request({ 'x-auth-request-user': [' '] })), 'empty');
});

test('a token is believed where the proxy signed it for us, and no header beside it is', async () => {
  const read = async (value: string, peer?: string) => byToken().read(request({ 'x-assertion': [value] }, peer));
  const { person, provedAt } = await read(await sign({}));
  assert.deepEqual([person.subject, person.username, person.groups], ['s-1', 'ann@example.org', ['ops']]);
  assert.equal(typeof provedAt, 'number');
  await refused(byToken().read(request({ 'x-auth-request-user': ['root'] })), 'a header beside');
  await refused(read(await sign({}), '10.0.0.8'), 'another peer');
  const head = Buffer.from('{"alg":"HS256","kid":"k"}').toString('base64url');
  const body = (await sign({})).split('.')[1] ?? '';
  const bad: Readonly<Record<string, string>> = {
    'another key': await sign({}, otherKey),
    'another issuer': await sign({ iss: 'https://evil.test' }),
    'another application': await sign({ aud: 'other' }),
    expired: await sign({ exp: Math.floor(Date.now() / 1000) - 600 }),
    nobody: await sign({ sub: '' }),
    'not signed': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`,
    'a shared secret': `${head}.${body}.${createHmac('sha256', 'bastion').update(`${head}.${body}`).digest('base64url')}`,
    huge: 'x'.repeat(20_000),
  };
  for (const [name, value] of Object.entries(bad)) await refused(read(value), name);
});

test('keys that never end fill no memory, and are no reason to believe anybody', async () => {
  const flooded = open({
    ...{ tokenHeader: 'X-Assertion', keysUrl: `${keysUrl}flood`, issuer: 'https://proxy.test', audience: 'bastion' },
  });
  await assert.rejects(
    flooded.read(request({ 'x-assertion': [await sign({})] })),
    (failure) => isFault(failure, 'PROVIDER_UNAVAILABLE') && /more than 1048576 bytes/u.test(failure.message),
  );
});

test('settings that would believe anybody are refused', () => {
  const bad: readonly Readonly<Record<string, string | string[]>>[] = [
    { says: 'headers', peers: [] },
    { says: 'headers', peers: ['0.0.0.0/0'] },
    { says: 'headers', peers: ['::/0'] },
    { says: 'headers', peers: ['x'] },
    { tokenHeader: 'x', keysUrl: 'https://proxy.test/', issuer: 'i' },
    { tokenHeader: 'x', keysUrl: 'http://proxy.test/', issuer: 'i', audience: 'a' },
  ];
  for (const parameters of bad)
    assert.throws(
      () => open(parameters),
      (failure) => isFault(failure, 'INVALID_REQUEST'),
      JSON.stringify(parameters),
    );
});
