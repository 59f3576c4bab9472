import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ApiProblem, RecordingStreamDecoder } from '@enchilada/contract';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import type { Person, Shell } from '../product/index.ts';
import { Site, startSshd } from './site.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let folder: string;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start());
  folder = join(sshd.directory, 'files');
  await mkdir(folder);
  await chmod(folder, 0o777);
});
after(() => owned.disposeAsync());

const raw = (path: string | Uint8Array): string => Buffer.from(path as string).toString('base64url');
const transferId = (): string =>
  Buffer.from(randomBytes(26).map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'.charCodeAt(byte & 31))).toString();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
async function* pieces(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/** A live session with the machine, for somebody whose grant has these actions beside `connect`. */
async function open(person: Person, actions: readonly ('file-in' | 'file-out')[], name: string): Promise<Shell> {
  const targetId = await site.machineOn(sshd, { name });
  const { user } = await person.api.getMe();
  await site.admin.api.createGrant({
    body: {
      subject: { kind: 'user', id: user.id },
      scope: { kind: 'target', id: targetId },
      actions: ['connect', ...actions],
    },
  });
  const shell = await person.open(targetId);
  await shell.live();
  return shell;
}

async function download(
  person: Person,
  sessionId: string,
  path: string,
  more: { transfer?: string; offset?: number } = {},
): Promise<Buffer> {
  const response = await person.api.downloadFile({
    params: { id: sessionId },
    query: {
      path: raw(path),
      transfer: more.transfer ?? transferId(),
      ...(more.offset === undefined ? {} : { offset: more.offset }),
    },
  });
  return Buffer.from(await response.arrayBuffer());
}

async function auditOf(sessionId: string, action: string) {
  const { items } = await site.admin.api.listAudit({ query: { limit: 500 } });
  return items.filter((item) => item.action === action && item.detail?.['sessionId'] === sessionId);
}

const isProblem =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof ApiProblem && error.code === code;

test('files go both ways, are listed, changed, audited and recorded with their hash', async () => {
  const fay = await site.person('fay');
  const shell = await open(fay, ['file-in', 'file-out'], 'both ways');
  const { sessionId: id } = shell;
  await shell.until(
    () => shell.frames.some((frame) => frame.type === 'files' && frame.upload && frame.download),
    'the word about files',
  );
  const params = { id };

  const content = randomBytes(3_000_017);
  const transfer = transferId();
  const put = (offset: number, part: Uint8Array, replace = false) =>
    fay.api.uploadFile({
      params,
      query: { path: raw(`${folder}/größe.bin`), transfer, offset, size: content.length, replace },
      body: pieces(part),
    });
  assert.deepEqual(await put(0, content.subarray(0, 1_000_000)), { received: 1_000_000, done: false });
  assert.deepEqual(await readdir(folder), [`.${transfer}.part`]);
  assert.deepEqual(await fay.api.getTransfer({ params: { id, transfer } }), { received: 1_000_000 });
  await assert.rejects(put(999_999, content.subarray(999_999)), isProblem('CONFLICT'));
  assert.deepEqual(await put(1_000_000, content.subarray(1_000_000)), { received: content.length, done: true });
  assert.deepEqual(await readdir(folder), ['größe.bin']);
  assert.ok((await readFile(join(folder, 'größe.bin'))).equals(content));

  assert.ok((await download(fay, id, `${folder}/größe.bin`)).equals(content));

  const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x41])]);
  await fay.api.uploadFile({
    params,
    query: { path: raw(odd), transfer: transferId(), offset: 0, size: 3, replace: false },
    body: pieces(Buffer.from('odd')),
  });
  const listing = await fay.api.listFiles({ params, query: { path: raw(folder) } });
  assert.equal(listing.truncated, false);
  assert.deepEqual(listing.entries.map(({ name, raw: bytes }) => [name, bytes]).toSorted(), [
    ['\\xffA', raw(Buffer.from([0xff, 0x41]))],
    ['größe.bin', raw('größe.bin')],
  ]);
  assert.equal(
    Buffer.from((await fay.api.listFiles({ params, query: {} })).path, 'base64url').toString(),
    `/home/${sshd.username}`,
  );

  const change = (body: Parameters<typeof fay.api.changeFile>[0]['body']) => fay.api.changeFile({ params, body });
  await change({ change: 'make-folder', path: raw(`${folder}/new`) });
  await change({ change: 'rename', path: raw(odd), to: raw(`${folder}/new/even`) });
  await change({ change: 'mode', path: raw(`${folder}/new/even`), mode: 0o640 });
  assert.equal((await stat(join(folder, 'new/even'))).mode & 0o777, 0o640);
  await assert.rejects(change({ change: 'delete', path: raw(`${folder}/new`) }), isProblem('FILE_NOT_EMPTY'));
  await change({ change: 'delete', path: raw(`${folder}/new/even`) });
  await change({ change: 'delete', path: raw(`${folder}/new`) });
  await assert.rejects(change({ change: 'rename', path: raw(`${folder}/größe.bin`) }), isProblem('INVALID_REQUEST'));
  for (const path of ['relative', `${folder}/../../etc/passwd`, '/a\0b'])
    await assert.rejects(change({ change: 'delete', path: raw(path) }), isProblem('FILE_UNFIT'));

  const moved = await auditOf(id, 'file.transferred');
  assert.deepEqual(
    moved
      .map(({ outcome, detail }) => [
        outcome,
        detail?.['direction'],
        detail?.['path'],
        detail?.['size'],
        detail?.['sha256'],
      ])
      .toSorted(),
    [
      ['success', 'download', `${folder}/größe.bin`, content.length, sha256(content)],
      ['success', 'upload', `${folder}/größe.bin`, content.length, sha256(content)],
      ['success', 'upload', `${folder}/\\xffA`, 3, sha256(Buffer.from('odd'))],
    ].toSorted(),
  );
  // One of them was refused by the machine; what is no path never gets that far.
  assert.equal((await auditOf(id, 'file.changed')).length, 6);

  shell.type('exit\r');
  await shell.ended();
  let recordingId = '';
  await until(async () => {
    const found = await site.admin.api.getSession({ params });
    recordingId = found.recordingId ?? '';
    return found.state === 'ended';
  }, 'the session to end');
  await until(
    async () => (await site.admin.api.verifyRecording({ params: { id: recordingId } })).code === 0,
    'the recording to verify',
  );
  const response = await site.admin.api.streamRecording({ params: { id: recordingId }, query: {} });
  const events = [...new RecordingStreamDecoder().push(new Uint8Array(await response.arrayBuffer()))];
  const files = events.flatMap(({ event }) => (event.kind === 'file' ? [event] : []));
  assert.deepEqual(
    files.map(({ direction, name, size }) => [direction, name, size]),
    [
      ['upload', `${folder}/größe.bin`, content.length],
      ['download', `${folder}/größe.bin`, content.length],
      ['upload', `${folder}/\\xffA`, 3],
    ],
  );
  await assert.rejects(fay.api.listFiles({ params, query: {} }), isProblem('SESSION_ENDED'));
});

