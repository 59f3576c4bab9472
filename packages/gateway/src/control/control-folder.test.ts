import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, link, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { AuditEvent } from '@enchilada/core/audit';
import { Fault } from '@enchilada/core/fault';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { systemClock as clock } from '../clock.ts';
import { ControlFolder } from './control-folder.ts';
import type { ControlActs } from './control-folder.ts';

interface Heard {
  readonly audited: AuditEvent[];
  readonly asked: string[];
  readonly reported: string[];
}

class Desk implements AsyncDisposable {
  readonly dataDir: string;
  readonly heard: Heard;
  readonly #folder: ControlFolder;

  private constructor(dataDir: string, folder: ControlFolder, heard: Heard) {
    this.dataDir = dataDir;
    this.#folder = folder;
    this.heard = heard;
  }

  static async open(dataDir: string, acts: Partial<ControlActs> = {}): Promise<Desk> {
    const heard: Heard = { audited: [], asked: [], reported: [] };
    const folder = await ControlFolder.open({
      dataDir,
      url: 'http://localhost:1',
      clock,
      report: (message) => heard.reported.push(message),
      audit: {
        append: (event) => {
          heard.audited.push(event);
          const hash = '0'.repeat(64);
          return Promise.resolve({ ...event, node: 'n', sequence: 1, at: 0, previous: hash, hash });
        },
      },
      acts: {
        recoverUser: ({ username }) => {
          heard.asked.push(username);
          return Promise.resolve({ link: `for ${username}` });
        },
        copyDatabase: () => Promise.resolve({}),
        ...acts,
      },
    });
    return new Desk(dataDir, folder, heard);
  }

  path(name: string): string {
    return join(this.dataDir, 'control', name);
  }

  /** Under its name whole, as the command line does it. */
  async put(name: string, text: string, mode = 0o600): Promise<void> {
    await writeFile(this.path(`${name}.tmp`), text, { mode });
    await chmod(this.path(`${name}.tmp`), mode);
    await rename(this.path(`${name}.tmp`), this.path(name));
  }

