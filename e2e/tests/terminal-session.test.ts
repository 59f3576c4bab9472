import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RecordingStreamDecoder } from '@enchilada/contract';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import type { Shell } from '../product/index.ts';
import { ADMIN, LOOPBACK, Site, startSshd } from './site.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
});
after(() => owned.disposeAsync());

async function recordedOutput(person: Person, recordingId: string): Promise<string> {
  const response = await person.api.streamRecording({ params: { id: recordingId }, query: {} });
  const decoder = new RecordingStreamDecoder();
  const parts: Uint8Array[] = [];
  for (const { event } of decoder.push(new Uint8Array(await response.arrayBuffer())))
    if (event.kind === 'output') parts.push(event.bytes);
  assert.equal(decoder.complete, true);
  return Buffer.concat(parts).toString();
}

async function endedRecording(person: Person, shell: Shell): Promise<string> {
  const session = await until(async () => {
    const found = await person.api.getSession({ params: { id: shell.sessionId } });
    return found.state === 'ended' ? found : undefined;
  }, 'the session to be written down as ended');
  assert.ok(session.recordingId);
  return session.recordingId;
}

test('a shell is opened, used, recorded, verified and audited', async () => {
  const targetId = await site.machineOn(sshd, { name: 'first machine' });
  const shell = await site.admin.open(targetId, { columns: 101, rows: 31 });
  await shell.live();
  shell.type('stty size; echo in-$((40+2))-out\r');
  await shell.see('in-42-out');
  await shell.see('31 101');
  const shown = shell.text;
  shell.type('exit 3\r');
  const end = await shell.ended();
  assert.equal(end.reason, 'closed-by-target');
  assert.equal(end.exitCode, 3);

  const recordingId = await endedRecording(site.admin, shell);
  assert.ok((await recordedOutput(site.admin, recordingId)).startsWith(shown.slice(0, shown.indexOf('in-42-out'))));
  // The manifest follows the last chunk to the store.
  await until(async () => {
    const { code } = await site.admin.api.verifyRecording({ params: { id: recordingId } });
    return code === 0;
  }, 'the recording to verify as complete');

  const audit = await site.admin.api.listAudit({ query: { limit: 200 } });
  const actions = audit.items.map(({ action }) => action);
  for (const action of [
    'bootstrap.used',
    'credential.created',
    'target.created',
    'grant.created',
    'session.requested',
    'host-key.pinned',
    'credential.used',
    'session.opened',
    'session.ended',
    'recording.viewed',
    'recording.verified',
  ] as const) {
    assert.ok(actions.includes(action), `${action} is not audited`);
  }
  const audited = await site.admin.api.verifyAudit();
  assert.ok(audited.chains.every(({ intact }) => intact));
});

test('a refresh resumes the session with its screen', async () => {
  const targetId = await site.machineOn(sshd, { name: 'resumed machine' });
  const first = await site.admin.open(targetId);
  await first.live();
  first.type('echo before-$((1+1))-refresh\r');
  await first.see('before-2-refresh');
  await first.leave();
  await using second = await site.admin.join(first.sessionId, 'control');
  await second.see('before-2-refresh');
  second.type('echo still-$((2+2))-here\r');
  await second.see('still-4-here');
});

test('a watcher sees the screen, is announced, and types into the void', async () => {
  const targetId = await site.machineOn(sshd, { name: 'watched machine' });
  const wim = await site.person('wim-the-watcher');
  await using shell = await site.admin.open(targetId);
  await shell.live();
  await assert.rejects(wim.join(shell.sessionId, 'watch'), { code: 'NOT_FOUND' });
  await site.grant(wim, targetId, ['watch']);
  await assert.rejects(wim.join(shell.sessionId, 'control'), { code: 'NOT_FOUND' });
  shell.type('echo shown-$((3+3))-here\r');
  await shell.see('shown-6-here');
  const watching = await wim.join(shell.sessionId, 'watch');
  await watching.see('shown-6-here');
  await shell.until(
    () =>
      shell.frames.some(
        (frame) => frame.type === 'watched' && frame.viewers.some(({ user }) => user === 'wim-the-watcher'),
      ),
    'the announcement',
  );
  watching.type('echo never-$((7+7))\r');
  shell.type('echo last-$((4+4))-word\r');
  await watching.see('last-8-word');
  assert.ok(!shell.text.includes('never-'));
  await watching.leave();
});

