import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import type { ProvisionedGroup, ProvisionedUser } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { aProvider } from './store-provider-cases.ts';
import { aDigest, anId, aUser, openedTwice, type StoreUnderTest } from './store-fixture.ts';

const ALL = { offset: 0, limit: 100 };

/** What identity providers write of their people and groups. */
export function storeProvisioningCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: provisioning`, () => {
    let database: StoreUnderTest;
    let store: Store;
    let second: Store;
    before(async () => {
      ({ database, store, second } = await openedTwice(create));
    });
    after(() => database[Symbol.asyncDispose]());

    const aPlace = async (): Promise<string> => {
      const provider = aProvider();
      await store.now.providers.insert(provider);
      return provider.id;
    };
    const aPerson = async (providerId: string, fields: Partial<ProvisionedUser> = {}): Promise<ProvisionedUser> => {
      const account = aUser();
      await store.now.users.insert(account);
      const user: ProvisionedUser = {
        ...{ providerId, userId: account.id, userName: `Änn-${account.id}@example.org`, externalId: `x-${account.id}` },
        ...{ resource: { name: { givenName: 'Änn 😀' }, emails: [{ value: 'a@b' }] }, isActive: true },
        ...{ deletedAt: undefined, version: 1, createdAt: 5, updatedAt: 6 },
        ...fields,
      };
      await store.now.provisioning.insertUser(user);
      return user;
    };
    const aGroup = async (providerId: string, fields: Partial<ProvisionedGroup> = {}): Promise<ProvisionedGroup> => {
      const group: ProvisionedGroup = {
        ...{ id: anId('pgr'), providerId, displayName: 'Öps', externalId: undefined, resource: {} },
        ...{ version: 1, createdAt: 5, updatedAt: 6 },
        ...fields,
      };
      await store.now.provisioning.insertGroup(group);
      return group;
    };

    it('keeps one token for a provider, and a new one takes its place', async () => {
      const providerId = await aPlace();
      const token = { providerId, digest: aDigest(), createdAt: 1, createdBy: 'usr_x', lastUsedAt: undefined };
      await store.now.provisioning.setToken(token);
      assert.deepEqual(await second.now.provisioning.findToken(providerId), token);
      const next = { ...token, digest: aDigest() };
      await second.now.provisioning.setToken(next);
      await store.now.provisioning.noteTokenUse(providerId, 9);
      assert.deepEqual(await store.now.provisioning.findToken(providerId), { ...next, lastUsedAt: 9 });
    });

    it('finds people by name whatever its case and by external id to the letter, and updates them by version', async () => {
      const providerId = await aPlace();
      const [ann, ben] = [await aPerson(providerId), await aPerson(providerId, { externalId: undefined })];
      const ids = async (query: Parameters<typeof store.now.provisioning.listUsers>[1]) =>
        (await second.now.provisioning.listUsers(providerId, query, ALL)).items.map(({ userId }) => userId);
      assert.deepEqual(await ids({ userName: ann.userName.toUpperCase() }), [ann.userId]);
      assert.deepEqual(await ids({ externalId: ann.externalId ?? '' }), [ann.userId]);
      assert.deepEqual(await ids({ externalId: ann.externalId?.toUpperCase() ?? '' }), []);
      assert.deepEqual(await ids({ userName: 'x'.repeat(500) }), []);
      assert.deepEqual([...(await ids({}))].sort(), [ann.userId, ben.userId].sort());
      const page = await store.now.provisioning.listUsers(providerId, {}, { offset: 1, limit: 1 });
      assert.deepEqual([page.total, page.items.length], [2, 1]);
      assert.equal((await store.now.provisioning.listUsers(providerId, {}, { offset: 0, limit: 0 })).items.length, 0);
      const changed = await store.now.provisioning.updateUser({ ...ann, isActive: false, resource: { title: 'ü' } });
      assert.deepEqual(await second.now.provisioning.findUser(providerId, ann.userId), changed);
      assert.equal(changed.version, 2);
      await assert.rejects(store.now.provisioning.updateUser(ann), (failure) => isFault(failure, 'CONFLICT'));
    });

    it('gives a name to one person of a provider, and to another one when they were deleted', async () => {
      const providerId = await aPlace();
      const ann = await aPerson(providerId);
      const again = aPerson(providerId, { userName: ann.userName.toLowerCase() });
      await assert.rejects(again, (failure) => isFault(failure, 'CONFLICT'));
      await aPerson(await aPlace(), { userName: ann.userName });
      const deleted = await store.now.provisioning.updateUser({ ...ann, deletedAt: 7, isActive: false });
      const next = await aPerson(providerId, { userName: ann.userName });
      const { items, total } = await store.now.provisioning.listUsers(providerId, {}, ALL);
      assert.deepEqual([total, items.map(({ userId }) => userId)], [1, [next.userId]]);
      assert.deepEqual(await store.now.provisioning.findUser(providerId, ann.userId), deleted);
    });

    it('keeps groups with their members, and says who came and who went', async () => {
      const providerId = await aPlace();
      const [ann, ben] = [await aPerson(providerId), await aPerson(providerId)];
      const group = await aGroup(providerId, { externalId: 'G-1' });
      await aGroup(providerId, { displayName: 'öps' });
      const set = async (ids: readonly string[]) =>
        [...(await store.now.provisioning.setMembers(group.id, ids))].sort();
      assert.deepEqual(await set([ann.userId, ben.userId, ann.userId]), [ann.userId, ben.userId].sort());
      assert.deepEqual(await set([ben.userId]), [ann.userId]);
      assert.deepEqual(await second.now.provisioning.members(group.id), [ben.userId]);
      const found = async (query: Parameters<typeof store.now.provisioning.listGroups>[1]) =>
        (await store.now.provisioning.listGroups(providerId, query, ALL)).items.map(({ id }) => id);
      assert.deepEqual(await found({ displayName: 'Öps' }), [group.id]);
      assert.deepEqual(await found({ externalId: 'G-1', member: ben.userId }), [group.id]);
      assert.deepEqual(await found({ id: group.id, member: ann.userId }), []);
      assert.deepEqual(await second.now.provisioning.groupsOf(providerId, ben.userId), [group]);
      const renamed = await store.now.provisioning.updateGroup({ ...group, displayName: 'Other', resource: { a: 1 } });
      assert.deepEqual(await second.now.provisioning.findGroup(providerId, group.id), renamed);
      await assert.rejects(store.now.provisioning.updateGroup(group), (failure) => isFault(failure, 'CONFLICT'));
      const named = (names: readonly string[], user?: string) =>
        store.now.provisioning.groupsNamed(providerId, names, user);
      assert.deepEqual(await named(['G-1', 'x'], ben.userId), [{ names: ['Other', 'G-1'], isMember: true }]);
      assert.deepEqual(await named(['Other']), [{ names: ['Other', 'G-1'], isMember: false }]);
      assert.deepEqual(await named([]), []);
      await store.now.provisioning.deleteGroup(group.id);
      assert.deepEqual(await store.now.provisioning.members(group.id), []);
    });

    it('keeps what follows until it is done, and gives what nobody saw to in time to one of all who ask', async () => {
      const event = { action: 'user.disabled', actor: { kind: 'system', name: 'ü' }, outcome: 'success' } as const;
      const settlement = { id: anId('stl'), providerId: 'idp_gone', event, people: ['usr_1'], displayName: 'Änn' };
      const [later, undone] = [
        { ...settlement, id: anId('stl') },
        { ...settlement, id: anId('stl') },
      ];
      await store.now.settlements.add(settlement, -60_000);
      await store.now.settlements.add(later, 60_000);
      await assert.rejects(
        store.transaction(async (tx) => {
          await tx.settlements.add(undone, -1);
          throw new Error('undone');
        }),
      );
      const both = await Promise.all([store, second].map(({ now }) => now.settlements.take(60_000, 10)));
      assert.deepEqual(both.flat(), [settlement]);
      assert.deepEqual(await second.now.settlements.take(60_000, 10), []);
      const told = await Promise.all(
        [store, second].map((one) => one.transaction((tx) => tx.settlements.tell(settlement.id))),
      );
      assert.deepEqual(told.toSorted(), [false, true]);
      await assert.rejects(
        store.transaction(async (tx) => {
          assert.equal(await tx.settlements.tell(later.id), true);
          throw new Error('undone');
        }),
      );
      assert.equal(await store.now.settlements.tell(undone.id), false);
      await store.now.settlements.keep(settlement.id, -60_000);
      await store.now.settlements.keep(later.id, -120_000);
      assert.deepEqual(await second.now.settlements.take(-1, 1), [later]);
      assert.deepEqual(await second.now.settlements.take(0, 10), [{ ...settlement, event: undefined }, later]);
      await store.now.settlements.remove([later.id, settlement.id]);
      assert.deepEqual(await second.now.settlements.take(0, 10), []);
      const ownerless = { id: anId('stl'), event, people: [] };
      await store.now.settlements.add(ownerless, -1);
      assert.deepEqual(await second.now.settlements.take(60_000, 10), [ownerless]);
      await store.now.settlements.remove([ownerless.id]);
    });

    it('is forgotten with the provider or by itself, and people’s accounts stay', async () => {
      for (const how of ['forget', 'delete'] as const) {
        const providerId = await aPlace();
        const ann = await aPerson(providerId);
        const group = await aGroup(providerId);
        await store.now.provisioning.setMembers(group.id, [ann.userId]);
        if (how === 'forget') await store.now.provisioning.forget(providerId);
        else await store.now.providers.delete(providerId);
        assert.equal(await store.now.provisioning.findUser(providerId, ann.userId), undefined);
        assert.deepEqual(await store.now.provisioning.members(group.id), []);
        assert.notEqual(await store.now.users.find(ann.userId), undefined);
      }
    });

    it('calls a person by another subject, which nobody else may have', async () => {
      const providerId = await aPlace();
      const [ann, ben] = [await aPerson(providerId), await aPerson(providerId)];
      for (const { userId } of [ann, ben])
        await store.now.providers.insertIdentity({
          ...{ providerId, subject: userId, userId, groups: [], seenAt: 1, isSuspended: false },
        });
      const from = { providerId, subject: ann.userId };
      await store.now.providers.moveIdentity(from, 'other');
      assert.equal((await second.now.providers.findIdentity(providerId, 'other'))?.userId, ann.userId);
      const taken = store.now.providers.moveIdentity({ providerId, subject: 'other' }, ben.userId);
      await assert.rejects(taken, (failure) => isFault(failure, 'CONFLICT'));
    });
  });
}
