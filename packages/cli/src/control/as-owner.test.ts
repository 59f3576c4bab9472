import assert from 'node:assert/strict';
import { chmod, chown, lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { runLine } from '../testing/run-line.ts';
import { asGateway } from './as-owner.ts';
import { leaveNote } from './ask-gateway.ts';

const isRoot = process.getuid?.() === 0;
const OTHER = isRoot ? 65_534 : (process.getuid?.() ?? 0);

/** A data folder of another account, where root runs the test; of this one otherwise. */
async function newDataFolder(): Promise<string> {
  const base = temporaryFolder('as-owner');
  await chmod(base, 0o755);
  const dataDir = join(base, 'data');
  await mkdir(join(dataDir, 'control'), { recursive: true, mode: 0o700 });
  for (const path of [dataDir, join(dataDir, 'control')]) if (isRoot) await chown(path, OTHER, OTHER);
  return dataDir;
}

test('what is left for the gateway belongs to its account, and the own rights are back afterwards', async () => {
  const dataDir = await newDataFolder();
  const inside = await asGateway(dataDir, () => Promise.resolve([process.geteuid?.(), process.getegid?.()]));
  assert.deepEqual(inside, isRoot ? [OTHER, OTHER] : [process.geteuid?.(), process.getegid?.()]);
  assert.equal(process.geteuid?.(), process.getuid?.());
  await leaveNote(dataDir, { action: 'backup.created', at: 1, detail: {} });
  assert.equal((await lstat(join(dataDir, 'control'))).uid, OTHER);
});

test('a link in place of the control folder is refused, and what it leads to stays as it was', async () => {
  const base = temporaryFolder('as-owner');
  await mkdir(join(base, 'precious'));
  await mkdir(join(base, 'data'));
  await symlink(join(base, 'precious'), join(base, 'data', 'control'));
  const before = await lstat(join(base, 'precious'));
  const { exitCode, stderr } = await runLine(['user', 'recover', 'anna', '--data-dir', join(base, 'data')]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /control is no folder of its own/u);
  assert.deepEqual(await lstat(join(base, 'precious')), before);
});

test('a backup by root reads nothing that the account of the gateway may not read', async () => {
  const dataDir = await newDataFolder();
  const secret = join(dataDir, '..', 'of-root');
  await writeFile(secret, 'SECRET OF ROOT', { mode: 0o600 });
  await writeFile(join(dataDir, 'readable'), 'x');
  await mkdir(join(dataDir, 'recordings'), { mode: 0o700 });
  await writeFile(join(dataDir, 'recordings', 'mine'), 'SECRET OF ROOT', { mode: 0o600 });
  if (isRoot) await chown(join(dataDir, 'recordings'), OTHER, OTHER);
  const tar = join(dataDir, '..', 'b.tar');
  const { exitCode, stderr } = await runLine(['backup', '--data-dir', dataDir, '--to', tar]);
  if (!isRoot) {
    assert.equal(exitCode, 0, stderr);
    return;
  }
  assert.equal(exitCode, 1);
  assert.match(stderr, /may not use/u);
  await assert.rejects(readFile(tar));
});
