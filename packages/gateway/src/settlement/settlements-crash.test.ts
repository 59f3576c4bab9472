import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditAction } from '@enchilada/core/audit';
import type { ProviderRecord } from '@enchilada/core/identity';
import { aUser } from '@enchilada/core/testing/store-fixture';
import { systemRandom as random } from '../clock.ts';
import { purgeGone } from '../discovery/purge.ts';
import { ProviderPeople } from '../providers/provider-people.ts';
import { aWorld, FIRST } from '../testing/discovery-world.ts';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';
import { auditedIn, auditLogOf, MortalNode } from '../testing/mortal-node.ts';
import { Settlements } from './settlements.ts';

async function aSite() {
  const fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('bob', 'user');
  const cookie = await fixture.signIn(node, 'root');
  const made = async (path: string, body: object) => {
    const answered = await call(node, 'POST', path, { cookie, body });
    assert.equal(answered.statusCode, 201, `${path}: ${answered.body}`);
    return answered.json<{ readonly id: string; readonly version: number }>();
  };
  const grant = (subject: object, scope: object) => made('/grants', { subject, scope, actions: ['connect'] });
  return { fixture, node, cookie, made, grant };
}
type Site = Awaited<ReturnType<typeof aSite>>;

/** Something new that is there, and the request that takes it away. */
interface Doomed {
  readonly method: 'DELETE' | 'PUT';
  readonly path: string;
  readonly body?: object;
  readonly isThere: () => Promise<boolean>;
}
interface Act {
  readonly audited: readonly AuditAction[];
  readonly prepare: (site: Site, name: string) => Promise<Doomed>;
}

const ALL = { kind: 'all' };
const NOBODY = {
  judgeOne: () => assert.fail('nobody is to be judged'),
  judgeEverybody: () => assert.fail('nobody is to be judged'),
};

const ACTS: Readonly<Record<string, Act>> = {
  'the deletion of a person with grants': {
    audited: ['grant.deleted', 'grant.deleted', 'user.deleted'],
    prepare: async ({ fixture: { store }, made, grant }, name) => {
      const group = await made('/groups', { name, description: '' });
      const fields = { username: name, displayName: name, role: 'user', groupIds: [group.id] };
      const { id } = await made('/users', fields);
      await grant({ kind: 'user', id }, ALL);
      await grant({ kind: 'user', id }, { kind: 'labels', selector: { stage: ['test'] } });
      const isThere = async () => (await store.now.users.find(id)) !== undefined;
      return { method: 'DELETE', path: `/users/${id}?version=1`, isThere };
    },
  },
  'the disabling of a person': {
    audited: ['user.disabled'],
    prepare: async ({ fixture: { store }, made }, name) => {
      const { id } = await made('/users', { username: name, displayName: name, role: 'user' });
      const isThere = async () => (await store.now.users.find(id))?.disabledAt === undefined;
      return { method: 'PUT', path: `/users/${id}`, body: { version: 1, disabled: true }, isThere };
    },
  },
  'the setting of a password': {
    audited: ['user.password-changed'],
    prepare: async ({ fixture: { store }, made }, name) => {
      const { id } = await made('/users', { username: name, displayName: name, role: 'user' });
      const isThere = async () => (await store.now.users.find(id))?.passwordHash === undefined;
      return { method: 'PUT', path: `/users/${id}/password`, body: { password: 'a long enough phrase' }, isThere };
    },
  },
  'the end of a membership': {
    audited: ['group.member-removed'],
    prepare: async ({ fixture: { store }, made }, name) => {
      const { id } = await made('/groups', { name, description: '' });
      await store.now.groups.addMember(id, 'usr_bob');
      const isThere = async () => (await store.now.groups.members(id)).length > 0;
      return { method: 'DELETE', path: `/groups/${id}/members/usr_bob`, isThere };
    },
  },
  'the deletion of a group with a grant': {
    audited: ['grant.deleted', 'group.deleted'],
    prepare: async ({ fixture: { store }, made, grant }, name) => {
      const { id } = await made('/groups', { name, description: '' });
      await grant({ kind: 'group', id }, ALL);
      const isThere = async () => (await store.now.groups.find(id)) !== undefined;
      return { method: 'DELETE', path: `/groups/${id}`, isThere };
    },
  },
  'the deletion of a machine with a grant': {
    audited: ['grant.deleted', 'target.deleted'],
    prepare: async ({ fixture: { store }, made, grant }, name) => {
      const { id, version } = await made('/targets', { name, protocol: 'proto', host: 'web.test' });
      await grant({ kind: 'user', id: 'usr_bob' }, { kind: 'target', id });
      const isThere = async () => (await store.now.catalog.findTarget(id)) !== undefined;
      return { method: 'DELETE', path: `/targets/${id}?version=${version}`, isThere };
    },
  },
  'the deletion of a group of machines with a grant': {
    audited: ['grant.deleted', 'target-group.deleted'],
    prepare: async ({ fixture: { store }, made, grant }, name) => {
      const { id } = await made('/target-groups', { name });
      await grant({ kind: 'user', id: 'usr_bob' }, { kind: 'target-group', id });
      const isThere = async () => (await store.now.catalog.findGroup(id)) !== undefined;
      return { method: 'DELETE', path: `/target-groups/${id}`, isThere };
    },
  },
  'the deletion of a grant': {
    audited: ['grant.deleted'],
    prepare: async ({ fixture: { store }, grant }) => {
      const { id } = await grant({ kind: 'user', id: 'usr_bob' }, ALL);
      const isThere = async () => (await store.now.grants.find(id)) !== undefined;
      return { method: 'DELETE', path: `/grants/${id}`, isThere };
    },
  },
  'the deletion of a provider that gave a membership': {
    audited: ['group.member-removed', 'provider.deleted'],
    prepare: async ({ fixture: { store }, made }, name) => {
      const group = await made('/groups', { name, description: '' });
      const record: ProviderRecord = {
        ...{ id: `idp_${name}`, kind: 'away', name, parameters: {}, secret: undefined, rules: [] },
        ...{ admits: 'matched', trustsFactor: false, enabled: true, version: 1, createdAt: 0, updatedAt: 0 },
      };
      await store.now.providers.insert(record);
      await store.now.providers.setMemberships('usr_bob', record.id, [group.id]);
      const isThere = async () => (await store.now.providers.find(record.id)) !== undefined;
      return { method: 'DELETE', path: `/providers/${record.id}`, isThere };
    },
  },
};

