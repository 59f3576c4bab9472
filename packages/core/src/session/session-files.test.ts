import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runningSha256 } from '@enchilada/core/testing/running-sha256';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import type { FileChannel, FileEntry } from '../engine/index.ts';
import { Fault } from '../fault/index.ts';
import { SessionFiles } from './session-files.ts';
import type { SessionAuditEvent } from './session-log.ts';

/** A clock on which what is due comes when the test says so. */
class LimitClock extends StandingClock {
  readonly due: (() => void)[] = [];

  override after(_delayMs?: number, work: () => void = () => undefined): Disposable {
    this.due.push(work);
    return { [Symbol.dispose]: () => void this.due.splice(this.due.indexOf(work), 1) };
  }
}

const BOTH = { rights: { upload: true, download: true }, stillMay: () => Promise.resolve(true) };
const FOLDER = new TextEncoder().encode('/folder');

/** Files of a machine that does what is said of it; nothing else is asked of it. */
function filesOf(
  channel: Partial<FileChannel>,
  clock = new LimitClock(),
  audited: SessionAuditEvent[] = [],
): SessionFiles {
  return new SessionFiles({
    open: () => Promise.resolve({ ...channel, [Symbol.asyncDispose]: () => Promise.resolve() } as FileChannel),
    audit: (event) => Promise.resolve(audited.push(event)),
    record: () => Promise.resolve(),
    active: () => undefined,
    hasher: runningSha256,
    passing: () => new DisposableStack(),
    clock,
    target: { id: 'tgt_1', name: 'machine' },
    sessionId: 'ses_1',
  });
}

const entry = (name: string): FileEntry => ({
  ...{ name: new TextEncoder().encode(name), kind: 'file', size: 0, modifiedAt: 0, mode: 0o644 },
});

test('of a listing without end as much is kept as is shown, it is said to be cut, and the machine is asked no more', async () => {
  let [named, isOver] = [0, false];
  const files = filesOf({
    async *list() {
      try {
        for (;;) yield await Promise.resolve(Array.from({ length: 300 }, () => entry(`file-${(named += 1)}`)));
      } finally {
        isOver = true;
      }
    },
  });
  const listing = await files.list(BOTH, FOLDER);
  assert.equal(listing.truncated, true);
  assert.ok(named - listing.entries.length < 300, `${named} were named, ${listing.entries.length} kept`);
  assert.equal(isOver, true);
});

test('of a listing of long names as many bytes are kept as a folder has at most', async () => {
  const files = filesOf({
    async *list() {
      for (;;) yield await Promise.resolve(Array.from({ length: 60 }, () => entry('x'.repeat(4_096))));
    },
  });
  const { entries, truncated } = await files.list(BOTH, FOLDER);
  const bytes = entries.reduce((sum, { name }) => sum + name.length, 0);
  assert.ok(truncated && bytes > 5_000_000 && bytes <= 20_000 * 320, `${bytes} bytes of names`);
});

const LINKS: Partial<FileChannel> = {
  async *list() {
    yield await Promise.resolve([entry('file'), ...Array.from({ length: 1_000 }, () => ({ ...LINK }))]);
  },
};
const LINK: FileEntry = { ...entry('link'), kind: 'link' };

test('what links lead to is asked of so many of a folder', async () => {
  let asked = 0;
  const target = () => ((asked += 1) % 2 === 0 ? Promise.reject(new Fault('FILE_UNFIT', '')) : Promise.resolve(LINK));
  const { entries } = await filesOf({ ...LINKS, target }).list(BOTH, FOLDER);
  const followed = entries.filter(({ target: found }) => found !== undefined).length;
  assert.deepEqual([entries.length, asked, followed], [1_001, 500, 250]);
});

test('what links lead to is not waited for where the machine gives no answer', async () => {
  const clock = new LimitClock();
  const asked = Promise.withResolvers<void>();
  let count = 0;
  const target = (): Promise<never> => {
    if ((count += 1) === 32) asked.resolve();
    return new Promise(() => undefined);
  };
  const listing = filesOf({ ...LINKS, target }, clock).list(BOTH, FOLDER);
  await asked.promise;
  for (const work of [...clock.due]) work();
  assert.deepEqual([(await listing).entries.length, count], [1_001, 32]);
});

