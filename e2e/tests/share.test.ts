import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Person, Shell } from '../product/index.ts';
import { Site, startSshd } from './site.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let guest: Person;
let stranger: Person;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
  guest = await site.person('gil-the-guest');
  stranger = await site.person('stan-the-stranger');
});
after(() => owned.disposeAsync());

interface Shared {
  readonly owner: Person;
  readonly targetId: string;
  readonly shell: Shell;
  /** Of the leave to share. */
  readonly shareId: string;
}

/** A live session whose owner may share it. */
async function shared(name: string): Promise<Shared> {
  const targetId = await site.machineOn(sshd, { name });
  const owner = await site.person(`owner-of-${name}`);
  await site.grant(owner, targetId, ['connect']);
  const shareId = await site.grant(owner, targetId, ['share']);
  const shell = await owner.open(targetId);
  await shell.live();
  await shell.see('$');
  return { owner, targetId, shell, shareId };
}

const invite = (owner: Person, { sessionId }: Shell, username = 'gil-the-guest') =>
  owner.api.createInvitation({ params: { id: sessionId }, body: { username, minutes: 15 } });

const NOT_FOUND = { code: 'NOT_FOUND' };

test('an invited person looks on, does nothing, reaches nothing else, and is sent away', async () => {
  const { owner, targetId, shell } = await shared('shown');
  const { sessionId } = shell;
  await assert.rejects(guest.join(sessionId, 'watch'), NOT_FOUND);
  const { id } = await invite(owner, shell);
  const { items } = await guest.api.listSessions({ query: { scope: 'watchable' } });
  assert.deepEqual(
    items.map((one) => [one.id, one.mayWatch, one.mayShare, one.address]),
    [[sessionId, true, false, '']],
  );
  const watching = await guest.join(sessionId, 'watch');
  await shell.until(
    () =>
      shell.frames.some((one) => one.type === 'watched' && one.viewers.some(({ user }) => user === 'gil-the-guest')),
    'the guest announced',
  );
  watching.type('echo from-guest-$((6*7))\r');
  shell.type('echo from-owner-$((6*7))\r');
  await watching.see('from-owner-42');
  assert.ok(!shell.text.includes('from-guest'));

  await assert.rejects(guest.join(sessionId, 'control'), NOT_FOUND);
  await assert.rejects(guest.open(targetId), NOT_FOUND);
  await assert.rejects(guest.api.getMachine({ params: { id: targetId } }), NOT_FOUND);
  await assert.rejects(guest.api.listFiles({ params: { id: sessionId }, query: { path: 'Lw' } }), NOT_FOUND);
  await assert.rejects(invite(guest, shell, 'stan-the-stranger'), NOT_FOUND);
  await assert.rejects(guest.api.listInvitations({ params: { id: sessionId } }), NOT_FOUND);
  await assert.rejects(stranger.join(sessionId, 'watch'), NOT_FOUND);

  await owner.api.deleteInvitation({ params: { id: sessionId, invitation: id } });
  assert.equal((await watching.ended()).reason, 'SESSION_REVOKED');
  await watching.leave();
  await assert.rejects(guest.join(sessionId, 'watch'), NOT_FOUND);
  assert.deepEqual((await guest.api.listSessions({ query: { scope: 'watchable' } })).items, []);
  shell.type('echo goes-on-$((6*7))\r');
  await shell.see('goes-on-42');
  await shell.leave();

  const { items: events } = await site.admin.api.listAudit({ query: { limit: 500 } });
  for (const action of ['session.shared', 'session.unshared']) {
    const noted = events.find((one) => one.action === action && one.object?.id === sessionId);
    assert.equal(noted?.detail?.['guest'], 'gil-the-guest', action);
  }
});

test('who may not share invites nobody, and a guest goes with the leave of the owner', async () => {
  const { owner, shell, shareId } = await shared('withdrawn');
  assert.equal((await owner.api.getSession({ params: { id: shell.sessionId } })).mayShare, true);
  await invite(owner, shell);
  const watching = await guest.join(shell.sessionId, 'watch');
  await site.admin.api.deleteGrant({ params: { id: shareId } });
  assert.equal((await watching.ended()).reason, 'SESSION_REVOKED');
  await watching.leave();
  await assert.rejects(guest.join(shell.sessionId, 'watch'), NOT_FOUND);
  await assert.rejects(invite(owner, shell), { code: 'FORBIDDEN' });
  assert.equal((await owner.api.getSession({ params: { id: shell.sessionId } })).mayShare, false);
  shell.type('echo still-$((6*7))\r');
  await shell.see('still-42');
  await shell.leave();
});

test('a guest whom a grant forbids the machine is not let in, and is sent away', async () => {
  const { owner, targetId, shell } = await shared('forbidden');
  await invite(owner, shell);
  const watching = await guest.join(shell.sessionId, 'watch');
  const { user } = await guest.api.getMe();
  await site.admin.api.createGrant({
    body: {
      ...{ subject: { kind: 'user', id: user.id }, scope: { kind: 'target', id: targetId } },
      ...{ actions: ['watch'], effect: 'deny' },
    },
  });
  assert.equal((await watching.ended()).reason, 'SESSION_REVOKED');
  await watching.leave();
  await assert.rejects(guest.join(shell.sessionId, 'watch'), NOT_FOUND);
  await shell.leave();
});

test('an invitation of nobody is answered as one of somebody, and ends with its session', async () => {
  const { owner, shell } = await shared('ended');
  const nobody = await invite(owner, shell, 'nobody-is-called-so');
  const somebody = await invite(owner, shell);
  assert.deepEqual(Object.keys(nobody).sort(), Object.keys(somebody).sort());
  const { items } = await owner.api.listInvitations({ params: { id: shell.sessionId } });
  assert.deepEqual(items.map(({ username }) => username).sort(), ['gil-the-guest', 'nobody-is-called-so']);
  await owner.api.endSession({ params: { id: shell.sessionId }, body: {} });
  await shell.ended();
  await shell.leave();
  // The end is written down shortly after it was told.
  while ((await owner.api.getSession({ params: { id: shell.sessionId } })).endedAt === undefined)
    await new Promise((resolve) => setTimeout(resolve, 50));
  await assert.rejects(guest.api.getSession({ params: { id: shell.sessionId } }), NOT_FOUND);
  await assert.rejects(invite(owner, shell), { code: 'SESSION_ENDED' });
});

test('a session that as many look on at as may says so to the next, and takes them when one has left', async () => {
  const { owner, shell } = await shared('full');
  await invite(owner, shell);
  await site.admin.api.setSettings({ body: { watchersPerSession: 1 } });
  const watching = await guest.join(shell.sessionId, 'watch');
  await watching.live();
  const late = await guest.join(shell.sessionId, 'watch');
  const { reason, fault } = await late.ended();
  assert.deepEqual([reason, fault?.facts], ['VIEWER_LIMIT', { most: 1 }]);
  await late.leave();
  const again = await owner.join(shell.sessionId, 'control');
  await again.live();
  again.type('echo goes-on-$((6*7))\r');
  await watching.see('goes-on-42');
  await watching.leave();
  await again.until(
    () => again.frames.findLast((frame) => frame.type === 'watched')?.viewers.length === 1,
    'the guest gone',
  );
  const next = await guest.join(shell.sessionId, 'watch');
  await next.live();
  for (const one of [next, again, shell]) await one.leave();
});
