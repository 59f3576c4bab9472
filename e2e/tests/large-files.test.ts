import assert from 'node:assert/strict';
import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import { chmod, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, before, test, type TestContext } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { plainRequest } from '../bench/plain-request.ts';
import type { Shell } from '../product/index.ts';
import { Site, startSshd } from './site.ts';

const FILE_BYTES = 5 * 1024 ** 3;
/** Of the page. */
const PIECE_BYTES = 8 * 1024 * 1024;
/** Eight transfers of such files at once took 410 MiB (docs/performance.md); a file that is kept would take ten times as much. */
const MOST_RESIDENT_MIB = 768;

const owned = new AsyncDisposableStack();
const agent = new Agent({ keepAlive: true });
let sshd: Sshd;
let site: Site;
let folder: string;
let shell: Shell;

before(async () => {
  owned.defer(() => agent.destroy());
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
  folder = join(sshd.directory, 'files');
  await mkdir(folder);
  await chmod(folder, 0o777);
  const targetId = await site.machineOn(sshd);
  await site.grant(site.admin, targetId, ['connect', 'file-in', 'file-out']);
  shell = owned.use(await site.admin.open(targetId));
  await shell.live();
});
after(() => owned.disposeAsync());

const raw = (path: string): string => Buffer.from(path).toString('base64url');
const transferId = (): string =>
  Buffer.from(randomBytes(26).map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'.charCodeAt(byte & 31))).toString();

/** The most that the gateway's process ever had in memory: proc_pid_status(5), `VmHWM`. */
async function mostResidentMib(): Promise<number> {
  const status = await readFile(`/proc/${site.gateway.pid}/status`, 'utf8');
  const [, kib] = /^VmHWM:\s+(\d+) kB$/mu.exec(status) ?? assert.fail('the system does not say what a process holds');
  return Math.ceil(Number(kib) / 1024);
}

async function assertBounded(t: TestContext): Promise<void> {
  const most = await mostResidentMib();
  t.diagnostic(`the gateway held ${most} MiB at most`);
  assert.ok(most < MOST_RESIDENT_MIB, `the gateway held ${most} MiB`);
}

/** How the one transfer of this direction ended, in the audit log. */
async function told(direction: 'download' | 'upload') {
  const { items } = await site.admin.api.listAudit({ query: { limit: 500 } });
  return items
    .filter(({ action, detail }) => action === 'file.transferred' && detail?.['direction'] === direction)
    .map(({ outcome, detail }) => [outcome, detail?.['path'], detail?.['size'], detail?.['sha256']]);
}

test('a file of 5 GiB is fetched in bounded memory, and is audited with its size and hash', async (t) => {
  const path = join(folder, 'sparse.bin');
  await using file = await open(path, 'w', 0o644);
  await file.truncate(FILE_BYTES);
  const response = await plainRequest({ person: site.admin, agent }, 'downloadFile', {
    params: { id: shell.sessionId },
    query: { path: raw(path), transfer: transferId() },
  });
  assert.equal(response.headers['content-length'], String(FILE_BYTES));
  const hash = createHash('sha256');
  let size = 0;
  for await (const bytes of response as AsyncIterable<Buffer>) {
    hash.update(bytes);
    size += bytes.length;
  }
  assert.equal(size, FILE_BYTES);
  assert.deepEqual(await told('download'), [['success', path, FILE_BYTES, hash.digest('hex')]]);
  await assertBounded(t);
});

test('a file of 5 GiB is sent in bounded memory, and is audited with its size and hash', async (t) => {
  const path = join(folder, 'sent.bin');
  const common = { path: raw(path), transfer: transferId(), size: FILE_BYTES };
  const piece = randomFillSync(Buffer.alloc(PIECE_BYTES));
  const hash = createHash('sha256');
  try {
    for (let at = 0; at < FILE_BYTES; at += PIECE_BYTES) {
      // No two are the same.
      piece.writeDoubleLE(at);
      hash.update(piece);
      const response = await plainRequest({ person: site.admin, agent }, 'uploadFile', {
        params: { id: shell.sessionId },
        query: { ...common, offset: at },
        body: piece,
      });
      const received = at + PIECE_BYTES;
      assert.deepEqual(await json(response), { received, done: received === FILE_BYTES });
    }
    assert.equal((await stat(path)).size, FILE_BYTES);
  } finally {
    await rm(path, { force: true });
  }
  assert.deepEqual(await told('upload'), [['success', path, FILE_BYTES, hash.digest('hex')]]);
  await assertBounded(t);
});
