import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Grant } from '@enchilada/core/access';
import type { PolicyKind, PolicyStates, Store } from '@enchilada/core/store';
import { aProvider } from './store-provider-cases.ts';
import { anId, aTarget, aUser, type StoreUnderTest } from './store-fixture.ts';

/** The time by the database's clock. What is written from here on is later. */
export async function aMoment(store: Store): Promise<number> {
  const at = await store.clock();
  while ((await store.clock()) <= at);
  return at;
}

/** What access rested on at any time. */
export function storePolicyHistoryCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: the history of access`, () => {
    let database: StoreUnderTest;
    let store: Store;
    before(async () => {
      database = await create();
      store = database.open();
      await store.migrate();
    });
    after(() => database[Symbol.asyncDispose]());

    async function was<K extends PolicyKind>(kind: K, id: string, at: number): Promise<PolicyStates[K] | undefined> {
      const version = await store.now.policyHistory.versionAt(at);
      assert.ok(version !== undefined);
      const one = (await store.now.policyHistory.states(kind, version, [id])).get(id);
      assert.deepEqual((await store.now.policyHistory.states(kind, version)).get(id), one, 'alone and among all');
      return one;
    }
    const aGroup = async (): Promise<string> => {
      const id = anId('grp');
      await store.now.groups.insert({ id, name: id, description: '', createdAt: 1 });
      return id;
    };
    const aGrant = async (fields: Pick<Grant, 'subject' | 'scope'> & Partial<Grant>): Promise<Grant> => {
      const grant: Grant = { id: anId('gra'), actions: ['connect'], createdAt: 1, createdBy: 'usr_root', ...fields };
      await store.now.grants.insert(grant);
      return grant;
    };

    it('says since when it is known, and nothing of the time before', async () => {
      const { knownSince, versionAt } = store.now.policyHistory;
      const since = await knownSince();
      assert.ok(since <= (await store.clock()));
      assert.equal(await versionAt(since - 1), undefined);
      assert.equal(typeof (await versionAt(since)), 'number');
      await database.open().migrate();
      assert.equal(await knownSince(), since, 'it begins once');
    });

    it('keeps people and their groups as they were', async () => {
      const [user, group] = [aUser({ displayName: 'Büro 😀' }), await aGroup()];
      const unborn = await aMoment(store);
      await store.now.users.insert(user);
      const alone = await aMoment(store);
      await store.now.groups.addMember(group, user.id);
      const inside = await aMoment(store);
      const disabled = await store.now.users.update({ ...user, role: 'administrator', disabledAt: 7 });
      await store.now.groups.removeMember(group, user.id);
      const outside = await aMoment(store);
      await store.now.users.noteLogin(user.id, 9);
      await store.now.users.update({ ...disabled, passwordHash: 'other' });
      await store.now.users.delete(user.id);
      const gone = await aMoment(store);

      assert.equal(await was('user', user.id, unborn), undefined);
      const { id, username, displayName } = user;
      assert.deepEqual(await was('user', user.id, alone), { id, username, displayName, role: 'user' });
      assert.equal(await was('membership', user.id, alone), undefined);
      assert.deepEqual((await was('membership', user.id, inside))?.groups, [group]);
      const then = await was('user', user.id, outside);
      assert.deepEqual([then?.role, then?.disabledAt], ['administrator', 7]);
      assert.equal(await was('membership', user.id, outside), undefined);
      assert.equal(await was('user', user.id, gone), undefined);
    });

    it('keeps what a provider gave and took', async () => {
      const [user, first, second] = [aUser(), await aGroup(), await aGroup()];
      await store.now.users.insert(user);
      const provider = aProvider();
      await store.now.providers.insert(provider);
      await store.now.providers.setMemberships(user.id, provider.id, [first, second]);
      const both = await aMoment(store);
      await store.now.providers.setMemberships(user.id, provider.id, [second]);
      const one = await aMoment(store);
      await store.now.providers.delete(provider.id);
      const none = await aMoment(store);
      assert.deepEqual((await was('membership', user.id, both))?.groups, [first, second].sort());
      assert.deepEqual((await was('membership', user.id, one))?.groups, [second]);
      assert.equal(await was('membership', user.id, none), undefined);
    });

    it('keeps machines as the policy saw them, and the groups they were in', async () => {
      const [outer, inner] = [anId('tgg'), anId('tgg')];
      await store.now.catalog.insertGroup({ id: outer, name: outer, parentId: undefined });
      await store.now.catalog.insertGroup({ id: inner, name: inner, parentId: outer });
      const [one, two] = [aTarget({ groupId: inner, labels: { env: 'prod', a: '1' } }), aTarget()];
      await store.now.catalog.insertTargets([one, two]);
      const first = await aMoment(store);
      const moved = await store.now.catalog.updateTarget({ ...one, labels: { env: 'test' }, description: 'x' });
      const second = await aMoment(store);
      await store.now.catalog.updateTargets([
        { ...moved, goneAt: 5 },
        { ...two, description: 'y' },
      ]);
      const third = await aMoment(store);
      await store.now.catalog.deleteGroup(inner);
      const fourth = await aMoment(store);
      await store.now.catalog.deleteTarget(one.id);
      const fifth = await aMoment(store);

      const { id, name: machine, protocol } = one;
      const state = { id, name: machine, protocol, groupId: inner, labels: { env: 'prod', a: '1' } };
      assert.deepEqual(await was('target', one.id, first), state);
      assert.deepEqual(await was('target-group', inner, first), { id: inner, name: inner, parentId: outer });
      assert.deepEqual(await was('target', one.id, second), { ...state, labels: { env: 'test' } });
      assert.equal((await was('target', one.id, third))?.goneAt, 5);
      assert.deepEqual(await was('target', two.id, third), await was('target', two.id, first));
      assert.equal((await was('target', one.id, fourth))?.groupId, outer);
      assert.equal(await was('target-group', inner, fourth), undefined);
      assert.equal(await was('target', one.id, fifth), undefined);
    });

    it('keeps grants whole until they end, whatever takes them away', async () => {
      const [person, group, target, folder] = [aUser(), await aGroup(), aTarget(), anId('tgg')];
      await store.now.users.insert(person);
      await store.now.catalog.insertTarget(target);
      await store.now.catalog.insertGroup({ id: folder, name: folder, parentId: undefined });
      const conditions = { times: { zone: 'Europe/Berlin', windows: [{ days: [1], from: '08:00', to: '18:00' }] } };
      const [ofPerson, ofGroup, ofTarget, ofFolder, withdrawn] = [
        await aGrant({ subject: { kind: 'user', id: person.id }, scope: { kind: 'all' }, effect: 'deny' }),
        await aGrant({
          subject: { kind: 'group', id: group },
          scope: { kind: 'labels', selector: { env: ['büro', 'x'] } },
          conditions,
        }),
        await aGrant({ subject: { kind: 'group', id: group }, scope: { kind: 'target', id: target.id } }),
        await aGrant({ subject: { kind: 'group', id: group }, scope: { kind: 'target-group', id: folder } }),
        await aGrant({ subject: { kind: 'group', id: group }, scope: { kind: 'all' } }),
      ];
      const grants = [ofPerson, ofGroup, ofTarget, ofFolder, withdrawn];
      const all = await aMoment(store);
      const ends: [Grant, () => Promise<unknown>][] = [
        [withdrawn, () => store.now.grants.delete(withdrawn.id)],
        [ofPerson, () => store.now.users.delete(person.id)],
        [ofTarget, () => store.now.catalog.deleteTarget(target.id)],
        [ofFolder, () => store.now.catalog.deleteGroup(folder)],
        [ofGroup, () => store.now.groups.delete(group)],
      ];
      for (const [grant, end] of ends) {
        const still = await aMoment(store);
        await end();
        assert.deepEqual(await was('grant', grant.id, still), grant);
        assert.equal(await was('grant', grant.id, await aMoment(store)), undefined, grant.id);
      }
      for (const grant of grants) assert.deepEqual(await was('grant', grant.id, all), grant);
    });

    it('keeps nothing of what was not done', async () => {
      const user = aUser();
      await store.now.users.insert(user);
      await assert.rejects(
        store.transaction(async (tx) => {
          await tx.users.update({ ...user, disabledAt: 7 });
          throw new Error('not after all');
        }),
      );
      await assert.rejects(store.now.users.update({ ...user, role: 'auditor', version: 9 }));
      const then = await was('user', user.id, await aMoment(store));
      assert.deepEqual([then?.role, then?.disabledAt], ['user', undefined]);
    });

    it('keeps every change of several clients at once in one order', async () => {
      const [group, other] = [await aGroup(), database.open()];
      const people = Array.from({ length: 8 }, () => aUser());
      await Promise.all(
        people.map(async (user, index) => {
          const { users, groups } = index % 2 === 0 ? store.now : other.now;
          await users.insert(user);
          await groups.addMember(group, user.id);
        }),
      );
      const at = await aMoment(store);
      for (const { id } of people) assert.deepEqual((await was('membership', id, at))?.groups, [group]);
    });
  });
}
