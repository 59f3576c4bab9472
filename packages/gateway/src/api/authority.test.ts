import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Authority, Credential } from '@enchilada/contract';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

async function ready() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const cookie = await fixture.signIn(node, 'root');
  const send = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) =>
    call(node, method, path, { cookie, ...(body === undefined ? {} : { body }) });
  const states = async () =>
    (await send('GET', '/certificate-authority')).json<Authority>().keys.map(({ state }) => state);
  return { fixture, send, states };
}

test('the first credential of the kind makes the signing key; a further key is trusted before it signs, and the old one after', async () => {
  const { fixture, send, states } = await ready();
  await using _ = fixture;
  assert.deepEqual(await states(), []);
  const terms = { principals: ['{username}'], minutes: 3, sourceNetworks: ['10.0.0.0/8'] };
  const body = { name: 'c', kind: 'certificate', username: '{username}', terms };
  const made = await send('POST', '/credentials', body);
  assert.equal(made.statusCode, 201);
  assert.deepEqual(made.json<Credential>().terms, terms);
  assert.equal(made.json<Credential>().hasSecret, false);
  assert.deepEqual(await states(), ['current']);
  const both = (await send('POST', '/certificate-authority/keys')).json<Authority>();
  assert.deepEqual(new Set(both.keys.map(({ state }) => state)), new Set(['current', 'next']));
  for (const { publicKey } of both.keys) assert.ok(both.trustFile.includes(publicKey));
  assert.equal((await send('POST', '/certificate-authority/keys')).statusCode, 409);
  const id = (state: string) => both.keys.find((key) => key.state === state)?.id ?? '';
  assert.equal((await send('DELETE', `/certificate-authority/keys/${id('current')}`)).statusCode, 409);
  assert.equal((await send('POST', `/certificate-authority/keys/${id('current')}/activate`)).statusCode, 409);
  assert.equal((await send('POST', `/certificate-authority/keys/${id('next')}/activate`)).statusCode, 200);
  assert.deepEqual(new Set(await states()), new Set(['previous', 'current']));
  assert.equal((await send('DELETE', `/certificate-authority/keys/${id('current')}`)).statusCode, 200);
  assert.deepEqual(await states(), ['current']);
  assert.deepEqual(
    fixture.audit.events.map(({ action }) => action).filter((action) => action.startsWith('authority-key')),
    ['authority-key.created', 'authority-key.created', 'authority-key.activated', 'authority-key.deleted'],
  );
});

test('templates, principals and networks that are none are refused in words', async () => {
  const { fixture, send } = await ready();
  await using _ = fixture;
  const good = { principals: [] as string[], minutes: 3, sourceNetworks: [] as string[] };
  for (const [change, field] of [
    [{ username: '{name}' }, 'username'],
    [{ username: '${GUAC_PASSWORD}' }, 'username'],
    [{ terms: { ...good, principals: ['a,root'] } }, 'terms/principals'],
    [{ terms: { ...good, principals: ['*'] } }, 'terms/principals'],
    [{ terms: { ...good, sourceNetworks: ['everywhere'] } }, 'terms/sourceNetworks'],
    [{ terms: { ...good, minutes: 60 } }, 'terms/minutes'],
    [{ kind: 'ask', terms: good }, 'terms'],
    [{ secret: 'x' }, 'secret'],
  ] as const) {
    const answer = await send('POST', '/credentials', {
      name: 'c',
      kind: 'certificate',
      username: 'deploy',
      ...change,
    });
    assert.equal(answer.statusCode, 400, JSON.stringify(change));
    assert.ok(answer.json<{ detail: string }>().detail.includes(field), answer.body);
  }
});
