// Machines whose tag asks for a further protocol: one machine, two entries of the catalog.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowedActions } from '@enchilada/core/access';
import { MISSING_GRACE_MS, type Rule } from '@enchilada/core/discovery';
import { aCredential } from '@enchilada/core/testing/store-fixture';
import { explain, previewView } from '../api/discovery-views.ts';
import { systemClock as clock, systemRandom as random } from '../clock.ts';
import { aDelivery, aHint, aWorld, FIRST, type World } from '../testing/discovery-world.ts';
import { Settlements } from '../settlement/settlements.ts';
import { preview, previewKnown } from './preview.ts';
import { purgeGone } from './purge.ts';
import { withdrawMarks } from './rule-grants.ts';

const TAG = 'enchilada:protocol';
const BOTH = { [TAG]: 'proto desk' };

const rule = (name: string, match: Rule['match'], outcome: Rule['outcome']): Rule => ({
  ...{ name, enabled: true, match, outcome },
});
const shown = async (world: World) =>
  (await world.targets()).map(({ name, protocol, host }) => [name, protocol, host].join(' ')).sort();
const kinds = async (world: World, limit: number) =>
  (await world.store.now.discovery.listChanges({ limit })).items.map(({ name, kind }) => `${name} ${kind}`).sort();
const found = async (world: World) => (await world.store.now.discovery.listFound(world.record.id, FIRST))[0];