  async answer(id: string): Promise<Record<string, unknown>> {
    for (;;) {
      const text = await readFile(this.path(`${id}.answer.json`), 'utf8').catch(() => undefined);
      if (text !== undefined) return JSON.parse(text) as Record<string, unknown>;
      await pause(10);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

const newFolder = (): string => temporaryFolder('control');
const newId = (): string => randomBytes(16).toString('hex');

function request(id: string, change: object = {}): string {
  const now = Date.now();
  return JSON.stringify({
    version: 1,
    id,
    createdAt: now,
    expiresAt: now + 60_000,
    kind: 'recover-user',
    username: 'ann',
    ...change,
  });
}

test('a request is answered once in a private file, and the gateway says where it is while it runs', async () => {
  const dataDir = newFolder();
  const id = newId();
  {
    await using desk = await Desk.open(dataDir);
    assert.equal((await stat(desk.path('.'))).mode & 0o777, 0o700);
    const gateway = JSON.parse(await readFile(desk.path('gateway.json'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual([gateway['version'], gateway['pid'], gateway['url']], [1, process.pid, 'http://localhost:1']);
    await desk.put(`${id}.request.json`, request(id));
    assert.deepEqual(await desk.answer(id), { version: 1, id, ok: true, result: { link: 'for ann' } });
    assert.equal((await stat(desk.path(`${id}.answer.json`))).mode & 0o777, 0o600);
    assert.ok(!existsSync(desk.path(`${id}.request.json`)));
    assert.deepEqual(desk.heard.asked, ['ann']);
  }
  assert.ok(!existsSync(join(dataDir, 'control/gateway.json')));
  await using again = await Desk.open(dataDir);
  assert.ok(!existsSync(again.path(`${id}.answer.json`)), 'an answer that nobody fetched does not outlive a restart');
});

test('a refusal goes back with its code, and a slow copy does not hold up a recovery', async () => {
  let finish = (): void => undefined;
  const copied = new Promise<void>((resolve) => (finish = resolve));
  await using desk = await Desk.open(newFolder(), {
    copyDatabase: () => copied.then(() => ({ done: true })),
    recoverUser: () => Promise.reject(new Fault('NOT_FOUND', 'there is no such person')),
  });
  const [slow, quick] = [newId(), newId()];
  await desk.put(`${slow}.request.json`, request(slow, { kind: 'copy-database' }));
  await desk.put(`${quick}.request.json`, request(quick));
  assert.deepEqual(await desk.answer(quick), {
    version: 1,
    id: quick,
    ok: false,
    code: 'NOT_FOUND',
    message: 'there is no such person',
  });
  assert.ok(!existsSync(desk.path(`${slow}.answer.json`)));
  finish();
  assert.equal((await desk.answer(slow))['ok'], true);
});

test('what a hostile account may have put there is not acted on, is audited and does not stop the next request', async () => {
  await using desk = await Desk.open(newFolder());
  const outside = newFolder();
  const refusals: (readonly [string, (name: string, id: string) => Promise<unknown>])[] = [
    ['no regular file', (name) => mkdir(desk.path(name))],
    ['no regular file', (name) => Promise.resolve(execFileSync('mkfifo', ['-m', '600', desk.path(name)]))],
    [
      'ELOOP',
      async (name, id) => {
        await writeFile(join(outside, id), request(id), { mode: 0o600 });
        await symlink(join(outside, id), desk.path(name));
      },
    ],
    [
      'a second name',
      async (name, id) => {
        await writeFile(join(outside, id), request(id), { mode: 0o600 });
        await link(join(outside, id), desk.path(name));
      },
    ],
    ['mode 644', (name, id) => desk.put(name, request(id), 0o644)],
    ['mode 660', (name, id) => desk.put(name, request(id), 0o660)],
    ['more than 4096', (name, id) => desk.put(name, request(id, { padding: 'x'.repeat(5000) }))],
    ['no JSON', (name) => desk.put(name, '{"secret')],
    ['no object', (name) => desk.put(name, '[]')],
    ['version must be', (name, id) => desk.put(name, request(id, { version: 2 }))],
    ['id is not its name', (name) => desk.put(name, request(newId()))],
    ['has expired', (name, id) => desk.put(name, request(id, { expiresAt: Date.now() - 1 }))],
    ['valid for too long', (name, id) => desk.put(name, request(id, { expiresAt: Date.now() + 86_400_000 }))],
    ['kind is not known', (name, id) => desk.put(name, request(id, { kind: 'run-shell' }))],
    ['names nobody', (name, id) => desk.put(name, request(id, { username: { $ne: '' } }))],
  ];
  if (process.getuid?.() === 0)
    refusals.push([
      'belongs to account 65534',
      async (name, id) => {
        await writeFile(join(outside, id), request(id), { mode: 0o600 });
        await chown(join(outside, id), 65_534, 65_534);
        await rename(join(outside, id), desk.path(name));
      },
    ]);
  const put = refusals.map(([words, make]) => ({ words, make, id: newId() }));
  for (const { make, id } of put) await make(`${id}.request.json`, id);
  for (const { words, id } of put) {
    const { ok, message } = await desk.answer(id);
    assert.equal(ok, false, words);
    assert.ok(String(message).includes(words), `${words}: ${String(message)}`);
    assert.doesNotMatch(String(message), /secret/u);
  }
  assert.deepEqual(desk.heard.asked, []);
  assert.equal(desk.heard.audited.filter(({ action }) => action === 'access.denied').length, refusals.length);
  assert.equal((await readdir(outside)).length, 2, 'nothing outside was removed');
  const id = newId();
  await desk.put(`${id}.request.json`, request(id));
  assert.equal((await desk.answer(id))['ok'], true);
});

test('a folder that others can write, that is a link or that is not its own is not listened to', async () => {
  const open = newFolder();
  await mkdir(join(open, 'control'));
  await chmod(join(open, 'control'), 0o777);
  await assert.rejects(Desk.open(open), { code: 'CONFIGURATION_INVALID', message: /mode 777.*remove it/u });
  const linked = newFolder();
  await symlink(open, join(linked, 'control'));
  await assert.rejects(Desk.open(linked), { code: 'CONFIGURATION_INVALID', message: /no folder of its own/u });
  await using desk = await Desk.open(newFolder());
  await chmod(desk.path('.'), 0o777);
  const id = newId();
  await desk.put(`${id}.request.json`, request(id));
  while (!desk.heard.reported.some((words) => words.includes('could not be read'))) await pause(10);
  assert.deepEqual(desk.heard.asked, []);
  await chmod(desk.path('.'), 0o700);
  assert.equal((await desk.answer(id))['ok'], true);
});

test('what the command line noted while no gateway ran is audited at the next start, once', async () => {
  const dataDir = newFolder();
  await mkdir(join(dataDir, 'control'), { mode: 0o700 });
  const note = {
    version: 1,
    action: 'backup.created',
    at: 1_800_000_000_000,
    detail: { files: 7, keys: 'left-out', bad: {} },
  };
  await writeFile(join(dataDir, 'control', `${newId()}.note.json`), JSON.stringify(note), { mode: 0o600 });
  await writeFile(
    join(dataDir, 'control', `${newId()}.note.json`),
    JSON.stringify({ ...note, action: 'user.deleted' }),
    {
      mode: 0o600,
    },
  );
  await writeFile(join(dataDir, 'control', `${newId()}.copy`), 'left over', { mode: 0o600 });
  {
    await using desk = await Desk.open(dataDir);
    assert.deepEqual(
      desk.heard.audited.filter(({ action }) => action === 'backup.created').map(({ detail }) => detail),
      [{ files: 7, keys: 'left-out', notedAt: '2027-01-15T08:00:00.000Z' }],
    );
    assert.deepEqual(await readdir(desk.path('.')), ['gateway.json']);
  }
  await using again = await Desk.open(dataDir);
  assert.deepEqual(again.heard.audited, []);
  await rm(dataDir, { recursive: true });
});
