import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditLog } from '@enchilada/core/audit';
import type { ProviderRecord } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { aLogin } from '@enchilada/core/testing/store-fixture';
import { ProviderPeople } from '../providers/provider-people.ts';
import { GatewayFixture } from '../testing/gateway-fixture.ts';
import { auditedIn, auditLogOf, MortalNode } from '../testing/mortal-node.ts';
import { ScimGroups } from './scim-groups.ts';
import { ScimUsers } from './scim-users.ts';

const RULES = [
  { from: 'Ops', groupId: 'grp_ops', role: undefined },
  { from: 'Bosses', groupId: undefined, role: 'administrator' as const },
];

function doorOf(fixture: GatewayFixture, { store, audit }: { readonly store: Store; readonly audit: AuditLog }) {
  const { clock } = fixture;
  const random = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
  const people = new ProviderPeople({ store, audit, clock, random });
  const parts = { store, people, clock, random };
  return { people, users: new ScimUsers(parts), groups: new ScimGroups(parts) };
}
type ScimDoor = ReturnType<typeof doorOf>;

async function site() {
  const fixture = new GatewayFixture();
  await fixture.start();
  await fixture.addUser('root', 'administrator');
  const { store } = fixture;
  await store.now.groups.insert({ id: 'grp_ops', name: 'ops', description: '', createdAt: 1 });
  const record: ProviderRecord = {
    ...{ id: 'idp_one', kind: 'away', name: 'Staff', parameters: {}, secret: undefined, rules: RULES },
    ...{ admits: 'matched', trustsFactor: false, enabled: true, version: 1, createdAt: 0, updatedAt: 0 },
  };
  await store.now.providers.insert(record);
  const door = doorOf(fixture, fixture);
  const { userId } = await door.users.create(record, { userName: 'ann', active: true });
  const ids = [];
  for (const displayName of ['Ops', 'Bosses'])
    ids.push((await door.groups.create(record, { displayName, members: [{ value: userId }] })).id);
  await store.now.logins.insert(aLogin(userId));
  const [ops = '', bosses = ''] = ids;
  const other = doorOf(fixture, { store, audit: auditLogOf(fixture, store, 'other') });
  return { fixture, record, door: other, userId, ops, bosses };
}
type Site = Awaited<ReturnType<typeof site>>;

async function stateOf({ fixture, userId }: Site) {
  const { now } = fixture.store;
  const account = await now.users.find(userId);
  const logins = await now.logins.listOf(userId);
  const [identity] = await now.providers.identitiesOf(userId);
  return {
    ...{ isDisabled: account?.disabledAt !== undefined, role: account?.role, logins: logins.length },
    ...{ groups: await now.groups.groupsOf(userId), isSuspended: identity?.isSuspended },
  };
}

const anonymous = () => undefined;
const WRITES: Readonly<Record<string, (site: Site, door: ScimDoor) => Promise<unknown>>> = {
  'a deactivation': ({ record, userId }, { users }) =>
    users.patch(record, { id: userId, body: { Operations: [{ op: 'replace', value: { active: false } }] } }, anonymous),
  'a deletion': ({ record, userId }, { users }) => users.delete(record, userId),
  'the end of a membership': ({ record, ops }, { groups }) =>
    groups.patch(record, { id: ops, body: { Operations: [{ op: 'replace', path: 'members', value: [] }] } }, anonymous),
  'the end of a role': ({ record, bosses }, { groups }) => groups.delete(record, bosses),
  'another name of a group': ({ record, ops }, { groups }) =>
    groups.patch(
      record,
      { id: ops, body: { Operations: [{ op: 'replace', value: { displayName: 'X' } }] } },
      anonymous,
    ),
};

for (const [name, write] of Object.entries(WRITES))
  test(`${name} is finished by another node, wherever the first one died behind the write`, async () => {
    const whole = await site();
    await using _ = whole.fixture;
    await write(whole, whole.door);
    const wanted = await stateOf(whole);
    const events = (await auditedIn(whole.fixture.store)).map(({ action }) => action);
    const untouched = await site();
    const before = await stateOf(untouched);
    await untouched.fixture[Symbol.asyncDispose]();
    assert.notDeepEqual(wanted, before);
    const seen = { undone: 0, finished: 0 };
    for (let steps = 0; ; steps++) {
      const at = await site();
      await using fixture = at.fixture;
      const mortal = new MortalNode(fixture, 'mortal');
      mortal.dieAfter(steps);
      const outcome = await write(at, doorOf(fixture, mortal)).then(
        () => 'done',
        () => 'died',
      );
      assert.equal(outcome === 'died', mortal.isDead);
      await at.door.people.settleLeftOver();
      const written = (await auditedIn(fixture.store)).map(({ action }) => action);
      const isUndone = written.length === 0;
      assert.deepEqual(await stateOf(at), isUndone ? before : wanted, `after ${steps} steps`);
      if (!isUndone) assert.deepEqual(written.toSorted(), events.toSorted(), `after ${steps} steps`);
      seen[isUndone ? 'undone' : 'finished'] += 1;
      if (!isUndone && outcome === 'done') break;
      assert.ok(!isUndone || seen.finished === 0, 'what was written stays written');
    }
    assert.ok(seen.undone > 0 && seen.finished > 3, JSON.stringify(seen));
  });
