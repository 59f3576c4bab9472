import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { PersonalKey } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import type { User } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { anId, aUser, openedTwice, type StoreUnderTest } from './store-fixture.ts';

const MOST = 5;

function aKey(userId: string, createdAt: number): PersonalKey {
  const id = anId('pky');
  return {
    ...{ id, userId, name: 'Läptop 🔑', publicKey: `ssh-ed25519 ${id}`, fingerprint: `SHA256:${id}` },
    sealed: {
      keyId: 'kek-own',
      wrappedKey: new Uint8Array(randomBytes(60)),
      nonce: new Uint8Array(randomBytes(12)),
      ciphertext: new Uint8Array(randomBytes(140)),
    },
    ...{ createdAt, lastUsedAt: undefined },
  };
}

/** People's own SSH keys. */
export function storeKeyCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: people's own keys`, () => {
    let database: StoreUnderTest;
    let store: Store;
    let second: Store;
    let user: User;
    let other: User;
    before(async () => {
      ({ database, store, second } = await openedTwice(create));
      [user, other] = [aUser(), aUser()];
      for (const one of [user, other]) await store.now.users.insert(one);
    });
    after(() => database[Symbol.asyncDispose]());

    it('keeps every field, the newest first, and gives a key to nobody but its person', async () => {
      const [older, newer, theirs] = [aKey(user.id, 1), aKey(user.id, 2), aKey(other.id, 3)];
      for (const key of [older, newer, theirs]) await store.now.personalKeys.insertWithin(key, MOST);
      await store.now.personalKeys.noteUse(older.id, 9);
      assert.deepEqual(await second.now.personalKeys.listOf(user.id), [newer, { ...older, lastUsedAt: 9 }]);
      assert.equal(await store.now.personalKeys.delete(user.id, theirs.id), false);
      assert.equal(await store.now.personalKeys.delete(other.id, theirs.id), true);
      assert.equal(await store.now.personalKeys.delete(other.id, theirs.id), false);
    });

    it('lets nobody have more than they may, however many are made at once', async () => {
      const person = aUser();
      await store.now.users.insert(person);
      const made = await Promise.allSettled(
        Array.from({ length: 12 }, (_unused, at) =>
          (at % 2 === 0 ? store : second).now.personalKeys.insertWithin(aKey(person.id, at), MOST),
        ),
      );
      assert.equal(made.filter(({ status }) => status === 'fulfilled').length, MOST);
      for (const outcome of made)
        assert.ok(outcome.status === 'fulfilled' || isFault(outcome.reason, 'CONFLICT'), JSON.stringify(outcome));
      assert.equal((await store.now.personalKeys.listOf(person.id)).length, MOST);
      await store.now.users.delete(person.id);
      assert.deepEqual(await store.now.personalKeys.listOf(person.id), [], 'they go with their person');
    });

    it('is among what is wrapped anew', async () => {
      const key = aKey(other.id, 5);
      await store.now.personalKeys.insertWithin(key, MOST);
      const page = { keyIds: ['kek-own'], after: '', limit: 100 };
      const row = (await store.now.wrappedKeys.list('personal-key', page)).find(({ id }) => id === key.id);
      assert.deepEqual(row?.wrapped.bytes, key.sealed.wrappedKey);
      const wrapped = { keyId: 'kek-new', bytes: new Uint8Array(randomBytes(60)) };
      assert.equal(await store.now.wrappedKeys.replace(row, wrapped), true);
      const [found] = await second.now.personalKeys.listOf(other.id);
      assert.deepEqual([found?.sealed.keyId, found?.sealed.wrappedKey], ['kek-new', wrapped.bytes]);
    });
  });
}
