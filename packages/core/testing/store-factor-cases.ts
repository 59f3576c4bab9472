import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import type { PasskeyFactor, TotpFactor, User } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { aDigest, aLogin, anId, aUser, openedTwice, type StoreUnderTest, twentyAtOnce } from './store-fixture.ts';

const count = (answers: readonly boolean[]): number => answers.filter(Boolean).length;

function anApp(userId: string, fields: Partial<TotpFactor> = {}): TotpFactor {
  return {
    id: anId('fac'),
    kind: 'totp',
    userId,
    name: 'Telefon 📱',
    createdAt: 10,
    confirmedAt: undefined,
    lastUsedAt: undefined,
    seed: { keyId: 'kek-1', bytes: new Uint8Array(randomBytes(48)) },
    ...fields,
  };
}

function aPasskey(userId: string, fields: Partial<PasskeyFactor> = {}): PasskeyFactor {
  return {
    id: anId('fac'),
    kind: 'passkey',
    userId,
    name: 'Laptop',
    createdAt: 11,
    confirmedAt: 11,
    lastUsedAt: undefined,
    // The longest that an authenticator may have.
    credentialId: randomBytes(1023).toString('base64url'),
    publicKey: new Uint8Array(randomBytes(77)),
    counter: 0,
    transports: ['internal', 'hybrid'],
    ...fields,
  };
}

