import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { askGateway } from './ask-gateway.ts';
import { runLine } from '../testing/run-line.ts';

async function newFolder(
  gateway: object | null = { pid: process.pid, started: '', url: 'http://localhost:1' },
): Promise<string> {
  const dataDir = temporaryFolder('control');
  await mkdir(join(dataDir, 'control'), { mode: 0o700 });
  if (gateway !== null)
    await writeFile(join(dataDir, 'control/gateway.json'), JSON.stringify(gateway), { mode: 0o600 });
  return dataDir;
}

/** The gateway's half of one exchange, as docs/operating.md says. */
async function answerOnce(dataDir: string, answer: object): Promise<Record<string, unknown>> {
  const folder = join(dataDir, 'control');
  const look = async (): Promise<Record<string, unknown> | undefined> => {
    const name = (await readdir(folder)).find((entry) => entry.endsWith('.request.json'));
    if (name === undefined) return undefined;
    const path = join(folder, name);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const request = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(join(folder, 'answer.new'), JSON.stringify({ version: 1, id: request['id'], ...answer }), {
      mode: 0o600,
    });
    await rename(join(folder, 'answer.new'), join(folder, `${String(request['id'])}.answer.json`));
    return request;
  };
  for (;;) {
    const request = await look();
    if (request !== undefined) return request;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a recovery is asked for in a private file and its link is printed, and nothing stays behind', async () => {
  const dataDir = await newFolder();
  const gateway = answerOnce(dataDir, {
    ok: true,
    result: { link: 'http://localhost:1/recover#abc', expiresAt: 1_800_000_000_000 },
  });
  const { exitCode, stdout, stderr } = await runLine(['user', 'recover', 'anna', '--data-dir', dataDir]);
  const request = await gateway;
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /http:\/\/localhost:1\/recover#abc/u);
  assert.deepEqual([request['kind'], request['username'], request['version']], ['recover-user', 'anna', 1]);
  assert.deepEqual(await readdir(join(dataDir, 'control')), ['gateway.json']);
});

test('a refusal of the gateway is shown with its reason', async () => {
  const dataDir = await newFolder();
  const gateway = answerOnce(dataDir, { ok: false, code: 'NOT_FOUND', message: 'there is no such person' });
  const { exitCode, stderr } = await runLine(['user', 'recover', 'nobody', '--data-dir', dataDir]);
  await gateway;
  assert.equal(exitCode, 1);
  assert.match(stderr, /there is no such person \(NOT_FOUND\)/u);
});

test('a request that nobody answers is withdrawn', async () => {
  const dataDir = await newFolder();
  await assert.rejects(
    askGateway({ kind: 'copy-database', keys: 'left-out' }, { dataDir, now: Date.now, waitMs: 0, env: {} }),
    /did not answer/u,
  );
  assert.deepEqual(await readdir(join(dataDir, 'control')), ['gateway.json']);
});

test('without a gateway, or with the file of one that crashed, nothing is asked', async () => {
  for (const gateway of [
    null,
    { pid: 2 ** 30, started: '', url: 'x' },
    { pid: process.pid, started: '1', url: 'x' },
    { pid: 'x' },
  ]) {
    const dataDir = await newFolder(gateway);
    const { exitCode, stderr } = await runLine(['user', 'recover', 'anna', '--data-dir', dataDir]);
    assert.equal(exitCode, 4);
    assert.match(stderr, /no gateway runs on/u);
  }
  assert.match(
    (await runLine(['user', 'recover', 'anna', '--data-dir', '/nonexistent'])).stderr,
    /there is no folder/u,
  );
});
