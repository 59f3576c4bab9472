import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SESSION_LIMITS } from '@enchilada/core/session';
import { type OpenedSession, SessionRig } from './session-rig.ts';

const MINUTE = 60_000;
const { graceMs, idleMs, maximumMs, staleViewMs } = DEFAULT_SESSION_LIMITS;

function notices({ events }: OpenedSession): readonly string[] {
  return events.flatMap((event) => (event.type === 'notice' ? [`${event.code} ${event.seconds ?? ''}`.trim()] : []));
}

test('a session ends after the idle limit, not before, and its person is warned two minutes ahead', async () => {
  await using rig = await SessionRig.start();
  const session = await rig.open();
  await rig.clock.leap(idleMs - 2 * MINUTE - 1_000);
  assert.deepEqual(notices(session), []);
  await rig.clock.seconds(1);
  assert.deepEqual(notices(session), ['idle-soon 120']);
  await rig.clock.leap(2 * MINUTE - 1_000);
  assert.equal(rig.endOf(session), undefined);
  await rig.clock.seconds(1);
  assert.equal(rig.endOf(session), 'SESSION_IDLE');
  assert.equal(await rig.written(session.id), 'SESSION_IDLE');
});

test('a session without its person lives on for the grace period, to the second, and is theirs again within it', async () => {
  await using rig = await SessionRig.start();
  assert.equal(graceMs, 5 * MINUTE);
  const [left, resumed] = [await rig.open(), await rig.open()];
  await rig.leave(left);
  await rig.leave(resumed);
  await rig.clock.leap(graceMs - 1_000);
  assert.equal(left.attached.session.state, 'grace');
  const again = await rig.comeBack(resumed);
  await rig.clock.seconds(1);
  assert.equal(await rig.written(left.id), 'grace-expired');
  await rig.clock.leap(graceMs);
  assert.deepEqual([again.attached.session.state, rig.endOf(again)], ['live', undefined]);
});

test('whoever types is not idle, and reaches the maximum length all the same', async () => {
  await using rig = await SessionRig.start();
  const session = await rig.open();
  const step = idleMs / 2;
  for (let elapsed = 0; elapsed < maximumMs - step; elapsed += step) {
    await rig.clock.leap(step);
    rig.type(session);
  }
  await rig.clock.leap(step - 2 * MINUTE);
  assert.deepEqual(notices(session), ['expires-soon 120']);
  await rig.clock.leap(2 * MINUTE - 1_000);
  assert.equal(rig.endOf(session), undefined);
  await rig.clock.seconds(1);
  assert.equal(rig.endOf(session), 'SESSION_EXPIRED');
});

test('a session ends with the login that opened it, to the second', async () => {
  await using rig = await SessionRig.start();
  const [short, long] = [await rig.open(10 * MINUTE), await rig.open()];
  await rig.clock.leap(10 * MINUTE - 1_000);
  assert.equal(rig.endOf(short), undefined);
  await rig.clock.seconds(1);
  assert.equal(rig.endOf(short), 'SESSION_REVOKED');
  assert.equal(rig.endOf(long), undefined);
  const revoked = rig.audited.filter(({ action }) => action === 'session.revoked');
  assert.deepEqual(
    revoked.map(({ object, reason }) => [object?.id, reason]),
    [[short.id, 'the login ended']],
  );
});

test('a shorter life of logins, set while sessions run, ends those whose login is older', async () => {
  await using rig = await SessionRig.start();
  const older = await rig.open();
  await rig.clock.leap(30 * MINUTE);
  const newer = await rig.open();
  rig.loginLimits.absoluteMs = 20 * MINUTE;
  await rig.clock.seconds(1);
  assert.equal(rig.endOf(older), 'SESSION_REVOKED');
  assert.equal(rig.endOf(newer), undefined);
});

test('a session ends with the time window of its grant, to the second, and its person is warned two minutes ahead', async () => {
  await using rig = await SessionRig.start();
  // 08:00 in Kolkata, whose clock is half an hour off.
  const now = rig.clock.now();
  const to = new Date(now + 330 * MINUTE + 7 * MINUTE).toISOString().slice(11, 16);
  const windows = [{ days: [1, 2, 3, 4, 5, 6, 7], from: '00:01', to }];
  const session = await rig.open(undefined, { times: { zone: 'Asia/Kolkata', windows } });
  const end = Math.floor((now + 7 * MINUTE) / MINUTE) * MINUTE;
  await rig.clock.leap(end - now - 2 * MINUTE - 1_000);
  assert.deepEqual(notices(session), []);
  await rig.clock.seconds(1);
  assert.deepEqual(notices(session), ['access-ends-soon 120']);
  await rig.clock.leap(2 * MINUTE - 1_000);
  assert.equal(rig.endOf(session), undefined);
  await rig.clock.seconds(1);
  assert.equal(rig.endOf(session), 'ACCESS_ENDED');
  assert.equal(await rig.written(session.id), 'ACCESS_ENDED');
});

