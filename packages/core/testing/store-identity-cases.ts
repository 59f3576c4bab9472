import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import type { DeviceLogin } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { aDigest, aLogin, anId, aUser, type StoreUnderTest } from './store-fixture.ts';

const conflict = (error: unknown): boolean => isFault(error, 'CONFLICT');
const count = (answers: readonly boolean[]): number => answers.filter(Boolean).length;

export function storeIdentityCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: people`, () => {
    let database: StoreUnderTest;
    let store: Store;
    before(async () => {
      database = await create();
      store = database.open();
      await store.migrate();
    });
    after(() => database[Symbol.asyncDispose]());

    it('keeps every field of a user', async () => {
      const user = aUser({
        displayName: 'Ünï 😀 \u202e 名',
        disabledAt: 5,
        lastLoginAt: 6,
        breakGlass: true,
        role: 'auditor',
        passwordHash: undefined,
      });
      await store.now.users.insert(user);
      assert.deepEqual(await store.now.users.find(user.id), user);
      assert.ok((await store.now.users.list()).some(({ id }) => id === user.id));
      assert.equal(await store.now.users.find('usr_absent'), undefined);
      assert.equal(await store.now.users.find('usr_é😀'), undefined);
    });

    it('names people and groups, by name, without the rest', async () => {
      const [ada, bob] = [
        aUser({ username: 'names-b', displayName: 'Ada Ä.' }),
        aUser({ username: 'Names-a', displayName: '', disabledAt: 5 }),
      ];
      for (const user of [ada, bob]) await store.now.users.insert(user);
      const named = (await store.now.users.names()).filter(({ name }) => name.toLowerCase().startsWith('names-'));
      assert.deepEqual(named, [
        { id: bob.id, name: 'Names-a', detail: '', isDisabled: true },
        { id: ada.id, name: 'names-b', detail: 'Ada Ä.', isDisabled: false },
      ]);
      const group = { id: 'grp_names', name: 'names of all', description: 'whoever', createdAt: 1 };
      await store.now.groups.insert(group);
      assert.deepEqual(
        (await store.now.groups.names()).filter(({ id }) => id === group.id),
        [{ id: group.id, name: group.name, detail: 'whoever', isDisabled: false }],
      );
    });

    it('tells accounts of programs from those of people, and counts no program as an administrator', async () => {
      const before = await store.now.users.countEnabledAdministrators();
      const program = aUser({ role: 'administrator', passwordHash: undefined, isService: true });
      await store.now.users.insert(program);
      assert.deepEqual(await store.now.users.find(program.id), program);
      assert.equal(await store.now.users.countEnabledAdministrators(), before);
    });

    it('holds names equal by NFKC, case and surrounding space, and by nothing else', async () => {
      await store.now.users.insert(aUser({ username: 'alice' }));
      for (const username of ['ALICE', 'alice ', ' Alice', 'ａｌｉｃｅ']) {
        await assert.rejects(store.now.users.insert(aUser({ username })), conflict, username);
        assert.equal((await store.now.users.findByUsername(username))?.username, 'alice');
      }
      await store.now.users.insert(aUser({ username: 'Alicé' }));
      await store.now.users.insert(aUser({ username: 'alıce' }));
      assert.equal((await store.now.users.findByUsername('ALICÉ'))?.username, 'Alicé');
      for (const username of ['', '  ', 'alic', 'alice%', 'x'.repeat(5_000), 'a\0b'])
        assert.equal(await store.now.users.findByUsername(username), undefined);
    });

    it('refuses a NUL, an empty and an endless name', async () => {
      for (const fields of [
        { displayName: 'a\0b' },
        { username: 'a\0b' },
        { username: ' ' },
        { username: 'x'.repeat(191) },
      ]) {
        await assert.rejects(store.now.users.insert(aUser(fields)), (error) => isFault(error, 'INVALID_REQUEST'));
      }
    });

    it('keeps what looks like SQL as text', async () => {
      for (const displayName of ["'; drop table login; --", '\\', "\\' or 1=1 #", '"`$1?:x', '%_!']) {
        const user = aUser({ displayName, username: `${displayName}${anId('n')}` });
        await store.now.users.insert(user);
        assert.deepEqual(await store.now.users.findByUsername(user.username), user);
      }
    });

    it('updates by version, once', async () => {
      const user = aUser();
      await store.now.users.insert(user);
      const updated = await store.now.users.update({ ...user, displayName: 'Other' });
      assert.equal(updated.version, 2);
      assert.deepEqual(await store.now.users.find(user.id), updated);
      await assert.rejects(store.now.users.update({ ...user, displayName: 'Lost' }), conflict);
      await assert.rejects(store.now.users.update(aUser()), (error) => isFault(error, 'NOT_FOUND'));
      const other = aUser();
      await store.now.users.insert(other);
      await assert.rejects(store.now.users.update({ ...other, username: user.username.toUpperCase() }), conflict);
      await store.now.users.noteLogin(user.id, 77);
      assert.deepEqual(await store.now.users.find(user.id), { ...updated, lastLoginAt: 77 });
    });

    it('lets exactly one of many racing updates of one version through', async () => {
      const user = aUser();
      await store.now.users.insert(user);
      const second = database.open();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? store : second).now.users.update({ ...user, displayName: `writer ${index}` }),
        ),
      );
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(conflict(outcome.reason));
      assert.equal((await store.now.users.find(user.id))?.version, 2);
    });

    it('counts enabled administrators', async () => {
      const already = await store.now.users.countEnabledAdministrators();
      await store.now.users.insert(aUser({ role: 'administrator' }));
      await store.now.users.insert(aUser({ role: 'administrator', disabledAt: 1 }));
      assert.equal(await store.now.users.countEnabledAdministrators(), already + 1);
    });

    it('keeps groups and their members, and tells the catalog', async () => {
      const group = { id: anId('grp'), name: 'Operators', description: 'on call', createdAt: 9 };
      const [one, two] = [aUser(), aUser()];
      await store.now.users.insert(one);
      await store.now.users.insert(two);
      await store.now.groups.insert(group);
      await assert.rejects(store.now.groups.insert({ ...group, id: anId('grp'), name: 'OPERATORS ' }), conflict);
      const version = await store.now.catalog.version();
      await store.now.groups.addMember(group.id, one.id);
      await store.now.groups.addMember(group.id, one.id);
      await store.now.groups.addMember(group.id, two.id);
      assert.ok((await store.now.catalog.version()) > version);
      assert.deepEqual(await store.now.groups.members(group.id), [one.id, two.id].sort());
      assert.deepEqual(
        (await store.now.groups.list()).find(({ id }) => id === group.id),
        { ...group, members: 2 },
      );
      assert.deepEqual(await store.now.groups.groupsOf(one.id), [group.id]);
      const [other, alone] = [{ ...group, id: anId('grp'), name: 'Others' }, aUser()];
      await store.now.groups.insert(other);
      await store.now.users.insert(alone);
      await store.now.groups.addMember(other.id, two.id);
      const both = new Map([
        [one.id, [group.id]],
        [two.id, [group.id, other.id].sort()],
      ]);
      const asked = await store.now.groups.memberships([alone.id, two.id, one.id, 'usr_absent']);
      assert.deepEqual(new Map([...asked].sort()), new Map([...both].sort()));
      const everybody = await store.now.groups.memberships();
      assert.deepEqual([everybody.get(one.id), everybody.get(alone.id)], [[group.id], undefined]);
      assert.deepEqual(
        (await store.now.users.findMany([two.id, 'usr_absent', one.id])).map(({ id }) => id).sort(),
        [one.id, two.id].sort(),
      );
      assert.deepEqual(await store.now.users.findMany([]), []);
      await store.now.groups.removeMember(group.id, two.id);
      await store.now.groups.update({ ...group, name: 'Ops' });
      assert.equal((await store.now.groups.find(group.id))?.name, 'Ops');
      await assert.rejects(store.now.groups.update({ ...group, id: 'grp_absent', name: 'X' }), (error) =>
        isFault(error, 'NOT_FOUND'),
      );
      await assert.rejects(store.now.groups.addMember(group.id, 'usr_absent'), conflict);
      await store.now.users.delete(one.id);
      assert.deepEqual(await store.now.groups.members(group.id), []);
      await store.now.groups.delete(group.id);
      assert.equal(await store.now.groups.find(group.id), undefined);
    });

    it('finds a login with its user and groups, and forgets it', async () => {
      const user = aUser();
      await store.now.users.insert(user);
      const login = aLogin(user.id);
      await store.now.logins.insert(login);
      assert.deepEqual(await store.now.logins.findWithUser(login.digest), { login, user, groupIds: [] });
      const groups = [anId('grp'), anId('grp')].sort();
      for (const id of groups) {
        await store.now.groups.insert({ id, name: id, description: '', createdAt: 1 });
        await store.now.groups.addMember(id, user.id);
      }
      await store.now.logins.touch(login.digest, 2_000);
      await store.now.logins.touch(login.digest, 1_500);
      assert.deepEqual(await store.now.logins.findWithUser(login.digest), {
        login: { ...login, lastSeenAt: 2_000 },
        user,
        groupIds: groups,
      });
      const others = [
        aLogin(user.id, { sealedPassword: undefined, createdAt: 1_100 }),
        aLogin(user.id, { createdAt: 1_200 }),
      ];
      for (const other of others) await store.now.logins.insert(other);
      assert.deepEqual(
        (await store.now.logins.listOf(user.id)).map(({ digest }) => digest),
        [login, ...others].map(({ digest }) => digest),
      );
      assert.deepEqual(
        [...(await store.now.logins.deleteOf(user.id, login.digest))].sort(),
        others.map(({ digest }) => digest).sort(),
      );
      assert.equal(await store.now.logins.delete(login.digest), true);
      assert.equal(await store.now.logins.delete(login.digest), false);
      assert.equal(await store.now.logins.findWithUser(login.digest), undefined);
    });

    it('deletes logins that are over, and those of a deleted user', async () => {
      const user = aUser();
      await store.now.users.insert(user);
      const [over, open] = [aLogin(user.id, { expiresAt: 100 }), aLogin(user.id, { expiresAt: 1_000_000 })];
      for (const login of [over, open]) await store.now.logins.insert(login);
      assert.equal(await store.now.logins.deleteExpired(100), 1);
      assert.equal(await store.now.logins.findWithUser(over.digest), undefined);
      await store.now.users.delete(user.id);
      assert.equal(await store.now.logins.findWithUser(open.digest), undefined);
    });

    it('counts attempts exactly, however many come at once', async () => {
      const key = `account:${anId('key')}`;
      const second = database.open();
      const counts = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (index % 2 === 0 ? store : second).now.throttle.count(key, 10_000, 1_000),
        ),
      );
      assert.deepEqual(
        counts.map((answer) => answer.count).sort((a, b) => a - b),
        Array.from({ length: 40 }, (_, index) => index + 1),
      );
      assert.equal(await store.now.throttle.peek(key, 11_000, 1_000), 40);
      assert.equal(await store.now.throttle.peek(key, 11_001, 1_000), 0);
      assert.deepEqual(await store.now.throttle.count(key, 11_000, 1_000), { count: 41, windowStartedAt: 10_000 });
      assert.deepEqual(await store.now.throttle.count(key, 11_001, 1_000), { count: 1, windowStartedAt: 11_001 });
      await store.now.throttle.clear(key);
      assert.equal(await store.now.throttle.peek(key, 11_001, 1_000), 0);
      await store.now.throttle.count('x'.repeat(10_000), 50, 10);
      await store.now.throttle.deleteOlderThan(51);
      assert.equal(await store.now.throttle.peek('x'.repeat(10_000), 50, 10), 0);
    });

    it('keeps settings', async () => {
      await store.now.settings.set('banner', 'Grüße 😀');
      await Promise.all(['a', 'b', 'c', 'd'].map((value) => store.now.settings.set('raced', value)));
      await store.now.settings.set('banner', '');
      assert.equal(await store.now.settings.get('banner'), '');
      assert.equal(await store.now.settings.get('absent'), undefined);
      assert.deepEqual(Object.keys(await store.now.settings.all()), ['banner', 'raced']);
    });
  });

  describe(`store ${name}: first start`, () => {
    const link = (nodeId: string, digest: string, expiresAt = 2_000) => ({ nodeId, digest, expiresAt });

    it('gives each node a link of its own, and one of all is spent once, whichever are tried at once', async () => {
      await using database = await create();
      const nodes = [database.open(), database.open(), database.open()];
      await Promise.all(nodes.map((node) => node.migrate()));
      const tokens = Array.from({ length: 12 }, aDigest);
      await Promise.all(
        tokens.map((token, index) => nodes[index % 3]?.now.bootstrap.issue(link(`n${index}`, token), 1_000)),
      );
      const [store] = nodes;
      assert.ok(store);
      for (const token of tokens) assert.equal(await store.now.bootstrap.check(token, 1_999), true);
      assert.equal(await store.now.bootstrap.check(tokens[0] ?? '', 2_000), false);
      assert.equal(await store.now.bootstrap.spend(aDigest(), 1_500), false);
      assert.equal(await store.now.bootstrap.spend(tokens[0] ?? '', 2_000), false);
      const attempts = [...tokens, ...tokens, ...tokens].map(
        (token, index) => nodes[index % 3]?.now.bootstrap.spend(token, 1_500) ?? false,
      );
      assert.equal(count(await Promise.all(attempts)), 1);
      for (const token of tokens) assert.equal(await store.now.bootstrap.check(token, 1_500), false);
    });

    it('makes one administrator of many who hold valid links at the same time', async () => {
      await using database = await create();
      const nodes = [database.open(), database.open()];
      await Promise.all(nodes.map((node) => node.migrate()));
      const tokens = [aDigest(), aDigest()];
      for (const [index, token] of tokens.entries())
        await nodes[index]?.now.bootstrap.issue(link(`n${index}`, token), 1_000);
      const made = Array.from({ length: 8 }, (_, index) =>
        nodes[index % 2]?.transaction(async (tx) => {
          if (!(await tx.bootstrap.spend(tokens[index % 2] ?? '', 1_500))) return false;
          await tx.users.insert(aUser({ role: 'administrator' }));
          return true;
        }),
      );
      assert.equal(count((await Promise.all(made)).map((one) => one === true)), 1);
      assert.equal((await nodes[0]?.now.users.list())?.length, 1);
    });

    it('replaces the link of the same node, and issues none once there is an administrator', async () => {
      await using database = await create();
      const store = database.open();
      await store.migrate();
      const [first, second, third] = [aDigest(), aDigest(), aDigest()];
      assert.equal(await store.now.bootstrap.issue(link('a', first), 1_000), true);
      assert.equal(await store.now.bootstrap.issue(link('b', second), 1_000), true);
      assert.equal(await store.now.bootstrap.issue(link('a', third), 1_500), true);
      assert.deepEqual(
        await Promise.all([first, second, third].map((token) => store.now.bootstrap.check(token, 1_500))),
        [false, true, true],
      );
      await store.now.users.insert(aUser({ role: 'administrator' }));
      assert.equal(await store.now.bootstrap.issue(link('a', aDigest()), 1_500), false);
      assert.equal(await store.now.bootstrap.spend(second, 1_500), false);
    });
  });

  describe(`store ${name}: recovery`, () => {
    it('keeps one link a person, spends it once, and forgets it with the person', async () => {
      await using database = await create();
      const nodes = [database.open(), database.open()];
      await Promise.all(nodes.map((node) => node.migrate()));
      const [store, other] = nodes;
      assert.ok(store && other);
      const [anna, otto] = [aUser(), aUser()];
      await store.now.users.insert(anna);
      await store.now.users.insert(otto);
      const issue = async (userId: string) => {
        const made = { userId, digest: aDigest(), issuedAt: 1_000, expiresAt: 2_000 };
        await store.now.recovery.issue(made);
        return made;
      };
      const [earlier, link, hers] = [await issue(anna.id), await issue(anna.id), await issue(otto.id)];
      assert.equal(await other.now.recovery.find(earlier.digest, 1_500), undefined);
      assert.deepEqual(await other.now.recovery.find(link.digest, 1_999), link);
      assert.equal(await other.now.recovery.find(link.digest, 2_000), undefined);
      assert.equal(await other.now.recovery.spend(link.digest, 2_000), false);
      const attempts = Array.from({ length: 12 }, (_, index) =>
        nodes[index % 2]?.now.recovery.spend(link.digest, 1_500),
      );
      assert.equal(count((await Promise.all(attempts)).map((one) => one === true)), 1);
      await store.now.users.delete(otto.id);
      assert.equal(await store.now.recovery.find(hers.digest, 1_500), undefined);
      const late = await issue(anna.id);
      await store.now.recovery.deleteExpired(1_999);
      assert.deepEqual(await store.now.recovery.find(late.digest, 1_500), late);
      await store.now.recovery.deleteExpired(2_000);
      assert.equal(await store.now.recovery.find(late.digest, 1_500), undefined);
    });
  });

  describe(`store ${name}: logins of programs`, () => {
    it('keeps as many as allowed, decides and redeems each once, and makes the interval longer for who polls too soon', async () => {
      await using database = await create();
      const nodes = [database.open(), database.open()];
      await Promise.all(nodes.map((node) => node.migrate()));
      const [store, other] = nodes;
      assert.ok(store && other);
      const made = (): DeviceLogin => ({
        ...{ deviceDigest: aDigest(), userDigest: aDigest(), address: '2001:db8::1', userAgent: 'tool (web1)' },
        ...{ askedAt: 1_000, expiresAt: 9_000, state: 'asked', loginDigest: undefined },
        ...{ intervalMs: 500, polledAt: 1_000 },
      });
      const all = Array.from({ length: 12 }, made);
      const kept = await Promise.all(all.map((one, index) => nodes[index % 2]?.now.deviceLogins.insert(one, 5)));
      assert.equal(count(kept.map((one) => one === true)), 5);
      const one = all[kept.indexOf(true)];
      const two = all[kept.lastIndexOf(true)];
      assert.ok(one && two);
      assert.deepEqual(await other.now.deviceLogins.findAsked(one.userDigest, 8_999), one);
      assert.equal(await other.now.deviceLogins.findAsked(one.userDigest, 9_000), undefined);
      assert.deepEqual(await other.now.deviceLogins.poll(one.deviceDigest, 250, 1_499), {
        login: { ...one, intervalMs: 750 },
        isTooSoon: true,
      });
      assert.equal((await store.now.deviceLogins.poll(one.deviceDigest, 250, 1_750))?.isTooSoon, false);
      assert.equal((await other.now.deviceLogins.poll(one.deviceDigest, 250, 2_499))?.isTooSoon, true);
      assert.equal(await store.now.deviceLogins.redeem(one.deviceDigest, 2_000), false, 'not approved yet');
      const loginDigest = aDigest();
      const race = async (act: (at: Store) => Promise<boolean>) =>
        count(await Promise.all(Array.from({ length: 12 }, (_, index) => act(index % 2 === 0 ? store : other))));
      const approval = { state: 'approved', loginDigest, expiresAt: 8_500 } as const;
      assert.equal(await store.now.deviceLogins.decide(one.userDigest, approval, 9_000), false);
      assert.equal(await race((at) => at.now.deviceLogins.decide(one.userDigest, approval, 2_000)), 1);
      assert.equal(await store.now.deviceLogins.findAsked(one.userDigest, 2_000), undefined);
      assert.equal((await other.now.deviceLogins.poll(one.deviceDigest, 250, 8_000))?.login.loginDigest, loginDigest);
      assert.equal(
        await store.now.deviceLogins.redeem(one.deviceDigest, 8_500),
        false,
        'an approval ends when it says',
      );
      assert.equal(await race((at) => at.now.deviceLogins.redeem(one.deviceDigest, 8_499)), 1);
      assert.equal(await store.now.deviceLogins.poll(one.deviceDigest, 250, 8_499), undefined);
      const denial = { state: 'denied', loginDigest: undefined, expiresAt: two.expiresAt } as const;
      assert.equal(await store.now.deviceLogins.decide(two.userDigest, denial, 2_000), true);
      assert.equal(await store.now.deviceLogins.redeem(two.deviceDigest, 2_000), false);
      await store.now.deviceLogins.deleteExpired(9_000);
      assert.equal(await store.now.deviceLogins.insert(one, 1), true);
    });
  });
}
