import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grant } from '@enchilada/core/access';
import type { AuditEvent } from '@enchilada/core/audit';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import { aGrant, aUser } from '@enchilada/core/testing/store-fixture';
import { purgeGone } from '../discovery/purge.ts';
import { systemRandom as random } from '../clock.ts';
import { Settlements } from '../settlement/settlements.ts';
import { aWorld, FIRST } from '../testing/discovery-world.ts';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';

/** Of Bob, where nothing else is said. */
function named(id: string, fields: Partial<Grant> = {}): Grant {
  return aGrant({ kind: 'user', id: 'usr_bob' }, { id, actions: ['connect', 'watch'], ...fields });
}

/** Which grants went, why and by whom, as an auditor reads it. */
function withdrawals(events: readonly AuditEvent[]): readonly string[] {
  return events.flatMap(({ action, actor, object, reason, detail }) =>
    action === 'grant.deleted'
      ? [
          `${object?.id ?? ''} (${object?.name ?? ''}) ${String(detail?.['subject'])} ${String(detail?.['scope'])} ${actor.kind}: ${reason ?? ''}`,
        ]
      : [],
  );
}

test('the grants that go with a person, a group, a machine or a group of machines are each audited', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  await fixture.addUser('root', 'administrator');
  await fixture.addUser('ann', 'user');
  await fixture.addUser('bob', 'user');
  const cookie = await fixture.signIn(node, 'root');
  const send = async (method: 'POST' | 'DELETE', path: string, body?: object) => {
    const answered = await call(node, method, path, { cookie, ...(body === undefined ? {} : { body }) });
    assert.ok(answered.statusCode < 300, `${method} ${path}: ${answered.body}`);
    return answered.body === '' ? { id: '', version: 0 } : answered.json<{ id: string; version: number }>();
  };
  const { grants } = fixture.store.now;
  const group = await send('POST', '/groups', { name: 'ops', description: '' });
  await send('POST', `/groups/${group.id}/members`, { userId: 'usr_ann' });
  const place = await send('POST', '/target-groups', { name: 'prod' });
  const machine = await send('POST', '/targets', { name: 'web', protocol: 'proto', host: 'web.test' });
  await grants.insert(named('gra_ann', { subject: { kind: 'user', id: 'usr_ann' } }));
  await grants.insert(named('gra_ops', { subject: { kind: 'group', id: group.id } }));
  await grants.insert(named('gra_web', { scope: { kind: 'target', id: machine.id } }));
  await grants.insert(named('gra_prod', { scope: { kind: 'target-group', id: place.id } }));
  await grants.insert(named('gra_stays'));

  await send('DELETE', '/users/usr_ann?version=1');
  await send('DELETE', `/groups/${group.id}`);
  await send('DELETE', `/targets/${machine.id}?version=${machine.version}`);
  await send('DELETE', `/target-groups/${place.id}`);
  assert.deepEqual(withdrawals(fixture.audit.events), [
    'gra_ann (ann → *) user:usr_ann {"kind":"all"} user: the person was deleted',
    `gra_ops (ops → *) group:${group.id} {"kind":"all"} user: the group was deleted`,
    `gra_web (bob → web) user:usr_bob {"kind":"target","id":"${machine.id}"} user: the machine was deleted`,
    `gra_prod (bob → prod) user:usr_bob {"kind":"target-group","id":"${place.id}"} user: the group of machines was deleted`,
  ]);
  assert.deepEqual(
    (await grants.list()).map(({ id }) => id),
    ['gra_stays'],
  );
  const deleted = fixture.audit.events.find(({ action }) => action === 'user.deleted');
  assert.equal(deleted?.detail?.['groups'], group.id, 'and what the person was a member of');
});

test('the grants on a machine that discovery has not seen for a week are audited when they go with it', async () => {
  const world = await aWorld();
  const { store, cloud, sweep, target, wait } = world;
  cloud.put(FIRST, 'i-1');
  await sweep();
  const { id, name } = await target('i-1');
  const bob = { ...aUser(), id: 'usr_bob' };
  await store.now.users.insert(bob);
  await store.now.grants.insert(named('gra_i', { scope: { kind: 'target', id } }));
  cloud.state('i-1', 'terminated');
  await sweep();
  const events: AuditEvent[] = [];
  const hash = '0'.repeat(64);
  const audit = {
    append: (event: AuditEvent) => {
      events.push(event);
      return Promise.resolve({ ...event, node: 'n', sequence: events.length, at: 0, previous: hash, hash });
    },
  };
  const purge = () => {
    const clock = new StandingClock(world.now());
    const settlements = new Settlements({ store, audit, clock, random });
    return purgeGone({ store, settlements, clock, nodeId: 'n' });
  };
  await purge();
  assert.deepEqual(events, []);
  wait(8 * 24 * 3_600_000);
  await purge();
  assert.deepEqual(withdrawals(events), [
    `gra_i (${bob.username} → ${name}) user:usr_bob {"kind":"target","id":"${id}"} system: the machine is gone for good`,
  ]);
  assert.deepEqual(await store.now.grants.list(), []);
});
