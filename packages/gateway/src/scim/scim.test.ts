import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProviderRecord } from '@enchilada/core/identity';
import { aLogin } from '@enchilada/core/testing/store-fixture';
import { call, GatewayFixture, type Node, ORIGIN } from '../testing/gateway-fixture.ts';
import { ROUTES } from './scim-routes.ts';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

interface Resource {
  readonly id: string;
  readonly userName?: string;
  readonly displayName?: string;
  readonly externalId?: string;
  readonly active?: boolean;
  readonly title?: string;
  readonly members?: readonly { readonly value: string }[];
  readonly groups?: readonly { readonly value: string; readonly display: string }[];
  readonly meta: { readonly location: string; readonly version: string };
}
interface List {
  readonly totalResults: number;
  readonly startIndex: number;
  readonly itemsPerPage: number;
  readonly Resources: readonly Resource[];
}
interface ScimError {
  readonly schemas: readonly string[];
  readonly status: string;
  readonly scimType?: string;
}

async function site(rules: ProviderRecord['rules'] = [], admits: ProviderRecord['admits'] = 'everyone') {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  const { store } = fixture;
  for (const id of ['idp_one', 'idp_two'])
    await store.now.providers.insert({
      ...{ id, kind: 'away', name: id, parameters: {}, secret: undefined, rules, admits },
      ...{ trustsFactor: false, enabled: true, version: 1, createdAt: 0, updatedAt: 0 },
    });
  const cookie = await fixture.signIn(node, 'root');
  const token = async (id: string): Promise<string> => {
    const made = await call(node, 'POST', `/providers/${id}/provisioning/token`, { cookie });
    assert.equal(made.statusCode, 201, made.body);
    return made.json<{ value: string }>().value;
  };
  return { fixture, node, store, cookie, token };
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Talks as an identity provider's provisioning service does. */
function clientOf(node: Node, token: string | undefined, provider = 'idp_one') {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- each test names what it expects
  return async <T = Resource>(
    method: Method,
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const response = await node.app.inject({
      ...{ method, url: `/scim/v2/${provider}${path}`, remoteAddress: '203.0.113.9' },
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json; charset=utf-8' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    const { statusCode: status, headers: sent, body: text } = response;
    return { status, headers: sent, body: (text === '' ? undefined : JSON.parse(text)) as T };
  };
}

const patchOf = (...operations: readonly object[]) => ({ schemas: [PATCH], Operations: operations });
const userOf = (userName: string, more: object = {}) => ({ schemas: [USER], userName, active: true, ...more });

test('no route answers without the token of the very provider that its path names, whatever cookie comes too', async () => {
  const { fixture, node, cookie, token } = await site();
  await using _ = fixture;
  const [one, other] = [await token('idp_one'), await token('idp_two')];
  assert.equal((await clientOf(node, one)('GET', '/Users')).status, 200);
  for (const { method, path } of ROUTES)
    for (const wrong of [undefined, other, 'x', `${one}x`]) {
      const url = path.replace(':id', 'usr_root');
      const body = method === 'GET' || method === 'DELETE' ? undefined : userOf('x');
      const answered = await clientOf(node, wrong)<ScimError>(method, url, body, { cookie });
      assert.equal(answered.status, 401, `${method} ${path}`);
      assert.equal(answered.body.schemas[0], 'urn:ietf:params:scim:api:messages:2.0:Error');
      assert.match(String(answered.headers['www-authenticate']), /^Bearer/u);
    }
  assert.equal((await clientOf(node, one, 'idp_none')('GET', '/Users')).status, 401);
  assert.ok(fixture.audit.events.some(({ action, object }) => action === 'access.denied' && object?.id === 'idp_one'));
  const asToken = await call(node, 'GET', '/users', { headers: { authorization: `Bearer ${one}` } });
  assert.equal(asToken.statusCode, 401);
});

test('the token is shown once, kept as a digest, replaced at once and ended with all that was written', async () => {
  const { fixture, node, cookie, token, store } = await site();
  await using _ = fixture;
  const first = await token('idp_one');
  assert.doesNotMatch(
    JSON.stringify(await store.now.provisioning.findToken('idp_one')),
    new RegExp(first.slice(9), 'u'),
  );
  const ann = (await clientOf(node, first)('POST', '/Users', userOf('ann'))).body;
  const second = await token('idp_one');
  assert.equal((await clientOf(node, first)('GET', '/Users')).status, 401);
  const state = await call(node, 'GET', '/providers/idp_one/provisioning', { cookie });
  const { baseUrl, people } = state.json<{ baseUrl: string; people: number }>();
  assert.deepEqual([baseUrl, people], [`${ORIGIN}/scim/v2/idp_one`, 1]);
  assert.equal((await call(node, 'DELETE', '/providers/idp_one/provisioning', { cookie })).statusCode, 204);
  assert.equal((await clientOf(node, second)('GET', '/Users')).status, 401);
  assert.notEqual(await store.now.users.find(ann.id), undefined);
  const third = clientOf(node, await token('idp_one'));
  assert.equal((await third<List>('GET', '/Users')).body.totalResults, 0);
  assert.equal((await third('POST', '/Users', userOf('ann'))).body.id, ann.id, 'the same person, the same account');
  const actions = fixture.audit.events.map(({ action }) => action);
  assert.ok(actions.includes('provisioning.token-created') && actions.includes('provisioning.removed'));
});

test('a person is made, found, replaced, patched and deleted, with versions', async () => {
  const { fixture, node, token, store } = await site();
  await using _ = fixture;
  const scim = clientOf(node, await token('idp_one'));
  const none = await scim<List>('GET', `/Users?filter=${encodeURIComponent('userName eq "Ann@Example.org"')}`);
  assert.deepEqual([none.status, none.body.totalResults, none.body.Resources], [200, 0, []]);
  const name = { givenName: 'Ann', familyName: 'Äkerman' };
  const made = await scim(
    'POST',
    '/Users',
    userOf('Ann@example.org', { externalId: 'o-1', name, title: 'Dr', password: 'secret-word' }),
  );
  assert.equal(made.status, 201);
  assert.equal(made.headers['location'], made.body.meta.location);
  assert.match(String(made.headers['content-type']), /^application\/scim\+json/u);
  const { id } = made.body;
  assert.doesNotMatch(
    JSON.stringify([made.body, await store.now.provisioning.findUser('idp_one', id)]),
    /secret-word/u,
  );
  const account = await store.now.users.find(id);
  assert.deepEqual(
    [account?.username, account?.displayName, account?.role],
    ['Ann@example.org', 'Ann Äkerman', 'user'],
  );
  assert.equal((await store.now.providers.findIdentity('idp_one', 'o-1'))?.userId, id);
  for (const filter of ['userName eq "ann@EXAMPLE.org"', 'externalId eq "o-1"', `id eq "${id}"`]) {
    const { body } = await scim<List>('GET', `/Users?filter=${encodeURIComponent(filter)}&startIndex=1&count=1`);
    assert.deepEqual(
      [body.totalResults, body.startIndex, body.itemsPerPage, body.Resources[0]?.id],
      [1, 1, 1, id],
      filter,
    );
  }
  const again = await scim<ScimError>('POST', '/Users', userOf('ANN@example.org', { externalId: 'o-9' }));
  assert.deepEqual([again.status, again.body.scimType, again.body.status], [409, 'uniqueness', '409']);
  const etag = String(made.headers['etag']);
  assert.equal((await scim('GET', `/Users/${id}`, undefined, { 'if-none-match': etag })).status, 304);
  const patched = await scim('PATCH', `/Users/${id}`, patchOf({ op: 'Replace', path: 'title', value: 'Prof' }), {
    'if-match': etag,
  });
  assert.deepEqual([patched.status, patched.body.title, patched.body.meta.version], [200, 'Prof', 'W/"2"']);
  assert.equal((await scim('PUT', `/Users/${id}`, userOf('ann'), { 'if-match': etag })).status, 412);
  const replaced = await scim(
    'PUT',
    `/Users/${id}`,
    userOf('Ann@example.org', { externalId: 'o-2', displayName: 'Ann A.' }),
  );
  assert.deepEqual([replaced.body.externalId, replaced.body.title], ['o-2', undefined]);
  assert.equal((await store.now.providers.findIdentity('idp_one', 'o-2'))?.userId, id);
  assert.equal((await store.now.users.find(id))?.displayName, 'Ann A.');
  assert.equal((await scim('DELETE', `/Users/${id}`)).status, 204);
  for (const method of ['GET', 'DELETE'] as const) assert.equal((await scim(method, `/Users/${id}`)).status, 404);
  assert.equal((await scim<List>('GET', '/Users')).body.totalResults, 0);
  assert.notEqual((await store.now.users.find(id))?.disabledAt, undefined);
  const back = await scim('POST', '/Users', userOf('ann.new@example.org', { externalId: 'o-2' }));
  assert.deepEqual([back.status, back.body.id], [201, id]);
  assert.equal((await store.now.users.find(id))?.disabledAt, undefined);
});

test('nobody is found by the name of an account here, or of another provider', async () => {
  const { fixture, node, token, store } = await site();
  await using _ = fixture;
  const one = clientOf(node, await token('idp_one'));
  const two = clientOf(node, await token('idp_two'), 'idp_two');
  const root = (await one('POST', '/Users', userOf('root', { externalId: 'usr_root' }))).body;
  assert.notEqual(root.id, 'usr_root');
  assert.equal((await store.now.users.find(root.id))?.role, 'user');
  for (const path of [`/Users/${root.id}`, '/Users/usr_root']) {
    assert.equal((await two('GET', path)).status, 404);
    assert.equal((await two('PATCH', path, patchOf({ op: 'replace', value: { active: false } }))).status, 404);
    assert.equal((await two('DELETE', path)).status, 404);
  }
  const group = (await one('POST', '/Groups', { schemas: [GROUP], displayName: 'Ops' })).body;
  assert.equal((await two('GET', `/Groups/${group.id}`)).status, 404);
  const foreign = { schemas: [GROUP], displayName: 'Other', members: [{ value: root.id }] };
  assert.equal((await two<ScimError>('POST', '/Groups', foreign)).body.scimType, 'invalidValue');
});

test('deactivation in the dialect of either provider ends logins and calls for the end of sessions, and is not undone by signing in', async () => {
  const { fixture, node, token, store } = await site();
  await using _ = fixture;
  const scim = clientOf(node, await token('idp_one'));
  const { id } = (await scim('POST', '/Users', userOf('ann', { externalId: 's-1' }))).body;
  const record = await store.now.providers.find('idp_one');
  assert.ok(record);
  const asserted = { subject: 's-1', username: 'ann', displayName: 'Ann', email: undefined, groups: [] };
  const dialects = [
    { op: 'Replace', path: 'active', value: 'False' },
    { op: 'replace', value: { active: false } },
  ];
  for (const operation of dialects) {
    assert.equal((await node.providerPeople.admit(record, asserted)).id, id);
    await store.now.logins.insert(aLogin(id));
    const { lastSequence: before } = await store.now.commands.news();
    const patched = await scim('PATCH', `/Users/${id}`, patchOf(operation));
    assert.deepEqual([patched.status, patched.body.active], [200, false]);
    assert.deepEqual(await store.now.logins.listOf(id), []);
    const posted = (await store.now.commands.after(before, 100)).map(({ command }) => command);
    assert.ok(posted.some((command) => command.kind === 'recheck-user' && command.userId === id));
    await assert.rejects(node.providerPeople.admit(record, asserted), /no rule of the provider admits|disabled/u);
    assert.notEqual((await store.now.users.find(id))?.disabledAt, undefined);
    await scim('PATCH', `/Users/${id}`, patchOf({ op: 'replace', path: 'active', value: true }));
    assert.equal((await store.now.users.find(id))?.disabledAt, undefined);
  }
  assert.ok(fixture.audit.events.some(({ action, object }) => action === 'user.disabled' && object?.id === id));
});

test('groups are made, patched by both dialects, replaced and deleted, and lead to groups and roles by the rules', async () => {
  const rules = [
    { from: 'Ops', groupId: 'grp_ops', role: undefined },
    { from: 'object-7', groupId: 'grp_admins', role: 'administrator' as const },
  ];
  const { fixture, node, token, store } = await site(rules);
  await using _ = fixture;
  for (const id of ['grp_ops', 'grp_admins'])
    await store.now.groups.insert({ id, name: id, description: '', createdAt: 1 });
  const scim = clientOf(node, await token('idp_one'));
  const person = async (name: string) => (await scim('POST', '/Users', userOf(name))).body.id;
  const [ann, ben] = [await person('ann'), await person('ben')];
  const here = async (id: string) => [(await store.now.users.find(id))?.role, ...(await store.now.groups.groupsOf(id))];
  const made = await scim('POST', '/Groups', { schemas: [GROUP], displayName: 'Ops', members: [{ value: ann }] });
  assert.equal(made.status, 201);
  const ops = made.body.id;
  assert.deepEqual(await here(ann), ['user', 'grp_ops']);
  await scim('PATCH', `/Groups/${ops}`, patchOf({ op: 'Add', path: 'members', value: [{ value: ben }] }));
  assert.deepEqual(await here(ben), ['user', 'grp_ops']);
  await scim('PATCH', `/Groups/${ops}`, patchOf({ op: 'Remove', path: 'members', value: [{ value: ann }] }));
  assert.deepEqual(await here(ann), ['user']);
  await scim('PATCH', `/Groups/${ops}`, patchOf({ op: 'remove', path: `members[value eq "${ben}"]` }));
  assert.deepEqual(await here(ben), ['user']);
  // A node that died between writing and taking the right: the provider, which had no answer, asks once more.
  await scim('PATCH', `/Groups/${ops}`, patchOf({ op: 'Add', path: 'members', value: [{ value: ben }] }));
  await store.now.provisioning.setMembers(ops, []);
  assert.deepEqual(await here(ben), ['user', 'grp_ops']);
  await scim('PATCH', `/Groups/${ops}`, patchOf({ op: 'remove', path: `members[value eq "${ben}"]` }));
  assert.deepEqual(await here(ben), ['user']);
  const admins = await scim('POST', '/Groups', {
    displayName: 'Bosses',
    externalId: 'object-7',
    members: [{ value: ben }],
  });
  assert.deepEqual(
    await here(ben),
    ['administrator', 'grp_admins'],
    'by its external id, as Entra ID names groups in tokens',
  );
  const asked = `/Groups?excludedAttributes=members&filter=${encodeURIComponent('displayName eq "Bosses"')}`;
  const { body } = await scim<List>('GET', asked);
  assert.deepEqual([body.totalResults, body.Resources[0]?.members], [1, undefined]);
  const membership = encodeURIComponent(`id eq "${admins.body.id}" and members eq "${ben}"`);
  assert.equal((await scim<List>('GET', `/Groups?filter=${membership}`)).body.totalResults, 1);
  assert.deepEqual(
    (await scim('GET', `/Users/${ben}`)).body.groups?.map(({ display }) => display),
    ['Bosses'],
  );
  const put = { displayName: 'Bosses', externalId: 'object-7', members: [{ value: ann }] };
  assert.equal((await scim('PUT', `/Groups/${admins.body.id}`, put)).status, 200);
  assert.deepEqual([await here(ann), await here(ben)], [['administrator', 'grp_admins'], ['user']]);
  assert.equal((await scim('DELETE', `/Groups/${admins.body.id}`)).status, 204);
  assert.deepEqual(await here(ann), ['user']);
  // Who was in which group when can be told from the log alone.
  const told = new Set<string>();
  for (const { action, object, detail } of fixture.audit.events) {
    const membership = `${String(detail?.['username'])} in ${object?.id ?? ''}`;
    if (action === 'group.member-added') told.add(membership);
    else if (action === 'group.member-removed') assert.ok(told.delete(membership), membership);
  }
  assert.deepEqual([...told], []);
  assert.equal(fixture.audit.events.filter(({ action }) => action === 'group.member-added').length, 5);
});

test('of a group that is provisioned, the list of its members holds, and of every other what the sign-in says', async () => {
  const rules = [
    { from: 'Ops', groupId: 'grp_ops', role: undefined },
    { from: 'Dev', groupId: 'grp_dev', role: undefined },
  ];
  const { fixture, node, token, store } = await site(rules, 'matched');
  await using _ = fixture;
  for (const id of ['grp_ops', 'grp_dev'])
    await store.now.groups.insert({ id, name: id, description: '', createdAt: 1 });
  const scim = clientOf(node, await token('idp_one'));
  const { id } = (await scim('POST', '/Users', userOf('ann', { externalId: 's-1' }))).body;
  assert.notEqual((await store.now.users.find(id))?.disabledAt, undefined, 'no rule admits them yet');
  const ops = (await scim('POST', '/Groups', { displayName: 'Ops', members: [{ value: id }] })).body.id;
  assert.equal((await store.now.users.find(id))?.disabledAt, undefined);
  const record = await store.now.providers.find('idp_one');
  assert.ok(record);
  const signIn = (...groups: readonly string[]) =>
    node.providerPeople.admit(record, {
      subject: 's-1',
      username: 'ann',
      displayName: 'Ann',
      email: undefined,
      groups,
    });
  await signIn('Dev');
  assert.deepEqual([...(await store.now.groups.groupsOf(id))].sort(), ['grp_dev', 'grp_ops']);
  await scim('PATCH', `/Groups/${ops}`, patchOf({ op: 'replace', path: 'members', value: [] }));
  assert.deepEqual(await store.now.groups.groupsOf(id), ['grp_dev']);
  await signIn('Ops', 'Dev');
  assert.deepEqual(await store.now.groups.groupsOf(id), ['grp_dev'], 'the sign-in does not overrule the list');
  await scim('DELETE', `/Groups/${ops}`);
  await signIn('Ops');
  assert.deepEqual(await store.now.groups.groupsOf(id), ['grp_ops']);
});

test('a provider that is switched off takes away and gives nothing, not even by what follows of what it takes', async () => {
  const rules = [
    { from: 'Ops', groupId: 'grp_ops', role: 'auditor' as const },
    { from: 'Dev', groupId: 'grp_dev', role: undefined },
  ];
  const { fixture, node, token, store } = await site(rules);
  await using _ = fixture;
  for (const id of ['grp_ops', 'grp_dev'])
    await store.now.groups.insert({ id, name: id, description: '', createdAt: 1 });
  const scim = clientOf(node, await token('idp_one'));
  const person = async (name: string, more: object = {}) =>
    (await scim('POST', '/Users', userOf(name, { externalId: name, ...more }))).body.id;
  const [ann, ben, out] = [await person('ann'), await person('ben'), await person('out', { active: false })];
  const group = async (displayName: string, ...ids: readonly string[]) =>
    (await scim('POST', '/Groups', { displayName, members: ids.map((value) => ({ value })) })).body.id;
  const [ops, dev, other] = [await group('Ops', ann, ben), await group('Dev', ann), await group('Other', ben)];
  const here = async (id: string) => {
    const account = await store.now.users.find(id);
    return [account?.role, account?.disabledAt === undefined, ...(await store.now.groups.groupsOf(id))];
  };
  // By their last sign-in they are in every group; the lists of members say otherwise.
  await store.now.providers.updateIdentity({ providerId: 'idp_one', subject: 'ben' }, { groups: ['Ops', 'Dev'] });
  const record = await store.now.providers.find('idp_one');
  assert.ok(record);
  const off = await store.now.providers.update({ ...record, enabled: false });

  const members = (op: string, ...ids: readonly string[]) =>
    patchOf({ op, path: 'members', value: ids.map((value) => ({ value })) });
  for (const [method, path, body] of [
    ['POST', '/Users', userOf('eve')],
    ['POST', '/Groups', { displayName: 'New' }],
    ['PATCH', `/Users/${out}`, patchOf({ op: 'replace', value: { active: true } })],
    ['PATCH', `/Users/${ann}`, patchOf({ op: 'replace', path: 'externalId', value: 'eve' })],
    ['PUT', `/Users/${out}`, userOf('out', { externalId: 'out' })],
    ['PATCH', `/Groups/${dev}`, members('add', ben)],
    ['PATCH', `/Groups/${dev}`, members('replace', ben)],
    ['PUT', `/Groups/${dev}`, { displayName: 'Dev', members: [{ value: ann }, { value: ben }] }],
    ['PATCH', `/Groups/${other}`, patchOf({ op: 'replace', value: { displayName: 'Dev' } })],
  ] as const) {
    const refused = await scim<ScimError>(method, path, body);
    assert.deepEqual([refused.status, refused.body.status], [403, '403'], `${method} ${path} ${JSON.stringify(body)}`);
  }
  assert.equal(await store.now.users.findByUsername('eve'), undefined);
  assert.equal((await scim<List>('GET', '/Groups')).body.totalResults, 3);
  assert.deepEqual(await here(ann), ['auditor', true, 'grp_dev', 'grp_ops']);
  assert.deepEqual(await here(out), ['user', false]);
  assert.ok(fixture.audit.events.some(({ reason }) => reason?.startsWith('the provider is switched off') === true));

  assert.equal((await scim('DELETE', `/Groups/${dev}`)).status, 204, 'the list goes, and the sign-in would hold again');
  assert.deepEqual(await here(ben), ['auditor', true, 'grp_ops']);
  assert.deepEqual(await here(ann), ['auditor', true, 'grp_ops']);
  assert.equal((await scim('PATCH', `/Groups/${ops}`, members('remove', ann))).status, 200);
  assert.deepEqual(await here(ann), ['user', true]);
  assert.equal(
    (await scim('PATCH', `/Users/${ben}`, patchOf({ op: 'replace', value: { active: false } }))).status,
    200,
  );
  assert.deepEqual(await here(ben), ['auditor', false]);
  assert.equal((await scim('DELETE', `/Users/${ann}`)).status, 204);
  assert.deepEqual(await here(ann), ['user', false]);

  await store.now.providers.update({ ...off, enabled: true });
  await scim('PATCH', `/Users/${ben}`, patchOf({ op: 'replace', value: { active: true } }));
  assert.deepEqual(await here(ben), ['auditor', true, 'grp_dev', 'grp_ops']);
});

test('the last administrator is not taken away, and says so', async () => {
  const rules = [{ from: 'Bosses', groupId: undefined, role: 'administrator' as const }];
  const { fixture, node, token, store } = await site(rules);
  await using _ = fixture;
  const scim = clientOf(node, await token('idp_one'));
  const { id } = (await scim('POST', '/Users', userOf('ann'))).body;
  await scim('POST', '/Groups', { displayName: 'Bosses', members: [{ value: id }] });
  const root = await store.now.users.find('usr_root');
  assert.ok(root);
  await store.now.users.update({ ...root, disabledAt: 1 });
  for (const refused of [
    await scim('PATCH', `/Users/${id}`, patchOf({ op: 'replace', value: { active: false } })),
    await scim('DELETE', `/Users/${id}`),
  ])
    assert.equal(refused.status, 409);
  assert.equal((await scim('GET', `/Users/${id}`)).body.active, true);
  assert.equal((await store.now.users.find(id))?.disabledAt, undefined);
});

test('what the product can do is told, and what cannot be read is refused in the form of SCIM', async () => {
  const { fixture, node, token } = await site();
  await using _ = fixture;
  const scim = clientOf(node, await token('idp_one'));
  const config = await scim<{ patch: { supported: boolean }; bulk: { supported: boolean } }>(
    'GET',
    '/ServiceProviderConfig',
  );
  assert.deepEqual([config.body.patch.supported, config.body.bulk.supported], [true, false]);
  for (const path of ['/ResourceTypes', '/Schemas']) {
    const { body } = await scim<List>('GET', path);
    assert.equal(body.totalResults, body.Resources.length);
    for (const { id } of body.Resources) assert.equal((await scim('GET', `${path}/${id}`)).body.id, id);
  }
  for (const [method, path, body, type] of [
    ['POST', '/Users', { userName: '' }, 'invalidValue'],
    ['POST', '/Users', userOf('x', { active: 'perhaps' }), 'invalidValue'],
    ['POST', '/Users', userOf('x', { title: 'x'.repeat(40_000) }), 'invalidValue'],
    ['POST', '/Groups', { displayName: 'x', members: [{ value: 'usr_none' }] }, 'invalidValue'],
    ['GET', '/Users?filter=userName%20co%20%22a%22', undefined, 'invalidFilter'],
    ['GET', '/Users?filter=title%20eq%20%22a%22', undefined, 'invalidFilter'],
    ['GET', '/Users?count=x', undefined, 'invalidValue'],
  ] as const) {
    const refused = await scim<ScimError>(method, path, body);
    assert.deepEqual([refused.status, refused.body.scimType], [400, type], path);
  }
  const broken = await node.app.inject({
    ...{ method: 'POST', url: '/scim/v2/idp_one/Users', payload: '{' },
    headers: { authorization: `Bearer ${await token('idp_one')}`, 'content-type': 'application/scim+json' },
  });
  assert.deepEqual([broken.statusCode, broken.json<ScimError>().scimType], [400, 'invalidSyntax']);
});
