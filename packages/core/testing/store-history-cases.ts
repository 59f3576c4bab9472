import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import { type Invitation, mayBecome, type SessionRecord, type SessionState } from '@enchilada/core/session';
import type { NodeCommand, Page, PageRequest, Store } from '@enchilada/core/store';
import {
  aDigest,
  anAuditRecord,
  anId,
  aRecording,
  aSession,
  aTarget,
  aTicket,
  openedTwice,
  type StoreUnderTest,
} from './store-fixture.ts';

async function allPages<T>(
  list: (request: PageRequest) => Promise<Page<T>>,
  between: () => Promise<void> = async () => undefined,
): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
    assert.ok(page.items.length <= 3);
    items.push(...page.items);
    if (page.next === undefined) return items;
    cursor = page.next;
    await between();
  }
}

const STATES: readonly SessionState[] = ['requested', 'opening', 'live', 'grace', 'ended'];
const FIELDS: Readonly<Record<SessionState, Partial<SessionRecord>>> = {
  requested: {},
  opening: { nodeId: 'node-1' },
  live: { nodeId: 'node-1', openedAt: 2 },
  grace: { nodeId: 'node-1', openedAt: 2 },
  ended: { nodeId: 'node-1', openedAt: 2, endedAt: 3 },
};

export function storeHistoryCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: sessions, recordings, audit, nodes`, () => {
    let database: StoreUnderTest;
    let store: Store;
    let second: Store;
    before(async () => {
      ({ database, store, second } = await openedTwice(create));
    });
    after(() => database[Symbol.asyncDispose]());
    const either = (index: number): Store => (index % 2 === 0 ? store : second);

    it('keeps a session through its life, and nothing after its end', async () => {
      const userId = anId('usr');
      const session = aSession({ userId, targetName: '😀', address: '2001:db8::1' });
      await store.now.sessions.insert(session);
      assert.deepEqual(await store.now.sessions.find(session.id), session);
      assert.equal(await store.now.sessions.claim(session.id, 'node-1'), true);
      assert.equal(
        await store.now.sessions.update(session.id, { state: 'live', openedAt: 5, recordingId: 'rec_1' }),
        true,
      );
      assert.equal(await store.now.sessions.update(session.id, { bytesIn: 2 ** 40, bytesOut: 7 }), true);
      assert.equal(await store.now.sessions.update(session.id, { bytesIn: 2 ** 40, bytesOut: 7 }), true);
      assert.equal(await store.now.sessions.update(session.id, {}), true);
      assert.equal(await store.now.sessions.countLiveOf(userId), 1);
      assert.equal(
        await store.now.sessions.update(session.id, {
          state: 'ended',
          endedAt: 9,
          endReason: 'closed-by-user',
          endDetail: undefined,
        }),
        true,
      );
      const ended = {
        ...session,
        state: 'ended',
        nodeId: 'node-1',
        openedAt: 5,
        endedAt: 9,
        endReason: 'closed-by-user',
        recordingId: 'rec_1',
        bytesIn: 2 ** 40,
        bytesOut: 7,
      };
      assert.deepEqual(await store.now.sessions.find(session.id), ended);
      assert.equal(await store.now.sessions.update(session.id, { state: 'live' }), false);
      assert.equal(await store.now.sessions.update(session.id, {}), false);
      assert.equal(await store.now.sessions.claim(session.id, 'node-2'), false);
      assert.equal(await store.now.sessions.countLiveOf(userId), 0);
      assert.deepEqual(await store.now.sessions.find(session.id), ended);
    });

    it('gives a session to exactly one of many racing nodes', async () => {
      const session = aSession();
      await store.now.sessions.insert(session);
      const claims = await Promise.all(
        Array.from({ length: 16 }, (_, index) => either(index).now.sessions.claim(session.id, `node-${index}`)),
      );
      assert.equal(claims.filter(Boolean).length, 1);
      const nodeId = `node-${claims.indexOf(true)}`;
      assert.deepEqual(
        (await store.now.sessions.listLiveOfNode(nodeId)).map(({ id }) => id),
        [session.id],
      );
    });

    it('holds the state machine as constraints of its own', async () => {
      for (const from of STATES) {
        for (const to of STATES) {
          const session = aSession({ ...FIELDS[from], state: from });
          await store.now.sessions.insert(session);
          const change = store.now.sessions.update(session.id, {
            ...(to === 'live' || to === 'grace' ? { openedAt: 2 } : {}),
            ...(to === 'ended' ? { endedAt: 3 } : {}),
            state: to,
          });
          const legal = mayBecome(from, to) && !(from === 'requested' && to === 'opening');
          if (from === 'ended') assert.equal(await change, false);
          else if (from === to || legal || (from === 'requested' && to === 'opening'))
            assert.equal(await change, true, `${from} to ${to}`);
          else await assert.rejects(change, (error) => isFault(error, 'INTERNAL'), `${from} to ${to}`);
        }
      }
      const contradictions: Partial<SessionRecord>[] = [
        { state: 'ended' },
        { endedAt: 3 },
        { state: 'live' },
        { nodeId: 'node-1' },
        { state: 'odd' as SessionState },
      ];
      for (const fields of contradictions)
        await assert.rejects(store.now.sessions.insert(aSession(fields)), (error) => isFault(error, 'INTERNAL'));
    });

    it('pages sessions newest first, unmoved by what is written in between', async () => {
      const userId = anId('usr');
      const sessions = Array.from({ length: 10 }, (_, index) =>
        aSession({ userId, targetId: `tgt_${index % 2}`, requestedAt: 100 + Math.floor(index / 2) }),
      );
      for (const session of sessions) await store.now.sessions.insert(session);
      await store.now.sessions.update(sessions[0]?.id ?? '', { state: 'ended', endedAt: 1 });
      const expected = sessions
        .toSorted((a, b) => b.requestedAt - a.requestedAt || (a.id < b.id ? 1 : -1))
        .map(({ id }) => id);
      const insertNewer = () => store.now.sessions.insert(aSession({ userId, targetId: 'tgt_9', requestedAt: 900 }));
      const paged = await allPages((page) => store.now.sessions.list({ userId, ...page }), insertNewer);
      assert.deepEqual(
        paged.map(({ id }) => id),
        expected,
      );
      assert.equal((await store.now.sessions.list({ userId, live: false, limit: 100 })).items.length, 1);
      assert.equal((await store.now.sessions.list({ userId, live: true, limit: 100 })).items.length, 9 + 3);
      assert.equal((await store.now.sessions.list({ userId, targetId: 'tgt_1', limit: 100 })).items.length, 5);
      for (const request of [
        { limit: 1, cursor: 'nonsense' },
        { limit: 1, cursor: 'W10' },
        { limit: 0 },
        { limit: 1.5 },
      ]) {
        await assert.rejects(store.now.sessions.list(request), (error) => isFault(error, 'INVALID_REQUEST'));
      }
    });

    it('redeems each of fifty racing tickets once', async () => {
      const ticket = aTicket();
      await store.now.tickets.insert([ticket, aTicket()]);
      const expected = { kind: ticket.kind, loginDigest: ticket.loginDigest, now: 29_999 };
      assert.equal(await store.now.tickets.redeem(ticket.digest, { ...expected, kind: 'control' }), undefined);
      assert.equal(await store.now.tickets.redeem(ticket.digest, { ...expected, loginDigest: aDigest() }), undefined);
      assert.equal(await store.now.tickets.redeem(ticket.digest, { ...expected, now: 30_000 }), undefined);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => either(index).now.tickets.redeem(ticket.digest, expected)),
      );
      assert.deepEqual(
        answers.filter((answer) => answer !== undefined),
        [ticket],
      );
      await store.now.tickets.insert([]);
      assert.equal(await store.now.tickets.deleteExpired(30_000), 1);
    });

    it('indexes recordings, and searches them by text without wildcards', async () => {
      const userId = anId('usr');
      const recordings = ['Büro 100%', 'büro_1', 'other', 'BÜRO', 'x!y', 'tail', 'seven'].map((targetName, index) =>
        aRecording({ userId, targetName, startedAt: 100 + index }),
      );
      for (const recording of recordings) await store.now.recordings.insert(recording);
      const [first] = recordings;
      assert.ok(first);
      assert.deepEqual(await store.now.recordings.find(first.id), first);
      const found = async (text: string) =>
        (await store.now.recordings.list({ userId, text, limit: 50 })).items.map(({ targetName }) => targetName);
      assert.deepEqual(await found('BÜRO'), ['BÜRO', 'büro_1', 'Büro 100%']);
      assert.deepEqual(await found('buro'), []);
      assert.deepEqual(await found('0%'), ['Büro 100%']);
      assert.deepEqual(await found('_'), ['büro_1']);
      assert.deepEqual(await found('!'), ['x!y']);
      assert.deepEqual(
        (await store.now.recordings.list({ userId, from: 102, to: 104, limit: 50 })).items.map(
          ({ startedAt }) => startedAt,
        ),
        [103, 102],
      );
      await store.now.recordings.update(first.id, {
        state: 'complete',
        endedAt: 500,
        storedBytes: 2 ** 41,
        durationMs: 3,
        chunks: 2,
        endReason: 'closed-by-user',
      });
      assert.deepEqual(await store.now.recordings.find(first.id), {
        ...first,
        state: 'complete',
        endedAt: 500,
        storedBytes: 2 ** 41,
        durationMs: 3,
        chunks: 2,
        endReason: 'closed-by-user',
      });
      await store.now.recordings.update(first.id, { targetName: 'renamed' });
      assert.deepEqual(await found('renamed'), ['renamed']);
      const paged = await allPages(
        (page) => store.now.recordings.list({ userId, ...page }),
        () => store.now.recordings.insert(aRecording({ userId, startedAt: 900 })),
      );
      assert.deepEqual(
        paged.map(({ id }) => id),
        recordings.map(({ id }) => id).reverse(),
      );
    });

    it('gives audit records back to the letter, whatever they hold', async () => {
      const node = anId('node');
      const record = anAuditRecord(node, 1, {
        action: 'login.refused',
        actor: { kind: 'anonymous', name: `evil\0\ud800\u202e😀${'x'.repeat(3_000)}` },
        address: 'y'.repeat(500),
        object: { kind: 'user', id: `z\0${'z'.repeat(400)}`, name: 'Ünï' },
        outcome: 'denied',
        reason: '"; \\',
        detail: { attempts: 3, throttled: true, word: "it's" },
      });
      await store.now.audit.append(record);
      assert.deepEqual(await store.now.audit.last(node), record);
      assert.equal((await store.now.audit.list({ limit: 1, text: 'ÜNÏ' })).items.length, 1);
      assert.equal((await store.now.audit.list({ limit: 1, object: 'ünï' })).items.length, 1);
    });

    it('lists the audit log by every filter, newest or oldest first, and by chain', async () => {
      const [node, other] = [anId('node'), anId('node')].sort();
      assert.ok(node && other);
      const actor = { kind: 'user', id: anId('usr'), name: 'Carol' } as const;
      const records = Array.from({ length: 250 }, (_, index) =>
        anAuditRecord(node, index + 1, { actor, at: 50_000 + Math.floor(index / 3) }),
      );
      await store.now.audit.appendAll(records);
      const failed = anAuditRecord(other, 1, {
        at: 60_000,
        action: 'target.deleted',
        outcome: 'failure',
        object: { kind: 'target', id: 'tgt_x' },
        actor,
        address: '198.51.100.7',
      });
      await store.now.audit.append(failed);
      await assert.rejects(store.now.audit.append(failed), (error) => isFault(error, 'CONFLICT'));
      await assert.rejects(store.now.audit.appendAll([anAuditRecord(other, 2), failed]), (error) =>
        isFault(error, 'CONFLICT'),
      );
      assert.deepEqual(await store.now.audit.last(other), failed);
      assert.equal(await store.now.audit.last('node_absent'), undefined);
      for (const query of [
        { action: 'target.deleted' },
        { outcome: 'failure' },
        { object: 'tgt_x' },
        { address: '198.51.100.7' },
        { from: 60_000, to: 60_001 },
        { actor: 'CAROL', from: 60_000 },
      ]) {
        assert.deepEqual((await store.now.audit.list({ limit: 10, ...query })).items, [failed], JSON.stringify(query));
      }
      const oldest = await allPages((page) => store.now.audit.list({ ...page, actor: actor.id, order: 'oldest' }));
      assert.deepEqual(oldest, [...records, failed]);
      let at = 70_000;
      const newest = await allPages(
        (page) => store.now.audit.list({ ...page, actor: actor.id, to: 60_000 }),
        () => store.now.audit.append(anAuditRecord(anId('noise'), 1, { actor, at: at++ })),
      );
      assert.deepEqual(newest, records.toReversed());
      assert.deepEqual(await store.now.audit.chain(node, 100, 7), records.slice(100, 107));
      assert.ok((await store.now.audit.nodes()).includes(other));
    });

    it('keeps how a session was opened, and whom its owner invited until when', async () => {
      const session = aSession({ viewOnly: true, recordExempt: true });
      await store.now.sessions.insert(session);
      assert.deepEqual(await second.now.sessions.find(session.id), session);
      const over = aSession();
      await store.now.sessions.insert(over);
      const made = (fields: Partial<Invitation>): Invitation => ({
        ...{ id: anId('inv'), sessionId: session.id, username: 'Grüße 🔧', guestId: undefined },
        ...{ createdAt: 1_000, expiresAt: 2_000, ...fields },
      });
      const guestId = anId('usr');
      const [one, two, three] = [
        made({}),
        made({ guestId, createdAt: 1_001, expiresAt: 9_000 }),
        made({ guestId, sessionId: over.id, createdAt: 1_002 }),
      ];
      for (const invitation of [one, two, three])
        assert.equal(await store.now.invitations.insertWithin(invitation, 2), true);
      assert.deepEqual(await second.now.invitations.listOf(session.id, 1_999), [one, two]);
      assert.deepEqual(await second.now.invitations.listOf(session.id, 2_000), [two]);
      assert.deepEqual(await second.now.invitations.sessionsFor(guestId, 1_999), [session.id, over.id].toSorted());
      assert.equal(await store.now.sessions.update(over.id, { state: 'ended', endedAt: 1_500 }), true);
      assert.deepEqual(await second.now.invitations.sessionsFor(guestId, 1_999), [session.id]);
      assert.deepEqual(await second.now.invitations.sessionsFor(guestId, 9_000), []);
      assert.equal(await second.now.invitations.delete(three.sessionId, two.id), false);
      assert.equal(await second.now.invitations.delete(session.id, two.id), true);
      assert.equal(await store.now.invitations.delete(session.id, two.id), false);
      assert.equal(await store.now.invitations.insertWithin(made({ createdAt: 2_000, expiresAt: 3_000 }), 1), true);
      assert.deepEqual(await store.now.invitations.listOf(over.id, 0), [], 'what is over is forgotten');
    });

    it('lets a session have so many invitations, however many are asked for at once', async () => {
      const { id: sessionId } = aSession();
      const ask = (index: number) =>
        (index % 2 === 0 ? store : second).now.invitations.insertWithin(
          { id: anId('inv'), sessionId, username: 'ann', guestId: undefined, createdAt: 1_000, expiresAt: 2_000 },
          3,
        );
      const placed = await Promise.all(Array.from({ length: 8 }, (_, index) => ask(index)));
      assert.equal(placed.filter(Boolean).length, 3);
      assert.equal((await store.now.invitations.listOf(sessionId, 1_000)).length, 3);
    });

    it('numbers commands in the order in which they become visible', async () => {
      const { lastSequence: start, catalogVersion } = await store.now.commands.news();
      assert.equal(catalogVersion, await store.now.catalog.version());
      const read: number[] = [];
      let posting = true;
      const reader = (async () => {
        for (let done = false; !done;) {
          done = !posting;
          for (const { sequence } of await second.now.commands.after(read.at(-1) ?? start, 1_000)) read.push(sequence);
          await new Promise(setImmediate);
        }
      })();
      const command: NodeCommand = {
        kind: 'end-session',
        sessionId: 'ses_1',
        reason: 'SESSION_TERMINATED',
        detail: 'Grüße',
      };
      const posts = Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          either(index).now.commands.post(index === 0 ? { kind: 'recheck-all' } : command, index),
        ),
      );
      await posts.finally(() => (posting = false));
      await reader;
      assert.deepEqual(
        read,
        Array.from({ length: 40 }, (_, index) => start + index + 1),
      );
      assert.equal((await store.now.commands.news()).lastSequence, start + 40);
      await store.now.catalog.insertTarget(aTarget());
      assert.equal((await store.now.commands.news()).catalogVersion, await store.now.catalog.version());
      assert.notEqual(await store.now.catalog.version(), catalogVersion);
      assert.equal((await store.now.commands.after(start, 7)).length, 7);
      assert.ok(
        (await store.now.commands.after(start, 100)).some(
          ({ command: posted }) => posted.kind === 'end-session' && posted.detail === 'Grüße',
        ),
      );
      await store.now.commands.deleteOlderThan(39);
      assert.equal((await store.now.commands.after(start, 100)).length, 1);
    });
  });
}
