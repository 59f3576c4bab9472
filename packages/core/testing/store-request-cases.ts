import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AccessRequest } from '@enchilada/core/access';
import type { NotificationEndpoint, QueuedNotification } from '@enchilada/core/notification';
import type { Store } from '@enchilada/core/store';
import { aDigest, anId, aSession, openedTwice, type StoreUnderTest } from './store-fixture.ts';

export function anAccessRequest(fields: Partial<AccessRequest> = {}): AccessRequest {
  return {
    ...{ id: anId('req'), userId: anId('usr'), username: 'alice', grantId: anId('gra'), scopeName: 'Größe "7"' },
    scope: { kind: 'labels', selector: { env: ['prod', 'büro'] } },
    ...{ actions: ['connect'], from: 1_000, until: 9_000, reason: 'wartung 🔧', sessions: 1, breakGlass: false },
    ...{ hash: aDigest(), state: 'approved', uses: 0, createdAt: 1_000, decidedAt: undefined, decisions: [] },
    ...fields,
  };
}

function anEndpoint(fields: Partial<NotificationEndpoint> = {}): NotificationEndpoint {
  const id = anId('end');
  return {
    ...{ id, kind: 'hook', name: id, parameters: { url: 'https://x' }, secret: undefined, enabled: true, version: 1 },
    ...{ createdAt: 1, updatedAt: 1, deliveredAt: undefined, problem: undefined },
    ...fields,
  };
}