describe('a machine whose tag asks for a further protocol', () => {
  it('is two entries that are told apart, and one without the tag is one', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
    world.cloud.put(FIRST, 'i-2', { name: 'server', platform: 'windows', tags: { [TAG]: 'PROTO' } });
    world.cloud.put(FIRST, 'i-3', { name: 'plain', tags: { [TAG]: 'proto' } });
    world.cloud.put(FIRST, 'i-4', { name: 'odd', tags: { [TAG]: 'telnet, <b>desktop</b> __proto__' } });
    await world.sweep();
    assert.deepEqual(await shown(world), [
      'both (DESK) desk 10.0.0.1',
      'both proto 10.0.0.1',
      'odd proto 10.0.0.1',
      'plain proto 10.0.0.1',
      'server (PROTO) proto 10.0.0.1',
      'server desk 10.0.0.1',
    ]);
    const [one, other] = [await world.target('both'), await world.target('both (DESK)')];
    assert.equal(one.groupId, other.groupId);
    assert.equal((await world.sweep()).changes.length, 0, 'nothing is written where nothing changed');
  });

  it('is moved and renamed with both, and what people set in each stays', async () => {
    const world = await aWorld([rule('place', {}, { group: 'net/{network}' })]);
    world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH, network: 'a' });
    await world.sweep();
    const [one, other] = [await world.target('both'), await world.target('both (DESK)')];
    await world.store.now.catalog.updateTarget({ ...other, port: 3390, labels: { ...other.labels, mine: 'yes' } });
    world.cloud.put(FIRST, 'i-1', { name: 'renamed', network: 'b', privateAddresses: ['10.9.9.9'] });
    await world.sweep();
    const [first, further] = [await world.target('renamed'), await world.target('renamed (DESK)')];
    assert.deepEqual([first.id, first.port, first.host], [one.id, 22, '10.9.9.9']);
    assert.deepEqual([further.id, further.port, further.host], [other.id, 3390, '10.9.9.9']);
    assert.deepEqual([first.labels['mine'], further.labels['mine']], [undefined, 'yes']);
    assert.equal(first.groupId, further.groupId);
    assert.notEqual(first.groupId, one.groupId);
  });

  it('loses the second at once with the tag, and has the same one back with it', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
    await world.sweep();
    const other = await world.target('both (DESK)');
    const tell = async (tags: Readonly<Record<string, string>>) => {
      world.wait(1_000);
      world.cloud.put(FIRST, 'i-1', { tags });
      const hint = aHint('i-1', world.now());
      // Duplicates and replays change nothing.
      for (const hints of [[hint], [hint, hint], [hint]]) await world.process([aDelivery(hints).delivery]);
    };
    await tell({});
    assert.deepEqual(await shown(world), ['both proto 10.0.0.1']);
    assert.deepEqual(await kinds(world, 2), ['both (DESK) gone', 'both changed']);
    assert.equal((await found(world))?.further?.omitted, 'untagged');
    await tell(BOTH);
    assert.deepEqual((await world.target('both (DESK)')).id, other.id);
    assert.equal((await world.target('both (DESK)')).goneAt, undefined);
    assert.deepEqual(await kinds(world, 2), ['both (DESK) returned', 'both changed']);
    assert.equal((await world.store.now.catalog.listTargets()).length, 2);
  });

  it('is not changed by an answer that is older than what is known', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-1', { name: 'both', tags: {} });
    const page = await world.cloud.describe(FIRST, ['i-1']);
    world.wait(1_000);
    world.cloud.put(FIRST, 'i-1', { tags: BOTH });
    await world.sweep();
    const news = { source: world.record, scope: FIRST, cause: 'event', sightings: page } as const;
    await world.store.transaction((tx) => world.updater.apply(tx, news));
    assert.equal((await world.targets()).length, 2);
  });

  for (const [how, end] of [
    [
      'terminated',
      async (world) => {
        world.cloud.state('i-1', 'terminated');
        await world.sweep();
      },
    ],
    [
      'missing for longer than the grace',
      async (world) => {
        world.cloud.machines.delete('i-1');
        await world.sweep();
        assert.equal((await world.targets()).length, 2, 'both are there in the meantime');
        world.wait(MISSING_GRACE_MS);
        await world.sweep();
      },
    ],
  ] as readonly (readonly [string, (world: World) => Promise<void>])[])
    it(`goes with both when it is ${how}`, async () => {
      const world = await aWorld();
      world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
      await world.sweep();
      await end(world);
      assert.deepEqual(await world.targets(), []);
      assert.deepEqual(await kinds(world, 2), ['both (DESK) gone', 'both gone']);
    });

  it('keeps out what a person deleted of the two, and the other in', async () => {
    for (const [deleted, left] of [
      ['both (DESK)', 'both'],
      ['both', 'both (DESK)'],
    ] as const) {
      const world = await aWorld();
      world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
      await world.sweep();
      await world.store.now.catalog.deleteTarget((await world.target(deleted)).id);
      world.cloud.put(FIRST, 'i-1', { privateAddresses: ['10.0.0.2'] });
      await world.sweep();
      await world.sweep();
      assert.deepEqual(
        (await world.targets()).map(({ name, host }) => [name, host]),
        [[left, '10.0.0.2']],
      );
    }
  });

  it('is counted twice by a preview, which says what goes with the tag and with the machine', async () => {
    const world = await aWorld();
    const { store, record, cloud } = world;
    const projection = { protocols: { linux: 'proto', windows: 'desk' }, portOf: () => 22 };
    const parts = { store, clock: { ...clock, now: world.now }, projection };
    const counts = (rules: readonly Rule[] = []) => previewKnown(parts, record.id, { rules, scopes: undefined });
    const asked = async () => {
      const said = previewView(
        await preview(parts, { record, source: cloud, listing: {} }, { rules: [], scopes: undefined }),
      );
      return said.machines.map(({ name, effect, protocol }) => `${name} ${effect} ${protocol ?? ''}`);
    };
    world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
    assert.deepEqual(await asked(), ['both appears proto', 'both (DESK) appears desk']);
    await world.sweep();
    world.cloud.put(FIRST, 'i-1', { tags: {} });
    assert.deepEqual(await asked(), ['both (DESK) goes desk', 'both changes proto']);
    await world.sweep();
    assert.deepEqual(await asked(), ['both stays proto']);
    world.cloud.machines.delete('i-1');
    assert.deepEqual(await asked(), ['both goes proto']);
    world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
    await world.sweep();
    world.cloud.machines.delete('i-1');
    assert.deepEqual(await asked(), ['both goes proto', 'both (DESK) goes desk']);
    assert.equal((await counts()).counts.stays, 2);
    const without = await counts([rule('out', { protocol: 'desk' }, { skip: true })]);
    assert.deepEqual([without.counts.stays, without.counts.goes], [1, 1]);
    assert.equal((await counts([rule('elsewhere', {}, { group: 'else' })])).counts.changes, 2);
    const { version } = await store.now.discovery.rules();
    await store.now.discovery.saveRules([rule('out', { protocol: 'desk' }, { skip: true })], version);
    const [scope] = await world.scopes();
    assert.ok(scope);
    await world.store.transaction((tx) => world.updater.judgeAgain(tx, scope));
    assert.deepEqual(await shown(world), ['both proto 10.0.0.1']);
  });
});

it('a machine of two entries that is gone for a week leaves with both', async () => {
  const world = await aWorld();
  const { store, cloud } = world;
  cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
  await world.sweep();
  cloud.state('i-1', 'terminated');
  await world.sweep();
  assert.equal((await store.now.catalog.listTargets()).length, 2);
  world.wait(8 * 24 * 3_600_000);
  const audit = { append: () => assert.fail('no grant was withdrawn') };
  const settlements = new Settlements({ store, audit, clock: world.clock, random });
  await purgeGone({ store, settlements, clock: world.clock, nodeId: 'one' });
  assert.deepEqual(await store.now.catalog.listTargets(), []);
});

