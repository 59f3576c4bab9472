import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditLog } from '@enchilada/core/audit';
import { GRANTED_BY, type Rule } from '@enchilada/core/discovery';
import { systemRandom as random } from '../clock.ts';
import { Settlements } from '../settlement/settlements.ts';
import { aWorld, FIRST } from '../testing/discovery-world.ts';
import { addRuleGrants, withdrawMarks } from './rule-grants.ts';
import { RuleSettlement } from './rule-settlement.ts';

const GIVING: Rule = {
  name: 'payments',
  enabled: true,
  match: { tags: { team: ['payments'] } },
  outcome: { grants: { groups: ['grp_payments'], actions: ['connect'] } },
};

async function aGrantingWorld() {
  const world = await aWorld([GIVING], { protectedTags: ['team'] });
  const { store, clock, updater } = world;
  await store.now.groups.insert({ id: 'grp_payments', name: 'Payments', description: '', createdAt: 0 });
  await store.transaction((tx) => addRuleGrants(tx, [GIVING], { now: 1, by: 'usr_1', random }));
  world.cloud.put(FIRST, 'i-1', { tags: { team: 'payments' } });
  await world.sweep();
  const audited: string[] = [];
  const hash = '0'.repeat(64);
  /** Another node, or this one after a restart. */
  const catchUp = async (): Promise<void> => {
    const audit: AuditLog = {
      append: (event) => {
        audited.push(`${event.action} by ${event.actor.kind}`);
        return Promise.resolve({ ...event, node: 'other', sequence: 1, at: clock.now(), previous: hash, hash });
      },
    };
    const settlements = new Settlements({ store, audit, clock, random });
    const settlement = new RuleSettlement({ store, clock, updater, settlements, nodeId: 'other' });
    await settlement.catchUp(await store.now.discovery.listSources());
  };
  const rights = async () => ({
    label: (await world.target('i-1')).labels[GRANTED_BY],
    grants: (await store.now.grants.list()).length,
  });
  assert.deepEqual(await rights(), { label: 'payments', grants: 1 });
  return { ...world, audited, catchUp, rights };
}

test('rules that a node saved and could not bring to the machines are brought there by the next', async () => {
  const { store, audited, catchUp, rights } = await aGrantingWorld();
  await store.now.discovery.saveRules([], 1);
  assert.deepEqual(await rights(), { label: 'payments', grants: 1 });
  await catchUp();
  assert.deepEqual(await rights(), { label: undefined, grants: 0 });
  assert.deepEqual(audited, ['grant.deleted by system']);
  const { items } = await store.now.discovery.listChanges({ limit: 10 });
  await catchUp();
  assert.deepEqual((await store.now.discovery.listChanges({ limit: 10 })).items, items);
});

test('what is found after a rule was taken away is not judged by it, whichever node finds it', async () => {
  const { store, cloud, sweep, target } = await aGrantingWorld();
  await store.now.discovery.saveRules([], 1);
  cloud.put(FIRST, 'i-2', { tags: { team: 'payments' } });
  await sweep();
  assert.equal((await target('i-2')).labels[GRANTED_BY], undefined);
});

test('a tag that is not protected any more gives nobody a right, also where its machine stays as it was', async () => {
  const { store, record, catchUp, rights, cloud, sweep, target } = await aGrantingWorld();
  await catchUp();
  await store.now.discovery.updateSource({ ...record, protectedTags: [] });
  // The node that sweeps has the source as it was.
  cloud.put(FIRST, 'i-2', { tags: { team: 'payments' } });
  await sweep();
  assert.equal((await target('i-2')).labels[GRANTED_BY], undefined);
  await catchUp();
  assert.equal((await rights()).label, undefined);
});

test('rights that rules gave end with the source, whose machines nobody judges any more', async () => {
  const { store, record, target, now } = await aGrantingWorld();
  await store.transaction((tx) => withdrawMarks(tx, record.id, now()));
  const { labels } = await target('i-1');
  assert.deepEqual([labels[GRANTED_BY], labels['cloud:account']], [undefined, FIRST.account]);
});