test('each direction needs its grant, and nobody reaches the files of somebody else’s session', async () => {
  const [ina, otto, nora] = await Promise.all([site.person('ina'), site.person('otto'), site.person('nora')]);
  await writeFile(join(folder, 'for-all'), 'content', { mode: 0o644 });
  await using sender = await open(ina, ['file-in'], 'in only');
  await using fetcher = await open(otto, ['file-out'], 'out only');
  await using neither = await open(nora, [], 'neither');
  const upload = (person: Person, shell: Shell, name: string) =>
    person.api.uploadFile({
      params: { id: shell.sessionId },
      query: { path: raw(`${folder}/${name}`), transfer: transferId(), offset: 0, size: 1, replace: false },
      body: pieces(Buffer.from('x')),
    });
  assert.equal((await upload(ina, sender, 'from-ina')).done, true);
  await assert.rejects(download(ina, sender.sessionId, `${folder}/for-all`), isProblem('FILE_DENIED'));
  assert.equal((await download(otto, fetcher.sessionId, `${folder}/for-all`)).toString(), 'content');
  await assert.rejects(upload(otto, fetcher, 'from-otto'), isProblem('FILE_DENIED'));
  await assert.rejects(
    otto.api.changeFile({
      params: { id: fetcher.sessionId },
      body: { change: 'delete', path: raw(`${folder}/for-all`) },
    }),
    isProblem('FILE_DENIED'),
  );
  await assert.rejects(nora.api.listFiles({ params: { id: neither.sessionId }, query: {} }), isProblem('FILE_DENIED'));
  await assert.rejects(otto.api.listFiles({ params: { id: sender.sessionId }, query: {} }), isProblem('NOT_FOUND'));
  await assert.rejects(
    site.admin.api.listFiles({ params: { id: sender.sessionId }, query: {} }),
    isProblem('NOT_FOUND'),
  );
  assert.ok(!(await readdir(folder)).includes('from-otto'));
  assert.equal((await auditOf(sender.sessionId, 'file.denied')).length, 1);
  assert.equal((await auditOf(fetcher.sessionId, 'file.denied')).length, 2);
});

