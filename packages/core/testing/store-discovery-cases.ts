import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CatalogEntry, DiscoveryChange, FoundMachine, Rule, SourceRecord } from '@enchilada/core/discovery';
import { Fault, isFault } from '@enchilada/core/fault';
import type { HintKey, Store } from '@enchilada/core/store';
import { anId, aTarget, type StoreUnderTest } from './store-fixture.ts';

const conflict = (error: unknown): boolean => isFault(error, 'CONFLICT');

export function aSource(fields: Partial<SourceRecord> = {}): SourceRecord {
  const id = anId('src');
  return {
    id,
    kind: 'example',
    name: id,
    parameters: { regions: ['eu-west-1'], all: true },
    enabled: true,
    protectedTags: ['team'],
    version: 1,
    createdAt: 1_000,
    updatedAt: 1_000,
    ...fields,
  };
}

export function aFoundMachine(sourceId: string, fields: Partial<FoundMachine> = {}): FoundMachine {
  return {
    id: anId('fnd'),
    sourceId,
    scope: { account: '111111111111', region: 'eu-west-1' },
    nativeId: anId('i'),
    facts: {
      name: 'büro 😀',
      platform: 'linux',
      state: 'running',
      privateAddresses: ['10.0.0.1'],
      publicAddresses: [],
      tags: { Name: 'büro 😀' },
    },
    observedAt: 1_760_000_000_123,
    missingSince: undefined,
    goneAt: undefined,
    targetId: undefined,
    projected: undefined,
    omitted: undefined,
    trace: [{ field: 'group', rule: 'first' }],
    launchedBy: undefined,
    firstSeenAt: 1_000,
    ...fields,
  };
}