/** Requests for access, and the news about them. Two clients stand for two nodes. */
export function storeRequestCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: requests and notifications`, () => {
    let database: StoreUnderTest;
    let store: Store;
    let second: Store;
    before(async () => {
      ({ database, store, second } = await openedTwice(create));
    });
    after(() => database[Symbol.asyncDispose]());
    const either = (index: number): Store => (index % 2 === 0 ? store : second);

    it('keeps requests with their decisions, one a person, and lists them newest first', async () => {
      const { requests } = store.now;
      const userId = anId('usr');
      const [early, late] = [
        anAccessRequest({ userId, createdAt: 1, state: 'pending' }),
        anAccessRequest({ userId, createdAt: 2, until: 20_000 }),
      ];
      for (const request of [early, late]) await requests.insert(request);
      assert.deepEqual(await requests.find(late.id), late);
      assert.equal(await requests.find('req_none'), undefined);
      const decision = {
        userId: anId('usr'),
        username: 'bob',
        verdict: 'approve',
        words: 'gut',
        hash: early.hash,
        at: 5,
      } as const;
      assert.deepEqual(
        await Promise.all([0, 1, 2, 3].map((index) => either(index).now.requests.addDecision(early.id, decision))).then(
          (all) => all.filter(Boolean),
        ),
        [true],
      );
      assert.deepEqual((await requests.find(early.id))?.decisions, [decision]);
      const ids = async (query: object) =>
        (await requests.list({ userId, limit: 10, ...query })).items.map(({ id }) => id);
      assert.deepEqual(await ids({}), [late.id, early.id]);
      assert.deepEqual(await ids({ states: ['pending'] }), [early.id]);
      assert.deepEqual(await ids({ openAt: 9_000 }), [late.id]);
      assert.deepEqual(await ids({ grantIds: [early.grantId] }), [early.id]);
      assert.deepEqual(await ids({ grantIds: [] }), []);
      const first = await requests.list({ userId, limit: 1 });
      const next = await requests.list({
        userId,
        limit: 1,
        ...(first.next === undefined ? {} : { cursor: first.next }),
      });
      assert.deepEqual([first.items[0]?.id, next.items[0]?.id, next.next], [late.id, early.id, undefined]);
      assert.deepEqual(
        (await requests.usableOf(userId, 9_000)).map(({ id }) => id),
        [late.id],
      );
      assert.equal(await requests.countOpenOf(userId, 0), 2);
      const asked = (query: object) => requests.askedAt(userId, { since: 0, breakGlass: false, limit: 9, ...query });
      const times = [early.createdAt, late.createdAt];
      assert.deepEqual(await asked({}), times);
      assert.deepEqual(await asked({ limit: 1 }), times.slice(1));
      assert.deepEqual(await asked({ since: early.createdAt }), times.slice(1));
      assert.deepEqual(await asked({ breakGlass: true }), []);
    });

    it('moves a request once, whoever wants to at the same time', async () => {
      const request = anAccessRequest({ state: 'pending' });
      await store.now.requests.insert(request);
      const moves = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          either(index).now.requests.move(request.id, {
            ...{ from: ['pending'], at: 7 },
            to: index % 3 === 0 ? 'cancelled' : 'approved',
          }),
        ),
      );
      assert.equal(moves.filter(Boolean).length, 1);
    });

    it('uses an approval up with the session that it opens, as often as it is good for, and only as it was judged', async () => {
      const request = anAccessRequest({ sessions: 2 });
      await store.now.requests.insert(request);
      const open = (index: number, judged = request) =>
        either(index).now.sessions.insertWithin(aSession({ userId: anId('usr') }), {
          most: 5,
          seats: [{ grantId: request.id, most: 2, request: judged }],
        });
      for (const change of [
        { userId: 'usr_other' },
        { grantId: 'gra_other' },
        { scope: { kind: 'target', id: 'tgt_1' } },
        { actions: ['connect', 'file-in'] },
        { until: 10_000 },
        { reason: 'WARTUNG 🔧' },
        { sessions: 3 },
        { breakGlass: true },
        { hash: aDigest() },
      ] as const)
        assert.equal(await open(0, { ...request, ...change }), 'no-seat', JSON.stringify(change));
      const placed = await Promise.all(Array.from({ length: 60 }, (_, index) => open(index)));
      assert.equal(placed.filter((one) => one === 'placed').length, 2);
      assert.equal((await store.now.requests.find(request.id))?.uses, 2);
      const cancelled = anAccessRequest({ state: 'cancelled' });
      await store.now.requests.insert(cancelled);
      const seats = [{ grantId: cancelled.id, most: 1, request: cancelled }];
      assert.equal(await store.now.sessions.insertWithin(aSession(), { most: 5, seats }), 'no-seat');
    });

    it('counts the sessions of approvals against the limit of the grant that was asked under', async () => {
      const grantId = anId('gra');
      const requests = Array.from({ length: 4 }, () => anAccessRequest({ grantId }));
      for (const request of requests) await store.now.requests.insert(request);
      const placed = await Promise.all(
        requests.map((request, index) =>
          either(index).now.sessions.insertWithin(aSession({ userId: anId('usr') }), {
            most: 5,
            seats: [{ grantId: request.id, most: 1, request, within: { grantId, most: 2 } }],
          }),
        ),
      );
      assert.equal(placed.filter((one) => one === 'placed').length, 2);
      const used = await Promise.all(requests.map(async ({ id }) => (await store.now.requests.find(id))?.uses));
      assert.equal(used.filter((uses) => uses === 1).length, 2, 'nobody pays for a seat they did not get');
    });

    it('keeps endpoints with their versions, and hands each piece of news to one of many nodes', async () => {
      const { notifications } = store.now;
      const secret = { keyId: 'k', bytes: new Uint8Array([0, 1, 255]) };
      const endpoint = anEndpoint({ secret });
      await notifications.insertEndpoint(endpoint);
      await assert.rejects(notifications.insertEndpoint(anEndpoint({ name: endpoint.name.toUpperCase() })));
      assert.deepEqual(await notifications.findEndpoint(endpoint.id), endpoint);
      const changed = await notifications.updateEndpoint({ ...endpoint, enabled: false });
      assert.equal(changed.version, 2);
      await assert.rejects(notifications.updateEndpoint(endpoint));
      const problem = { reason: 'refused', host: 'hooks.example', status: 404 } as const;
      await notifications.noteOutcome(endpoint.id, { problem });
      assert.deepEqual((await notifications.findEndpoint(endpoint.id))?.problem, problem);
      const kept = await notifications.updateEndpoint({ ...changed, problem });
      assert.deepEqual((await notifications.findEndpoint(endpoint.id))?.problem, kept.problem);
      await notifications.noteOutcome(endpoint.id, { at: 9 });
      const noted = await notifications.findEndpoint(endpoint.id);
      assert.deepEqual([noted?.deliveredAt, noted?.problem], [9, undefined]);
      const notification = {
        ...{ id: anId('ntf'), at: 1, title: 'x', facts: [], link: 'https://x', loud: false },
        event: 'request.asked',
      } as const;
      const queued: QueuedNotification = {
        ...{ id: anId('nte'), endpointId: endpoint.id, notification, attempts: 0, nextAt: 5 },
      };
      await notifications.queue([queued]);
      const other = anEndpoint();
      await notifications.insertEndpoint(other);
      await notifications.queue([{ ...queued, id: anId('nte'), endpointId: other.id, nextAt: 3 }]);
      assert.deepEqual(await notifications.endpointsDue(4), [other.id]);
      assert.deepEqual(await notifications.endpointsDue(5), [other.id, endpoint.id]);
      assert.deepEqual(await notifications.due(endpoint.id, 4, 10), []);
      assert.deepEqual(await notifications.due(endpoint.id, 5, 10), [queued]);
      const taken = await Promise.all(
        Array.from({ length: 12 }, (_, index) => either(index).now.notifications.take(queued, 100)),
      );
      assert.equal(taken.filter(Boolean).length, 1);
      assert.deepEqual(await notifications.due(endpoint.id, 99, 10), []);
      await notifications.postpone(queued.id, 50);
      assert.deepEqual(
        (await notifications.due(endpoint.id, 50, 10)).map(({ attempts }) => attempts),
        [1],
      );
      assert.equal(await notifications.deleteEndpoint(endpoint.id), true);
      assert.deepEqual(await notifications.due(endpoint.id, 1_000, 10), [], 'what waits goes with its endpoint');
      assert.equal(await notifications.deleteEndpoint(endpoint.id), false);
    });
  });
}
