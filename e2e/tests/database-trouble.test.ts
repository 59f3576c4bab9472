import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { eventually } from '../cluster/people.ts';
import { Disk } from '../fixtures/disk.ts';
import { Person } from '../product/index.ts';
import { cutText, picture, ScriptedDesktop, ScriptedView } from './scripted-desktop.ts';
import { ADMIN, Site, startSshd } from './site.ts';

const run = promisify(execFile);
const owned = new AsyncDisposableStack();
let sshd: Sshd;

before(async () => {
  sshd = owned.use(await startSshd());
});
after(() => owned.disposeAsync());

async function readiness(url: string): Promise<{ readonly status: number; readonly database: string | undefined }> {
  const response = await fetch(`${url}/readyz`);
  const { checks } = (await response.json()) as { readonly checks: Readonly<Record<string, string>> };
  return { status: response.status, database: checks['database'] };
}

test('a database that becomes read-only while sessions run is named, costs no session, and is caught up with', async () => {
  await using volume = await Disk.mount(200);
  const dataDir = join(volume.folder, 'data');
  await mkdir(dataDir);
  // The disk is small; what is recorded is not what this test is about.
  await using site = await Site.start({ dataDir, config: 'recording: { mode: off }\n' });
  const targetId = await site.machineOn(sshd);
  const [kept, leaving] = [await site.admin.open(targetId), await site.admin.open(targetId)];
  for (const shell of [kept, leaving]) await shell.live();
  const files = ['enchilada.db', 'enchilada.db-wal'].map((name) => join(dataDir, name));
  {
    await using _frozen = await volume.freeze(...files);
    await eventually(
      'the node to say that it is not ready',
      async () => (await readiness(site.gateway.url)).status === 503,
    );
    assert.deepEqual(await readiness(site.gateway.url), { status: 503, database: 'STORE_UNAVAILABLE' });
    // Nobody is let in whose coming cannot be written down.
    await assert.rejects(Person.signIn(site.gateway.url, ADMIN), { code: 'STORE_UNAVAILABLE', status: 503 });
    await assert.rejects(site.admin.api.openSession({ body: { targetId } }), { code: 'STORE_UNAVAILABLE' });
    kept.type('echo unhurt-$((11*11))-session\r');
    await kept.see('unhurt-121-session');
    leaving.type('exit\r');
    assert.equal((await leaving.ended()).reason, 'closed-by-target');
    await leaving.leave();
  }
  await eventually('the node to be ready again', async () => (await readiness(site.gateway.url)).status === 200);
  // What happened meanwhile is written down after all: the end of the session, and its place is free.
  await eventually('the end to be written down', async () => {
    const session = await site.admin.api.getSession({ params: { id: leaving.sessionId } });
    return session.state === 'ended' && session.endReason === 'closed-by-target';
  });
  await eventually('the end to be audited', async () => {
    const { items } = await site.admin.api.listAudit({ query: { action: 'session.ended', limit: 10 } });
    return items.filter(({ detail }) => detail?.['sessionId'] === leaving.sessionId).length === 1;
  });
  kept.type('echo still-$((12*12))-there\r');
  await kept.see('still-144-there');
  await using next = await site.admin.open(targetId);
  await next.live();
  assert.equal((await site.admin.api.verifyAudit()).intact, true);
  await kept[Symbol.asyncDispose]();
});

test('what is denied of a clipboard while the database is read-only costs no session, and is written down once it is not', async () => {
  await using volume = await Disk.mount(200);
  const dataDir = join(volume.folder, 'data');
  await mkdir(dataDir);
  await using site = await Site.start({ dataDir, config: 'recording: { mode: off }\n' });
  const [first, meanwhile, last] = [picture(0x11), picture(0x22), picture(0x33)];
  await using desktop = await ScriptedDesktop.start(first);
  await using view = await ScriptedView.open(site, desktop);
  const { shell, targetId } = view;
  await view.shows(first, 'the first picture');
  {
    await using _frozen = await volume.freeze(
      ...['enchilada.db', 'enchilada.db-wal'].map((name) => join(dataDir, name)),
    );
    await eventually(
      'the node to say that it is not ready',
      async () => (await readiness(site.gateway.url)).status === 503,
    );
    desktop.say(Buffer.concat([cutText('not to be had'), meanwhile]));
    await view.shows(meanwhile, 'the picture behind it');
    // By now the log has refused: this is asked of it after that.
    await assert.rejects(site.admin.api.openSession({ body: { targetId } }), { code: 'STORE_UNAVAILABLE' });
  }
  await eventually('what was denied to be audited', async () => {
    const { items } = await site.admin.api.listAudit({ query: { action: 'clipboard.denied', limit: 10 } });
    return items.some(({ detail }) => detail?.['sessionId'] === shell.sessionId);
  });
  desktop.say(last);
  await view.shows(last, 'a picture of the same session');
  const { items } = await site.admin.api.listAudit({ query: { action: 'clipboard.denied', limit: 10 } });
  assert.equal(items.length, 1);
  assert.equal((await site.admin.api.verifyAudit()).intact, true);
});

test('a full disk under the database is named, costs no session, and is over once there is room', async () => {
  await using volume = await Disk.mount(64);
  const dataDir = join(volume.folder, 'data');
  await mkdir(dataDir);
  await using site = await Site.start({ dataDir, config: 'recording: { mode: off }\n' });
  const targetId = await site.machineOn(sshd);
  await using kept = await site.admin.open(targetId);
  await kept.live();
  const ballast = join(volume.folder, 'ballast');
  await run('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=1M']).catch(() => undefined);
  // The database has some room inside its own files; these writes use it up.
  const codes = new Set<string>();
  await eventually('the disk to be full', async () => {
    await site.admin.api
      .createGroup({ body: { name: `group ${performance.now()}`, description: 'x'.repeat(400) } })
      .catch(({ code }: { readonly code: string }) => codes.add(code));
    return codes.size > 0;
  });
  assert.deepEqual([...codes], ['STORE_UNAVAILABLE']);
  kept.type('echo unhurt-$((11*11))-session\r');
  await kept.see('unhurt-121-session');
  await rm(ballast);
  await eventually('the node to be ready again', async () => (await readiness(site.gateway.url)).status === 200);
  await site.admin.api.createGroup({ body: { name: 'after the flood', description: '' } });
  assert.equal((await site.admin.api.verifyAudit()).intact, true);
});