test('what is there is not overwritten unasked, and an edit not over somebody else’s', async () => {
  const rex = await site.person('rex');
  await using shell = await open(rex, ['file-in', 'file-out'], 'careful');
  const path = `${folder}/settings`;
  await writeFile(path, 'before', { mode: 0o604 });
  await chmod(path, 0o646);
  const params = { id: shell.sessionId };
  const save = (text: string, more: { replace?: boolean; version?: string }) =>
    rex.api.uploadFile({
      params,
      query: { path: raw(path), transfer: transferId(), offset: 0, size: Buffer.byteLength(text), ...more },
      body: pieces(Buffer.from(text)),
    });
  await assert.rejects(save('unasked', {}), isProblem('FILE_EXISTS'));
  const { entries } = await rex.api.listFiles({ params, query: { path: raw(folder) } });
  const seen = entries.find(({ name }) => name === 'settings');
  const version = `${seen?.modifiedAt}-${seen?.size}`;
  await save('edited', { replace: true, version });
  assert.equal(await readFile(path, 'utf8'), 'edited');
  assert.equal((await stat(path)).mode & 0o777, 0o646);
  await writeFile(path, 'somebody else was here');
  await assert.rejects(save('late', { replace: true, version }), isProblem('FILE_CHANGED'));
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('what replaces a secret is nobody else’s to read from its first byte on', async () => {
  const sid = await site.person('sid');
  await using shell = await open(sid, ['file-in'], 'secret');
  for (const mode of [0o600, 0o644]) {
    const path = join(folder, `secret-${mode}`);
    await writeFile(path, 'before');
    await chmod(path, mode);
    const transfer = transferId();
    const put = (offset: number, text: string) =>
      sid.api.uploadFile({
        params: { id: shell.sessionId },
        query: { path: raw(path), transfer, offset, size: 12, replace: true },
        body: pieces(Buffer.from(text)),
      });
    await put(0, 'secret');
    assert.equal((await stat(join(folder, `.${transfer}.part`))).mode & 0o777, 0o600);
    assert.equal((await put(6, 'secret')).done, true);
    assert.deepEqual([await readFile(path, 'utf8'), (await stat(path)).mode & 0o777], ['secretsecret', mode]);
  }
});

test('a transfer that broke off goes on, and is cancelled without a trace', async () => {
  const pia = await site.person('pia');
  await using shell = await open(pia, ['file-in', 'file-out'], 'broken off');
  const params = { id: shell.sessionId };
  // More than all buffers on the way hold: it cannot be gone before it is broken off.
  const content = randomBytes(64_000_000);
  await writeFile(join(folder, 'large'), content, { mode: 0o644 });
  const transfer = transferId();
  const stop = new AbortController();
  const first = await pia.api.downloadFile(
    { params, query: { path: raw(`${folder}/large`), transfer } },
    { signal: stop.signal },
  );
  const got: Uint8Array[] = [];
  const reader = (first.body as ReadableStream<Uint8Array>).getReader();
  for (let size = 0; size < 1_000_000;) {
    const { value } = await reader.read();
    if (value === undefined) break;
    got.push(value);
    size += value.length;
  }
  stop.abort();
  const begun = Buffer.concat(got);
  await until(
    async () => (await auditOf(shell.sessionId, 'file.transferred')).length === 1,
    'the broken transfer in the audit log',
  );
  const rest = await download(pia, shell.sessionId, `${folder}/large`, { transfer, offset: begun.length });
  assert.ok(Buffer.concat([begun, rest]).equals(content));
  const [whole] = (await auditOf(shell.sessionId, 'file.transferred')).filter(({ outcome }) => outcome === 'success');
  assert.equal(whole?.detail?.['sha256'], sha256(content));

  const upload = transferId();
  const query = { path: raw(`${folder}/cancelled`), transfer: upload, offset: 0, size: content.length, replace: false };
  await pia.api.uploadFile({ params, query, body: pieces(content.subarray(0, 100_000)) });
  assert.ok((await readdir(folder)).includes(`.${upload}.part`));
  await pia.api.cancelTransfer({ params: { id: shell.sessionId, transfer: upload } });
  assert.ok(!(await readdir(folder)).some((name) => name.includes(upload) || name === 'cancelled'));
  await assert.rejects(
    pia.api.getTransfer({ params: { id: shell.sessionId, transfer: upload } }),
    isProblem('NOT_FOUND'),
  );
  assert.ok((await auditOf(shell.sessionId, 'file.transferred')).some(({ reason }) => reason === 'cancelled'));
});

test('a file that took another’s place is audited as what left, whatever transfer and time it is given', async () => {
  const sly = await site.person('sly');
  await using shell = await open(sly, ['file-out'], 'in its place');
  const path = join(folder, 'in-its-place');
  const [harmless, secret] = [Buffer.from('nothing worth a word'), Buffer.from('the password of root')];
  const transfer = transferId();
  const fetched: Buffer[] = [];
  for (const content of [harmless, secret]) {
    await writeFile(path, content, { mode: 0o644 });
    await utimes(path, 1_000, 1_000);
    fetched.push(await download(sly, shell.sessionId, path, { transfer }));
  }
  assert.deepEqual(fetched, [harmless, secret]);
  await writeFile(path, harmless);
  await utimes(path, 1_000, 1_000);
  assert.equal((await download(sly, shell.sessionId, path, { transfer, offset: 4 }).catch(() => [])).length, 0);
  const told = (await auditOf(shell.sessionId, 'file.transferred')).toReversed();
  assert.deepEqual(
    told.map(({ outcome, reason, detail }) => [outcome, reason, detail?.['size'], detail?.['sha256']]),
    [
      ['success', undefined, harmless.length, sha256(harmless)],
      ['success', undefined, secret.length, sha256(secret)],
      ['failure', 'FILE_CHANGED', secret.length, sha256(secret)],
    ],
  );
});

test('a full disk, a forbidden folder and links in a circle are said in words, and nothing half done stays', async () => {
  const person = await site.person('finn');
  const { sessionId: id } = await open(person, ['file-in', 'file-out'], 'in words');
  const params = { id };
  const small = join(folder, 'small-disk');
  await mkdir(small);
  await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0777', 'tmpfs', small]);
  try {
    const send = (path: string, bytes: Uint8Array): Promise<unknown> =>
      person.api.uploadFile({
        params,
        query: { path: raw(path), transfer: transferId(), offset: 0, size: bytes.length, replace: false },
        body: pieces(...Array.from({ length: 48 }, (_, at) => bytes.subarray(at * 65_536, (at + 1) * 65_536))),
      });
    await assert.rejects(send(`${small}/too-large`, randomBytes(48 * 65_536)), isProblem('FILE_NO_SPACE'));
    await until(async () => (await readdir(small)).length === 0, 'the part to be removed');
    await send(`${small}/fits`, randomBytes(100_000));
    assert.deepEqual(await readdir(small), ['fits']);
    await assert.rejects(send('/root/forbidden', randomBytes(10)), isProblem('FILE_DENIED'));
  } finally {
    await promisify(execFile)('umount', ['-l', small]);
  }
  await symlink('circle-b', join(folder, 'circle-a'));
  await symlink('circle-a', join(folder, 'circle-b'));
  await assert.rejects(download(person, id, `${folder}/circle-a`), isProblem('FILE_UNFIT'));
  await assert.rejects(
    person.api.listFiles({ params, query: { path: raw(`${folder}/circle-a`) } }),
    isProblem('FILE_UNFIT'),
  );
  await mkdir(join(folder, 'linked'));
  await writeFile(join(folder, 'linked/file'), 'behind a link', { mode: 0o644 });
  await symlink('linked/file', join(folder, 'to-file'));
  await symlink('to-file', join(folder, 'to-link'));
  await symlink('linked', join(folder, 'to-folder'));
  await symlink('gone', join(folder, 'to-nothing'));
  const { entries } = await person.api.listFiles({ params, query: { path: raw(folder) } });
  assert.deepEqual(
    entries
      .flatMap(({ name, kind, target }) =>
        kind === 'link' ? [[name, target?.kind, target?.kind === 'file' && target.size]] : [],
      )
      .toSorted(),
    [
      ['circle-a', undefined, false],
      ['circle-b', undefined, false],
      ['to-file', 'file', 13],
      ['to-folder', 'folder', false],
      ['to-link', 'file', 13],
      ['to-nothing', undefined, false],
    ],
  );
  for (const name of ['to-file', 'to-link', 'to-folder/file'])
    assert.equal((await download(person, id, `${folder}/${name}`)).toString(), 'behind a link');
  const behind = await person.api.listFiles({ params, query: { path: raw(`${folder}/to-folder`) } });
  assert.deepEqual(
    behind.entries.map(({ name }) => name),
    ['file'],
  );
  for (const [name, says] of [
    ['to-file', /leads to a file/u],
    ['linked/file', /this is or leads to a file/u],
    ['to-nothing', /leads nowhere/u],
    ['circle-a', /in a circle/u],
  ] as const)
    await assert.rejects(
      person.api.listFiles({ params, query: { path: raw(`${folder}/${name}`) } }),
      (error) => isProblem('FILE_UNFIT')(error) && says.test((error as Error).message),
    );
  await person.api.changeFile({ params, body: { change: 'delete', path: raw(`${folder}/circle-a`) } });
  assert.equal((await person.api.listFiles({ params, query: { path: raw(folder) } })).truncated, false);
});
