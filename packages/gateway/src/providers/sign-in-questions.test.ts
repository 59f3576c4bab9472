import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleDirectory } from '../testing/example-providers.ts';
import { call, GatewayFixture, type Node } from '../testing/gateway-fixture.ts';

const CODE = '246810';

interface Outcome {
  readonly stage?: string;
  readonly code?: string;
  readonly me?: { readonly login: { readonly factor?: string; readonly hasLoginPassword: boolean } };
  readonly question?: { readonly text: string; readonly hidden: boolean; readonly ticket: string };
}

async function site() {
  exampleDirectory.clear();
  for (const name of ['ann', 'bob'])
    exampleDirectory.set(name, {
      ...{ subject: name, username: name, displayName: '', email: undefined, groups: ['asked'] },
    });
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  for (const id of ['idp_dir', 'idp_two'])
    await fixture.store.now.providers.insert({
      ...{ id, kind: 'phonebook', name: id, parameters: {}, secret: undefined, rules: [] },
      ...{ admits: 'everyone', trustsFactor: true, enabled: true, version: 1, createdAt: 0, updatedAt: 0 },
    });
  return { fixture, node };
}

async function enter(node: Node, change: Readonly<Record<string, unknown>> = {}) {
  const body = { username: 'ann', password: 'nna', providerId: 'idp_dir', ...change };
  const response = await call(node, 'POST', '/login', { body });
  return { cookie: response.headers['set-cookie'], ...response.json<Outcome>() };
}

async function ask(node: Node, change: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { stage, question, cookie, me } = await enter(node, change);
  assert.deepEqual(
    [stage, question?.text, question?.hidden, cookie, me],
    ['question', 'the code', true, undefined, undefined],
  );
  return question?.ticket ?? '';
}

test('a question comes before any login; its answer signs in once, on any node, with the password that led to it', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  const ticket = await ask(node);
  assert.ok(!Buffer.from(ticket, 'base64url').includes('state of ann'));
  const answer = { ticket, text: CODE };
  const other = await fixture.start();
  const { me, cookie } = await enter(other, { answer });
  assert.ok(cookie !== undefined);
  assert.deepEqual([me?.login.factor, me?.login.hasLoginPassword], ['provider', true]);
  assert.equal((await enter(node, { answer })).code, 'SIGN_IN_LOST');
});

test('a ticket is worth nothing with another name, password or provider, altered, late, or after a wrong answer', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  const answer = { ticket: await ask(node), text: CODE };
  const altered = `${answer.ticket.slice(0, 20)}${answer.ticket[20] === 'A' ? 'B' : 'A'}${answer.ticket.slice(21)}`;
  for (const change of [
    { username: 'bob', password: 'bob' },
    { password: 'a password of the thief' },
    { providerId: 'idp_two' },
    { answer: { ticket: altered, text: CODE } },
    { answer: { ticket: 'x', text: CODE } },
  ]) {
    const { code, cookie } = await enter(node, { answer, ...change });
    assert.deepEqual([code, cookie], ['SIGN_IN_LOST', undefined], JSON.stringify(change));
    fixture.clock.time += 61_000;
  }
  assert.equal((await enter(node, { answer })).code, 'SIGN_IN_LOST', 'five minutes later');
  fixture.clock.time += 3_600_000;
  const fresh = { ticket: await ask(node), text: '000000' };
  assert.equal((await enter(node, { answer: fresh })).code, 'LOGIN_REFUSED');
  assert.equal(
    (await enter(node, { answer: { ...fresh, text: CODE } })).code,
    'SIGN_IN_LOST',
    'a code is guessed once a question',
  );
});

test('whoever knows the password alone is slowed while guessing at the question', async () => {
  const { fixture, node } = await site();
  await using _ = fixture;
  const codes: (string | undefined)[] = [];
  for (let guess = 0; guess < 6 && codes.at(-1) !== 'THROTTLED'; guess++) {
    const { question, code } = await enter(node);
    if (question === undefined) codes.push(code);
    else codes.push((await enter(node, { answer: { ticket: question.ticket, text: '1' } })).code);
  }
  assert.equal(codes.at(-1), 'THROTTLED', codes.join());
});