export function storeDiscoveryCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: discovery`, () => {
    let database: StoreUnderTest;
    let store: Store;
    before(async () => {
      database = await create();
      store = database.open();
      await store.migrate();
    });
    after(() => database[Symbol.asyncDispose]());

    const scope = { account: '111111111111', region: 'eu-west-1' };

    it('keeps every field of a source, and refuses a lost update and a taken name', async () => {
      const { discovery } = store.now;
      const source = aSource({ name: 'Production' });
      await discovery.insertSource(source);
      assert.deepEqual(await discovery.findSource(source.id), source);
      await assert.rejects(discovery.insertSource(aSource({ name: 'PRODUCTION ' })), conflict);
      const changed = await discovery.updateSource({ ...source, enabled: false });
      assert.deepEqual(await discovery.listSources(), [{ ...source, enabled: false, version: 2 }]);
      await assert.rejects(discovery.updateSource(source), conflict);
      await assert.rejects(discovery.updateSource(aSource()), (error) => isFault(error, 'NOT_FOUND'));
      assert.equal(changed.version, 2);
    });

    it('replaces the rules as a whole, and only where nobody else has', async () => {
      const { discovery } = store.now;
      assert.deepEqual(await discovery.rules(), { rules: [], version: 0 });
      const rules: readonly Rule[] = [{ name: 'all', enabled: true, match: {}, outcome: { group: 'x/{region}' } }];
      const saved = await Promise.allSettled([
        discovery.saveRules(rules, 0),
        database.open().now.discovery.saveRules([], 0),
      ]);
      assert.equal(saved.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal(await discovery.saveRules(rules, 1), 2);
      assert.deepEqual(await discovery.rules(), { rules, version: 2 });
      await assert.rejects(discovery.saveRules([], 1), conflict);
    });

    it('leases a scope to one of many, again to its holder, and to another once it is over', async () => {
      const source = aSource();
      await store.now.discovery.insertSource(source);
      await store.now.discovery.noteScopes(source.id, [{ ...scope, accountName: 'one' }]);
      await store.now.discovery.noteScopes(source.id, [
        { ...scope, accountName: 'Eins' },
        { ...scope, region: 'eu-west-2', accountName: 'Eins' },
      ]);
      const second = database.open();
      const holders = Array.from({ length: 8 }, (_, index) => `node-${index}`);
      const taken = await Promise.all(
        holders.map((holder, index) =>
          (index % 2 === 0 ? store : second).now.discovery.lease(source.id, scope, { holder, forMs: 60_000 }),
        ),
      );
      assert.equal(taken.filter(Boolean).length, 1);
      const winner = holders[taken.indexOf(true)] ?? '';
      const lease = (holder: string, forMs: number) => store.now.discovery.lease(source.id, scope, { holder, forMs });
      assert.equal(await lease('node-other', 60_000), false);
      assert.equal(await lease(winner, -1_000), true);
      assert.equal(await lease('node-other', 60_000), true);
      await store.now.discovery.release(source.id, scope, winner);
      assert.equal(await lease(winner, 60_000), false);
      await store.now.discovery.release(source.id, scope, 'node-other');
      assert.equal(await lease(winner, 60_000), true);
      const change = {
        lastSweepAt: 5,
        lastEventAt: 4,
        staleSince: 3,
        heldSince: 2,
        held: ['i-1', 'i-2'],
        problem: { code: 'DISCOVERY_DENIED', detail: 'no permission' },
        judgedBy: '3.1',
        retiredAt: undefined,
        eventLagMs: 6,
        unannouncedAt: 7,
      } as const;
      await store.now.discovery.updateScope(source.id, scope, change);
      const empty = { lastSweepAt: undefined, lastEventAt: undefined, staleSince: undefined, heldSince: undefined };
      assert.deepEqual(await store.now.discovery.listScopes(source.id), [
        { sourceId: source.id, ...scope, accountName: 'Eins', ...change },
        {
          sourceId: source.id,
          ...scope,
          region: 'eu-west-2',
          accountName: 'Eins',
          ...empty,
          held: [],
          problem: undefined,
          judgedBy: undefined,
          retiredAt: undefined,
          eventLagMs: undefined,
          unannouncedAt: undefined,
        },
      ]);
      await store.now.discovery.updateScope(source.id, scope, { problem: undefined, staleSince: undefined });
      const [first] = await store.now.discovery.listScopes(source.id);
      assert.deepEqual([first?.problem, first?.staleSince, first?.lastSweepAt], [undefined, undefined, 5]);
    });

    it('retires a scope once, gives it back once, and forgets it when nothing of it is known', async () => {
      const { discovery } = store.now;
      const source = aSource();
      await discovery.insertSource(source);
      const empty = { ...scope, region: 'eu-west-3' };
      await discovery.noteScopes(source.id, [
        { ...scope, accountName: 'one' },
        { ...empty, accountName: 'one' },
      ]);
      await discovery.updateScope(source.id, scope, { lastSweepAt: 5, staleSince: 3 });
      const retired = await Promise.all(
        [store, database.open()].map((one) => one.now.discovery.retireScope(source.id, scope, 1_000)),
      );
      assert.deepEqual(retired.sort(), [false, true]);
      await discovery.retireScope(source.id, empty, 1_000);
      const [first] = await discovery.listScopes(source.id);
      assert.deepEqual([first?.retiredAt, first?.staleSince, first?.lastSweepAt], [1_000, undefined, 5]);
      await discovery.saveFound([aFoundMachine(source.id)]);
      await discovery.deleteRetiredScopes(1_000);
      assert.equal((await discovery.listScopes(source.id)).length, 2);
      await discovery.deleteRetiredScopes(1_001);
      assert.deepEqual(
        (await discovery.listScopes(source.id)).map(({ region }) => region),
        [scope.region],
      );
      await discovery.updateScope(source.id, scope, { heldSince: 6, held: ['i-1'], unannouncedAt: 7 });
      assert.deepEqual(
        [await discovery.returnScope(source.id, scope), await discovery.returnScope(source.id, scope)],
        [true, false],
      );
      const [returned] = await discovery.listScopes(source.id);
      assert.deepEqual([returned?.retiredAt, returned?.lastSweepAt], [undefined, undefined]);
      assert.deepEqual([returned?.heldSince, returned?.held, returned?.unannouncedAt], [undefined, [], undefined]);
    });

    it('keeps since when a trouble lasts while somebody meets it, and begins anew where nobody did', async () => {
      const { discovery } = store.now;
      const source = aSource();
      await discovery.insertSource(source);
      const problem = { code: 'DISCOVERY_DENIED', detail: 'ä permission' } as const;
      const trouble = { part: 'regions', account: '111111111111', problem } as const;
      await discovery.noteTrouble(source.id, trouble, { at: 100, expiredAt: 0 });
      await discovery.noteTrouble(source.id, { ...trouble, account: '' }, { at: 100, expiredAt: 0 });
      const other = { ...trouble, problem: { ...problem, detail: 'another' } };
      await discovery.noteTrouble(source.id, other, { at: 200, expiredAt: 100 });
      const of = async () => (await discovery.listTroubles(source.id)).find(({ account }) => account !== '');
      assert.deepEqual(await of(), { ...other, since: 100, seenAt: 200 });
      await discovery.noteTrouble(source.id, trouble, { at: 900, expiredAt: 500 });
      assert.deepEqual(await of(), { ...trouble, since: 900, seenAt: 900 });
      await discovery.clearTrouble(source.id, trouble);
      assert.equal(await of(), undefined);
      assert.equal((await discovery.listTroubles(source.id)).length, 1);
      await discovery.deleteSource(source.id);
      assert.deepEqual(await discovery.listTroubles(source.id), []);
    });

    it('keeps what was found, by ids of any length, and counts it', async () => {
      const source = aSource();
      const target = aTarget({ goneAt: 77 });
      await store.now.discovery.insertSource(source);
      await store.now.catalog.insertTarget(target);
      assert.equal((await store.now.catalog.findTarget(target.id))?.goneAt, 77);
      const other = aTarget();
      await store.now.catalog.insertTarget(other);
      const { trace } = aFoundMachine(source.id);
      const { id: targetId, name, protocol, host, port, labels, parameters, hostKeyPolicy } = other;
      const fields = { name, protocol, host, port, labels, parameters, hostKeyPolicy };
      const projected = { ...fields, groupId: 'tgp_1', credentialId: 'crd_1', jumpTargetId: 'tgt_1' };
      const further: CatalogEntry = { targetId, projected, omitted: 'untagged', trace };
      const long = `/subscriptions/${'x'.repeat(300)}/büro`;
      const machines = [
        aFoundMachine(source.id, { targetId: target.id, launchedBy: 'alice' }),
        aFoundMachine(source.id, { nativeId: long, missingSince: 5 }),
        aFoundMachine(source.id, { goneAt: 9, omitted: 'rule', further }),
      ];
      const { discovery } = store.now;
      await discovery.saveFound(machines);
      const byId = (list: readonly FoundMachine[]): readonly FoundMachine[] =>
        [...list].sort((a, b) => a.id.localeCompare(b.id));
      const ids = machines.map(({ nativeId }) => nativeId);
      assert.deepEqual(
        byId(await discovery.found(source.id, [{ scope, nativeIds: [...ids, 'i-absent'] }])),
        byId(machines),
      );
      assert.deepEqual(
        await discovery.found(source.id, [{ scope: { ...scope, region: 'elsewhere' }, nativeIds: ids }]),
        [],
      );
      assert.deepEqual(byId(await discovery.listFound(source.id, scope)), byId(machines.slice(0, 2)));
      assert.deepEqual(await discovery.countFound(source.id), [{ ...scope, present: 2, missing: 1 }]);
      assert.deepEqual(await discovery.findByTarget(target.id), machines[0]);
      assert.deepEqual((await discovery.findByTarget(other.id))?.id, machines[2]?.id, 'by either of its targets');
      assert.deepEqual(await discovery.goneBefore(10, 5), [machines[2]]);
      const [first] = machines;
      assert.ok(first);
      const elsewhere = { ...scope, region: 'elsewhere' };
      const twin = aFoundMachine(source.id, { scope: elsewhere, nativeId: first.nativeId });
      await discovery.saveFound([twin]);
      assert.deepEqual(
        byId(
          await discovery.found(source.id, [
            { scope, nativeIds: [long] },
            { scope: elsewhere, nativeIds: ids },
          ]),
        ),
        byId([machines[1] ?? first, twin]),
        'each scope is asked for its own ids',
      );
      await discovery.deleteFound([twin.id]);
      await discovery.saveFound([{ ...first, observedAt: 2 }]);
      assert.equal((await discovery.findByTarget(target.id))?.observedAt, 2);
      await store.now.catalog.deleteTarget(target.id);
      assert.equal(
        (await discovery.found(source.id, [{ scope, nativeIds: [first.nativeId] }]))[0]?.targetId,
        undefined,
      );
      await assert.rejects(discovery.saveFound([aFoundMachine(source.id, { nativeId: long })]), conflict);
      await discovery.deleteFound(machines.slice(1).map(({ id }) => id));
      assert.equal((await discovery.found(source.id, [{ scope, nativeIds: ids }])).length, 1);
      await discovery.deleteSource(source.id);
      assert.deepEqual(await discovery.found(source.id, [{ scope, nativeIds: ids }]), []);
    });

    it('knows the hints that were noted: of one source, one event and one machine, until they are old', async () => {
      const { discovery } = store.now;
      const hintAt = (nativeId: string, fields: Partial<HintKey> = {}): HintKey => ({
        ...{ eventId: 'event', scope, nativeId },
        ...fields,
      });
      const many = Array.from({ length: 450 }, (_, index) => hintAt(`i-${index}`));
      const [first, second, third] = many as [HintKey, HintKey, HintKey];
      assert.deepEqual(await discovery.notedHints('src_1', many), new Set());
      await discovery.noteHints('src_1', [first, ...many], 5);
      // Answered by what was asked with: a copy is another object.
      const copy = { ...second };
      assert.deepEqual(await discovery.notedHints('src_1', [first, copy]), new Set([first, copy]));
      assert.equal((await discovery.notedHints('src_1', many)).size, 450);
      const others = [
        hintAt('i-1', { eventId: 'Event' }),
        hintAt('i-1', { scope: { ...scope, region: 'elsewhere' } }),
        hintAt('I-1'),
        // Long, and of signs that no column may hold.
        hintAt(`/subscriptions/${'x'.repeat(300)}\u0000`, { eventId: `e${'é'.repeat(200)}\u0000` }),
      ];
      assert.deepEqual(await discovery.notedHints('src_1', others), new Set());
      assert.deepEqual(await discovery.notedHints('src_2', many), new Set(), 'each source looks for itself');
      await discovery.noteHints('src_1', [first, ...others], 6);
      assert.equal((await discovery.notedHints('src_1', others)).size, others.length);
      await discovery.deleteHintsOlderThan(6);
      assert.deepEqual(
        await discovery.notedHints('src_1', [first, third, ...others]),
        new Set(others),
        'one that was noted stays as old as it was',
      );
    });

    it('forgets a hint with the transaction that did not take in what it named', async () => {
      const hint = { eventId: 'undone', scope, nativeId: 'i-1' };
      const undone = store.transaction(async (tx) => {
        await tx.discovery.noteHints('src_1', [hint], 5);
        assert.deepEqual(await tx.discovery.notedHints('src_1', [hint]), new Set([hint]));
        throw new Fault('CONFLICT', 'the machine could not be written');
      });
      await assert.rejects(undone, conflict);
      assert.deepEqual(await store.now.discovery.notedHints('src_1', [hint]), new Set());
    });

    it('lists changes newest first', async () => {
      const { discovery } = store.now;
      const change = (at: number, fields: Partial<DiscoveryChange> = {}): DiscoveryChange => ({
        id: anId('chg'),
        at,
        sourceId: 'src_1',
        ...scope,
        nativeId: 'i-1',
        name: 'büro\u0000',
        kind: 'appeared',
        cause: 'event',
        targetId: undefined,
        ...fields,
      });
      const changes = [change(1), change(3, { targetId: 'tgt_1' }), change(2, { sourceId: 'src_2' })];
      await discovery.appendChanges(changes);
      const page = await discovery.listChanges({ limit: 2 });
      assert.deepEqual(
        page.items.map(({ at }) => at),
        [3, 2],
      );
      const rest = await discovery.listChanges({ limit: 2, ...(page.next === undefined ? {} : { cursor: page.next }) });
      assert.deepEqual(
        rest.items.map(({ at }) => at),
        [1],
      );
      const only = async (query: { sourceId?: string; targetId?: string }) =>
        (await discovery.listChanges({ limit: 9, ...query })).items.map(({ at }) => at);
      assert.deepEqual(await only({ sourceId: 'src_1' }), [3, 1]);
      assert.deepEqual(await only({ targetId: 'tgt_1' }), [3]);
    });
  });
}
