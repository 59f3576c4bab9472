import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { allowedActions } from '@enchilada/core/access';
import { MISSING_GRACE_MS, type Rule } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { CloudSimulator } from '@enchilada/core/testing/cloud-simulator';
import { aDelivery, aHint, aWorld, FIRST, SECOND, type World } from '../testing/discovery-world.ts';

describe('a sweep', () => {
  let world: World;
  beforeEach(async () => {
    world = await aWorld();
    for (let index = 0; index < 30; index++)
      world.cloud.put(FIRST, `i-${index}`, { privateAddresses: [`10.0.0.${index}`] });
    world.cloud.put(SECOND, 'i-other');
    await world.sweep();
    await world.sweep(SECOND.account);
  });

  it('puts every machine into the catalog, in a group for its account', async () => {
    assert.equal((await world.targets()).length, 31);
    const target = await world.target('i-7');
    const groups = await world.store.now.catalog.listGroups();
    const group = groups.find(({ id }) => id === target.groupId);
    assert.deepEqual([group?.name, groups.find(({ id }) => id === group?.parentId)?.name], ['Payments', 'cloud']);
    assert.deepEqual(
      [target.host, target.protocol, target.labels['cloud:account']],
      ['10.0.0.7', 'proto', FIRST.account],
    );
  });

  it('writes nothing when nothing changed', async () => {
    const version = await world.store.now.catalog.version();
    const { items } = await world.store.now.discovery.listChanges({ limit: 100 });
    for (let round = 0; round < 3; round++) assert.equal((await world.sweep()).changes.length, 0);
    assert.equal(await world.store.now.catalog.version(), version);
    assert.deepEqual((await world.store.now.discovery.listChanges({ limit: 100 })).items, items);
  });

  it('takes a terminated machine away at once, and a missing one after the grace', async () => {
    world.cloud.state('i-1', 'terminated');
    world.cloud.machines.delete('i-2');
    await world.sweep();
    const names = async () => (await world.targets()).map(({ name }) => name);
    assert.ok(!(await names()).includes('i-1'));
    assert.ok((await names()).includes('i-2'));
    world.wait(MISSING_GRACE_MS);
    await world.sweep();
    assert.ok(!(await names()).includes('i-2'));
    const kinds = (await world.store.now.discovery.listChanges({ limit: 3 })).items.map(({ kind }) => kind);
    assert.deepEqual(kinds.sort(), ['gone', 'gone', 'missing']);
  });

  it('gives a machine that comes back its old entry, with its host keys and grants', async () => {
    const before = await world.target('i-3');
    const machine = world.cloud.machines.get('i-3');
    assert.ok(machine);
    world.cloud.machines.delete('i-3');
    await world.sweep();
    world.wait(MISSING_GRACE_MS);
    await world.sweep();
    assert.ok((await world.target('i-3')).goneAt !== undefined);
    world.cloud.machines.set('i-3', machine);
    await world.sweep();
    const after = await world.target('i-3');
    assert.deepEqual([after.id, after.goneAt], [before.id, undefined]);
  });

  for (const [what, spoil] of [
    ['an empty list', (cloud) => (cloud.hidden = new Set(cloud.machines.keys()))],
    ['a third of the machines', (cloud) => (cloud.hidden = new Set([...cloud.machines.keys()].slice(0, 11)))],
    ['a refusal', (cloud) => (cloud.failure = { page: 0, fault: new Fault('DISCOVERY_DENIED', 'no') })],
    [
      'a failure on the third page',
      (cloud) => {
        cloud.pageSize = 10;
        cloud.failure = { page: 2, fault: new Fault('DISCOVERY_THROTTLED', 'slow down') };
      },
    ],
  ] as readonly (readonly [string, (cloud: CloudSimulator) => unknown])[]) {
    it(`removes nothing on ${what}, says so, and goes on by itself`, async () => {
      spoil(world.cloud);
      for (let round = 0; round < 3; round++) {
        assert.notEqual((await world.sweep()).outcome, 'complete');
        world.wait(MISSING_GRACE_MS);
      }
      assert.equal((await world.targets()).length, 31);
      const scope = (await world.scopes())[0];
      assert.ok(scope?.heldSince !== undefined || scope?.staleSince !== undefined);
      assert.equal((await world.scopes())[1]?.staleSince, undefined);
      world.cloud.hidden = new Set();
      world.cloud.failure = undefined;
      assert.equal((await world.sweep()).outcome, 'complete');
      const healed = (await world.scopes())[0];
      assert.deepEqual([healed?.heldSince, healed?.staleSince, healed?.held], [undefined, undefined, []]);
    });
  }

  it('asks again for what a listing lacks before it counts it as missing', async () => {
    world.cloud.state('i-4', 'terminated');
    for (let index = 10; index < 30; index++) world.cloud.state(`i-${index}`, 'terminated');
    assert.equal((await world.sweep()).outcome, 'complete');
    assert.equal((await world.targets()).length, 10);
  });
});

