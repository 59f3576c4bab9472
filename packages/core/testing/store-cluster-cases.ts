import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SessionRecord } from '@enchilada/core/session';
import type { NodeRecord, Store } from '@enchilada/core/store';
import { anId, aRecording, aSession, openedTwice, type StoreUnderTest } from './store-fixture.ts';
import { until } from './until.ts';

const HOUR = 3_600_000;
const SILENCE_MS = 300;

function aNode(fields: Partial<NodeRecord> = {}): Omit<NodeRecord, 'heartbeatAt'> {
  return { id: anId('node'), url: 'https://node', version: '1.2.3', startedAt: 5, ...fields };
}

/** What several nodes on one database rely on. Two clients stand for two nodes. */
export function storeClusterCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: nodes`, () => {
    let database: StoreUnderTest;
    let store: Store;
    let second: Store;
    before(async () => {
      ({ database, store, second } = await openedTwice(create));
    });
    after(() => database[Symbol.asyncDispose]());
    const either = (index: number): Store => (index % 2 === 0 ? store : second);
    const known = async (id: string): Promise<NodeRecord | undefined> =>
      (await store.now.nodes.list()).find((node) => node.id === id);

    it('keeps nodes by its own clock', async () => {
      const node = aNode();
      assert.equal(await store.now.nodes.beat(node.id, node.startedAt), false);
      await store.now.nodes.join(node);
      const first = await known(node.id);
      assert.ok(first && Number.isSafeInteger(first.heartbeatAt));
      assert.ok(Math.abs(first.heartbeatAt - (await store.clock())) < 60_000);
      assert.equal(await second.now.nodes.beat(node.id, node.startedAt), true);
      const again = await known(node.id);
      assert.ok(again && again.heartbeatAt >= first.heartbeatAt);
      await store.now.nodes.delete(node.id);
      assert.equal(await known(node.id), undefined);
    });

    it('knows one life of a node at a time', async () => {
      const [first, next] = [aNode(), { startedAt: 6, url: 'https://moved' }];
      await store.now.nodes.join(first);
      assert.equal(await second.now.nodes.joinIfAbsent({ ...first, ...next }), false);
      await Promise.all([store, second].map((each) => each.now.nodes.join({ ...first, ...next })));
      assert.equal((await known(first.id))?.url, 'https://moved');
      assert.equal(await store.now.nodes.beat(first.id, first.startedAt), false);
      assert.equal(await store.now.nodes.beat(first.id, next.startedAt), true);
      await store.now.nodes.delete(first.id);
      const joined = await Promise.all(
        Array.from({ length: 8 }, (_, index) => either(index).now.nodes.joinIfAbsent(first)),
      );
      assert.equal(joined.filter(Boolean).length, 1);
      await store.now.nodes.delete(first.id);
    });

    it('declares a silent node lost to exactly one of many racing nodes, and never one that has just given a sign', async () => {
      // Where this machine stood still, the lively node was silent too, and what was declared says nothing.
      await until(async () => {
        const [silent, lively] = [aNode(), aNode()];
        await store.now.nodes.join(silent);
        let signedAt = performance.now();
        await store.now.nodes.join(lively);
        assert.deepEqual(await store.now.nodes.declareLost(HOUR), []);
        let [beating, isLively] = [true, true];
        const beats = (async () => {
          for (; beating; await new Promise(setImmediate)) {
            const begunAt = performance.now();
            const isKnown = await store.now.nodes.beat(lively.id, lively.startedAt);
            isLively &&= performance.now() - signedAt < SILENCE_MS;
            assert.ok(isKnown || !isLively);
            signedAt = begunAt;
          }
        })();
        const { heartbeatAt } = (await known(silent.id)) ?? assert.fail();
        while ((await second.clock()) - heartbeatAt <= SILENCE_MS) await new Promise(setImmediate);
        const declared = await Promise.all(
          Array.from({ length: 8 }, (_, index) => either(index).now.nodes.declareLost(SILENCE_MS)),
        );
        beating = false;
        await beats;
        isLively &&= performance.now() - signedAt < SILENCE_MS;
        if (isLively) {
          assert.deepEqual(
            declared.flat().map(({ id }) => id),
            [silent.id],
          );
          assert.equal(await store.now.nodes.beat(silent.id, silent.startedAt), false);
        }
        await store.now.nodes.delete(lively.id);
        return isLively;
      });
    });

    it('finds the sessions of nodes that are no longer known, and those that nobody claimed', async () => {
      const node = aNode();
      await store.now.nodes.join(node);
      const claimed = aSession({ requestedAt: 10 });
      const unclaimed = aSession({ requestedAt: 20 });
      for (const session of [claimed, unclaimed]) await store.now.sessions.insert(session);
      await store.now.sessions.claim(claimed.id, node.id);
      const ids = (records: readonly SessionRecord[]): readonly string[] => records.map(({ id }) => id);
      assert.deepEqual(await store.now.sessions.listLiveOfLostNodes(), []);
      assert.deepEqual(ids(await store.now.sessions.listUnclaimed(20)), [unclaimed.id]);
      assert.deepEqual(await store.now.sessions.listUnclaimed(19), []);
      await store.now.nodes.delete(node.id);
      assert.deepEqual(ids(await second.now.sessions.listLiveOfLostNodes()), [claimed.id]);
      const ends = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          either(index).now.sessions.update(claimed.id, { state: 'ended', endedAt: 30, endReason: 'node-lost' }),
        ),
      );
      assert.equal(ends.filter(Boolean).length, 1);
      assert.deepEqual(await store.now.sessions.listLiveOfLostNodes(), []);
    });

    it('abandons the recording of a lost session, unless it was finalised', async () => {
      const sessionId = anId('ses');
      const [running, sealed, other] = [
        aRecording({ sessionId }),
        aRecording({ sessionId, state: 'complete', endedAt: 7, endReason: 'closed-by-user' }),
        aRecording(),
      ];
      for (const row of [running, sealed, other]) await store.now.recordings.insert(row);
      await store.now.recordings.abandonOf(sessionId, { endedAt: 9, endReason: 'node-lost' });
      const after = { ...running, state: 'incomplete', endedAt: 9, endReason: 'node-lost' };
      assert.deepEqual(await store.now.recordings.find(running.id), after);
      assert.deepEqual(await store.now.recordings.find(sealed.id), sealed);
      assert.deepEqual(await store.now.recordings.find(other.id), other);
    });

    it('never lets a person have more sessions than allowed, however many are asked for at once', async () => {
      const userId = anId('usr');
      const request = (index: number) =>
        either(index).now.sessions.insertWithin(aSession({ userId }), { most: 5, seats: [] });
      const first = await Promise.all(Array.from({ length: 60 }, (_, index) => request(index)));
      assert.equal(first.filter((placed) => placed === 'placed').length, 5);
      assert.equal(await store.now.sessions.countLiveOf(userId), 5);
      const { items } = await store.now.sessions.list({ userId, live: true, limit: 10 });
      for (const { id } of items.slice(0, 2)) await store.now.sessions.update(id, { state: 'ended', endedAt: 5 });
      const next = await Promise.all(Array.from({ length: 20 }, (_, index) => request(index)));
      assert.equal(next.filter((placed) => placed === 'placed').length, 2);
      const other = await second.now.sessions.insertWithin(aSession({ userId: anId('usr') }), { most: 5, seats: [] });
      assert.equal(other, 'placed');
    });

    it('never lets more sessions rest on a grant than it allows at once, whoever asks on whichever node', async () => {
      const [narrow, wide] = [anId('gra'), anId('gra')].sort() as [string, string];
      const seats = [
        { grantId: narrow, most: 2 },
        { grantId: wide, most: 3 },
      ];
      const ask = (index: number) =>
        either(index).now.sessions.insertWithin(aSession({ userId: anId('usr') }), { most: 5, seats });
      const asked = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(index)));
      assert.equal(asked.filter((placed) => placed === 'placed').length, 5);
      assert.equal(asked.filter((placed) => placed === 'no-seat').length, 35);
      const { items } = await store.now.sessions.list({ live: true, limit: 500 });
      const onNarrow = items.filter(({ grantId }) => grantId === narrow);
      assert.deepEqual([onNarrow.length, items.filter(({ grantId }) => grantId === wide).length], [2, 3]);
      await store.now.sessions.update(onNarrow[0]?.id ?? '', { state: 'ended', endedAt: 5 });
      assert.deepEqual([await ask(0), await ask(1)], ['placed', 'no-seat']);
    });
  });
}
