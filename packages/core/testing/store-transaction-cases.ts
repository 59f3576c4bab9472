import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault, isFault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { anId, aTarget, aUser, type StoreUnderTest } from './store-fixture.ts';

export function storeTransactionCases(name: string, create: () => Promise<StoreUnderTest>): void {
  const opened = async (database: StoreUnderTest): Promise<Store> => {
    const store = database.open();
    await store.migrate();
    return store;
  };

  describe(`store ${name}: transactions`, () => {
    it('commits all or nothing', async () => {
      await using database = await create();
      const store = await opened(database);
      const [kept, dropped] = [aUser(), aUser()];
      await store.transaction(async (tx) => {
        await tx.users.insert(kept);
        assert.deepEqual(await tx.users.find(kept.id), kept);
      });
      const version = await store.now.catalog.version();
      const failure = new Fault('LAST_ADMINISTRATOR', 'no');
      const failing = store.transaction(async (tx) => {
        await tx.users.insert(dropped);
        await tx.catalog.insertTarget(aTarget());
        throw failure;
      });
      await assert.rejects(failing, (error) => error === failure);
      assert.equal(await store.now.users.find(dropped.id), undefined);
      assert.equal(await store.now.catalog.version(), version);
      assert.deepEqual(await store.now.users.find(kept.id), kept);
    });

    it('never lets two administrators take each other the right at once', async () => {
      await using database = await create();
      const stores = [await opened(database), database.open()];
      for (let round = 0; round < 5; round++) {
        const administrators = [aUser({ role: 'administrator' }), aUser({ role: 'administrator' })];
        for (const user of administrators) await stores[0]?.now.users.insert(user);
        const outcomes = await Promise.allSettled(
          administrators.map((user, index) =>
            stores[index]?.transaction(async (tx) => {
              if ((await tx.users.countEnabledAdministrators()) <= 1) throw new Fault('LAST_ADMINISTRATOR', 'no');
              await tx.users.update({ ...user, role: 'user' });
            }),
          ),
        );
        assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
        for (const outcome of outcomes)
          if (outcome.status === 'rejected') assert.ok(isFault(outcome.reason, 'LAST_ADMINISTRATOR'));
        for (const user of administrators) await stores[0]?.now.users.delete(user.id);
      }
    });

    it('runs work again after a conflict until each has counted', async () => {
      await using database = await create();
      const stores = [await opened(database), database.open()];
      await stores[0]?.now.settings.set('tally', '0');
      const add = (store: Store | undefined) =>
        store?.transaction(async (tx) => {
          const tally = Number(await tx.settings.get('tally'));
          await new Promise(setImmediate);
          await tx.settings.set('tally', String(tally + 1));
        });
      await Promise.all(Array.from({ length: 8 }, (_, index) => add(stores[index % 2])));
      assert.equal(await stores[0]?.now.settings.get('tally'), '8');
    });

    it('refuses to be used past the open transaction', async () => {
      await using database = await create();
      const store = await opened(database);
      const inside = (error: unknown): boolean => isFault(error, 'INTERNAL');
      await assert.rejects(
        store.transaction(async () => void (await store.now.users.list())),
        inside,
      );
      await assert.rejects(
        store.transaction(() => store.transaction(async () => undefined)),
        inside,
      );
      assert.deepEqual(await store.now.users.list(), []);
    });

    it('imports a catalog while others read and write', async () => {
      await using database = await create();
      const [store, other] = [await opened(database), database.open()];
      const names = Array.from({ length: 200 }, () => anId('tgt'));
      const version = await store.now.catalog.version();
      await Promise.all([
        store.transaction(async (tx) => {
          for (const id of names) await tx.catalog.insertTarget(aTarget({ id }));
        }),
        ...Array.from({ length: 10 }, () => other.now.catalog.insertTarget(aTarget())),
        ...Array.from({ length: 10 }, () => other.now.catalog.listTargets()),
      ]);
      assert.equal((await store.now.catalog.listTargets()).length, 210);
      assert.equal(await store.now.catalog.version(), version + 210);
    });

    it('has a clock in whole milliseconds and a probe that writes', async () => {
      await using database = await create();
      const store = await opened(database);
      assert.ok(Number.isSafeInteger(await store.clock()));
      await store.probe();
    });
  });
}
