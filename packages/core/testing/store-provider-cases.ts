import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import type { ProviderRecord, User } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { aDigest, aLogin, anId, aUser, openedTwice, type StoreUnderTest, twentyAtOnce } from './store-fixture.ts';

const count = (answers: readonly boolean[]): number => answers.filter(Boolean).length;

export function aProvider(fields: Partial<ProviderRecord> = {}): ProviderRecord {
  const id = anId('idp');
  return {
    id,
    kind: 'example',
    name: `Provider ${id} 😀`,
    parameters: { issuer: 'https://login.example.org', scopes: ['openid'], signOutThere: true },
    secret: { keyId: 'kek-1', bytes: new Uint8Array(randomBytes(60)) },
    rules: [
      { from: 'CN=Ops,DC=example', groupId: 'grp_x', role: undefined },
      { from: 'ädmins', groupId: undefined, role: 'administrator' },
    ],
    admits: 'matched',
    trustsFactor: true,
    enabled: false,
    version: 1,
    createdAt: 10,
    updatedAt: 11,
    ...fields,
  };
}

/** Identity providers, who people are there, and attempts to sign in at them. */
export function storeProviderCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: identity providers`, () => {
    let database: StoreUnderTest;
    let store: Store;
    let second: Store;
    let user: User;
    let provider: ProviderRecord;
    before(async () => {
      ({ database, store, second } = await openedTwice(create));
      user = aUser();
      await store.now.users.insert(user);
      provider = aProvider();
      await store.now.providers.insert(provider);
    });
    after(() => database[Symbol.asyncDispose]());
    const race = (work: (at: Store) => Promise<boolean>): Promise<readonly boolean[]> =>
      twentyAtOnce([store, second], work);

    it('keeps every field of a provider, and updates by version', async () => {
      const other = aProvider({ secret: undefined, rules: [] });
      await store.now.providers.insert(other);
      assert.deepEqual(await second.now.providers.find(other.id), other);
      assert.deepEqual(await second.now.providers.find(provider.id), provider);
      assert.ok((await store.now.providers.list()).length >= 2);
      const updated = await store.now.providers.update({ ...other, enabled: true });
      assert.equal(updated.version, 2);
      await assert.rejects(store.now.providers.update(other), (failure) => isFault(failure, 'CONFLICT'));
      await assert.rejects(store.now.providers.insert(aProvider({ name: other.name.toUpperCase() })), (failure) =>
        isFault(failure, 'CONFLICT'),
      );
    });

    it('tells subjects apart to the letter, however long, and gives each to one person', async () => {
      const subjects = ['alice', 'Alice', 'alicé', 'alice ', 'x'.repeat(255), `${'x'.repeat(254)}y`];
      for (const subject of subjects) {
        const one = aUser();
        await store.now.users.insert(one);
        const identity = {
          providerId: provider.id,
          subject,
          userId: one.id,
          groups: ['a', 'ü'],
          seenAt: 5,
          isSuspended: false,
          email: 'ü@corp.test',
          attributes: { uidnumber: '1042' },
        };
        await store.now.providers.insertIdentity(identity);
        assert.deepEqual(await second.now.providers.findIdentity(provider.id, subject), identity);
        await assert.rejects(store.now.providers.insertIdentity({ ...identity, userId: user.id }), (failure) =>
          isFault(failure, 'CONFLICT'),
        );
        await store.now.providers.updateIdentity(identity, { groups: [], seenAt: 6, isSuspended: true });
        assert.deepEqual(await store.now.providers.identitiesOf(one.id), [
          { ...identity, groups: [], seenAt: 6, isSuspended: true },
        ]);
        const { email: _email, ...silent } = identity;
        await store.now.providers.updateIdentity(identity, { said: { attributes: { a: 'b' } } });
        assert.deepEqual(await store.now.providers.findIdentity(provider.id, subject), {
          ...{ ...silent, groups: [], seenAt: 6, isSuspended: true },
          attributes: { a: 'b' },
        });
      }
      assert.equal(await store.now.providers.findIdentity(provider.id, 'ALICE'), undefined);
      assert.equal((await store.now.providers.listIdentities(provider.id)).length, subjects.length);
      assert.equal((await store.now.providers.countIdentities()).get(provider.id), subjects.length);
    });

    it('gives and takes back the memberships of a provider, and leaves those given by hand', async () => {
      const groups = [anId('grp'), anId('grp'), anId('grp')] as const;
      for (const id of groups) await store.now.groups.insert({ id, name: id, description: '', createdAt: 1 });
      const [given, byHand, both] = groups;
      await store.now.groups.addMember(byHand, user.id);
      const set = (ids: readonly string[]) => store.now.providers.setMemberships(user.id, provider.id, ids);
      const before = await store.now.catalog.version();
      assert.deepEqual(await set([given, both, byHand]), { added: [given, both], removed: [] });
      assert.ok((await store.now.catalog.version()) > before, 'what people see is judged again');
      assert.deepEqual(await set([byHand, both, given]), { added: [], removed: [] });
      const listed = await second.now.providers.listMemberships(provider.id);
      assert.deepEqual(
        listed,
        [given, both].sort().map((groupId) => ({ userId: user.id, groupId })),
      );
      await store.now.groups.addMember(both, user.id);
      assert.deepEqual(await set([]), { added: [], removed: [given] });
      assert.deepEqual([...(await second.now.groups.groupsOf(user.id))].sort(), [byHand, both].sort());
    });

    it('gives a pending sign-in to the browser that began, once and in time', async () => {
      const pending = {
        stateDigest: aDigest(),
        browserDigest: aDigest(),
        providerId: provider.id,
        next: '/s/new',
        expiresAt: 100,
      };
      await store.now.providers.begin(pending);
      const redeem = (at: Store, browser: string, now: number) =>
        at.now.providers.redeem(pending.stateDigest, browser, now);
      assert.equal(await redeem(store, aDigest(), 50), undefined);
      assert.equal(await redeem(store, pending.browserDigest, 100), undefined);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_unused, index) =>
          redeem(index % 2 === 0 ? store : second, pending.browserDigest, 99),
        ),
      );
      assert.deepEqual(
        answers.filter((answer) => answer !== undefined),
        [pending],
      );
      await store.now.providers.begin(pending);
      await store.now.providers.deleteExpired(100);
      assert.equal(await redeem(store, pending.browserDigest, 50), undefined);
    });

    it('keeps the answer to a pending sign-in: the first, in time, at its provider', async () => {
      const pending = {
        ...{ stateDigest: aDigest(), browserDigest: aDigest(), providerId: provider.id, next: '/', expiresAt: 100 },
      };
      await store.now.providers.begin(pending);
      const { stateDigest } = pending;
      const keep = (at: Store, answer: string, now = 50, providerId = provider.id) =>
        at.now.providers.keepAnswer({ stateDigest, providerId, answer }, now);
      assert.equal(await keep(store, 'late', 100), false);
      assert.equal(await keep(store, 'other', 50, 'idp_other'), false);
      const answer = 'ä'.repeat(100_000);
      assert.equal(count(await race((at) => keep(at, answer))), 1);
      assert.deepEqual(await second.now.providers.redeem(stateDigest, pending.browserDigest, 50), {
        ...pending,
        answer,
      });
      assert.equal(await keep(store, answer), false);
    });

    it('accepts the id of a message once, for each provider', async () => {
      const message = anId('jti');
      assert.equal(count(await race((at) => at.now.providers.spend(provider.id, message, 1_000))), 1);
      assert.equal(await store.now.providers.spend('idp_other', message, 1_000), true);
      await store.now.providers.deleteExpired(1_000);
      assert.equal(await store.now.providers.spend(provider.id, message, 1_000), true);
    });

    it('knows which logins rest on whom at a provider, and forgets them with the login', async () => {
      const logins = [aLogin(user.id), aLogin(user.id), aLogin(user.id)] as const;
      const [one, two, three] = logins;
      for (const login of logins) await store.now.logins.insert(login);
      const hint = { keyId: 'kek-1', bytes: new Uint8Array([1, 2, 3]) };
      const note = { providerId: provider.id, subject: 's-1', session: 'sid-1', hint, endsAt: 1_800_000_000_000 };
      await store.now.providers.noteLogin({ ...note, loginDigest: one.digest });
      await store.now.providers.noteLogin({ ...note, loginDigest: two.digest, session: undefined, hint: undefined });
      await store.now.providers.noteLogin({ ...note, loginDigest: three.digest, subject: 's-2' });
      assert.deepEqual(await second.now.providers.findLogin(one.digest), { ...note, loginDigest: one.digest });
      const of = (subject: string | undefined, session: string | undefined) =>
        store.now.providers.loginsOf(provider.id, { subject, session });
      assert.deepEqual(await of('s-1', undefined), [one.digest, two.digest].sort());
      assert.deepEqual(await of('s-1', 'sid-1'), [one.digest]);
      assert.deepEqual(await of(undefined, 'sid-1'), [one.digest, three.digest].sort());
      assert.deepEqual(await of('s-1', 'SID-1'), []);
      assert.equal((await store.now.providers.loginsOf(provider.id)).length, 3);
      await store.now.logins.delete(one.digest);
      assert.equal(await store.now.providers.findLogin(one.digest), undefined);
    });

    it('removes a provider with what it said of people, and leaves the people', async () => {
      const group = anId('grp');
      await store.now.groups.insert({ id: group, name: group, description: '', createdAt: 1 });
      const [one, other] = [aProvider(), aUser()];
      await store.now.providers.insert(one);
      await store.now.users.insert(other);
      await store.now.providers.insertIdentity({
        ...{ providerId: one.id, subject: 's', userId: other.id, groups: [], seenAt: 1, isSuspended: false },
      });
      await store.now.providers.setMemberships(other.id, one.id, [group]);
      await store.now.providers.delete(one.id);
      assert.equal(await store.now.providers.find(one.id), undefined);
      assert.deepEqual(await store.now.providers.identitiesOf(other.id), []);
      assert.deepEqual(await store.now.groups.groupsOf(other.id), []);
      assert.deepEqual(await store.now.users.find(other.id), other);
    });
  });
}
