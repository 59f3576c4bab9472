import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API_PREFIX, CSRF_HEADER, ROUTE_LIST } from '@enchilada/contract';
import { call, GatewayFixture, ORIGIN } from '../testing/gateway-fixture.ts';

const POLLUTED = '{"polluted":"yes"}';
const BODIES = [
  `{"__proto__":${POLLUTED}}`,
  `{"constructor":{"prototype":${POLLUTED}}}`,
  `{"\\u005f_proto__":${POLLUTED}}`,
  `{"labels":{"__proto__":${POLLUTED}},"parameters":{"__proto__":${POLLUTED}},"preferences":{"__proto__":${POLLUTED}}}`,
  `{"labels":{"constructor":"x"},"parameters":{"constructor":{"prototype":${POLLUTED}}},"preferences":{"constructor":"x"}}`,
  `[{"__proto__":${POLLUTED}}]`,
  '{"toString":1,"valueOf":1,"hasOwnProperty":1,"then":1}',
  '"__proto__"',
];
const QUERIES = [
  '__proto__=x',
  '__proto__[polluted]=yes',
  'constructor.prototype.polluted=yes',
  'constructor=x',
  'toString=x',
];

function assertClean(words: string): void {
  assert.equal(({} as { polluted?: string }).polluted, undefined, words);
  assert.equal(([] as unknown as { polluted?: string }).polluted, undefined, words);
}

test('no body, query or name in a path changes what every object has in common, or fails inside, on any route', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  let asked = 0;
  for (const route of ROUTE_LIST) {
    // Signing out ends the login that asks.
    const cookie = await fixture.signIn(node, 'root');
    const path = route.path.replaceAll(/:[A-Za-z]+/gu, '__proto__');
    const ask = async (url: string, payload: string | undefined): Promise<void> => {
      const response = await node.app.inject({
        method: route.method,
        url: `${API_PREFIX}${url}`,
        headers: {
          cookie,
          [CSRF_HEADER]: '1',
          origin: ORIGIN,
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(payload === undefined ? {} : { payload }),
      });
      const words = `${route.id} ${url} ${payload ?? ''}: ${response.statusCode} ${response.body.slice(0, 200)}`;
      assert.notEqual(response.statusCode, 500, words);
      assertClean(words);
      asked += 1;
    };
    for (const body of route.method === 'GET' ? [] : BODIES) await ask(path, body);
    for (const query of QUERIES) await ask(`${path}?${query}`, undefined);
    await fixture.store.now.throttle.deleteOlderThan(Number.MAX_SAFE_INTEGER);
  }
  assert.ok(asked > 600, `${asked} requests`);
});

test('no import changes what every object has in common', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const machine = 'name: m, protocol: proto, host: h';
  const texts = {
    yaml: [
      `- { ${machine}, __proto__: { polluted: yes } }`,
      `- { ${machine}, labels: { __proto__: { polluted: yes } } }`,
      `- { ${machine}, parameters: { __proto__: { polluted: yes } } }`,
      `- { ${machine}, "parameters.__proto__": { polluted: yes } }`,
      '__proto__: { polluted: yes }\nmachines: [{ name: m, protocol: __proto__, host: h }]',
      '- __proto__',
      '- { name: __proto__, protocol: constructor, host: toString, jump: __proto__, credential: constructor }',
    ],
    csv: [
      'name,protocol,host,__proto__\nm,proto,h,polluted',
      'name,protocol,host,parameters.__proto__\nm,proto,h,polluted',
      'name,protocol,host,labels,group\nm,proto,h,__proto__=polluted,__proto__/constructor',
    ],
  };
  for (const [format, list] of Object.entries(texts))
    for (const text of list) {
      const response = await call(node, 'POST', '/targets/import', { cookie, body: { format, text, preview: false } });
      assert.equal(response.statusCode, 200, response.body);
      assertClean(text);
    }
});
