import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { eventually } from '../cluster/people.ts';
import { Disk } from '../fixtures/disk.ts';
import { Site, startSshd } from './site.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;

before(async () => {
  sshd = owned.use(await startSshd());
});
after(() => owned.disposeAsync());

interface Readiness {
  readonly status: number;
  readonly words: string;
  readonly checks: Readonly<Record<string, string>>;
}

async function readiness(url: string): Promise<Readiness> {
  const response = await fetch(`${url}/readyz`);
  const { status: words, checks } = (await response.json()) as Pick<Readiness, 'checks'> & { readonly status: string };
  return { status: response.status, words, checks };
}

const READY = { status: 200, words: 'ready', checks: { node: 'ok', database: 'ok', recorder: 'ok' } };

async function untilRecorderIs(word: string, url: string): Promise<Readiness> {
  await eventually(`the recorder to be ${word}`, async () => (await readiness(url)).checks['recorder'] === word);
  return readiness(url);
}

test('a disk with too little room for recordings is named by /readyz before a session is lost to it, and forgotten once there is room', async () => {
  await using disk = await Disk.mount(900);
  const dataDir = join(disk.folder, 'data');
  await mkdir(dataDir);
  await using site = await Site.start({ dataDir });
  const targetId = await site.machineOn(sshd);
  await using kept = await site.admin.open(targetId);
  await kept.live();
  assert.deepEqual(await readiness(site.gateway.url), READY);
  await disk.fill('ballast', 500);
  const full = 'RECORDING_STORE_FULL';
  assert.deepEqual(await untilRecorderIs(full, site.gateway.url), {
    status: 503,
    words: 'not ready',
    checks: { ...READY.checks, recorder: full },
  });
  // The reserve is for those who are at work already.
  kept.type('echo unhurt-$((11*11))-session\r');
  await kept.see('unhurt-121-session');
  const refused = await site.admin.open(targetId);
  assert.equal((await refused.ended()).fault?.code, full);
  await refused.leave();
  await disk.free('ballast');
  assert.deepEqual(await untilRecorderIs('ok', site.gateway.url), READY);
  await using next = await site.admin.open(targetId);
  await next.live();
});

test('a recorder that can no longer write is named by /readyz, and recovers by itself', async () => {
  await using disk = await Disk.mount(900);
  const dataDir = join(disk.folder, 'data');
  await mkdir(dataDir);
  await using site = await Site.start({ dataDir });
  const targetId = await site.machineOn(sshd);
  const shell = await site.admin.open(targetId);
  await shell.live();
  const journal = join(dataDir, 'journal');
  const segments = (await readdir(journal)).map((name) => join(journal, name));
  {
    await using _frozen = await disk.freeze(journal, ...segments);
    shell.type('echo this-is-$((6*7))-not-shown\r');
    assert.equal((await shell.ended()).fault?.code, 'RECORDER_FAILED');
    assert.doesNotMatch(shell.text, /this-is-42-not-shown/u);
    await shell.leave();
    assert.deepEqual(await untilRecorderIs('RECORDER_FAILED', site.gateway.url), {
      status: 503,
      words: 'not ready',
      checks: { ...READY.checks, recorder: 'RECORDER_FAILED' },
    });
    const refused = await site.admin.open(targetId);
    assert.equal((await refused.ended()).fault?.code, 'RECORDER_FAILED');
    await refused.leave();
  }
  assert.deepEqual(await untilRecorderIs('ok', site.gateway.url), READY);
  await using next = await site.admin.open(targetId);
  await next.live();
  next.type('echo back-$((6*7))-again\r');
  await next.see('back-42-again');
});