describe('what people set', () => {
  it('survives discovery, field by field and label by label', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-1', { tags: { Name: 'one' }, name: 'one' });
    await world.sweep();
    const target = await world.target('one');
    await world.store.now.catalog.updateTarget({ ...target, port: 2222, labels: { ...target.labels, mine: 'yes' } });
    world.cloud.put(FIRST, 'i-1', { name: 'renamed', privateAddresses: ['10.9.9.9'], state: 'stopped' });
    await world.sweep();
    const after = await world.target('renamed');
    assert.deepEqual([after.id, after.port, after.host], [target.id, 2222, '10.9.9.9']);
    assert.deepEqual([after.labels['mine'], after.labels['cloud:state']], ['yes', 'stopped']);
  });

  it('stays deleted when a person deleted it', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-1');
    await world.sweep();
    await world.store.now.catalog.deleteTarget((await world.target('i-1')).id);
    world.cloud.put(FIRST, 'i-1', { privateAddresses: ['10.0.0.2'] });
    await world.sweep();
    assert.deepEqual(await world.targets(), []);
    assert.equal((await world.store.now.discovery.listFound(world.record.id, FIRST))[0]?.omitted, 'deleted');
  });

  it('keeps machines of one name apart', async () => {
    const world = await aWorld();
    for (const id of ['i-1', 'i-2', 'i-3']) world.cloud.put(FIRST, id, { name: 'web' });
    world.cloud.put(SECOND, 'i-4', { name: 'WEB' });
    await world.sweep();
    await world.sweep(SECOND.account);
    const names = (await world.targets()).map(({ name }) => name).sort();
    assert.deepEqual(names, ['WEB (i-4)', 'web', 'web (i-2)', 'web (i-3)']);
    assert.equal((await world.sweep()).changes.length, 0);
  });
});