it('what rules granted on both entries of a machine ends with its source', async () => {
  const grants = { groups: ['grp_1'], actions: ['connect'] } as const;
  const world = await aWorld([rule('all', {}, { grants })], { protectedTags: [TAG] });
  world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
  await world.sweep();
  const marks = async () => (await world.targets()).map(({ labels }) => labels['cloud:granted-by']);
  assert.deepEqual(await marks(), ['all', 'all']);
  await world.store.transaction((tx) => withdrawMarks(tx, world.record.id, world.now()));
  assert.deepEqual(await marks(), [undefined, undefined]);
});

describe('rules of a further entry', () => {
  const rules = [
    rule('all', {}, { hostKeyPolicy: 'deny', port: 2222, grants: { groups: ['grp_1'], actions: ['connect'] } }),
    rule('desk', { protocol: 'desk' }, { port: 3390, parameters: { wide: true }, group: 'desks' }),
    rule('proto', { protocol: 'proto' }, { parameters: { narrow: true } }),
  ];
  it('are those for all and those for its protocol; an unprotected tag gives no right and no parameter', async () => {
    for (const isProtected of [false, true]) {
      const world = await aWorld(rules, { protectedTags: isProtected ? [TAG] : [] });
      world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
      await world.sweep();
      const [one, other] = [await world.target('both'), await world.target('both (DESK)')];
      assert.deepEqual([one.port, one.hostKeyPolicy, one.parameters], [2222, 'deny', { narrow: true }]);
      assert.equal(one.labels['cloud:granted-by'], 'all');
      assert.deepEqual([other.port, other.hostKeyPolicy], [3390, 'deny']);
      assert.deepEqual(other.parameters, isProtected ? { wide: true } : {});
      assert.equal(other.labels['cloud:granted-by'], isProtected ? 'all' : undefined);
      const scope = { kind: 'target-group', id: other.groupId ?? '' } as const;
      const grant = { id: 'gra_1', subject: { kind: 'user', id: 'usr_1' }, scope, actions: ['connect'] } as const;
      const view = {
        ...{ userId: 'usr_1', groupIds: [], circumstances: { now: 0, address: undefined } },
        grants: [{ ...grant, createdAt: 0, createdBy: 'usr_1' }],
      };
      assert.equal(allowedActions(view, other, [other.groupId ?? '']).has('connect'), isProtected);
      const machine = await found(world);
      assert.ok(machine);
      const said = explain({ source: world.record, scope: undefined, found: machine }, other);
      assert.deepEqual(said.trace[0], { field: 'protocol', rule: `tag ${TAG}` });
      assert.deepEqual(said.changedByHand, []);
      assert.equal(
        said.trace.some(({ refusedBecauseOfTag }) => refusedBecauseOfTag === TAG),
        !isProtected,
      );
      const first = explain({ source: world.record, scope: undefined, found: machine }, one);
      assert.ok(first.trace.every(({ rule: by }) => by !== 'desk'));
    }
  });

  it('choose the credential of each by its protocol', async () => {
    for (const isProtected of [false, true]) {
      const world = await aWorld([], { protectedTags: isProtected ? [TAG] : [] });
      const [key, password] = [aCredential({ name: 'key' }), aCredential({ name: 'password' })];
      for (const one of [key, password]) await world.store.now.credentials.insert(one);
      await world.store.now.discovery.saveRules(
        [
          rule('passwords', { protocol: 'desk' }, { credentialId: password.id }),
          rule('keys', {}, { credentialId: key.id }),
        ],
        1,
      );
      world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
      world.cloud.put(FIRST, 'i-2', { name: 'server', platform: 'windows', tags: BOTH });
      await world.sweep();
      const chosen = Object.fromEntries((await world.targets()).map(({ name, credentialId }) => [name, credentialId]));
      assert.deepEqual(chosen, {
        both: key.id,
        'both (DESK)': isProtected ? password.id : undefined,
        server: password.id,
        'server (PROTO)': undefined,
      });
    }
  });

  it('know by what a rule opens the machine', async () => {
    const world = await aWorld([
      rule('as desk', { accounts: [FIRST.account] }, { protocol: 'desk' }),
      rule('desks', { protocol: 'desk' }, { port: 3390 }),
    ]);
    world.cloud.put(FIRST, 'i-1', { name: 'both', tags: BOTH });
    world.cloud.put(FIRST, 'i-2', { name: 'one' });
    await world.sweep();
    const view = (await world.targets()).map(({ name, protocol, port }) => `${name} ${protocol} ${port}`).sort();
    assert.deepEqual(view, ['both (PROTO) proto 22', 'both desk 3390', 'one desk 3390']);
  });
});
