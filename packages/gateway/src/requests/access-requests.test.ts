import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessRequest as RequestView, Machine, RequestTerms } from '@enchilada/contract';
import type { AccessRequest, Approval } from '@enchilada/core/access';
import { aTarget } from '@enchilada/core/testing/store-fixture';
import { call, GatewayFixture, type Node } from '../testing/gateway-fixture.ts';

const HOUR = 3_600_000;
/** Shorter than the time after which an idle login ends. */
const TEN = 600_000;

/** What the routes of this test answer, as far as it looks. */
type Answer = RequestView &
  Machine & {
    readonly items: readonly (RequestView & RequestTerms['items'][number])[];
    readonly session?: { readonly id: string };
    readonly code?: string;
  };

/** Ann may ask for the machines of env=prod; Olaf, Rita and Ann herself decide. Two nodes. */
async function site(rule: Partial<Approval> = {}) {
  const fixture = new GatewayFixture();
  const nodes: readonly [Node, Node] = [await fixture.start(), await fixture.start()];
  const { store, clock } = fixture;
  await fixture.addUser('root', 'administrator');
  for (const name of ['ann', 'olaf', 'rita', 'mallory']) await fixture.addUser(name, 'user');
  await store.now.groups.insert({ id: 'grp_lead', name: 'leads', description: '', createdAt: 0 });
  for (const name of ['ann', 'olaf', 'rita']) await store.now.groups.addMember('grp_lead', `usr_${name}`);
  for (const [id, env] of Object.entries({ tgt_db: 'prod', tgt_web: 'prod', tgt_lab: 'test' }))
    await store.now.catalog.insertTarget(aTarget({ id, name: id, protocol: 'proto', labels: { env } }));
  const approval = { groups: ['grp_lead'], count: 1, minutes: 480, ...rule };
  await store.now.grants.insert({
    ...{ id: 'gra_prod', subject: { kind: 'user', id: 'usr_ann' }, actions: ['connect', 'file-out'] },
    scope: { kind: 'labels', selector: { env: ['prod'] } },
    conditions: { approval },
    ...{ createdAt: 0, createdBy: 'usr_root' },
  });
  const cookies = new Map<string, string>();
  for (const name of ['root', 'ann', 'olaf', 'rita', 'mallory'])
    cookies.set(name, await fixture.signIn(nodes[0], name));
  let turn = 0;
  const as = async (name: string, [method, path]: readonly ['GET' | 'POST' | 'DELETE', string], body?: object) => {
    const node = nodes[turn++ % 2] ?? nodes[0];
    const response = await call(node, method, path, {
      cookie: cookies.get(name),
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.statusCode, body: (response.body === '' ? {} : response.json()) as Answer };
  };
  const ask = (wanted: object = {}) =>
    as('ann', ['POST', '/requests'], {
      ...{ scope: { kind: 'target', id: 'tgt_db' }, until: clock.now() + HOUR, reason: 'ticket 4711' },
      ...wanted,
    });
  const decide = (name: string, { id, hash }: Pick<RequestView, 'id' | 'hash'>, verdict = 'approve') =>
    as(name, ['POST', `/requests/${id}/decision`], { verdict, hash });
  const open = (targetId = 'tgt_db', name = 'ann') => as(name, ['POST', '/sessions'], { targetId });
  const machine = async (id = 'tgt_db') => (await as('ann', ['GET', `/machines/${id}`])).body;
  return { fixture, store, clock, as, ask, decide, open, machine };
}

test('a machine that needs an approval is shown, says so, and opens once for each approval', async () => {
  const { fixture, as, ask, decide, open, machine, store } = await site();
  await using _ = fixture;
  assert.equal((await machine()).approval?.state, 'needed');
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED');
  assert.equal((await open('tgt_lab')).body.code, 'NOT_FOUND');
  const terms = await as('ann', ['GET', '/machines/tgt_db/request-terms']);
  assert.deepEqual(
    terms.body.items.map(({ groups, count }) => [groups, count]),
    [[['leads'], 1]],
  );
  assert.equal((await as('mallory', ['GET', '/machines/tgt_db/request-terms'])).status, 404);

  const asked = await ask();
  assert.equal(asked.status, 201);
  assert.deepEqual([asked.body.status, asked.body.needed, asked.body.actions], ['pending', 1, ['connect', 'file-out']]);
  assert.equal((await machine()).approval?.state, 'pending');
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED');
  const waiting = await as('olaf', ['GET', '/requests?view=decide']);
  assert.deepEqual(
    waiting.body.items.map(({ id, mayDecide }) => [id, mayDecide]),
    [[asked.body.id, true]],
  );
  assert.deepEqual((await as('olaf', ['GET', '/request-counts'])).body, { decide: 1, mine: 0 });

  const decided = await decide('olaf', asked.body);
  assert.deepEqual([decided.status, decided.body.status], [200, 'approved']);
  assert.equal((await machine()).approval?.state, 'approved');
  const first = await open();
  assert.equal(first.status, 201, JSON.stringify(first.body));
  assert.equal((await store.now.sessions.find(first.body.session?.id ?? ''))?.grantId, asked.body.id);
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED', 'it is used up');
  assert.equal((await open('tgt_web')).body.code, 'APPROVAL_REQUIRED', 'it is for one machine');
  assert.equal((await as('ann', ['GET', `/requests/${asked.body.id}`])).body.status, 'used');
  assert.deepEqual(
    fixture.audit.events.map(({ action }) => action).filter((action) => action.startsWith('request.')),
    ['request.asked', 'request.approved', 'request.used'],
  );
});

test('nobody approves their own, nor whom they do not lead, nor what they did not see', async () => {
  const { fixture, as, ask, decide, open } = await site();
  await using _ = fixture;
  const { body: request } = await ask();
  assert.equal((await decide('ann', request)).status, 403, 'ann is in the group that decides');
  assert.equal((await decide('mallory', request)).status, 404);
  assert.equal((await decide('root', request)).status, 404, 'administering is not approving');
  assert.equal((await as('mallory', ['GET', `/requests/${request.id}`])).status, 404);
  assert.equal((await as('mallory', ['POST', `/requests/${request.id}/cancellation`])).status, 404);
  assert.equal((await decide('olaf', { ...request, hash: 'f'.repeat(64) })).status, 409);
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED');
  assert.ok(fixture.audit.events.some(({ action, outcome }) => action === 'request.refused' && outcome === 'denied'));
  assert.equal((await as('mallory', ['GET', '/requests?view=history'])).status, 200);
  assert.deepEqual((await as('mallory', ['GET', '/requests?view=history'])).body.items, []);
});

test('an approval is of what was asked: whatever is changed afterwards voids it (T17)', async () => {
  const { fixture, ask, decide, open, store } = await site();
  await using _ = fixture;
  const alterations: Partial<AccessRequest>[] = [
    { userId: 'usr_mallory' },
    { grantId: 'gra_other' },
    { scope: { kind: 'target', id: 'tgt_web' } },
    { scope: { kind: 'labels', selector: { env: ['prod'] } } },
    { actions: ['connect', 'file-out', 'file-in'] },
    { until: fixture.clock.now() + 9 * HOUR },
    { from: fixture.clock.now() - HOUR },
    { reason: 'another one' },
    { sessions: 9 },
    { breakGlass: true },
    { hash: 'b'.repeat(64) },
  ];
  for (const change of alterations) {
    const { body: request } = await ask();
    assert.equal((await decide('olaf', request)).body.status, 'approved');
    const stored = await store.now.requests.find(request.id);
    assert.ok(stored);
    await using altered = await alter(fixture, { ...stored, ...change });
    assert.equal((await open('tgt_db')).body.code, 'APPROVAL_REQUIRED', JSON.stringify(change));
    assert.equal((await open('tgt_web')).body.code, 'APPROVAL_REQUIRED', JSON.stringify(change));
    assert.notEqual((await open('tgt_db', 'mallory')).status, 201);
    assert.ok(altered);
  }
  const { body: request } = await ask();
  await decide('olaf', request);
  assert.equal((await open()).status, 201, 'the same unaltered opens');
});

/** What somebody with the database in hand would do: the approvals stay, the request is another one. */
async function alter(fixture: GatewayFixture, request: AccessRequest): Promise<AsyncDisposable> {
  const { store } = fixture;
  const id = `${request.id.slice(0, 20)}x`;
  await store.now.requests.move(request.id, { from: ['approved'], to: 'cancelled', at: 1 });
  await store.now.requests.insert({ ...request, id });
  for (const decision of request.decisions) await store.now.requests.addDecision(id, decision);
  return {
    [Symbol.asyncDispose]: async () =>
      void (await store.now.requests.move(id, { from: ['approved'], to: 'cancelled', at: 1 })),
  };
}

test('of many sessions at once on two nodes with one approval exactly one is opened (R28)', async () => {
  const { fixture, ask, decide, open, store } = await site();
  await using _ = fixture;
  const { body: request } = await ask();
  await decide('olaf', request);
  const opened = await Promise.all(Array.from({ length: 60 }, () => open()));
  assert.equal(opened.filter(({ status }) => status === 201).length, 1);
  assert.ok(opened.every(({ status, body }) => status === 201 || body.code === 'APPROVAL_REQUIRED'));
  assert.equal((await store.now.requests.find(request.id))?.uses, 1);
  assert.equal((await store.now.sessions.list({ userId: 'usr_ann', limit: 10 })).items.length, 1);
});

test('two must agree: both at once complete it, once, and one who left the group meanwhile counts no more', async () => {
  const { fixture, ask, decide, open, store, as } = await site({ count: 2, sessions: 2 });
  await using _ = fixture;
  const { body: request } = await ask();
  const both = await Promise.all([decide('olaf', request), decide('rita', request)]);
  assert.deepEqual(
    both.map(({ status }) => status),
    [200, 200],
  );
  assert.equal((await as('ann', ['GET', `/requests/${request.id}`])).body.status, 'approved');
  assert.equal((await decide('olaf', request)).status, 409);

  const { body: second } = await ask({ reason: 'again' });
  assert.equal((await decide('olaf', second)).body.status, 'pending');
  assert.equal((await decide('olaf', second)).status, 409, 'one person is one approval');
  await store.now.groups.removeMember('grp_lead', 'usr_olaf');
  assert.equal((await decide('rita', second)).body.status, 'pending', 'olaf approves no more, so one is missing');
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED', 'nor does his approval of the first count');
  await store.now.groups.addMember('grp_lead', 'usr_olaf');
  assert.equal((await open()).status, 201);
  assert.equal((await open()).status, 201, 'the rule gives two sessions');
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED');
});

test('approving and cancelling at once leave one truth; a denial takes back what was approved', async () => {
  const { fixture, ask, decide, open, as, store } = await site();
  await using _ = fixture;
  for (let round = 0; round < 6; round++) {
    const { body: request } = await ask();
    const [approved, cancelled] = await Promise.all([
      decide('olaf', request),
      as('ann', ['POST', `/requests/${request.id}/cancellation`]),
    ]);
    assert.equal(cancelled.status, 200, JSON.stringify(cancelled.body));
    assert.ok([200, 409].includes(approved.status));
    assert.equal(
      (await store.now.requests.find(request.id))?.state,
      'cancelled',
      'a cancellation also takes back an approval',
    );
    assert.equal((await open()).body.code, 'APPROVAL_REQUIRED');
  }
  const { body: request } = await ask();
  await decide('olaf', request);
  assert.equal((await decide('rita', request, 'deny')).body.status, 'denied');
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED');
  const commands = await store.now.commands.after(0, 100);
  assert.ok(commands.some(({ command }) => command.kind === 'recheck-user' && command.userId === 'usr_ann'));
});

test('what is asked for keeps to the rule: window, actions, machines, and who is in a hurry', async () => {
  const { fixture, ask, clock, as, open } = await site({ minutes: 60 });
  await using _ = fixture;
  const { time } = clock;
  assert.equal((await ask({ until: time + 2 * HOUR })).status, 400);
  assert.equal((await ask({ until: time })).status, 400);
  assert.equal((await ask({ from: time - HOUR })).status, 400);
  assert.equal((await ask({ reason: '   ' })).status, 400);
  assert.equal((await ask({ actions: ['connect', 'file-in'] })).status, 409);
  assert.equal((await ask({ scope: { kind: 'target', id: 'tgt_lab' } })).status, 404, 'no grant, no machine');
  assert.equal((await ask({ scope: { kind: 'labels', selector: { env: ['test'] } } })).status, 400);
  assert.equal((await ask({ scope: { kind: 'labels', selector: {} } })).status, 400);
  assert.equal((await ask({ breakGlass: true })).status, 400, 'the rule has no such way');
  const later = await ask({ from: time + TEN, until: time + 2 * TEN });
  assert.equal(later.status, 201);
  const hash = later.body.hash;
  assert.equal(
    (await as('olaf', ['POST', `/requests/${later.body.id}/decision`], { verdict: 'approve', hash })).status,
    200,
  );
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED', 'it begins later');
  clock.time += TEN;
  assert.equal((await open()).status, 201);
  assert.equal((await as('ann', ['GET', `/requests/${later.body.id}`])).body.status, 'used');
  const unused = await ask({ until: clock.time + TEN });
  await as('olaf', ['POST', `/requests/${unused.body.id}/decision`], { verdict: 'approve', hash: unused.body.hash });
  clock.time += TEN;
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED', 'its time is over');
  assert.equal((await as('ann', ['GET', `/requests/${unused.body.id}`])).body.status, 'expired');
});

test('a selector is asked for once and opens whichever of its machines, within what the grant covers', async () => {
  const { fixture, ask, decide, open } = await site({ sessions: 2 });
  await using _ = fixture;
  const asking = (env: readonly string[]) => ask({ scope: { kind: 'labels', selector: { env } } });
  for (const unseen of ['test', '<!channel> look at https://evil.example'])
    assert.equal((await asking(['prod', unseen])).status, 400, 'a value that no machine carries that the person sees');
  const { body: request } = await asking(['prod']);
  assert.equal(request.scopeName, 'env=prod');
  await decide('olaf', request);
  assert.equal((await open('tgt_db')).status, 201);
  assert.equal((await open('tgt_lab')).body.code, 'NOT_FOUND', 'wider than the grant is no wider');
  assert.equal((await open('tgt_web')).status, 201);
});

test('break-glass opens at once, is loud, and ends with its time', async () => {
  const { fixture, ask, open, decide, clock, store } = await site({ breakGlass: true, count: 2 });
  await using _ = fixture;
  const endpoint = {
    kind: 'x',
    parameters: {},
    secret: undefined,
    enabled: true,
    version: 1,
    createdAt: 0,
    updatedAt: 0,
  };
  await store.now.notifications.insertEndpoint({
    ...{ id: 'end_1', name: 'on call', ...endpoint, deliveredAt: undefined, problem: undefined },
  });
  const { body: request, status } = await ask({ breakGlass: true, reason: 'the shop is down' });
  assert.deepEqual([status, request.status], [201, 'approved']);
  assert.ok(
    fixture.audit.events.some(
      ({ action, reason }) => action === 'request.break-glass' && reason === 'the shop is down',
    ),
  );
  const [queued] = await store.now.notifications.due('end_1', clock.now(), 10);
  assert.deepEqual([queued?.notification.event, queued?.notification.loud], ['request.break-glass', true]);
  assert.equal((await open()).status, 201);
  assert.equal((await decide('olaf', request, 'deny')).body.status, 'denied', 'approvers may end it');
  const { body: again } = await ask({ breakGlass: true, until: clock.time + TEN });
  clock.time += TEN;
  assert.equal((await open()).body.code, 'APPROVAL_REQUIRED');
  assert.equal(again.breakGlass, true);
});

test('nobody floods those who decide: a person asks so often in an hour, whatever is withdrawn, and in haste still can', async () => {
  const { fixture, as, ask, clock, store } = await site({ breakGlass: true });
  await using _ = fixture;
  const endpoint = { parameters: {}, secret: undefined, enabled: true, version: 1, createdAt: 0, updatedAt: 0 };
  await store.now.notifications.insertEndpoint({
    ...{ id: 'end_1', kind: 'x', name: 'on call', ...endpoint, deliveredAt: undefined, problem: undefined },
  });
  const reason = 'ticket\u2028 \u202e4711';
  for (let count = 0; count < 30; count++) {
    const { status, body } = await ask({ reason, until: clock.now() + TEN });
    assert.equal(status, 201);
    assert.equal((await as('ann', ['POST', `/requests/${body.id}/cancellation`])).status, 200);
  }
  const refused = await ask({ until: clock.now() + TEN });
  assert.deepEqual([refused.status, refused.body.code], [429, 'THROTTLED']);
  assert.equal((await ask({ breakGlass: true, until: clock.now() + TEN })).status, 201);
  const [first, second] = await store.now.notifications.due('end_1', clock.now(), 2);
  assert.equal(first?.notification.loud, true, 'what cannot wait goes first');
  assert.equal(second?.notification.facts.find(({ name }) => name === 'Why')?.value, 'ticket 4711');
});
