import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGrant } from '@enchilada/core/testing/store-fixture';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';
import { populate } from '../testing/populate.ts';

interface Page {
  readonly items: readonly { readonly id: string; readonly mayWatch: boolean; readonly address: string }[];
  readonly next?: string;
}

/** `ann` beside three colleagues who work on four machines each. */
async function ready() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  for (const name of ['ann', 'bob', 'eva', 'tim']) await fixture.addUser(name, 'user');
  const others = [];
  for (const name of ['bob', 'eva', 'tim'])
    for (const number of [1, 2, 3, 4]) {
      fixture.clock.time += 1_000;
      others.push(await populate(fixture, name, `${name}-${number}`));
    }
  const cookie = await fixture.signIn(node, 'ann');
  const ask = async (query: string) => {
    const response = await call(node, 'GET', `/sessions?scope=watchable${query}`, { cookie });
    return { status: response.statusCode, page: response.json<Page>() };
  };
  const grant = (id: string, action: 'watch' | 'connect') => {
    const fields = { id: `gra_${action}_${id}`, scope: { kind: 'target', id }, actions: [action] } as const;
    return fixture.store.now.grants.insert(aGrant({ kind: 'user', id: 'usr_ann' }, fields));
  };
  return { fixture, node, others, ask, grant, cookie };
}

test('whoever may watch nothing learns nothing of what goes on, neither by pages nor by filters', async () => {
  const { fixture, others, ask, grant } = await ready();
  await using _ = fixture;
  const [first] = others;
  assert.ok(first);
  // Leave to open a machine is not leave to watch it.
  await grant(first.target, 'connect');
  const queries = [
    '',
    '&limit=1',
    '&limit=500',
    `&targetId=${first.target}`,
    '&userId=usr_bob',
    '&live=false',
    '&live=true',
  ];
  for (const query of queries) assert.deepEqual(await ask(query), { status: 200, page: { items: [] } }, query);
});

test('whoever may watch some pages through these alone, and no cursor or empty page counts the others', async () => {
  const { fixture, others, ask, grant } = await ready();
  await using _ = fixture;
  // The oldest, one in the middle, and the newest but one.
  const mine = [others[0], others[6], others[10]].map((ids) => ids?.target ?? '');
  for (const target of mine) await grant(target, 'watch');
  const expected = [others[10], others[6], others[0]].map((ids) => ids?.session);
  const seen: string[] = [];
  let cursor = '';
  for (let round = 1; round <= expected.length; round += 1) {
    const { page } = await ask(`&limit=1${cursor}`);
    assert.equal(page.items.length, 1, 'no page is emptier than it says');
    assert.ok(page.items.every(({ mayWatch, address }) => mayWatch && address === ''));
    seen.push(...page.items.map(({ id }) => id));
    assert.equal(page.next === undefined, round === expected.length, 'the last page says that it is the last');
    if (page.next !== undefined)
      assert.match(page.next, new RegExp(`\\.${page.items[0]?.id}$`, 'u'), 'made of what is shown');
    cursor = `&cursor=${page.next ?? ''}`;
  }
  assert.deepEqual(seen, expected);
  assert.deepEqual(
    (await ask(`&targetId=${mine[1]}`)).page.items.map(({ id }) => id),
    [expected[1]],
  );
  assert.deepEqual((await ask(`&targetId=${others[1]?.target ?? ''}&limit=1`)).page, { items: [] });
  assert.equal((await ask('&cursor=bm90LWEtY3Vyc29y')).status, 400);
});

test('a right that was withdrawn, a session that ended and one’s own are not listed', async () => {
  const { fixture, node, others, ask, grant, cookie } = await ready();
  await using _ = fixture;
  const [gone, ended, kept] = others;
  assert.ok(gone && ended && kept);
  for (const { target } of [gone, ended, kept]) await grant(target, 'watch');
  const own = await populate(fixture, 'ann', 'own');
  await grant(own.target, 'watch');
  await fixture.store.now.grants.delete(`gra_watch_${gone.target}`);
  await fixture.store.now.sessions.update(ended.session, { state: 'ended', endedAt: 1 });
  assert.deepEqual(
    (await ask('')).page.items.map(({ id }) => id),
    [kept.session],
  );
  for (const [id, status] of [
    [gone.session, 404],
    [ended.session, 404],
    [kept.session, 200],
  ] as const)
    assert.equal((await call(node, 'GET', `/sessions/${id}`, { cookie })).statusCode, status, id);
});