describe('tags', () => {
  const rules: readonly Rule[] = [
    {
      name: 'by tag',
      enabled: true,
      match: { tags: { env: ['prod'] } },
      outcome: { group: 'prod', hostKeyPolicy: 'deny' },
    },
    {
      name: 'by account',
      enabled: true,
      match: { accounts: [FIRST.account] },
      outcome: { hostKeyPolicy: 'trust-first' },
    },
  ];
  const view = (scope: Parameters<typeof allowedActions>[0]['grants'][0]['scope']) => ({
    userId: 'usr_1',
    groupIds: [],
    circumstances: { now: 0, address: undefined },
    grants: [
      {
        id: 'gra_1',
        subject: { kind: 'user', id: 'usr_1' } as const,
        scope,
        actions: ['connect'] as const,
        createdAt: 0,
        createdBy: 'usr_1',
      },
    ],
  });

  it('place and name, but grant nothing and choose no secret, unless the key is protected', async () => {
    for (const isProtected of [false, true]) {
      const world = await aWorld(rules, { protectedTags: isProtected ? ['env'] : [] });
      world.cloud.put(FIRST, 'i-1', { tags: { env: 'prod', 'cloud:account': '999', 'tag:x': 'y' } });
      await world.sweep();
      const target = await world.target('i-1');
      const group = (await world.store.now.catalog.listGroups()).find(({ name }) => name === 'prod');
      assert.ok(group);
      assert.equal(target.groupId, group.id);
      assert.equal(target.hostKeyPolicy, isProtected ? 'deny' : 'trust-first');
      const may = (scope: Parameters<typeof view>[0]) => allowedActions(view(scope), target, [group.id]).has('connect');
      assert.equal(may({ kind: 'target-group', id: group.id }), isProtected);
      assert.equal(may({ kind: 'labels', selector: { env: ['prod'] } }), isProtected);
      assert.equal(may({ kind: 'labels', selector: { 'tag:env': ['prod'] } }), false);
      assert.equal(may({ kind: 'labels', selector: { 'cloud:account': [FIRST.account] } }), true);
      assert.equal(may({ kind: 'labels', selector: { 'cloud:account': ['999'] } }), false);
      const found = (await world.store.now.discovery.listFound(world.record.id, FIRST))[0];
      assert.equal(
        found?.trace.some(({ refusedBecauseOfTag }) => refusedBecauseOfTag === 'env'),
        !isProtected,
      );
    }
  });

  it('or a name gives no group a right and chooses no recording, unless it is protected', async () => {
    for (const match of [{ tags: { env: ['prod'] } }, { name: 'web*' }]) {
      const key = 'tags' in match ? 'env' : 'Name';
      for (const isProtected of [false, true]) {
        const grants = { groups: ['grp_1'], actions: ['connect'] } as const;
        const rule = {
          name: 'production',
          enabled: true,
          match,
          outcome: { grants, inputRecording: 'echoed' },
        } as const;
        const world = await aWorld([rule], { protectedTags: isProtected ? [key] : [] });
        world.cloud.put(FIRST, 'i-1', { name: 'web-1', tags: { env: 'prod' } });
        await world.sweep();
        const { labels } = await world.target('web-1');
        assert.deepEqual(
          [labels['cloud:granted-by'], labels['cloud:input-recording']],
          isProtected ? ['production', 'echoed'] : [undefined, undefined],
          key,
        );
      }
    }
  });

  it('with control characters, markup and great length become plain, bounded names', async () => {
    const world = await aWorld([
      { name: 'g', enabled: true, match: {}, outcome: { group: 'g/{tag:path}/{tag:none}', name: '{name}' } },
    ]);
    const nasty = `\u202egnp.\u0000<b>\r\n${'x'.repeat(600)}`;
    world.cloud.put(FIRST, 'i-1', { name: nasty, tags: { path: '../../a/b' } });
    world.cloud.put(FIRST, 'i-2', {
      name: ' \u200b ',
      tags: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, 'v'.repeat(999)])),
    });
    await world.sweep();
    const [long, plain] = [...(await world.targets())].sort((a, b) => b.name.length - a.name.length);
    assert.ok(long && plain);
    assert.match(long.name, /^gnp\. <b> x{150,}$/u);
    assert.ok(long.name.length <= 190);
    assert.equal(plain.name, 'i-2');
    assert.ok(Object.keys(plain.labels).length <= 50);
    const groups = await world.store.now.catalog.listGroups();
    assert.deepEqual(groups.map(({ name }) => name).sort(), ['.. .. a b', 'g']);
  });
});

