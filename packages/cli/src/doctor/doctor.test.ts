import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rmdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { closedPort } from '@enchilada/core/testing/free-port';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { runLine } from '../testing/run-line.ts';
import { checkNode, judgeCertificate, judgeDisk } from './machine-checks.ts';
import { judgeClock } from './server-checks.ts';

const DAY = 86_400_000;

async function newFolder(): Promise<string> {
  const dataDir = join(temporaryFolder('doctor'), 'data');
  await mkdir(join(dataDir, 'keys'), { recursive: true, mode: 0o700 });
  await writeFile(join(dataDir, 'keys/key-encryption.key'), 'x', { mode: 0o600 });
  return dataDir;
}

async function serving(statusOf: (path: string) => number): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => response.writeHead(statusOf(request.url ?? '')).end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) =>
        server.close(() => {
          resolve();
        }),
      ),
  };
}

test('a healthy machine and server pass', async () => {
  await using server = await serving(() => 200);
  const { exitCode, stdout } = await runLine(['doctor', '--data-dir', await newFolder(), '--url', server.url], {
    env: {},
  });
  assert.equal(exitCode, 0, stdout);
  for (const name of ['node', 'configuration', 'data folder', 'key file', 'server', 'database', 'clock'])
    assert.match(stdout, new RegExp(`^ok +${name}:`, 'mu'));
});

test('a key that others may read, an open folder and a server that is not ready are named, with what to do', async () => {
  await using server = await serving((path) => (path === '/readyz' ? 503 : 200));
  const dataDir = await newFolder();
  await chmod(join(dataDir, 'keys/key-encryption.key'), 0o640);
  await chmod(dataDir, 0o755);
  const { exitCode, json } = await runLine(['doctor', '--data-dir', dataDir, '--url', server.url, '--json']);
  assert.equal(exitCode, 5);
  const checks = json()['checks'] as { name: string; verdict: string; todo?: string }[];
  const of = (name: string) => checks.find((check) => check.name === name);
  assert.deepEqual(
    [of('key file')?.verdict, of('data folder')?.verdict, of('database')?.verdict],
    ['fail', 'warn', 'fail'],
  );
  assert.match(of('key file')?.todo ?? '', /chmod 600/u);
});

test('a control folder that is open, or a link, is named with what to do, and a good one passes', async () => {
  const dataDir = await newFolder();
  const verdict = async () => {
    const { json } = await runLine(['doctor', '--data-dir', dataDir, '--url', 'http://127.0.0.1:1', '--json'], {
      env: {},
    });
    const checks = json()['checks'] as { name: string; verdict: string; todo?: string }[];
    assert.ok(checks.some(({ name }) => name === 'throw-away machine'));
    return checks.find(({ name }) => name === 'control folder');
  };
  assert.equal(await verdict(), undefined);
  const control = join(dataDir, 'control');
  await mkdir(control, { mode: 0o700 });
  assert.equal((await verdict())?.verdict, 'ok');
  await chmod(control, 0o755);
  const open = await verdict();
  assert.equal(open?.verdict, 'fail');
  assert.match(open?.todo ?? '', /find out who made it so/u);
  await rmdir(control);
  await symlink(tmpdir(), control);
  assert.equal((await verdict())?.verdict, 'fail');
});

test('a server that is not there fails with its address', async () => {
  const url = `http://127.0.0.1:${await closedPort()}`;
  const { exitCode, stdout } = await runLine(['doctor', '--data-dir', await newFolder(), '--url', url]);
  assert.equal(exitCode, 5);
  assert.match(stdout, /fail {2}server: 127\.0\.0\.1:\d+ cannot be reached/u);
});

test('a certificate is judged by its dates', async () => {
  const folder = temporaryFolder('cert');
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ed25519',
      '-nodes',
      '-days',
      '90',
      '-subj',
      '/CN=localhost',
      '-keyout',
      join(folder, 'key.pem'),
      '-out',
      join(folder, 'cert.pem'),
    ],
    { stdio: 'ignore' },
  );
  const certificate = new X509Certificate(await readFile(join(folder, 'cert.pem')));
  const verdict = (days: number) => judgeCertificate(certificate, 'cert.pem', Date.now() + days * DAY).verdict;
  assert.deepEqual([verdict(-2), verdict(1), verdict(80), verdict(91)], ['fail', 'ok', 'warn', 'fail']);
});

test('clocks are compared with the second that the header leaves open', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const verdict = (offMs: number) => judgeClock(new Date(now - offMs).toUTCString(), now).verdict;
  assert.deepEqual(
    [verdict(0), verdict(5_000), verdict(20_000), verdict(-20_000), verdict(120_000)],
    ['ok', 'ok', 'warn', 'warn', 'fail'],
  );
  assert.equal(judgeClock(null, now).verdict, 'warn');
});

test('only the Node that the product is tested on is ok', () => {
  assert.deepEqual(
    ['v18.19.0', 'v24.21.0', 'v26.0.0'].map((version) => checkNode(version).verdict),
    ['fail', 'ok', 'warn'],
  );
});

test('a disk below the reserve of the recorder fails, one near it warns', () => {
  const GIB = 1024 ** 3;
  const verdict = (free: number, total: number) =>
    judgeDisk('/srv', { freeBytes: free * GIB, totalBytes: total * GIB }).verdict;
  assert.deepEqual(
    [verdict(9, 1000), verdict(15, 1000), verdict(25, 1000), verdict(1, 2), verdict(0.4, 2)],
    ['fail', 'warn', 'ok', 'ok', 'fail'],
  );
});
