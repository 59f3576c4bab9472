import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { API_PREFIX, CSRF_HEADER, ROUTE_LIST } from '@enchilada/contract';
import { GatewayFixture, ORIGIN } from '../testing/gateway-fixture.ts';

interface Asked {
  readonly port: number;
  readonly method: string;
  /** Goes out exactly as it is, which no client library and no `inject` would do. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function ask({ port, method, path, headers = {} }: Asked): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      response.resume();
      response.once('end', () => {
        resolve(response.statusCode ?? 0);
      });
    });
    asked.once('error', reject);
    asked.end(headers['content-type'] === undefined ? undefined : '{}');
  });
}

/** Ways to write one path; the router decodes some of them to the same route (RFC 3986 section 6.2.2, RFC 9112 section 3.2.2). */
const SPELLINGS: Readonly<Record<string, (path: string) => string>> = {
  'a letter in percent code': (path) => path.replace('/api', '/%61pi'),
  'every letter in percent code': (path) =>
    path.replaceAll(/[a-z]/gu, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  'the version in percent code': (path) => path.replace('/v1', '/%761'),
  'a coded slash': (path) => path.replace('/api/', '/api%2f'),
  'the absolute form': (path) => `http://bastion.test${path}`,
  'the absolute form with TLS': (path) => `https://bastion.test${path}`,
  'the absolute form of another host': (path) => `http://evil.test${path}`,
  'two slashes': (path) => `/${path}`,
  'a dot segment': (path) => `/.${path}`,
  'a dot-dot segment': (path) => `/x/..${path}`,
  'upper case': (path) => path.replace('/api', '/API'),
  'a backslash': (path) => path.replace('/api/', '/api\\'),
  'a matrix parameter': (path) => path.replace('/api/', '/api;x=/'),
  'a trailing slash': (path) => `${path}/`,
  'a fragment': (path) => `${path}#x`,
};

test('no spelling of its path gets past the guard of a route', async (t) => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  const cookie = await fixture.signIn(node, 'ann');
  await node.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = node.app.server.address() as AddressInfo;
  const own = { [CSRF_HEADER]: '1', origin: ORIGIN };
  for (const [name, spell] of Object.entries(SPELLINGS)) {
    await t.test(name, async () => {
      for (const route of ROUTE_LIST) {
        const path = spell(`${API_PREFIX}${route.path.replaceAll(/:[A-Za-z]+/gu, 'x')}`);
        const json = route.body === undefined ? {} : { 'content-type': 'application/json' };
        const answers = async (headers: Readonly<Record<string, string>>): Promise<number> =>
          ask({ port, method: route.method, path, headers: { ...json, ...headers } });
        const line = `${route.method} ${path}`;
        if (route.access !== 'public' && route.access !== 'bootstrap')
          assert.ok([401, 404].includes(await answers(own)), `${line} without a login`);
        // What only an administrator may do, asked by a person with an account.
        if (typeof route.access === 'string' && route.access.endsWith('.write'))
          assert.ok([403, 404].includes(await answers({ ...own, cookie })), `${line} by a person`);
        // What another site's page could make the browser of a signed-in person send (T02).
        if (route.method !== 'GET')
          assert.ok(
            [403, 404].includes(await answers({ cookie, origin: 'https://evil.test' })),
            `${line} from another site`,
          );
      }
    });
  }
  assert.equal((await fixture.store.now.users.list()).length, 2);
});