describe('an event', () => {
  it('is a hint: what the describe call says is what happens', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-1', { privateAddresses: ['10.0.0.5'] });
    const launch = aDelivery([aHint('i-1', world.now(), { claimed: 'running', launchedBy: 'alice' })]);
    assert.equal((await world.process([launch.delivery])).changes[0]?.kind, 'appeared');
    assert.equal(launch.how(), 'acknowledged');
    assert.equal((await world.target('i-1')).host, '10.0.0.5');
    world.wait(120_000);
    const forged = aDelivery([aHint('i-1', world.now() - 100_000, { claimed: 'terminated' })]);
    await world.process([forged.delivery]);
    assert.equal((await world.target('i-1')).goneAt, undefined);
    assert.deepEqual([forged.how(), world.refused.map(({ claimed }) => claimed)], ['acknowledged', ['terminated']]);
    assert.equal((await world.store.now.discovery.listFound(world.record.id, FIRST))[0]?.launchedBy, 'alice');
  });

  it('whose answer is older than itself is asked about again', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-1', { state: 'stopped' });
    await world.sweep();
    const started = () => aDelivery([aHint('i-1', world.now(), { claimed: 'running' })]);
    const early = started();
    await world.process([early.delivery]);
    assert.equal(early.how(), 'retried');
    world.cloud.state('i-1', 'running');
    const later = started();
    await world.process([later.delivery]);
    assert.equal(later.how(), 'acknowledged');
    assert.equal((await world.target('i-1')).labels['cloud:state'], 'running');
  });

  it('of an account or region that is not listed is refused, one that cannot be read waits, and neither stops another', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-1');
    const foreign = aDelivery([aHint('i-1', world.now(), { scope: { account: '999999999999', region: 'eu-west-1' } })]);
    const elsewhere = aDelivery([aHint('i-1', world.now(), { scope: { ...FIRST, region: 'us-east-1' } })]);
    const unreadable = aDelivery([], 'not JSON');
    const nothing = aDelivery([]);
    const good = aDelivery([aHint('i-1', world.now())]);
    const denied = aDelivery([aHint('i-9', world.now(), { scope: SECOND })]);
    world.cloud.failure = { page: 0, account: SECOND.account, fault: new Fault('DISCOVERY_DENIED', 'no') };
    const all = [foreign, elsewhere, unreadable, nothing, good, denied];
    await world.process(all.map(({ delivery }) => delivery));
    assert.deepEqual(
      all.map(({ how }) => how()),
      ['retried', 'retried', 'retried', 'acknowledged', 'acknowledged', 'retried'],
    );
    assert.equal(world.refused.length, 2);
    assert.equal((await world.targets()).length, 1);
  });

  it('that comes twice does nothing twice', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-1');
    const hint = aHint('i-1', world.now());
    for (let round = 0; round < 3; round++) await world.process([aDelivery([hint, hint]).delivery]);
    assert.equal((await world.targets()).length, 1);
    assert.equal((await world.store.now.discovery.listChanges({ limit: 10 })).items.length, 1);
  });

  it("of a reused address never reaches the other machine's entry", async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'i-old', { privateAddresses: ['10.0.0.1'] });
    await world.sweep();
    const old = await world.target('i-old');
    world.cloud.state('i-old', 'terminated');
    world.cloud.put(FIRST, 'i-new', { privateAddresses: ['10.0.0.1'] });
    await world.process([aDelivery([aHint('i-new', world.now()), aHint('i-old', world.now())]).delivery]);
    const fresh = await world.target('i-new');
    assert.notEqual(fresh.id, old.id);
    assert.ok((await world.target('i-old')).goneAt !== undefined);
    assert.deepEqual(await world.store.now.hostKeys.listOf(fresh.id), []);
  });

  it('of another machine under the same id never inherits: the first goes, the second is new', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'vm/web', { incarnation: 'a' });
    await world.sweep();
    const first = await world.target('vm/web');
    world.wait(1_000);
    world.cloud.put(FIRST, 'vm/web', { incarnation: 'b' });
    const ended = aHint('vm/web', world.now() - 100_000, { claimed: 'terminated' });
    await world.process([aDelivery([aHint('vm/web', world.now()), ended]).delivery]);
    assert.deepEqual(world.refused, [], 'the end of the first may be told while the second is there');
    const [second, ...others] = await world.targets();
    assert.deepEqual([others.length, second?.id === first.id, second?.labels['cloud:id']], [0, false, 'vm/web']);
    const { items } = await world.store.now.discovery.listChanges({ limit: 10 });
    assert.deepEqual(items.map(({ kind }) => kind).sort(), ['appeared', 'appeared', 'gone']);
    assert.equal((await world.store.now.discovery.findByTarget(first.id))?.nativeId, 'vm/web#a');
    assert.equal((await world.sweep()).changes.length, 0);
  });

  it('that says a machine with an incarnation ended is taken back by a newer look, and by no older one', async () => {
    const world = await aWorld();
    world.cloud.put(FIRST, 'vm/web', { incarnation: 'a' });
    await world.sweep();
    const { id } = await world.target('vm/web');
    world.wait(1_000);
    world.cloud.state('vm/web', 'terminated');
    await world.process([aDelivery([aHint('vm/web', world.now())]).delivery]);
    assert.equal((await world.targets()).length, 0);
    world.cloud.state('vm/web', 'running');
    world.wait(-500);
    await world.process([aDelivery([aHint('vm/web', world.now())]).delivery]);
    assert.equal((await world.targets()).length, 0);
    world.wait(1_000);
    await world.process([aDelivery([aHint('vm/web', world.now())]).delivery]);
    assert.deepEqual(
      (await world.targets()).map((target) => target.id),
      [id],
    );
  });
});
