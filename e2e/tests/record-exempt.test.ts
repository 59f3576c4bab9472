import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { GrantAction } from '@enchilada/core/access';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Person, Shell } from '../product/index.ts';
import { Site, startSshd } from './site.ts';

const ALLOWED = 'recording: { allowExempt: true }\n';
const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: ALLOWED }));
});
after(() => owned.disposeAsync());

interface Opened {
  readonly person: Person;
  readonly targetId: string;
  readonly shell: Shell;
}

async function openedAt(where: Site, name: string, actions: readonly GrantAction[]): Promise<Opened> {
  const targetId = await where.machineOn(sshd, { name, labels: { name } });
  const person = await where.person(`somebody-at-${name}`);
  await where.grant(person, targetId, actions);
  const shell = await person.open(targetId);
  await shell.live();
  await shell.see('$');
  return { person, targetId, shell };
}

/** What its person was told, and what the session says of itself. */
async function recordingOf(person: Person, { sessionId, frames }: Shell) {
  const { recordExempt, recordingId } = await person.api.getSession({ params: { id: sessionId } });
  const told = frames.find((frame) => frame.type === 'recording')?.on;
  return { told, recordExempt, isRecorded: recordingId !== undefined };
}

const RECORDED = { told: true, recordExempt: false, isRecorded: true };
const UNRECORDED = { told: false, recordExempt: true, isRecorded: false };

test('who has the grant works unrecorded, is told so, and it is in the audit log', async () => {
  const { weakenings } = await site.admin.api.getSettings();
  assert.ok(weakenings.includes('recording.allowExempt: true'));
  const { person, shell } = await openedAt(site, 'unrecorded', ['connect', 'record-exempt']);
  assert.deepEqual(await recordingOf(person, shell), UNRECORDED);
  shell.type('echo works-$((6*7))\r');
  await shell.see('works-42');
  await site.admin.api.endSession({ params: { id: shell.sessionId }, body: { reason: 'enough' } });
  await shell.ended();
  await shell.leave();
  const { items } = await site.admin.api.listAudit({ query: { limit: 500 } });
  for (const action of ['session.requested', 'session.opened']) {
    const { detail } =
      items.find((one) => one.action === action && one.detail?.['sessionId'] === shell.sessionId) ?? {};
    assert.deepEqual([detail?.['recordExempt'], detail?.['recordingId']], [true, undefined], action);
  }
  assert.ok(
    items.some(
      ({ action, detail }) => action === 'weakening.enabled' && detail?.['weakening'] === 'recording.allowExempt: true',
    ),
  );
  assert.deepEqual((await site.admin.api.listRecordings({ query: { text: 'somebody-at-unrecorded' } })).items, []);
});

test('a session that is not recorded ends with the leave for it; the next one is recorded', async () => {
  const { person, targetId, shell } = await openedAt(site, 'withdrawn', ['connect']);
  assert.deepEqual(await recordingOf(person, shell), RECORDED);
  await shell.leave();
  const id = await site.grant(person, targetId, ['record-exempt']);
  const unrecorded = await person.open(targetId);
  await unrecorded.live();
  assert.deepEqual(await recordingOf(person, unrecorded), UNRECORDED);
  await site.admin.api.deleteGrant({ params: { id } });
  assert.equal((await unrecorded.ended()).reason, 'SESSION_REVOKED');
  await unrecorded.leave();
  const again = await person.open(targetId);
  await again.live();
  assert.deepEqual(await recordingOf(person, again), RECORDED);
  await again.leave();
});

test('machines that must be recorded are: a grant that forbids wins', async () => {
  const targetId = await site.machineOn(sshd, { name: 'always recorded', labels: { audit: 'always' } });
  const mona = await site.person('mona');
  await site.grant(mona, targetId, ['connect', 'record-exempt']);
  const { user } = await mona.api.getMe();
  await site.admin.api.createGrant({
    body: {
      ...{ subject: { kind: 'user', id: user.id }, scope: { kind: 'labels', selector: { audit: ['always'] } } },
      ...{ actions: ['record-exempt'], effect: 'deny' },
    },
  });
  const shell = await mona.open(targetId);
  await shell.live();
  assert.deepEqual(await recordingOf(mona, shell), RECORDED);
  await shell.leave();
});

test('where the installation does not say so, the grant gives nothing, and the explanation says why', async () => {
  await using plain = await Site.start();
  const { person, targetId, shell } = await openedAt(plain, 'plain', ['connect', 'record-exempt']);
  assert.deepEqual(await recordingOf(person, shell), RECORDED);
  await shell.leave();
  const { user } = await person.api.getMe();
  const why = await plain.admin.api.explainAccess({ query: { userId: user.id, targetId } });
  assert.ok(why.actions.includes('record-exempt') && why.obstacles.includes('recorded-all-the-same'));
  const own = await person.api.explainOwnAccess({ params: { id: targetId } });
  assert.ok(own.obstacles.includes('recorded-all-the-same'));
});