test('a withdrawn grant ends the live session', async () => {
  const targetId = await site.machineOn(sshd, { name: 'revoked machine' });
  const rita = await site.person('rita');
  const grantId = await site.grant(rita, targetId, ['connect']);
  const shell = await rita.open(targetId);
  await shell.live();
  await site.admin.api.deleteGrant({ params: { id: grantId } });
  assert.equal((await shell.ended()).reason, 'SESSION_REVOKED');
  await shell.leave();
});

test('an administrator ends a session and the person reads why', async () => {
  const targetId = await site.machineOn(sshd, { name: 'ended machine' });
  const eve = await site.person('eve');
  await site.grant(eve, targetId, ['connect']);
  const shell = await eve.open(targetId);
  await shell.live();
  await site.admin.api.endSession({ params: { id: shell.sessionId }, body: { reason: 'maintenance at noon' } });
  const end = await shell.ended();
  assert.equal(end.reason, 'SESSION_TERMINATED');
  assert.equal(end.detail, 'maintenance at noon');
  await shell.leave();
});

test('signing out ends the sessions of that login', async () => {
  const targetId = await site.machineOn(sshd, { name: 'left machine' });
  const lea = await site.person('lea');
  await site.grant(lea, targetId, ['connect']);
  const shell = await lea.open(targetId);
  await shell.live();
  await lea.api.logout();
  assert.equal((await shell.ended()).reason, 'SESSION_REVOKED');
  await shell.leave();
});

test('bad targets are told apart in words', async () => {
  const cases: readonly (readonly [string, () => Promise<string>])[] = [
    ['TARGET_NAME_NOT_FOUND', () => site.machine({ host: 'no-such-host.invalid', port: 22 })],
    ['TARGET_REFUSED', () => site.machine({ host: sshd.host, port: 1 })],
    ['TARGET_EGRESS_DENIED', () => site.machine({ host: '169.254.169.254', port: 22 })],
    ['HOST_KEY_UNKNOWN', () => site.machineOn(sshd, { name: 'never pinned', hostKeyPolicy: 'deny' })],
    [
      'CREDENTIAL_REFUSED',
      async () => {
        const { id } = await site.admin.api.createCredential({
          body: { name: 'wrong', kind: 'password', username: sshd.username, secret: 'wrong password' },
        });
        return site.machine({ host: sshd.host, port: sshd.port, name: 'wrong credential', credentialId: id });
      },
    ],
  ];
  for (const [code, make] of cases) {
    const shell = await site.admin.open(await make(), { answers: [] });
    const end = await shell.ended();
    assert.equal(end.fault?.code, code, JSON.stringify(end));
    await shell.leave();
  }
});

test('a changed host key stops the connection before any credential is sent', async () => {
  await using other = await startSshd();
  const targetId = await site.machineOn(other, { name: 'impostor' });
  await using first = await site.admin.open(targetId);
  await first.live();
  first.type('exit\r');
  await first.ended();
  await other.changeHostKeys();
  const before = other.attempts().length;
  const shell = await site.admin.open(targetId);
  assert.equal((await shell.ended()).fault?.code, 'HOST_KEY_CHANGED');
  assert.equal(other.attempts().length, before);
  await shell.leave();
});

test('a crash of the gateway loses nothing that was shown', async () => {
  const crashed = await Site.start();
  const { dataDir } = crashed.gateway;
  try {
    const targetId = await crashed.machineOn(sshd, { name: 'crashing' });
    const shell = await crashed.admin.open(targetId);
    await shell.live();
    shell.type('seq 1 5000; echo all-$((5+5))-shown\r');
    await shell.see('all-10-shown');
    const shown = shell.text;
    await crashed.gateway.stop('SIGKILL');
    await using again = await Gateway.start({ dataDir, config: LOOPBACK });
    const admin = await Person.signIn(again.url, ADMIN);
    const recording = await until(
      async () => (await admin.api.listRecordings({ query: {} })).items.find(({ state }) => state === 'incomplete'),
      'the recovered recording',
    );
    const recorded = await recordedOutput(admin, recording.id);
    assert.ok(recorded.startsWith(shown), `${recorded.length} characters recorded, ${shown.length} shown`);
    assert.equal((await admin.api.verifyRecording({ params: { id: recording.id } })).code, 10);
  } finally {
    await crashed[Symbol.asyncDispose]();
  }
});
