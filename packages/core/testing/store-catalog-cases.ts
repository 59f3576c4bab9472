import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Grant } from '@enchilada/core/access';
import { isFault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { aCredential, aHostKey, anId, aTarget, aUser, type StoreUnderTest } from './store-fixture.ts';

const conflict = (error: unknown): boolean => isFault(error, 'CONFLICT');

export function storeCatalogCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: catalog`, () => {
    let database: StoreUnderTest;
    let store: Store;
    before(async () => {
      database = await create();
      store = database.open();
      await store.migrate();
    });
    after(() => database[Symbol.asyncDispose]());

    /** Asserts that the catalog's version has risen. */
    async function raises(work: () => Promise<unknown>): Promise<void> {
      const version = await store.now.catalog.version();
      await work();
      assert.ok((await store.now.catalog.version()) > version);
    }

    it('keeps every field of a target, and raises the version with each change', async () => {
      const group = { id: anId('tgg'), parentId: undefined, name: 'Paris' };
      const credential = aCredential();
      const jump = aTarget();
      await raises(() => store.now.catalog.insertGroup(group));
      await store.now.credentials.insert(credential);
      await raises(() => store.now.catalog.insertTarget(jump));
      const target = aTarget({
        name: 'Büro 😀',
        groupId: group.id,
        credentialId: credential.id,
        jumpTargetId: jump.id,
        filesTargetId: jump.id,
        builtIn: 'try',
        description: 'é'.repeat(70_000),
      });
      await raises(() => store.now.catalog.insertTarget(target));
      assert.deepEqual(await store.now.catalog.findTarget(target.id), target);
      assert.deepEqual(await store.now.catalog.findTargetsByName(['BÜRO 😀 ', 'büro 😀', 'no such', '']), [target]);
      assert.deepEqual(await store.now.catalog.findTargetsByName(['buro 😀']), []);
      await assert.rejects(store.now.catalog.insertTarget(aTarget({ name: 'BÜRO 😀' })), conflict);
      await assert.rejects(store.now.catalog.insertTarget(aTarget({ credentialId: 'crd_absent' })), conflict);
      await raises(async () =>
        assert.equal((await store.now.catalog.updateTarget({ ...target, port: 2222 })).version, 2),
      );
      await assert.rejects(store.now.catalog.updateTarget(target), conflict);
      await assert.rejects(store.now.catalog.updateTarget(aTarget()), (error) => isFault(error, 'NOT_FOUND'));
      await assert.rejects(store.now.catalog.deleteTarget(jump.id), conflict);
      await assert.rejects(store.now.credentials.delete(credential.id), conflict);
      await raises(() => store.now.catalog.deleteTarget(target.id));
      await store.now.catalog.deleteTarget(jump.id);
      await store.now.credentials.delete(credential.id);
      assert.equal(await store.now.catalog.findTarget(target.id), undefined);
    });

    it('leaves the version alone when a change fails', async () => {
      const target = aTarget();
      await store.now.catalog.insertTarget(target);
      const version = await store.now.catalog.version();
      await assert.rejects(store.now.catalog.insertTarget(target), conflict);
      assert.equal(await store.now.catalog.version(), version);
    });

    it('moves what is inside a deleted group to its parent', async () => {
      const [outer, middle, inner] = ['outer', 'middle', 'inner'].map((label) => ({ id: anId('tgg'), name: label }));
      assert.ok(outer && middle && inner);
      await store.now.catalog.insertGroup({ ...outer, parentId: undefined });
      await store.now.catalog.insertGroup({ ...middle, parentId: outer.id });
      await store.now.catalog.insertGroup({ ...inner, parentId: middle.id });
      await assert.rejects(
        store.now.catalog.insertGroup({ id: anId('tgg'), name: 'OUTER', parentId: undefined }),
        conflict,
      );
      await store.now.catalog.insertGroup({ id: anId('tgg'), name: 'outer', parentId: inner.id });
      await assert.rejects(store.now.catalog.updateGroup({ ...outer, parentId: inner.id }), (error) =>
        isFault(error, 'INVALID_REQUEST'),
      );
      const target = aTarget({ groupId: middle.id });
      await store.now.catalog.insertTarget(target);
      await raises(() => store.now.catalog.deleteGroup(middle.id));
      assert.equal((await store.now.catalog.findTarget(target.id))?.groupId, outer.id);
      assert.equal((await store.now.catalog.findGroup(inner.id))?.parentId, outer.id);
      assert.equal(await store.now.catalog.findGroup(middle.id), undefined);
      await raises(() => store.now.catalog.updateGroup({ ...inner, name: 'renamed', parentId: undefined }));
      assert.ok(
        (await store.now.catalog.listGroups()).some(
          (group) => group.name === 'renamed' && group.parentId === undefined,
        ),
      );
    });

    it('changes many targets at once, all or none, and says so once', async () => {
      const ids = ['tgt_batch_1', 'tgt_batch_2', 'tgt_batch_3'];
      await store.now.catalog.insertTargets(ids.map((id) => aTarget({ id, name: id })));
      const read = async () => (await store.now.catalog.findTargets(ids)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const before = await read();
      const versions = await store.now.catalog.versions();
      await store.now.catalog.updateTargets(before.map((target) => ({ ...target, port: 2222 })));
      const after = await read();
      assert.deepEqual(
        after.map(({ port, version }) => [port, version]),
        ids.map(() => [2222, 2]),
      );
      assert.deepEqual(await store.now.catalog.versions(), { all: versions.all + 1, targets: versions.targets + 1 });
      const [first] = after;
      assert.ok(first !== undefined);
      const moved = [{ ...first, port: 3333 }, ...before.slice(1)];
      await assert.rejects(store.now.catalog.updateTargets(moved), conflict);
      await assert.rejects(store.now.catalog.updateTargets([{ ...first, port: 3333 }, aTarget()]), (error) =>
        isFault(error, 'NOT_FOUND'),
      );
      assert.deepEqual(await read(), after);
    });

    it('lists each of thousands of targets once', async () => {
      const ids = Array.from({ length: 4_500 }, (_, index) => `tgt_many_${String(index).padStart(6, '0')}`);
      await raises(() => store.now.catalog.insertTargets(ids.map((id) => aTarget({ id, name: id }))));
      await assert.rejects(
        store.now.catalog.insertTargets([aTarget({ id: 'tgt_many_new' }), aTarget({ name: 'TGT_MANY_000000' })]),
        conflict,
      );
      const listed = (await store.now.catalog.listTargets())
        .map(({ id }) => id)
        .filter((id) => id.startsWith('tgt_many_'));
      assert.deepEqual(listed.sort(), ids);
    });

    it('keeps credentials sealed as they came, and counts their targets', async () => {
      const credential = aCredential({ kind: 'private-key', publicFingerprint: 'SHA256:x' });
      await store.now.credentials.insert(credential);
      assert.deepEqual(await store.now.credentials.find(credential.id), credential);
      await store.now.catalog.insertTarget(aTarget({ credentialId: credential.id }));
      assert.deepEqual(
        (await store.now.credentials.list()).find(({ id }) => id === credential.id),
        { ...credential, targets: 1 },
      );
      const renamed = await store.now.credentials.update({ ...credential, name: 'Renamed' });
      assert.deepEqual(await store.now.credentials.find(credential.id), { ...credential, name: 'Renamed', version: 2 });
      await assert.rejects(store.now.credentials.update(credential), conflict);
      assert.equal((await store.now.credentials.update({ ...renamed, sealed: undefined })).version, 3);
      assert.equal((await store.now.credentials.find(credential.id))?.sealed, undefined);
    });

    it('keeps the terms of certificates, and one signing key of each state', async () => {
      const terms = { principals: ['{username}'], minutes: 3, sourceNetworks: ['10.0.0.0/8'] };
      const credential = aCredential({ kind: 'certificate', sealed: undefined, terms });
      await store.now.credentials.insert(credential);
      assert.deepEqual(await store.now.credentials.find(credential.id), credential);
      const sealed = aCredential().sealed!;
      const { keyId, wrappedKey, nonce, ciphertext } = sealed;
      const key = (state: 'current' | 'next') => {
        const id = anId('cak');
        const publicKey = `type ${id}`;
        return {
          id,
          state,
          publicKey,
          fingerprint: id,
          sealed: { keyId, wrappedKey, nonce, ciphertext },
          createdAt: 1,
        };
      };
      const states = async () =>
        new Map((await store.now.authority.list()).map(({ id, state }) => [id, state] as const));
      const [first, second, third] = [key('current'), key('next'), key('next')];
      assert.equal(await store.now.authority.current(), undefined);
      await store.now.authority.insert(first);
      assert.deepEqual(await store.now.authority.current(), first);
      await assert.rejects(store.now.authority.insert(key('current')), conflict);
      await assert.rejects(store.now.authority.activate(first.id), conflict);
      await assert.rejects(store.now.authority.delete(first.id), conflict);
      await store.now.authority.insert(second);
      await assert.rejects(store.now.authority.insert(third), conflict);
      await store.now.authority.activate(second.id);
      assert.deepEqual(
        await states(),
        new Map([
          [first.id, 'previous'],
          [second.id, 'current'],
        ]),
      );
      await store.now.authority.insert(third);
      await store.now.authority.activate(third.id);
      assert.deepEqual(
        await states(),
        new Map([
          [second.id, 'previous'],
          [third.id, 'current'],
        ]),
      );
      await store.now.authority.delete(second.id);
      assert.deepEqual(await states(), new Map([[third.id, 'current']]));
    });

    it('finds what is wrapped by which key, and exchanges the wrapping of what has not moved on', async () => {
      const keyId = anId('kek');
      const sealed = { ...aCredential().sealed!, keyId, version: 3 };
      const [first, second] = [aCredential({ sealed, version: 5 }), aCredential({ sealed, version: 3 })].sort((a, b) =>
        a.id < b.id ? -1 : 1,
      );
      assert.ok(first !== undefined && second !== undefined);
      for (const credential of [first, second]) await store.now.credentials.insert(credential);
      const { wrappedKeys } = store.now;
      const countOf = async (id: string) =>
        (await wrappedKeys.count()).filter((row) => row.keyId === id).map(({ kind, count }) => ({ kind, count }));
      assert.deepEqual(await countOf(keyId), [{ kind: 'credential', count: 2 }]);
      const page = { keyIds: ['none', keyId], after: '', limit: 1 };
      const [row] = await wrappedKeys.list('credential', page);
      assert.deepEqual(row, {
        ...{ kind: 'credential', id: first.id, version: 3 },
        wrapped: { keyId, bytes: sealed.wrappedKey },
      });
      assert.deepEqual(
        (await wrappedKeys.list('credential', { ...page, after: first.id })).map(({ id }) => id),
        [second.id],
      );
      assert.deepEqual(await wrappedKeys.list('credential', { ...page, keyIds: [] }), []);
      assert.deepEqual(await wrappedKeys.list('second-factor', page), []);
      const fresh = { keyId: `${keyId}-2`, bytes: new Uint8Array([9, 8, 7]) };
      assert.equal(await wrappedKeys.replace(row, fresh), true);
      assert.equal(await wrappedKeys.replace(row, fresh), false, 'it is no longer what was read');
      const after = await store.now.credentials.find(first.id);
      assert.deepEqual(after, { ...first, sealed: { ...sealed, keyId: fresh.keyId, wrappedKey: fresh.bytes } });
      assert.deepEqual(await countOf(fresh.keyId), [{ kind: 'credential', count: 1 }]);
    });

    it('keeps secret stores and what refers to them, which they outlive by no one', async () => {
      const parameters = { address: 'https://store.test', lines: ['a', 'b'] };
      const secret = { keyId: 'kek-1', bytes: new Uint8Array([1, 2, 3]) };
      const id = anId('sst');
      const one = { ...{ id, kind: 'k', name: id, parameters, secret, version: 1 }, createdAt: 1, updatedAt: 1 };
      await store.now.secretStores.insert(one);
      assert.deepEqual(await store.now.secretStores.find(id), one);
      await assert.rejects(
        store.now.secretStores.insert({ ...one, id: anId('sst'), name: id.toUpperCase() }),
        conflict,
      );
      const updated = await store.now.secretStores.update({ ...one, secret: undefined });
      assert.deepEqual(await store.now.secretStores.find(id), { ...one, secret: undefined, version: 2 });
      await assert.rejects(store.now.secretStores.update(one), conflict);
      const reference = { storeId: id, path: 'a/b', field: 'password' };
      const credential = aCredential({ sealed: undefined, reference });
      await store.now.credentials.insert(credential);
      assert.deepEqual(await store.now.credentials.find(credential.id), credential);
      const [listed] = (await store.now.secretStores.list()).filter((each) => each.id === id);
      assert.deepEqual(listed, { ...updated, credentials: 1 });
      await assert.rejects(store.now.secretStores.delete(id), conflict);
      await store.now.credentials.delete(credential.id);
      await store.now.secretStores.delete(id);
      assert.equal(await store.now.secretStores.find(id), undefined);
    });

    it('finds the grants of a person and of the groups', async () => {
      const [user, other] = [aUser(), aUser()];
      const group = { id: anId('grp'), name: anId('grp'), description: '', createdAt: 1 };
      const folder = { id: anId('tgg'), parentId: undefined, name: anId('folder') };
      const target = aTarget();
      for (const person of [user, other]) await store.now.users.insert(person);
      await store.now.groups.insert(group);
      await store.now.catalog.insertGroup(folder);
      await store.now.catalog.insertTarget(target);
      const conditions = {
        times: { zone: 'Europe/Berlin', windows: [{ days: [1, 5], from: '08:00', to: '24:00' }] },
        networks: ['10.0.0.0/8', '2001:db8::/32'],
        notAfter: 1_900_000_000_000,
        secondFactor: { level: 'passkey' as const, minutes: 15 },
      };
      const grant = (fields: Pick<Grant, 'subject' | 'scope' | 'effect' | 'conditions'>, createdAt: number): Grant => ({
        id: anId('gra'),
        actions: ['connect', 'watch'],
        createdBy: user.id,
        createdAt,
        ...fields,
      });
      const grants = [
        grant({ subject: { kind: 'user', id: user.id }, scope: { kind: 'all' } }, 1),
        grant(
          { subject: { kind: 'group', id: group.id }, scope: { kind: 'target', id: target.id }, effect: 'deny' },
          2,
        ),
        grant(
          { subject: { kind: 'user', id: user.id }, scope: { kind: 'target-group', id: folder.id }, conditions },
          3,
        ),
        grant(
          { subject: { kind: 'group', id: group.id }, scope: { kind: 'labels', selector: { env: ['dev', 'tést'] } } },
          4,
        ),
      ];
      for (const each of grants) await raises(() => store.now.grants.insert(each));
      const [first, second, third, fourth] = grants;
      assert.ok(first && second && third && fourth);
      await store.now.grants.insert(grant({ subject: { kind: 'user', id: other.id }, scope: { kind: 'all' } }, 5));
      assert.deepEqual(await store.now.grants.listFor(user.id, [group.id, 'grp_absent']), grants);
      assert.deepEqual(await store.now.grants.listFor(user.id, []), [first, third]);
      assert.deepEqual(await store.now.grants.find(fourth.id), fourth);
      assert.equal((await store.now.grants.list()).length, 5);
      await raises(() => store.now.grants.delete(first.id));
      await store.now.catalog.deleteTarget(target.id);
      await store.now.catalog.deleteGroup(folder.id);
      assert.deepEqual(await store.now.grants.listFor(user.id, [group.id]), [fourth]);
      await store.now.groups.delete(group.id);
      assert.deepEqual(await store.now.grants.listFor(user.id, [group.id]), []);
    });

    it('pins one first host key of many that race', async () => {
      const target = aTarget();
      await store.now.catalog.insertTarget(target);
      const second = database.open();
      const keys = Array.from({ length: 16 }, () => aHostKey(target.id));
      const pinned = await Promise.all(
        keys.map((key, index) => (index % 2 === 0 ? store : second).now.hostKeys.pinFirst(key)),
      );
      assert.equal(pinned.filter(Boolean).length, 1);
      const winner = keys[pinned.indexOf(true)];
      assert.ok(winner);
      assert.deepEqual(await store.now.hostKeys.listOf(target.id), [winner]);
      assert.equal(await store.now.hostKeys.pinFirst(winner), false);
      await store.now.hostKeys.revoke(target.id, winner.fingerprint);
      assert.deepEqual(await store.now.hostKeys.listOf(target.id), [{ ...winner, state: 'revoked' }]);
      const added = aHostKey(target.id, { pinnedBy: 'usr_1', pinnedAt: 2_000 });
      await store.now.hostKeys.insert(added);
      await assert.rejects(store.now.hostKeys.insert(added), conflict);
      assert.equal(await store.now.hostKeys.pinFirst(aHostKey(target.id)), false);
      await store.now.hostKeys.delete(target.id, winner.fingerprint);
      assert.deepEqual(await store.now.hostKeys.listOf(target.id), [added]);
    });
  });
}
