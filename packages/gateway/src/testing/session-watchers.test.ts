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
