import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { startBlackHole } from '@enchilada/core/testing/servers/black-hole';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { eventually } from '../cluster/people.ts';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN, LOOPBACK, Site, startSshd } from './site.ts';

const run = promisify(execFile);
const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
});
after(() => owned.disposeAsync());

/** Mounts a file system of its own; needs root. */
async function mounted(sizeMib: number): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=0700`, 'tmpfs', folder]);
  return {
    folder,
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['-l', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What the recording of a session holds of its output; nothing where there is none. */
async function outputOf({ api }: Person, sessionId: string): Promise<string> {
  const { recordingId } = await api.getSession({ params: { id: sessionId } });
  if (recordingId === undefined) return '';
  const response = await api.streamRecording({ params: { id: recordingId }, query: {} });
  const events = new RecordingStreamDecoder().push(new Uint8Array(await response.arrayBuffer()));
  return Buffer.concat([...events].flatMap(({ event }) => (event.kind === 'output' ? [event.bytes] : []))).toString();
}

test('a machine that dies in mid-session is told in words, and the next session is not affected', async () => {
  const targetId = await site.machineOn(sshd, { name: 'mortal machine' });
  const shell = await site.admin.open(targetId);
  await shell.live();
  shell.type('echo last-$((1+1))-words\r');
  await shell.see('last-2-words');
  // The shell's parent is the process that serves the connection.
  shell.type('kill -9 $PPID\r');
  const end = await shell.ended();
  assert.equal(end.reason, 'TARGET_DISCONNECTED', JSON.stringify(end));
  await shell.leave();
  await using next = await site.admin.open(targetId);
  await next.live();
});

test('a machine that says anything but the protocol is told from one that is silent', async (t) => {
  const banners: Readonly<Record<string, { readonly banner: Buffer | string; readonly codes: readonly string[] }>> = {
    'another protocol': {
      banner: 'HTTP/1.1 400 Bad Request\r\n\r\n',
      codes: ['TARGET_PROTOCOL_VIOLATION', 'TARGET_DISCONNECTED'],
    },
    'endless lines before the version': { banner: 'spam\r\n'.repeat(200_000), codes: ['TARGET_PROTOCOL_VIOLATION'] },
    'one line without an end': { banner: `SSH-2.0-${'x'.repeat(1_000_000)}`, codes: ['TARGET_PROTOCOL_VIOLATION'] },
    'an old version': { banner: 'SSH-1.5-old\r\n', codes: ['TARGET_PROTOCOL_VIOLATION'] },
    'noise after the version': {
      banner: Buffer.concat([Buffer.from('SSH-2.0-noise\r\n'), Buffer.alloc(4_096, 0xff)]),
      codes: ['TARGET_PROTOCOL_VIOLATION'],
    },
    'nothing at all': { banner: '', codes: ['TARGET_DISCONNECTED', 'TARGET_PROTOCOL_VIOLATION'] },
  };
  for (const [name, { banner, codes }] of Object.entries(banners)) {
    await t.test(name, async () => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.end(banner);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const targetId = await site.machine({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, name });
      const shell = await site.admin.open(targetId, { answers: [] });
      const end = await shell.ended();
      assert.ok(codes.includes(end.fault?.code ?? ''), JSON.stringify(end));
      await shell.leave();
      server.close();
    });
  }
});

test('a machine that swallows every packet is given up in words, and nobody waits for it with whoever opened it', async () => {
  await using hole = await startBlackHole();
  const [silent, alive] = [
    await site.machine({ host: hole.host, port: hole.port, name: 'black hole' }),
    await site.machineOn(sshd, { name: 'beside the black hole' }),
  ];
  const waiting = await site.admin.open(silent, { answers: [] });
  await using beside = await site.admin.open(alive);
  await beside.live();
  assert.deepEqual(
    waiting.frames.filter(({ type }) => type === 'ended'),
    [],
    'it is still being tried',
  );
  const { fault } = await waiting.ended();
  assert.equal(fault?.code, 'TARGET_TIMED_OUT');
  assert.deepEqual(fault.facts, { host: hole.host, port: hole.port });
  await waiting.leave();
  await eventually('the end to be audited with its reason', async () => {
    const { items } = await site.admin.api.listAudit({ query: { limit: 50 } });
    const own = items.filter(({ detail }) => detail?.['sessionId'] === waiting.sessionId);
    return own.some(({ outcome, reason }) => outcome === 'failure' && reason === 'TARGET_TIMED_OUT');
  });
});

test('a database that became read-only is named, and nothing is lost', async () => {
  await using disk = await mounted(700);
  const dataDir = join(disk.folder, 'data');
  await mkdir(dataDir);
  const first = await Site.start({ dataDir });
  const targetId = await first.machineOn(sshd, { name: 'kept machine' });
  await first.gateway.stop();
  await run('mount', ['-o', 'remount,ro', disk.folder]);
  try {
    const attempt = run(
      process.execPath,
      ['--conditions=source', 'packages/gateway/src/main.ts', '--port', '0', '--data-dir', dataDir],
      {
        cwd: join(import.meta.dirname, '..', '..'),
      },
    );
    await assert.rejects(attempt, (failure: Error & { readonly stderr: string; readonly code: number }) => {
      assert.notEqual(failure.code, 0);
      assert.match(failure.stderr, /STORE_UNAVAILABLE|read-only/u);
      return true;
    });
  } finally {
    await run('mount', ['-o', 'remount,rw', disk.folder]);
  }
  await using again = await Gateway.start({ dataDir, config: LOOPBACK });
  const admin = await Person.signIn(again.url, ADMIN);
  assert.equal((await admin.api.getTarget({ params: { id: targetId } })).name, 'kept machine');
  assert.equal((await admin.api.verifyAudit()).intact, true);
});

test('a full disk ends the running session in words, lets no other begin, and loses nothing that was shown', async () => {
  await using disk = await mounted(700);
  const dataDir = join(disk.folder, 'data');
  await mkdir(dataDir);
  await using full = await Site.start({ dataDir });
  const targetId = await full.machineOn(sshd, { name: 'recorded machine' });
  const shell = await full.admin.open(targetId);
  await shell.live();
  shell.type('echo shown-$((20+2))\r');
  await shell.see('shown-22');
  // Whatever is left, to the last block.
  await run('dd', ['if=/dev/zero', `of=${join(disk.folder, 'ballast')}`, 'bs=1M']).catch(() => undefined);
  shell.type('while :; do seq 1 2000; done\r');
  const end = await shell.ended();
  assert.equal(end.fault?.code, 'RECORDING_STORE_FULL', JSON.stringify(end));
  await shell.leave();
  await rm(join(disk.folder, 'ballast'));
  await run('fallocate', ['-l', '300M', join(disk.folder, 'ballast')]);
  const refused = await full.admin.open(targetId);
  assert.equal((await refused.ended()).fault?.code, 'RECORDING_STORE_FULL');
  await refused.leave();
  await rm(join(disk.folder, 'ballast'));
  await using back = await full.admin.open(targetId);
  await back.live();
  await eventually('all that was shown in the recording', async () =>
    (await outputOf(full.admin, shell.sessionId)).startsWith(shell.text),
  );
});
