import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { runLine } from '../testing/run-line.ts';
import { TAR_END, padding, tarHeader } from './tar-writer.ts';

const LONG = `recordings/rec/v1/2026/01/31/${'a'.repeat(80)}/schlüssel-${'b'.repeat(60)}.brc`;

async function newDataFolder(): Promise<{ readonly base: string; readonly dataDir: string }> {
  const base = temporaryFolder('backup');
  const dataDir = join(base, 'data');
  for (const [path, content] of [
    ['store.db', 'database'],
    ['store.db-wal', 'log'],
    ['keys/key-encryption.key', 'KEY'],
    [LONG, 'x'.repeat(1_500_000)],
    ['journal/empty', ''],
    ['journal/lock', '1 1'],
    ['bootstrap-link', 'LINK'],
  ] as const) {
    await mkdir(join(dataDir, path, '..'), { recursive: true, mode: 0o700 });
    await writeFile(join(dataDir, path), content, { mode: 0o600 });
  }
  return { base, dataDir };
}

test('a backup without keys comes back byte for byte, and names the keys that are missing', async () => {
  const { base, dataDir } = await newDataFolder();
  const [tar, copy] = [join(base, 'b.tar'), join(base, 'copy')];
  const made = await runLine(['backup', '--data-dir', dataDir, '--to', tar]);
  assert.equal(made.exitCode, 0, made.stderr);
  assert.match(made.stdout, /Left out: keys\/key-encryption\.key\. Without the key-encryption key/u);
  assert.equal((await stat(tar)).mode & 0o777, 0o600);
  assert.doesNotMatch(await readFile(tar, 'latin1'), /KEY|LINK/u);
  const back = await runLine(['restore', '--from', tar, '--data-dir', copy, '--json']);
  assert.equal(back.exitCode, 5, back.stderr);
  assert.deepEqual(back.json()['missingKeys'], ['keys/key-encryption.key']);
  for (const path of ['store.db', 'store.db-wal', LONG, 'journal/empty'])
    assert.deepEqual(await readFile(join(copy, path)), await readFile(join(dataDir, path)));
  assert.equal((await stat(join(copy, 'store.db'))).mode & 0o777, 0o600);
  assert.equal((await stat(copy)).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(join(copy, 'journal')), ['empty']);
});

test('with keys it is complete, and says what that means; or they come from a folder of their own', async () => {
  const { base, dataDir } = await newDataFolder();
  const withKeys = await runLine(['backup', '--data-dir', dataDir, '--to', join(base, 'k.tar'), '--include-keys']);
  assert.match(withKeys.stdout, /whoever has this file can read every credential/u);
  assert.equal(
    (await runLine(['restore', '--from', join(base, 'k.tar'), '--data-dir', join(base, 'one')])).exitCode,
    0,
  );
  await runLine(['backup', '--data-dir', dataDir, '--to', join(base, 'n.tar')]);
  assert.equal(
    (
      await runLine([
        'restore',
        '--from',
        join(base, 'n.tar'),
        '--data-dir',
        join(base, 'two'),
        '--keys-from',
        join(dataDir, 'keys'),
      ])
    ).exitCode,
    0,
  );
  for (const folder of ['one', 'two'])
    assert.equal(await readFile(join(base, folder, 'keys/key-encryption.key'), 'utf8'), 'KEY');
});

test('any tar program reads a backup', async () => {
  const { base, dataDir } = await newDataFolder();
  await runLine(['backup', '--data-dir', dataDir, '--to', join(base, 'b.tar')]);
  const listed = execFileSync('tar', ['-tf', join(base, 'b.tar')], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  assert.deepEqual(
    listed
      .trim()
      .split('\n')
      .map(
        (path) =>
          JSON.parse(
            `"${path.replaceAll(/\\(\d{3})/gu, (_, octal: string) => `\\u00${parseInt(octal, 8).toString(16)}`)}"`,
          ) as string,
      )
      .map((path) => Buffer.from(path, 'latin1').length > 0),
    [true, true, true, true, true],
  );
});

test('an archive that was altered, cut or made for mischief leaves no folder behind', async () => {
  const { base, dataDir } = await newDataFolder();
  const tar = join(base, 'b.tar');
  await runLine(['backup', '--data-dir', dataDir, '--to', tar]);
  const good = await readFile(tar);
  const flipped = Buffer.from(good);
  const at = flipped.indexOf('database');
  flipped[at] = 0x44;
  const member = (path: string): Buffer =>
    Buffer.concat([tarHeader({ path, bytes: 1, mode: 0o600, modifiedAt: 0 }), Buffer.from('x'), padding(1)]);
  const link = tarHeader({ path: 'evil', bytes: 0, mode: 0o777, modifiedAt: 0 });
  link[156] = 0x32;
  link.write(
    `${link
      .reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  for (const [name, bytes, message] of [
    ['flipped', flipped, /store\.db is altered/u],
    ['cut', good.subarray(0, good.length / 2), /ends too early/u],
    ['no manifest', Buffer.concat([member('a'), TAR_END]), /holds no backup\.json/u],
    ['outside', Buffer.concat([member('../evil'), good]), /leads out of the data folder/u],
    ['absolute', Buffer.concat([member('/evil'), good]), /leads out of the data folder/u],
    ['added', Buffer.concat([member('added'), good]), /its manifest does not name/u],
    ['twice', Buffer.concat([member('store.db'), good]), /twice/u],
    ['link', Buffer.concat([link, good]), /no regular file/u],
    ['noise', Buffer.alloc(2048, 7), /damaged/u],
  ] as const) {
    await writeFile(join(base, 'bad.tar'), bytes);
    const { exitCode, stderr } = await runLine([
      'restore',
      '--from',
      join(base, 'bad.tar'),
      '--data-dir',
      join(base, 'never'),
    ]);
    assert.equal(exitCode, 1, name);
    assert.match(stderr, message, name);
  }
  assert.deepEqual((await readdir(base)).toSorted(), ['b.tar', 'bad.tar', 'data']);
});

test('nothing is overwritten: not a file by a backup, not a folder by a restore; links are not followed', async () => {
  const { base, dataDir } = await newDataFolder();
  await symlink('/etc/passwd', join(dataDir, 'link'));
  const first = await runLine(['backup', '--data-dir', dataDir, '--to', join(base, 'b.tar')]);
  assert.match(first.stderr, /link is no regular file and was left out/u);
  assert.equal((await runLine(['backup', '--data-dir', dataDir, '--to', join(base, 'b.tar')])).exitCode, 1);
  assert.equal((await runLine(['backup', '--data-dir', dataDir, '--to', join(dataDir, 'b.tar')])).exitCode, 2);
  assert.match(
    (await runLine(['restore', '--from', join(base, 'b.tar'), '--data-dir', dataDir])).stderr,
    /is not empty/u,
  );
});

test('a folder that a process is working in is not copied behind its back', async () => {
  const { base, dataDir } = await newDataFolder();
  const started = (await readFile(`/proc/${process.pid}/stat`, 'latin1')).replace(/^.*\) /u, '').split(' ')[19];
  await writeFile(join(dataDir, 'journal/lock'), `${process.pid} ${started}`);
  const { exitCode, stderr } = await runLine(['backup', '--data-dir', dataDir, '--to', join(base, 'b.tar')]);
  assert.equal(exitCode, 1);
  assert.match(stderr, new RegExp(`process ${process.pid} is working in`, 'u'));
  assert.deepEqual(await readdir(base), ['data']);
});
