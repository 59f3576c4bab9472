import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { ProviderRecord, RefreshToken, User } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { aLogin, anId, aUser, openedTwice, type StoreUnderTest } from './store-fixture.ts';
import { aProvider } from './store-provider-cases.ts';

const anEnvelope = (): RefreshToken['sealed'] => ({
  keyId: 'kek-1',
  wrappedKey: new Uint8Array(randomBytes(60)),
  nonce: new Uint8Array(randomBytes(12)),
  ciphertext: new Uint8Array(randomBytes(3_000)),
});

const HOUR = 3_600_000;

/** By what providers are asked again about those who signed in there. */
export function storeRefreshCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: refresh tokens`, () => {
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

    async function kept(subject: string, dueInMs: number): Promise<RefreshToken> {
      const login = aLogin(user.id);
      await store.now.logins.insert(login);
      const token = {
        ...{ id: anId('rft'), loginDigest: login.digest, providerId: provider.id, subject, answeredAt: 7 },
        sealed: anEnvelope(),
      };
      await store.now.refreshTokens.insert(token, dueInMs);
      return { ...token, version: 1, failures: 0, isInDoubt: false };
    }

    it('gives each token that is due to one caller, for as long as the lease, and no other', async () => {
      const due = await Promise.all([kept('s-1', 0), kept('s-2', 0), kept('s-3', 0)]);
      const later = await kept('s-1', HOUR);
      const racing = await Promise.all(
        Array.from({ length: 12 }, (_unused, index) =>
          (index % 2 === 0 ? store : second).now.refreshTokens.take(provider.id, { leaseMs: HOUR, limit: 10 }),
        ),
      );
      const byId = (one: RefreshToken, two: RefreshToken): number => (one.id < two.id ? -1 : 1);
      assert.deepEqual(racing.flat().sort(byId), [...due].sort(byId));
      assert.deepEqual(await store.now.refreshTokens.take(provider.id, { leaseMs: HOUR, limit: 10 }), []);
      for (const { id } of due) await store.now.refreshTokens.answered(id, { at: 9, dueInMs: HOUR });
      await store.now.logins.delete(later.loginDigest);
      for (const { loginDigest } of due) await store.now.logins.delete(loginDigest);
      assert.deepEqual((await second.now.refreshTokens.health()).get(provider.id), undefined, 'they go with the login');
    });

    it("gives none of another provider's", async () => {
      const token = await kept('s-8', 0);
      const other = { ...aProvider(), name: 'another' };
      await store.now.providers.insert(other);
      assert.deepEqual(await store.now.refreshTokens.due(), [provider.id]);
      assert.deepEqual(await store.now.refreshTokens.take(other.id, { leaseMs: HOUR, limit: 10 }), []);
      const [found] = await store.now.refreshTokens.take(provider.id, { leaseMs: HOUR, limit: 10 });
      assert.equal(found?.id, token.id);
      assert.deepEqual(await store.now.refreshTokens.due(), []);
      await store.now.logins.delete(token.loginDigest);
    });

    it('releases the token that stands when it is released, whatever came in its place', async () => {
      const token = await kept('s-7', 0);
      const next = anEnvelope();
      const [replaced, released] = await Promise.all([
        second.now.refreshTokens.replace(token, next),
        store.now.refreshTokens.release(token.loginDigest),
      ]);
      assert.deepEqual(released?.sealed, replaced ? next : token.sealed, 'either the old one, or the new');
      await store.now.logins.delete(token.loginDigest);
    });

    it('is in doubt from when a token is taken until it is settled', async () => {
      const token = await kept('s-9', 0);
      const take = async () =>
        (await store.now.refreshTokens.take(provider.id, { leaseMs: 0, limit: 10 })).find(({ id }) => id === token.id);
      assert.equal((await take())?.isInDoubt, false);
      assert.equal((await take())?.isInDoubt, true, 'whoever took it first never said how it went');
      await store.now.refreshTokens.failed(token.id, { reason: 'away', isInDoubt: false, dueInMs: 0 });
      const again = await take();
      assert.deepEqual([again?.isInDoubt, again?.failures, again?.answeredAt], [false, 1, 7]);
      assert.deepEqual((await second.now.refreshTokens.health()).get(provider.id), {
        ...{ logins: 1, failing: 1, unansweredSince: 7, reason: 'away' },
      });
      await store.now.refreshTokens.answered(token.id, { at: 70, dueInMs: 0 });
      const settled = await take();
      assert.deepEqual([settled?.isInDoubt, settled?.failures, settled?.answeredAt], [false, 0, 70]);
      assert.deepEqual((await second.now.refreshTokens.health()).get(provider.id), { logins: 1, failing: 0 });
      await store.now.logins.delete(token.loginDigest);
    });

    it('puts the next token in the place of exactly the one that was read', async () => {
      const token = await kept('s-4', 0);
      const next = anEnvelope();
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_unused, index) =>
          (index % 2 === 0 ? store : second).now.refreshTokens.replace(token, next),
        ),
      );
      assert.equal(answers.filter(Boolean).length, 1);
      const [found] = await store.now.refreshTokens.take(provider.id, { leaseMs: HOUR, limit: 10 });
      assert.deepEqual([found?.version, found?.sealed], [2, next]);
      assert.deepEqual((await store.now.refreshTokens.release(token.loginDigest))?.sealed, next);
      assert.equal(await store.now.refreshTokens.release(token.loginDigest), undefined);
      await store.now.logins.delete(token.loginDigest);
    });

    /** A login of the person there; the number orders them by how long they last. */
    async function provided(subject: string, lasts: number): Promise<string> {
      const login = { ...aLogin(user.id), expiresAt: lasts };
      await store.now.logins.insert(login);
      const { digest: loginDigest } = login;
      await store.now.providers.noteLogin({
        ...{ loginDigest, providerId: provider.id, subject, session: undefined, hint: undefined },
      });
      return loginDigest;
    }

    async function keptBy(loginDigest: string, subject: string): Promise<string> {
      const token = { id: anId('rft'), loginDigest, providerId: provider.id, subject, answeredAt: 7 };
      await store.now.refreshTokens.insert({ ...token, sealed: anEnvelope() }, HOUR);
      return token.id;
    }

    const askedAbout = (subject: string) => second.now.refreshTokens.loginsOf(provider.id, subject);

    for (const [how, end] of [
      ['deleted', (digest: string) => store.now.logins.delete(digest)],
      ['released', (digest: string) => store.now.refreshTokens.release(digest)],
      ['past its time', () => store.now.logins.deleteExpired(1_000)],
      ['deleted within a transaction', (digest: string) => store.transaction((tx) => tx.logins.delete(digest))],
    ] as const)
      it(`is left by a login that is ${how} to the longest of the person's others that has none`, async () => {
        const subject = `s-${how}`;
        const [browser, short, long, asked] = [
          await provided(subject, 1_000),
          await provided(subject, 2_000),
          await provided(subject, 3_000),
          await provided(subject, 4_000),
        ];
        await provided(`${subject} of another`, 9_000);
        await Promise.all([keptBy(browser, subject), keptBy(asked, subject)]);
        await end(browser);
        assert.deepEqual(await askedAbout(subject), [asked, long].sort());
        await store.now.logins.delete(long);
        assert.deepEqual(await askedAbout(subject), [asked, short].sort());
        for (const digest of [short, asked, browser]) await store.now.logins.delete(digest);
        assert.deepEqual(await askedAbout(subject), []);
      });

    it('goes over as often as there is a login to go to, also where several end at once at two nodes', async () => {
      const all = await Promise.all(Array.from({ length: 8 }, (_unused, n) => provided('s-many', 1_000 + n)));
      await Promise.all(all.slice(0, 4).map((digest) => keptBy(digest, 's-many')));
      // Those that have a token, and one that has none: it must not be handed one on its way out.
      const ending = all.slice(0, 5);
      await Promise.all(ending.map((digest, at) => (at % 2 === 0 ? store : second).now.logins.delete(digest)));
      assert.deepEqual(await askedAbout('s-many'), all.slice(5).sort());
      for (const digest of all.slice(5)) await store.now.logins.delete(digest);
    });

    it('that is refused goes to nobody', async () => {
      const [browser, program] = [await provided('s-refused', 1_000), await provided('s-refused', 2_000)];
      await store.now.refreshTokens.remove(await keptBy(browser, 's-refused'));
      assert.deepEqual(await askedAbout('s-refused'), []);
      await store.now.logins.delete(browser);
      assert.deepEqual(await askedAbout('s-refused'), []);
      await store.now.logins.delete(program);
    });

    it("makes a person's others due, but for one that somebody has", async () => {
      const [held, waiting, another] = [await kept('s-5', 0), await kept('s-5', HOUR), await kept('S-5', HOUR)];
      assert.deepEqual(
        (await store.now.refreshTokens.take(provider.id, { leaseMs: HOUR, limit: 10 })).map(({ id }) => id),
        [held.id],
      );
      await second.now.refreshTokens.hurry(provider.id, 's-5');
      assert.deepEqual(
        (await store.now.refreshTokens.take(provider.id, { leaseMs: HOUR, limit: 10 })).map(({ id }) => id),
        [waiting.id],
      );
      assert.deepEqual(
        await store.now.refreshTokens.loginsOf(provider.id, 's-5'),
        [held.loginDigest, waiting.loginDigest].sort(),
      );
      await store.now.logins.delete(another.loginDigest);
    });
  });
}
