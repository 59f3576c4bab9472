import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import { DEFAULT_SESSION_LIMITS } from '@enchilada/core/session';
import { SessionRig } from './session-rig.ts';

const { watchers: MOST } = DEFAULT_SESSION_LIMITS;

test('as many look on at a session as may, however many come at once; the others are told before they are attached', async () => {
  await using rig = await SessionRig.start();
  const [session, other] = [await rig.open(), await rig.open()];
  const come = Array.from({ length: 2 * MOST }, (_, index) => rig.watch(session, String(index)));
  const came = await Promise.allSettled(come);
  const inside = came.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const refusals = came.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  assert.equal(inside.length, MOST);
  for (const refusal of refusals) {
    assert.ok(isFault(refusal, 'VIEWER_LIMIT'), String(refusal));
    assert.deepEqual(refusal.facts, { most: MOST });
  }
  const { viewers } = session.attached.session;
  assert.equal(viewers.filter(({ identity }) => identity.mode === 'watch').length, MOST);
  assert.equal(
    rig.audited.filter(({ action }) => action === 'viewer.joined').length,
    MOST + 2,
    'and the two in control',
  );
  await rig.watch(other, 'of-another-session');
});

test('a full session has room for its own person, and for another who looks on when one leaves', async () => {
  await using rig = await SessionRig.start();
  const session = await rig.open();
  const inside = [];
  for (let index = 0; index < MOST; index++) inside.push(await rig.watch(session, String(index)));
  await rig.leave(session);
  const back = await rig.comeBack(session);
  assert.equal(back.attached.session.state, 'live');
  await assert.rejects(rig.watch(back, 'late'), { code: 'VIEWER_LIMIT' });
  const [first] = inside;
  assert.ok(first);
  await rig.broker.detach(first);
  await rig.watch(back, 'late');
  await assert.rejects(rig.watch(back, 'later'), { code: 'VIEWER_LIMIT' });
});

test('guests and the windows of its own person keep out nobody whom a grant lets watch; those keep out one another', async () => {
  await using rig = await SessionRig.start();
  const session = await rig.open();
  const guest = await rig.onlooker(session, { byGrant: false });
  const guests = [];
  for (let index = 0; index < MOST - 1; index++) guests.push(await rig.lookOn(session, guest, `guest-${index}`));
  await rig.watch(session, 'own');
  await assert.rejects(rig.lookOn(session, guest, 'late'), { code: 'VIEWER_LIMIT' });
  // Invited as well as permitted: what counts is the grant.
  const guard = await rig.onlooker(session, { byGrant: true });
  const watching = () =>
    session.attached.session.viewers
      .filter(({ identity }) => identity.mode === 'watch')
      .map(({ identity }) => identity.id);
  await rig.lookOn(session, guard, 'guard-0');
  assert.deepEqual(
    [watching().length, watching().includes('vwr_own'), watching().includes('vwr_guard-0')],
    [MOST, false, true],
  );
  await rig.lookOn(session, guard, 'guard-1');
  const displaced = guests.at(-1);
  assert.deepEqual(displaced?.events.at(-1), {
    ...{ type: 'ended', reason: 'VIEWER_LIMIT', fault: { code: 'VIEWER_LIMIT', facts: { most: MOST } } },
  });
  assert.equal(watching().includes(`vwr_guest-${MOST - 2}`), false);
  for (let index = 2; index < MOST; index++) await rig.lookOn(session, guard, `guard-${index}`);
  assert.ok(watching().every((id) => id.startsWith('vwr_guard')));
  await assert.rejects(rig.lookOn(session, guard, 'one-too-many'), { code: 'VIEWER_LIMIT' });
  assert.equal(watching().length, MOST);
});

test('a page that comes back by itself leaves the session to whichever other page of its person took it meanwhile', async () => {
  await using rig = await SessionRig.start();
  const opened = await rig.open();
  await rig.comeBack(opened, { id: 'laptop00', returns: false });
  const again = await rig.comeBack(opened, { id: 'laptop00', returns: true });
  const there = await rig.comeBack(opened, { id: 'phone000', returns: false });
  assert.equal(rig.endOf(again), 'VIEWER_REPLACED');
  await assert.rejects(rig.comeBack(opened, { id: 'laptop00', returns: true }), { code: 'VIEWER_REPLACED' });
  assert.equal(rig.endOf(there), undefined);
  await rig.leave(there);
  const alone = await rig.comeBack(opened, { id: 'laptop00', returns: true });
  await rig.comeBack(opened, { id: 'phone000', returns: false });
  assert.equal(rig.endOf(alone), 'VIEWER_REPLACED', 'asked for by hand');
});

for (const [isWithdrawn, reason] of [
  [true, 'SIGN_IN_WITHDRAWN'],
  [false, 'SESSION_REVOKED'],
] as const)
  test(`a look at a session that comes before the command to end it tells its person ${reason}, as the command would`, async () => {
    await using rig = await SessionRig.start();
    const session = await rig.open();
    const watcher = await rig.onlooker(session, { byGrant: true });
    const loginDigest = session.attached.session.login.digest;
    await rig.store.transaction(async (tx) => {
      await tx.logins.delete(loginDigest);
      await tx.commands.post({ kind: 'end-login', loginDigest, isWithdrawn }, rig.clock.now());
    });
    // Whoever joins has the rights of all looked at; the clock stands still, and no command is read.
    await rig.lookOn(session, watcher, 'watcher');
    assert.equal(rig.endOf(session), reason);
  });