/** What signs people in beside their password: kept whole, used once. */
export function storeFactorCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: second factors`, () => {
    let database: StoreUnderTest;
    let store: Store;
    let second: Store;
    let user: User;
    before(async () => {
      ({ database, store, second } = await openedTwice(create));
      user = aUser();
      await store.now.users.insert(user);
    });
    after(() => database[Symbol.asyncDispose]());
    const race = (work: (at: Store) => Promise<boolean>): Promise<readonly boolean[]> =>
      twentyAtOnce([store, second], work);

    it('keeps every field of an app and of a passkey', async () => {
      const app = anApp(user.id);
      const passkey = aPasskey(user.id);
      await store.now.secondFactors.insert(app);
      await store.now.secondFactors.insert(passkey);
      assert.deepEqual(await store.now.secondFactors.listOf(user.id), [app, passkey]);
      assert.deepEqual(await second.now.secondFactors.findPasskey(passkey.credentialId), passkey);
      assert.equal(await store.now.secondFactors.findPasskey(`${passkey.credentialId}A`), undefined);
      assert.equal((await store.now.secondFactors.counts()).get(user.id), 1, 'only what is confirmed counts');
      await assert.rejects(
        store.now.secondFactors.insert(aPasskey(user.id, { credentialId: passkey.credentialId })),
        (error) => isFault(error, 'CONFLICT'),
      );
    });

    it('confirms once, and accepts a time step once and none before it, from any number of clients', async () => {
      const app = anApp(user.id);
      await store.now.secondFactors.insert(app);
      assert.equal(count(await race((at) => at.now.secondFactors.confirm(app.id, 'mine', 20))), 1);
      assert.equal(count(await race((at) => at.now.secondFactors.useStep(app.id, 100, 30))), 1);
      assert.equal(await store.now.secondFactors.useStep(app.id, 99, 31), false);
      assert.equal(await store.now.secondFactors.useStep(app.id, 101, 32), true);
      const kept = await store.now.secondFactors.find(app.id);
      assert.deepEqual(kept, { ...app, name: 'mine', confirmedAt: 20, lastUsedAt: 32 });
    });

    it('accepts a counter that rises, and zero as long as it never rose', async () => {
      const passkey = aPasskey(user.id);
      await store.now.secondFactors.insert(passkey);
      const use = (counter: number) => store.now.secondFactors.useCounter(passkey.id, counter, 40);
      assert.deepEqual(
        [await use(0), await use(0), await use(7), await use(7), await use(6), await use(0)],
        [true, true, true, false, false, false],
      );
      assert.equal(count(await race((at) => at.now.secondFactors.useCounter(passkey.id, 4_294_967_295, 41))), 1);
    });

    it('spends a recovery code once, and forgets the old ones with the new', async () => {
      const [first, other, fresh] = [aDigest(), aDigest(), aDigest()];
      await store.now.secondFactors.replaceRecoveryCodes(user.id, [first, other], 1);
      assert.equal(await store.now.secondFactors.spendRecoveryCode('usr_somebody', first), false);
      assert.equal(count(await race((at) => at.now.secondFactors.spendRecoveryCode(user.id, first))), 1);
      assert.equal(await store.now.secondFactors.countRecoveryCodes(user.id), 1);
      await store.now.secondFactors.replaceRecoveryCodes(user.id, [fresh], 2);
      assert.equal(await store.now.secondFactors.spendRecoveryCode(user.id, other), false);
      assert.ok((await store.now.secondFactors.deleteOf(user.id)) > 0);
      assert.equal(await store.now.secondFactors.countRecoveryCodes(user.id), 0);
      assert.deepEqual(await store.now.secondFactors.listOf(user.id), []);
    });

    it('redeems a challenge once, for its purpose and in its time', async () => {
      const challenge = { digest: aDigest(), purpose: 'passkey-sign-in', userId: undefined, expiresAt: 100 } as const;
      await store.now.challenges.insert(challenge);
      assert.equal(await store.now.challenges.redeem(challenge.digest, 'passkey-enrol', 50), undefined);
      assert.equal(await store.now.challenges.redeem(challenge.digest, 'passkey-sign-in', 100), undefined);
      const redeemed = await race(
        async (at) => (await at.now.challenges.redeem(challenge.digest, 'passkey-sign-in', 99)) !== undefined,
      );
      assert.equal(count(redeemed), 1);
      await store.now.challenges.insert({ ...challenge, userId: user.id });
      assert.equal(await store.now.challenges.deleteExpired(100), 1);
    });

    it('steps a login up under a new cookie once; the old cookie is worth nothing', async () => {
      const login = aLogin(user.id, { stage: 'second-factor', provedAt: 5 });
      await store.now.logins.insert(login);
      assert.deepEqual((await store.now.logins.findByCookie(login.digest))?.login, login);
      const cookies = Array.from({ length: 20 }, aDigest);
      const change = { provedAt: 50, expiresAt: 90_000, factor: 'totp', sealedPassword: undefined } as const;
      const won = await Promise.all(
        cookies.map((cookieDigest, index) =>
          (index % 2 === 0 ? store : second).now.logins.stepUp(login.digest, login.cookieDigest, {
            ...change,
            cookieDigest,
          }),
        ),
      );
      assert.equal(count(won), 1);
      const cookieDigest = cookies[won.indexOf(true)] ?? '';
      const after = { ...login, ...change, cookieDigest, stage: 'complete' };
      assert.deepEqual((await store.now.logins.findByCookie(cookieDigest))?.login, after);
      assert.deepEqual((await store.now.logins.findWithUser(login.digest))?.login, after);
      assert.equal(await store.now.logins.findByCookie(login.digest), undefined);
    });

    it('keeps API tokens with their owner, finds them by digest, and forgets them at once', async () => {
      const token = {
        id: anId('tok'),
        digest: aDigest(),
        userId: user.id,
        name: 'Bau 🏗',
        scope: ['audit.read', 'catalog.read'],
        createdAt: 1,
        expiresAt: 9_000_000_000_000,
        lastUsedAt: undefined,
        lastUsedAddress: undefined,
      };
      await store.now.tokens.insert(token);
      assert.deepEqual(await second.now.tokens.findWithUser(token.digest), { token, user, groupIds: [] });
      await store.now.tokens.noteUse(token.id, 70, '2001:db8::9');
      await store.now.tokens.noteUse(token.id, 60, '192.0.2.9');
      const used = { ...token, lastUsedAt: 70, lastUsedAddress: '2001:db8::9' };
      assert.deepEqual(await second.now.tokens.listOf(user.id), [used]);
      assert.equal(count(await race((at) => at.now.tokens.delete(token.id))), 1);
      assert.equal(await store.now.tokens.findWithUser(token.digest), undefined);
    });

    it('forgets factors and codes with their person', async () => {
      const leaver = aUser();
      await store.now.users.insert(leaver);
      await store.now.secondFactors.insert(aPasskey(leaver.id));
      await store.now.secondFactors.replaceRecoveryCodes(leaver.id, [aDigest()], 1);
      await store.now.users.delete(leaver.id);
      assert.equal((await store.now.secondFactors.counts()).has(leaver.id), false);
      assert.equal(await store.now.secondFactors.countRecoveryCodes(leaver.id), 0);
    });
  });
}