for (const [what, { audited, prepare }] of Object.entries(ACTS))
  test(`${what} is in the log once, wherever the node died that was asked for it`, async () => {
    const site = await aSite();
    await using fixture = site.fixture;
    const { store, clock } = fixture;
    const mortal = new MortalNode(fixture, 'mortal');
    const node = await fixture.start(mortal);
    const survivor = new ProviderPeople({ store, audit: auditLogOf(fixture, store, 'survivor'), clock, random });
    const seen = { undone: 0, finished: 0 };
    for (let steps = 0; ; steps++) {
      const { method, path, body, isThere } = await prepare(site, `doomed${steps}`);
      assert.ok(await isThere());
      const before = await auditedIn(store);
      mortal.dieAfter(steps);
      const options = { cookie: site.cookie, ...(body === undefined ? {} : { body }) };
      const { statusCode } = await call(node, method, path, options);
      const { isDead } = mortal;
      await survivor.settleLeftOver();
      const known = new Set(before.map(({ hash }) => hash));
      const written = (await auditedIn(store)).filter(({ hash }) => !known.has(hash)).map(({ action }) => action);
      const isUndone = await isThere();
      assert.deepEqual(written.toSorted(), isUndone ? [] : audited, `after ${steps} steps`);
      seen[isUndone ? 'undone' : 'finished'] += 1;
      if (!isDead) {
        assert.ok(statusCode < 300, `${statusCode}`);
        break;
      }
      assert.ok(!isUndone || seen.finished === 0, 'what was written stays written');
    }
    assert.ok(seen.undone > 0 && seen.finished > 2, JSON.stringify(seen));
  });

test('what discovery purges is in the log once, wherever the node died that purged', async () => {
  const seen = { undone: 0, finished: 0 };
  for (let steps = 0; ; steps++) {
    const { store, cloud, clock, sweep, target, wait } = await aWorld();
    cloud.put(FIRST, 'i-1');
    await sweep();
    const { id } = await target('i-1');
    await store.now.users.insert({ ...aUser(), id: 'usr_bob' });
    await store.now.grants.insert({
      ...{ id: 'gra_i', subject: { kind: 'user', id: 'usr_bob' }, scope: { kind: 'target', id } },
      ...{ actions: ['connect'], createdAt: 1, createdBy: 'usr_bob' },
    });
    cloud.state('i-1', 'terminated');
    await sweep();
    wait(8 * 24 * 3_600_000);
    const mortal = new MortalNode({ store, clock }, 'mortal');
    mortal.dieAfter(steps);
    const settlements = new Settlements({ ...mortal, clock, random });
    const purge = purgeGone({ store: mortal.store, settlements, clock, nodeId: 'mortal' });
    const died = await purge.then(
      () => false,
      () => true,
    );
    assert.equal(died, mortal.isDead);
    const survivor = new Settlements({ store, audit: auditLogOf({ clock }, store, 'survivor'), clock, random });
    await survivor.settleLeftOver(NOBODY);
    const isUndone = (await store.now.grants.find('gra_i')) !== undefined;
    const written = (await auditedIn(store)).map(({ action }) => action);
    assert.deepEqual(written, isUndone ? [] : ['grant.deleted'], `after ${steps} steps`);
    seen[isUndone ? 'undone' : 'finished'] += 1;
    if (!died) break;
  }
  assert.ok(seen.undone > 0 && seen.finished > 2, JSON.stringify(seen));
});

test('two nodes that settle the same at once append it once', async () => {
  await using fixture = new GatewayFixture();
  await fixture.start();
  const { store, clock } = fixture;
  const settlementsOf = (node: string) =>
    new Settlements({ store, audit: auditLogOf(fixture, store, node), clock, random });
  const [one, other] = [settlementsOf('one'), settlementsOf('other')];
  const event = { action: 'user.deleted', actor: { kind: 'system', name: 'one' }, outcome: 'success' } as const;
  const owed = await store.transaction((tx) => one.owe(tx, { event }));
  await Promise.all([one, other, one].map((settlements) => settlements.settle(owed, NOBODY)));
  assert.deepEqual(
    (await auditedIn(store)).map(({ action }) => action),
    ['user.deleted'],
  );
});
