import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { FileChannel } from '@enchilada/core/engine';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { openJourney, password, sshdTarget, type OpenClient } from '../testing.ts';

const NEVER = new AbortController().signal;

describe('files of a real OpenSSH server', () => {
  const owned = new AsyncDisposableStack();
  let sshd: Sshd;
  let client: OpenClient;
  let files: FileChannel;
  let folder: string;
  const path = (name: string): Uint8Array => Buffer.from(join(folder, name));

  before(async () => {
    sshd = owned.use(await startSshd());
    client = owned.use(
      await openJourney({ hops: [{ target: sshdTarget(sshd), credential: password(sshd.username, sshd.password) }] }),
    );
    assert.ok(client.session.files);
    files = owned.use(await client.session.files());
    folder = join(sshd.directory, 'files');
    await mkdir(folder);
    await chmod(folder, 0o777);
  });
  after(() => owned.disposeAsync());

  async function read(name: string, offset = 0): Promise<Buffer> {
    const { content } = await files.open(path(name), { offset, signal: NEVER });
    const parts: Uint8Array[] = [];
    for await (const bytes of content) parts.push(bytes);
    return Buffer.concat(parts);
  }
  async function write(name: string, content: Uint8Array, offset = 0): Promise<void> {
    await using writer = await files.create(path(name), { offset });
    for (let at = 0; at < content.length; at += 70_001) await writer.write(content.subarray(at, at + 70_001));
    await writer.finish();
  }
  async function names(of = folder): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const page of files.list(Buffer.from(of), NEVER))
      found.push(...page.map(({ name }) => Buffer.from(name).toString('latin1')));
    return found.toSorted();
  }

  it('begins in the account’s home', async () => {
    assert.equal(Buffer.from(await files.home()).toString(), `/home/${sshd.username}`);
  });

  it('writes and reads what it wrote, whole and from any offset', async () => {
    const content = randomBytes(5_000_011);
    await write('whole', content);
    assert.ok((await readFile(join(folder, 'whole'))).equals(content));
    assert.ok((await read('whole')).equals(content));
    assert.ok((await read('whole', 4_999_000)).equals(content.subarray(4_999_000)));
    assert.equal((await read('whole', 5_000_011)).length, 0);
    await write('empty', new Uint8Array());
    assert.equal((await read('empty')).length, 0);
  });

  it('goes on with a file that is there', async () => {
    await write('parts', Buffer.from('first '));
    await write('parts', Buffer.from('second'), 6);
    assert.equal((await read('parts')).toString(), 'first second');
  });

  it('reads files that say they are empty and are not', async () => {
    const { content } = await files.open(Buffer.from('/proc/version'), { offset: 0, signal: NEVER });
    let text = '';
    for await (const bytes of content) text += Buffer.from(bytes).toString();
    assert.match(text, /^Linux version/u);
  });

  it('carries names of any bytes, both ways', async () => {
    const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe, 0x0a, 0x5c, 0x20, 0x27, 0x22])]);
    await using writer = await files.create(odd, { offset: 0 });
    await writer.write(Buffer.from('odd'));
    await writer.finish();
    assert.ok(
      (await readdir(folder, { encoding: 'buffer' })).some((name) => name.equals(odd.subarray(folder.length + 1))),
    );
    assert.ok((await names()).includes(odd.subarray(folder.length + 1).toString('latin1')));
    await files.removeFile(odd);
    assert.ok(!(await names()).some((name) => name.startsWith('\xff')));
  });

  it('lists a large folder, with kinds, sizes and modes, and without the dots', async () => {
    await mkdir(join(folder, 'many'));
    await promisify(execFile)('sh', ['-c', `cd ${folder}/many && seq 1 3000 | xargs touch`]);
    assert.equal((await names(join(folder, 'many'))).length, 3_000);
    await symlink('/etc/passwd', join(folder, 'link'));
    await chmod(join(folder, 'many'), 0o750);
    const entries = new Map<string, unknown>();
    for await (const page of files.list(Buffer.from(folder), NEVER))
      for (const { name, kind, mode } of page) entries.set(Buffer.from(name).toString('latin1'), { kind, mode });
    assert.deepEqual(entries.get('many'), { kind: 'folder', mode: 0o750 });
    assert.equal((entries.get('link') as { kind: string }).kind, 'link');
    assert.ok(!entries.has('..') && !entries.has('.'));
  });

  it('makes folders, renames, replaces, sets permissions, deletes', async () => {
    await files.makeFolder(path('new'));
    await assert.rejects(files.makeFolder(path('new')), { code: 'FILE_EXISTS' });
    await write('new/a', Buffer.from('a'));
    await write('new/b', Buffer.from('b'));
    await assert.rejects(files.rename(path('new/a'), path('new/b'), { replace: false }), { code: 'FILE_EXISTS' });
    await files.rename(path('new/a'), path('new/b'), { replace: true });
    assert.equal((await read('new/b')).toString(), 'a');
    await files.setMode(path('new/b'), 0o604);
    assert.equal((await stat(join(folder, 'new/b'))).mode & 0o7777, 0o604);
    await assert.rejects(files.removeFolder(path('new')), { code: 'FILE_NOT_EMPTY' });
    await files.removeFile(path('new/b'));
    await files.removeFolder(path('new'));
    await assert.rejects(files.attributes(path('new')), { code: 'FILE_NOT_FOUND' });
  });

  it('says in words what is missing, forbidden, no file, or a link in the way', async () => {
    await writeFile(join(folder, 'root-only'), 'secret', { mode: 0o600 });
    await assert.rejects(read('root-only'), { code: 'FILE_DENIED' });
    await assert.rejects(read('not-there'), { code: 'FILE_NOT_FOUND' });
    await assert.rejects(files.open(Buffer.from('/dev/zero'), { offset: 0, signal: NEVER }), { code: 'FILE_UNFIT' });
    await assert.rejects(files.open(Buffer.from(folder), { offset: 0, signal: NEVER }), { code: 'FILE_UNFIT' });
    await symlink('/tmp/enchilada-must-not-appear', join(folder, 'dangling'));
    await assert.rejects(files.create(path('dangling'), { offset: 0 }), { code: 'FILE_REFUSED' });
    await assert.rejects(stat('/tmp/enchilada-must-not-appear'), { code: 'ENOENT' });
    await assert.rejects(names('/root'), { code: 'FILE_DENIED' });
  });

  it('leaves nothing open when a reader goes early, and the terminal as it was', async () => {
    for (let round = 0; round < 60; round += 1) {
      const { content } = await files.open(path('whole'), { offset: 0, signal: NEVER });
      if (round % 2 === 0) await content.next();
      await content.return();
    }
    client.session.input(Buffer.from('echo still-$((40+2))\r'));
    while (!client.output().includes('still-42')) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

describe('a server without SFTP', () => {
  it('says so, and the terminal goes on', async () => {
    await using sshd = await startSshd({ sftp: false });
    await using client = await openJourney({
      hops: [{ target: sshdTarget(sshd), credential: password(sshd.username, sshd.password) }],
    });
    assert.ok(client.session.files);
    await assert.rejects(client.session.files(), { code: 'FILES_UNAVAILABLE' });
    client.session.input(Buffer.from('echo still-$((40+2))\r'));
    while (!client.output().includes('still-42')) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
