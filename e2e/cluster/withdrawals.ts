import assert from 'node:assert/strict';
import type { Target } from '@enchilada/contract';
import { Person } from '../product/index.ts';
import { PASSWORD } from './people.ts';
import type { PersonWithMachine } from './people.ts';

interface Concerned {
  readonly admin: Person;
  readonly somebody: PersonWithMachine;
}

export interface Withdrawal {
  /** What must be so before the session is opened. */
  readonly prepare?: (concerned: Concerned) => Promise<unknown>;
  /** Takes the right away; `at` is the administrator, or the person, at one of the nodes. */
  readonly withdraw: (concerned: Concerned & { readonly at: (who: Person) => Person }) => Promise<unknown>;
  /** What the audit log gives as the reason. */
  readonly words: string;
}

async function versionOf({ api }: Person, userId: string): Promise<number> {
  return (await api.getUser({ params: { id: userId } })).version;
}

/** The right comes by membership of a group, and by nothing else. */
async function throughGroup({ admin, somebody }: Concerned): Promise<unknown> {
  const { api } = admin;
  const { userId, targetId, grantId } = somebody;
  const group = await api.createGroup({ body: { name: `group of ${userId}`, description: '' } });
  await api.addMember({ params: { id: group.id }, body: { userId } });
  await api.createGrant({
    body: { subject: { kind: 'group', id: group.id }, scope: { kind: 'target', id: targetId }, actions: ['connect'] },
  });
  return api.deleteGrant({ params: { id: grantId } });
}

async function groupOf({ api }: Person, userId: string): Promise<string> {
  const { items } = await api.listGroups();
  const id = items.find(({ name }) => name === `group of ${userId}`)?.id;
  assert.ok(id);
  return id;
}

/** The right comes by a label of the machine, and by nothing else. */
async function throughLabel({ admin, somebody }: Concerned): Promise<unknown> {
  const { api } = admin;
  const { userId, targetId, grantId } = somebody;
  const target = await api.getTarget({ params: { id: targetId } });
  await api.updateTarget({ params: { id: targetId }, body: { ...changeable(target), labels: { team: userId } } });
  await api.createGrant({
    body: {
      subject: { kind: 'user', id: userId },
      scope: { kind: 'labels', selector: { team: [userId] } },
      actions: ['connect'],
    },
  });
  return api.deleteGrant({ params: { id: grantId } });
}

/** The right comes by an approval of the administrator, who may take it back, and by nothing else. */
async function throughApproval({ admin, somebody }: Concerned): Promise<unknown> {
  const { api } = admin;
  const { person, userId, targetId, grantId } = somebody;
  const { user } = await api.getMe();
  const { id: leads } = await api.createGroup({ body: { name: `who decides for ${userId}`, description: '' } });
  await api.addMember({ params: { id: leads }, body: { userId: user.id } });
  const scope = { kind: 'target' as const, id: targetId };
  await api.createGrant({
    body: {
      ...{ subject: { kind: 'user', id: userId }, scope, actions: ['connect'] },
      conditions: { approval: { groups: [leads], count: 1, minutes: 60, sessions: 2 } },
    },
  });
  await api.deleteGrant({ params: { id: grantId } });
  const until = Date.now() + 30 * 60_000;
  const { id, hash } = await person.api.createRequest({ body: { scope, until, reason: 'to be taken back' } });
  return api.decideRequest({ params: { id }, body: { verdict: 'approve', hash } });
}

/** What a change of a machine must say of what it leaves as it is. */
function changeable(target: Target) {
  const { name, protocol, host, port, hostKeyPolicy, credentialId, version, description, parameters } = target;
  const same = { name, protocol, host, port, hostKeyPolicy, version, description, parameters };
  return { ...same, ...(credentialId === undefined ? {} : { credentialId }) };
}

