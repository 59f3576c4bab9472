import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Shell } from '../product/index.ts';
import { Site, startSshd } from './site.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
});
after(() => owned.disposeAsync());

function isToldToLook({ frames }: Shell): boolean {
  return frames.some((frame) => frame.type === 'notice' && frame.code === 'view-only');
}

/** Types, leaves and comes back: what was typed before the sockets closed has been read by then. */
async function typedAndBack(shell: Shell, back: () => Promise<Shell>): Promise<Shell> {
  shell.type('echo typed-$((6*7))\r');
  await shell.leave();
  const again = await back();
  await again.see('$');
  return again;
}

test('a grant to look opens a session in which nothing is done, whatever else is granted', async () => {
  const targetId = await site.machineOn(sshd, { name: 'looked at' });
  const una = await site.person('una-who-looks');
  await site.grant(una, targetId, ['view-only', 'clipboard-in', 'clipboard-out', 'file-in', 'file-out']);
  const { actions } = await una.api.getMachine({ params: { id: targetId } });
  assert.ok(actions.includes('view-only') && !actions.includes('connect'));
  const shell = await una.open(targetId);
  await shell.live();
  await shell.see('$');
  assert.ok(isToldToLook(shell));
  assert.ok(!shell.frames.some(({ type }) => type === 'files' || type === 'clipboard'));
  const { sessionId } = shell;
  await assert.rejects(una.api.listFiles({ params: { id: sessionId }, query: { path: 'Lw' } }), {
    code: 'FILES_UNAVAILABLE',
  });

  // Being granted more changes nothing of what is open; what is opened from then on has it.
  await site.grant(una, targetId, ['connect']);
  const again = await typedAndBack(shell, () => una.join(sessionId, 'control'));
  assert.ok(isToldToLook(again) && !again.text.includes('typed-'));
  const seen = await una.api.getSession({ params: { id: sessionId } });
  assert.deepEqual([seen.viewOnly, seen.bytesIn, seen.recordingId === undefined], [true, 0, false]);
  await again.leave();
  const acting = await una.open(targetId);
  await acting.see('$');
  acting.type('echo typed-$((6*7))\r');
  await acting.see('typed-42');
  assert.ok(!isToldToLook(acting));
  await acting.leave();

  const { items } = await site.admin.api.listAudit({ query: { limit: 500 } });
  const noted = items.filter(({ detail }) => detail?.['sessionId'] === sessionId);
  for (const action of ['session.requested', 'session.opened'])
    assert.equal(noted.find((item) => item.action === action)?.detail?.['viewOnly'], true, action);
  const why = await site.admin.api.explainAccess({ query: { userId: noted[0]?.actor.id ?? '', targetId } });
  assert.ok(why.findings.some(({ grant, counts }) => counts && grant.actions.includes('view-only')));
});

test('who may act may ask to look alone, and does', async () => {
  const targetId = await site.machineOn(sshd, { name: 'careful machine' });
  const shell = await site.admin.open(targetId, { viewOnly: true });
  await shell.live();
  await shell.see('$');
  const { sessionId } = shell;
  const again = await typedAndBack(shell, () => site.admin.join(sessionId, 'control'));
  assert.ok(isToldToLook(again) && !again.text.includes('typed-'));
  again.say({ type: 'end' });
  assert.equal((await again.ended()).reason, 'closed-by-user');
  await again.leave();
});

test('what forbids to connect ends and refuses looking too', async () => {
  const targetId = await site.machineOn(sshd, { name: 'forbidden machine' });
  const olga = await site.person('olga');
  await site.grant(olga, targetId, ['view-only']);
  const shell = await olga.open(targetId);
  await shell.live();
  const { user } = await olga.api.getMe();
  const { id } = await site.admin.api.createGrant({
    body: {
      ...{ subject: { kind: 'user', id: user.id }, scope: { kind: 'all' }, actions: ['connect'] },
      effect: 'deny',
    },
  });
  assert.equal((await shell.ended()).reason, 'SESSION_REVOKED');
  await shell.leave();
  await assert.rejects(olga.open(targetId), { code: 'NOT_FOUND' });
  await site.admin.api.deleteGrant({ params: { id } });
  const back = await olga.open(targetId);
  await back.live();
  await back.leave();
});

test('a session in which somebody acts ends with their leave to, though they may look', async () => {
  const targetId = await site.machineOn(sshd, { name: 'demoted machine' });
  const ida = await site.person('ida');
  await site.grant(ida, targetId, ['view-only']);
  const id = await site.grant(ida, targetId, ['connect']);
  const shell = await ida.open(targetId);
  await shell.live();
  assert.ok(!isToldToLook(shell));
  await site.admin.api.deleteGrant({ params: { id } });
  assert.equal((await shell.ended()).reason, 'SESSION_REVOKED');
  await shell.leave();
});