test('a listing that goes on and names nothing ends with its time', async () => {
  const clock = new LimitClock();
  let pages = 0;
  const channel: Partial<FileChannel> = {
    async *list(_path, signal) {
      for (;;) {
        signal.throwIfAborted();
        if ((pages += 1) === 1_000) for (const work of clock.due.splice(0)) work();
        yield await Promise.resolve([]);
      }
    },
  };
  const files = filesOf(channel, clock);
  await assert.rejects(files.list(BOTH, FOLDER), { code: 'TARGET_TIMED_OUT' });
  assert.equal(pages, 1_000);
});

/** A folder on a machine that makes a file only when it is let. */
function slowMachine() {
  const [there, made, asked] = [new Set<string>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const name = (path: Uint8Array): string => new TextDecoder().decode(path);
  const channel: Partial<FileChannel> = {
    attributes: () => Promise.reject(new Fault('FILE_NOT_FOUND', 'there is no such file')),
    create: async (path) => {
      asked.resolve();
      await made.promise;
      there.add(name(path));
      const settled = () => Promise.resolve();
      return { write: settled, finish: settled, [Symbol.asyncDispose]: settled };
    },
    rename: (from, to) => {
      there.delete(name(from));
      return Promise.resolve(void there.add(name(to)));
    },
    removeFile: (path) =>
      there.delete(name(path))
        ? Promise.resolve()
        : Promise.reject(new Fault('FILE_NOT_FOUND', 'there is no such file')),
  };
  return { channel, there, make: made.resolve, asked: asked.promise };
}

for (const when of ['the machine makes its file', 'its content comes'] as const)
  test(`an upload that is cancelled while ${when} leaves nothing behind, and is written down once`, async () => {
    const { channel, there, make, asked } = slowMachine();
    const audited: SessionAuditEvent[] = [];
    const files = filesOf(channel, undefined, audited);
    const [begun, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    async function* content(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      begun.resolve();
      await cancelled.promise;
      yield new Uint8Array(2);
    }
    if (when === 'its content comes') make();
    const path = new TextEncoder().encode('/folder/file');
    const request = { transfer: 'once', path, offset: 0, size: 3, replace: false, version: undefined };
    const refused = assert.rejects(files.upload(BOTH, request, content()), { code: 'CONFLICT' });
    await (when === 'its content comes' ? begun.promise : asked);
    const done = files.cancel('once');
    make();
    cancelled.resolve();
    await Promise.all([refused, done]);
    assert.deepEqual([...there], []);
    const ends = audited.filter(({ action }) => action === 'file.transferred');
    assert.deepEqual(
      ends.map(({ reason }) => reason),
      ['cancelled'],
    );
  });

const ONE_BYTE = new Uint8Array(1);
async function* bytes(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

for (const what of ['gets its name', 'is refused it'] as const)
  test(`an upload that ${what} is written down whole before, and has one end, the true one`, async () => {
    const { channel, there, make } = slowMachine();
    make();
    const audited: SessionAuditEvent[] = [];
    const seen: unknown[] = [];
    const rename: FileChannel['rename'] = (...renamed) => {
      seen.push(...audited.map(({ action }) => action));
      if (what === 'gets its name') return channel.rename?.(...renamed) ?? Promise.resolve();
      return Promise.reject(new Fault('FILE_DENIED', 'the target refused to rename: status 3'));
    };
    const files = filesOf({ ...channel, rename }, undefined, audited);
    const path = new TextEncoder().encode('/folder/file');
    const request = { transfer: 'one', path, offset: 0, size: 1, replace: false, version: undefined };
    const done = files.upload(BOTH, request, bytes(ONE_BYTE));
    if (what === 'gets its name') assert.equal((await done).done, true);
    else await assert.rejects(done, { code: 'FILE_DENIED' });
    assert.deepEqual(seen, ['file.transfer-started', 'file.arrived']);
    assert.equal(audited.find(({ action }) => action === 'file.arrived')?.detail?.['size'], 1);
    const ends = audited.filter(({ action }) => action === 'file.transferred');
    assert.deepEqual(
      ends.map(({ outcome, reason }) => [outcome, reason]),
      what === 'gets its name' ? [['success', undefined]] : [['failure', 'FILE_DENIED']],
    );
    assert.deepEqual([...there], what === 'gets its name' ? ['/folder/file'] : []);
  });

test('an upload whose last answer was lost is asked for again and has arrived; nothing is written down or done twice', async () => {
  const { channel, there, make } = slowMachine();
  make();
  const audited: SessionAuditEvent[] = [];
  const files = filesOf(channel, undefined, audited);
  const path = new TextEncoder().encode('/folder/file');
  const request = { transfer: 'one', path, offset: 0, size: 1, replace: false, version: undefined };
  assert.deepEqual(await files.upload(BOTH, request, bytes(ONE_BYTE)), { received: 1, done: true });
  const told = audited.length;
  assert.equal(files.progress('one'), 1);
  assert.deepEqual(await files.upload(BOTH, { ...request, offset: 1 }, bytes()), { received: 1, done: true });
  assert.deepEqual([audited.length, [...there]], [told, ['/folder/file']]);

  const refused = (change: Partial<typeof request>, ...pieces: readonly Uint8Array[]) =>
    files.upload(BOTH, { ...request, offset: 1, ...change }, bytes(...pieces));
  await assert.rejects(refused({ size: 2 }, ONE_BYTE), { code: 'INVALID_REQUEST' });
  await assert.rejects(refused({}, ONE_BYTE), { code: 'INVALID_REQUEST' });
  await assert.rejects(refused({ offset: 0 }, ONE_BYTE), { code: 'CONFLICT' });
  await assert.rejects(refused({ path: new TextEncoder().encode('/folder/other') }), { code: 'CONFLICT' });
  // What has arrived stays, whoever cancels it, and when the session ends.
  await files.cancel('one');
  await files[Symbol.asyncDispose]();
  assert.deepEqual([audited.length, [...there]], [told, ['/folder/file']]);
});

test('downloads that are over take the place of nobody, and who must make room is written down', async () => {
  const { channel, there, make } = slowMachine();
  make();
  const audited: SessionAuditEvent[] = [];
  const attributes = { kind: 'file', size: 1, modifiedAt: 0, mode: 0o644 } as const;
  const open = () => Promise.resolve({ attributes, content: bytes(ONE_BYTE) });
  const clock = new LimitClock();
  const files = filesOf({ ...channel, open }, clock, audited);
  const path = (name: string) => new TextEncoder().encode(`/folder/${name}`);
  const put = (name: string, offset: number) =>
    files.upload(
      BOTH,
      { transfer: name, path: path(name), offset, size: 2, replace: false, version: undefined },
      bytes(ONE_BYTE),
    );
  await put('paused', 0);
  for (let count = 0; count < 200; count += 1) {
    clock.time += 1;
    const download = await files.download(BOTH, { transfer: `over-${count}`, path: path('small'), offset: 0 });
    for await (const _piece of download.bytes) void _piece;
  }
  assert.deepEqual(await put('paused', 1), { received: 2, done: true });
  // What was sent lately can be asked for again, and what is long over is forgotten.
  await files.download(BOTH, { transfer: 'over-199', path: path('small'), offset: 1 });
  assert.throws(() => files.progress('over-0'), { code: 'NOT_FOUND' });

  for (let count = 0; count < 65; count += 1) {
    clock.time += 1;
    await put(`resting-${count}`, 0);
  }
  while (there.has('/folder/.resting-0.part')) await new Promise(setImmediate);
  const ousted = audited.filter(({ reason }) => reason === 'ousted');
  assert.deepEqual([ousted[0]?.action, ousted[0]?.detail?.['path']], ['file.transferred', '/folder/resting-0']);
  assert.ok(there.has('/folder/.resting-64.part'));
});

test('an upload whose cancelling was faster than its first piece is not begun', async () => {
  const { channel, there, make } = slowMachine();
  make();
  const audited: SessionAuditEvent[] = [];
  const files = filesOf(channel, undefined, audited);
  await files.cancel('late');
  const path = new TextEncoder().encode('/folder/file');
  const request = { transfer: 'late', path, offset: 0, size: 1, replace: false, version: undefined };
  async function* content(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(new Uint8Array(1));
  }
  await assert.rejects(files.upload(BOTH, request, content()), { code: 'CONFLICT' });
  assert.deepEqual([[...there], audited.filter(({ action }) => action === 'file.transferred')], [[], []]);
  await files.upload(BOTH, { ...request, transfer: 'another' }, content());
  assert.deepEqual([...there], ['/folder/file']);
});