/** Every way in which somebody loses the right to what they have open: what a session must notice (T15). */
export const WITHDRAWALS: Readonly<Record<string, Withdrawal>> = {
  'the person is disabled': {
    withdraw: async ({ admin, somebody: { userId }, at }) => {
      const version = await versionOf(admin, userId);
      return at(admin).api.updateUser({ params: { id: userId }, body: { version, disabled: true } });
    },
    words: 'the login ended',
  },
  'the person is deleted': {
    withdraw: async ({ admin, somebody: { userId }, at }) => {
      const version = await versionOf(admin, userId);
      return at(admin).api.deleteUser({ params: { id: userId }, query: { version } });
    },
    words: 'the login ended',
  },
  'the person signs out': {
    withdraw: ({ somebody: { person }, at }) => at(person).api.logout(),
    words: 'the login ended',
  },
  'the login is ended from another one': {
    withdraw: async ({ admin, somebody: { person }, at }) => {
      const { user } = await person.api.getMe();
      const other = at(await Person.signIn(admin.url, { username: user.username, password: PASSWORD }));
      const { items } = await other.api.listLogins();
      const first = items.find(({ current }) => !current);
      assert.ok(first);
      return other.api.endLogin({ params: { id: first.id } });
    },
    words: 'the login ended',
  },
  'an administrator sets another password': {
    withdraw: ({ admin, somebody: { userId }, at }) =>
      at(admin).api.setUserPassword({ params: { id: userId }, body: { password: 'quite another phrase 12!' } }),
    words: 'the login ended',
  },
  'the role changes': {
    withdraw: async ({ admin, somebody: { userId }, at }) => {
      const version = await versionOf(admin, userId);
      return at(admin).api.updateUser({ params: { id: userId }, body: { version, role: 'auditor' } });
    },
    words: 'the login ended',
  },
  'the grant is removed': {
    withdraw: ({ admin, somebody: { grantId }, at }) => at(admin).api.deleteGrant({ params: { id: grantId } }),
    words: 'the grant was withdrawn',
  },
  'a denial is added': {
    withdraw: ({ admin, somebody: { userId, targetId }, at }) =>
      at(admin).api.createGrant({
        body: {
          ...{ subject: { kind: 'user', id: userId }, scope: { kind: 'target', id: targetId } },
          ...{ actions: ['connect'], effect: 'deny' },
        },
      }),
    words: 'the grant was withdrawn',
  },
  'the machine is removed': {
    withdraw: async ({ admin, somebody: { targetId }, at }) => {
      const { version } = await admin.api.getTarget({ params: { id: targetId } });
      return at(admin).api.deleteTarget({ params: { id: targetId }, query: { version } });
    },
    words: 'the machine was removed',
  },
  'the membership ends': {
    prepare: throughGroup,
    withdraw: async ({ admin, somebody: { userId }, at }) =>
      at(admin).api.removeMember({ params: { id: await groupOf(admin, userId), userId } }),
    words: 'the grant was withdrawn',
  },
  'the group is deleted': {
    prepare: throughGroup,
    withdraw: async ({ admin, somebody: { userId }, at }) =>
      at(admin).api.deleteGroup({ params: { id: await groupOf(admin, userId) } }),
    words: 'the grant was withdrawn',
  },
  'the approval is taken back': {
    prepare: throughApproval,
    withdraw: async ({ admin, somebody: { person }, at }) => {
      const [asked] = (await person.api.listRequests({ query: { view: 'mine' } })).items;
      assert.ok(asked);
      return at(admin).api.decideRequest({
        params: { id: asked.id },
        body: { verdict: 'deny', hash: asked.hash },
      });
    },
    words: 'the grant was withdrawn',
  },
  'the label of the machine changes': {
    prepare: throughLabel,
    withdraw: async ({ admin, somebody: { targetId }, at }) => {
      const target = await admin.api.getTarget({ params: { id: targetId } });
      return at(admin).api.updateTarget({
        params: { id: targetId },
        body: { ...changeable(target), labels: { team: 'another' } },
      });
    },
    words: 'the grant was withdrawn',
  },
};