test('a grant that ends is told from one that is withdrawn', async () => {
  await using rig = await SessionRig.start();
  const session = await rig.open(undefined, { notAfter: rig.clock.now() + 3 * MINUTE });
  await rig.clock.leap(3 * MINUTE - 1_000);
  assert.equal(rig.endOf(session), undefined);
  await rig.clock.seconds(1);
  assert.equal(rig.endOf(session), 'ACCESS_ENDED');
});

test('the end of an access is kept while the database is away', async () => {
  await using rig = await SessionRig.start();
  const session = await rig.open(undefined, { notAfter: rig.clock.now() + 3 * MINUTE });
  rig.isAway = true;
  await rig.clock.leap(3 * MINUTE - 1_000);
  assert.equal(rig.endOf(session), undefined);
  await rig.clock.seconds(1);
  assert.equal(rig.endOf(session), 'ACCESS_ENDED');
});

test('a proof grows no older in a session, and another one takes none away; a grant that asks for more ends it', async () => {
  await using rig = await SessionRig.start();
  const session = await rig.open(undefined, { secondFactor: { level: 'passkey', minutes: 5 } }, 'passkey');
  await rig.clock.leap(30 * MINUTE);
  rig.type(session);
  assert.equal(rig.endOf(session), undefined);
  await rig.prove(session, 'totp');
  await rig.clock.leap(MINUTE);
  assert.equal(rig.endOf(session), undefined);
  const other = await rig.open();
  await rig.askOf(other, { secondFactor: { level: 'any' } });
  await rig.clock.leap(MINUTE);
  assert.equal(rig.endOf(other), 'SESSION_REVOKED');
  const revoked = rig.audited.find(({ action }) => action === 'session.revoked');
  assert.equal(revoked?.reason, 'the grant asks for a proof that the login has not given');
  assert.equal(rig.endOf(session), undefined);
});

test('a session lasts as long as its grant allows, and longer once another grant does', async () => {
  await using rig = await SessionRig.start();
  const [short, extended] = [
    await rig.open(undefined, { sessionMinutes: 10 }),
    await rig.open(undefined, { sessionMinutes: 10 }),
  ];
  await rig.clock.leap(8 * MINUTE);
  assert.deepEqual(notices(short), ['access-ends-soon 120']);
  await rig.alsoGrant(extended, { sessionMinutes: 30 });
  await rig.clock.leap(2 * MINUTE - 1_000);
  assert.equal(rig.endOf(short), undefined);
  await rig.clock.seconds(1);
  assert.equal(rig.endOf(short), 'SESSION_EXPIRED');
  assert.equal(rig.endOf(extended), undefined);
  await rig.clock.leap(20 * MINUTE);
  assert.equal(rig.endOf(extended), 'SESSION_EXPIRED');
});

test('a database that is away ends no session for minutes, and all of them when rights could not be asked for too long', async () => {
  await using rig = await SessionRig.start();
  const session = await rig.open();
  rig.isAway = true;
  await rig.clock.leap(staleViewMs - 2_000);
  assert.equal(rig.endOf(session), undefined);
  await rig.clock.seconds(4);
  assert.equal(rig.endOf(session), 'STORE_UNAVAILABLE');
  assert.equal(await rig.written(session.id), undefined);
  // What ended meanwhile is written down once the database is back, once.
  rig.isAway = false;
  await rig.clock.seconds(10);
  assert.equal(await rig.written(session.id), 'STORE_UNAVAILABLE');
  const ends = rig.audited.filter(
    ({ action, detail }) => action === 'session.ended' && detail?.['sessionId'] === session.id,
  );
  assert.equal(ends.length, 1);
});

test('a long shutdown is announced at once, and again in its last minute', async () => {
  await using rig = await SessionRig.start();
  const session = await rig.open();
  rig.broker.drain(10 * MINUTE);
  assert.deepEqual(notices(session), ['node-draining 600']);
  await rig.clock.leap(8 * MINUTE);
  assert.deepEqual(notices(session), ['node-draining 600']);
  await rig.clock.leap(MINUTE + 1_000);
  assert.equal(notices(session).length, 2);
  assert.match(notices(session)[1] ?? '', /^node-draining (?:59|60)$/u);
  assert.equal(rig.endOf(session), undefined);
});
