import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { MISSING_GRACE_MS, sweepRetired } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import { aDelivery, aHint, aWorld, FIRST, SECOND, type World } from '../testing/discovery-world.ts';

const TOGETHER = 40;
const LEAVING = 3;

describe('an account that leaves the source', () => {
  let world: World;
  const retired = async (): Promise<readonly string[]> =>
    (await world.scopes()).flatMap(({ account, retiredAt }) => (retiredAt === undefined ? [] : account));
  const names = async (): Promise<readonly string[]> => (await world.targets()).map(({ name }) => name);

  beforeEach(async () => {
    world = await aWorld();
    for (let index = 0; index < TOGETHER; index++) world.cloud.put(FIRST, `i-first-${index}`);
    for (let index = 0; index < LEAVING; index++) world.cloud.put(SECOND, `i-second-${index}`);
    await world.sweep();
    await world.sweep(SECOND.account);
  });

  it('is retired: its events are refused, and its machines go after the grace and not before', async () => {
    world.cloud.listed = [FIRST];
    const { retired: left, returned } = await world.list();
    assert.deepEqual([left.map(({ account }) => account), returned], [[SECOND.account], []]);
    assert.deepEqual((await world.list()).retired, [], 'it is said once');
    assert.equal((await world.sweep(SECOND.account)).outcome, 'complete');
    assert.equal((await names()).length, TOGETHER + LEAVING);
    const event = aDelivery([aHint('i-second-0', world.now(), { scope: SECOND })]);
    await world.process([event.delivery]);
    assert.deepEqual([event.how(), world.refused.map(({ nativeId }) => nativeId)], ['retried', ['i-second-0']]);
    world.wait(MISSING_GRACE_MS);
    await world.sweep(SECOND.account);
    assert.ok((await names()).every((name) => name.startsWith('i-first')));
    assert.equal((await names()).length, TOGETHER);
    assert.ok((await world.target('i-second-0')).goneAt !== undefined, 'it stays as a tombstone');
  });

  it('and comes back is one of the source again, with its old entries', async () => {
    const before = await world.target('i-second-1');
    world.cloud.listed = [FIRST];
    await world.list();
    await world.sweep(SECOND.account);
    world.wait(MISSING_GRACE_MS);
    await world.sweep(SECOND.account);
    world.cloud.listed = [FIRST, SECOND];
    assert.deepEqual(
      (await world.list()).returned.map(({ account }) => account),
      [SECOND.account],
    );
    assert.deepEqual(await retired(), []);
    await world.sweep(SECOND.account);
    const after = await world.target('i-second-1');
    assert.deepEqual([after.id, after.goneAt], [before.id, undefined]);
  });

  it('and came back since a node read of it loses nothing, however many machines it has', async () => {
    world.cloud.listed = [SECOND];
    await world.list();
    assert.equal((await world.sweep()).outcome, 'held');
    const [asRead] = await world.scopes();
    assert.ok(asRead?.retiredAt !== undefined);
    world.cloud.listed = [FIRST, SECOND];
    await world.list();
    assert.equal((await world.scopes())[0]?.heldSince, undefined, 'nobody is asked for machines that are there');
    const { store, clock, updater, record, cloud } = world;
    const { changes } = await sweepRetired({ store, clock, updater }, { record, source: cloud, scope: asRead });
    assert.deepEqual(changes, []);
  });

  it('keeps its grace where rules are judged again meanwhile', async () => {
    world.cloud.listed = [FIRST];
    await world.list();
    await world.sweep(SECOND.account);
    await world.store.now.discovery.saveRules([{ name: 'all', enabled: true, match: {}, outcome: { port: 2222 } }], 1);
    for (const scope of await world.scopes())
      await world.store.transaction((tx) => world.updater.judgeAgain(tx, scope));
    world.wait(MISSING_GRACE_MS);
    await world.sweep(SECOND.account);
    assert.equal((await names()).length, TOGETHER);
  });

  it('takes many machines away only when a person agrees', async () => {
    world.cloud.listed = [SECOND];
    await world.list();
    for (let round = 0; round < 3; round++) {
      assert.equal((await world.sweep()).outcome, 'held');
      world.wait(MISSING_GRACE_MS);
    }
    assert.equal((await names()).length, TOGETHER + LEAVING);
    const [scope] = await world.scopes();
    assert.equal(scope?.held.length, TOGETHER);
    world.cloud.listed = [FIRST, SECOND];
    await world.list();
    assert.equal((await world.sweep()).outcome, 'complete');
    assert.equal((await world.scopes())[0]?.heldSince, undefined);
  });

  it('waits for a person where what may not be seen is left out without an error', async () => {
    world.cloud.hidesScopes = true;
    world.cloud.listed = [FIRST];
    await world.list();
    world.wait(MISSING_GRACE_MS);
    assert.equal((await world.sweep(SECOND.account)).outcome, 'held');
    assert.equal((await names()).length, TOGETHER + LEAVING);
  });

  it('is not one of which the regions could not be listed, nor any of an empty list', async () => {
    const region = 'us-east-1';
    const unlisted = new Fault('DISCOVERY_DENIED', 'ec2:DescribeRegions in account 222222222222 was refused: no');
    world.cloud.listed = [FIRST, { ...SECOND, region, unlisted }];
    const listing = await world.list();
    assert.deepEqual([listing.retired, [...listing.unlisted]], [[], [[SECOND.account, unlisted]]]);
    world.cloud.listed = [];
    const empty = await world.list();
    assert.deepEqual([empty.retired, empty.isSuspicious], [[], true]);
    assert.deepEqual(await retired(), []);
    world.cloud.listed = [FIRST, SECOND];
    const whole = await world.list();
    assert.deepEqual(
      whole.retired.map((scope) => `${scope.account} ${scope.region}`),
      [`${SECOND.account} ${region}`],
      'a region that was only guessed goes once the list is whole',
    );
  });
});
