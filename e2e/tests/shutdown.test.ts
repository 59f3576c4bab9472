import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Gateway } from '../fixtures/gateway.ts';
import type { Shell } from '../product/index.ts';
import { Person } from '../product/index.ts';
import { ADMIN, LOOPBACK, Site, startSshd } from './site.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;

before(async () => {
  sshd = owned.use(await startSshd());
});
after(() => owned.disposeAsync());

interface Drained extends AsyncDisposable {
  readonly site: Site;
  readonly shell: Shell;
  readonly targetId: string;
  readonly dataDir: string;
  signal(): void;
}

/** A gateway with a live session, and so much grace at its end. */
async function running(grace: string): Promise<Drained> {
  const dataDir = await mkdtemp(join(tmpdir(), 'enchilada-drain-'));
  const site = await Site.start({ dataDir, environment: { ENCHILADA_SHUTDOWN_GRACE: grace } });
  const targetId = await site.machineOn(sshd);
  const shell = await site.admin.open(targetId);
  await shell.live();
  shell.type('echo before-$((6*7))-the-end\r');
  await shell.see('before-42-the-end');
  return {
    ...{ site, shell, targetId, dataDir },
    signal: () => process.kill(site.gateway.pid, 'SIGTERM'),
    [Symbol.asyncDispose]: async () => {
      await shell.leave();
      await site[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function warning({ frames }: Shell): number | undefined {
  const notice = frames.findLast((frame) => frame.type === 'notice' && frame.code === 'node-draining');
  return notice?.type === 'notice' ? notice.seconds : undefined;
}

async function warned(shell: Shell): Promise<number> {
  await shell.until(() => warning(shell) !== undefined, 'the warning');
  return warning(shell) ?? assert.fail();
}

/** The end of the session as the next start finds it: written down, and the recording whole. */
async function assertFinalised(dataDir: string, sessionId: string, reason: string): Promise<void> {
  await using again = await Gateway.start({ dataDir, config: LOOPBACK });
  const admin = await Person.signIn(again.url, ADMIN);
  const session = await admin.api.getSession({ params: { id: sessionId } });
  assert.equal(session.endReason, reason);
  const params = { id: session.recordingId ?? '' };
  assert.equal((await admin.api.getRecording({ params })).recording.state, 'complete');
  assert.equal((await admin.api.verifyRecording({ params })).code, 0);
  const text = await (await admin.api.exportRecording({ params, query: { format: 'text' } })).text();
  assert.ok(text.includes('before-42-the-end'));
  assert.equal((await admin.api.verifyAudit()).intact, true);
}

test('a node that is told to stop refuses what is new, warns who is there, and goes once they have gone', async () => {
  await using drained = await running('10m');
  const { site, shell, targetId } = drained;
  const { url } = site.gateway;
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  drained.signal();
  const seconds = await warned(shell);
  assert.ok(seconds > 590 && seconds <= 600, `warned of ${seconds} seconds`);
  const ready = await fetch(`${url}/readyz`);
  assert.equal(ready.status, 503);
  assert.deepEqual(await ready.json(), { status: 'not ready', checks: { node: 'draining' } });
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  await assert.rejects(site.admin.api.openSession({ body: { targetId } }), { code: 'NODE_DRAINING', status: 503 });
  // Who is there stays, may come back, and is warned again.
  shell.type('echo while-$((5*5))-draining\r');
  await shell.see('while-25-draining');
  await shell.leave();
  const again = await site.admin.join(shell.sessionId, 'control');
  await again.see('while-25-draining');
  assert.ok((await warned(again)) > 500);
  again.type('exit\r');
  assert.equal((await again.ended()).reason, 'closed-by-target');
  await again.leave();
  assert.equal(await site.gateway.exited(), 0);
  await assertFinalised(drained.dataDir, shell.sessionId, 'closed-by-target');
});

test('what is left when the time is over ends with its reason and a whole recording', async () => {
  await using drained = await running('2s');
  drained.signal();
  assert.ok((await warned(drained.shell)) <= 2);
  const end = await drained.shell.ended();
  assert.equal(end.reason, 'NODE_DRAINING');
  assert.equal(end.fault?.code, 'NODE_DRAINING');
  assert.equal(await drained.site.gateway.exited(), 0);
  await assertFinalised(drained.dataDir, drained.shell.sessionId, 'NODE_DRAINING');
});

test('a second signal ends the sessions at once, in the same order', async () => {
  await using drained = await running('10m');
  drained.signal();
  await warned(drained.shell);
  drained.signal();
  assert.equal((await drained.shell.ended()).reason, 'NODE_DRAINING');
  assert.equal(await drained.site.gateway.exited(), 0);
  await assertFinalised(drained.dataDir, drained.shell.sessionId, 'NODE_DRAINING');
});
