import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ApiProblem, RecordingStreamDecoder } from '@enchilada/contract';
import type { GrantAction } from '@enchilada/core/access';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { until } from '@enchilada/core/testing/until';
import type { Person, Shell } from '../product/index.ts';
import { Site, startSshd, type TargetChange } from './site.ts';

const owned = new AsyncDisposableStack();
let site: Site;
let sshd: Sshd;
let desktop: Xvnc;
let way: Way;
let folder: string;

/** What is connected to the machine that has the files. */
interface Way extends AsyncDisposable {
  readonly port: number;
  readonly sockets: Set<Socket>;
}

async function startWay(port: number): Promise<Way> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(port, '127.0.0.1');
    sockets.add(socket);
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
    socket.on('close', () => sockets.delete(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

before(async () => {
  sshd = owned.use(await startSshd());
  desktop = owned.use(await startXvnc({ securityTypes: 'None' }));
  way = owned.use(await startWay(sshd.port));
  site = owned.use(await Site.start());
  folder = join(sshd.directory, 'files');
  await mkdir(folder);
  await chmod(folder, 0o777);
});
after(() => owned.disposeAsync());

const raw = (path: string): string => Buffer.from(path).toString('base64url');
const transferId = (): string =>
  randomBytes(13)
    .toString('hex')
    .replaceAll(/[01890]/gu, 'a');
const isProblem =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof ApiProblem && error.code === code;

async function grant(person: Person, targetId: string, actions: readonly GrantAction[]): Promise<string> {
  const { user } = await person.api.getMe();
  const scope = { kind: 'target' as const, id: targetId };
  const body = { subject: { kind: 'user' as const, id: user.id }, scope, actions: [...actions] };
  return (await site.admin.api.createGrant({ body })).id;
}

let machines = 0;
/** A desktop whose files are on the other machine, and somebody who may open the one and do this with the other. */
async function opened(
  actions: readonly GrantAction[],
  change: TargetChange = {},
): Promise<{ readonly person: Person; readonly shell: Shell; readonly holderId: string; readonly grantId: string }> {
  const name = `holder ${++machines}`;
  const holderId = await site.machineOn(sshd, { port: way.port, name, ...change });
  const desktopId = await site.machine({
    ...{ protocol: 'vnc', host: desktop.host, port: desktop.port, name: `desktop ${machines}` },
    parameters: { allowCleartext: true },
    filesTargetId: holderId,
  });
  const person = await site.person(`person-${machines}`);
  await grant(person, desktopId, ['connect']);
  const grantId = actions.length === 0 ? '' : await grant(person, holderId, actions);
  const shell = await person.open(desktopId);
  await shell.live();
  return { person, shell, holderId, grantId };
}

async function auditOf(sessionId: string, action: string) {
  const { items } = await site.admin.api.listAudit({ query: { limit: 500 } });
  return items.filter((item) => item.action === action && item.detail?.['sessionId'] === sessionId);
}

async function send(person: Person, id: string, path: string, content: Buffer): Promise<void> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(content);
  }
  const query = { path: raw(path), transfer: transferId(), offset: 0, size: content.length, replace: false };
  await person.api.uploadFile({ params: { id }, query, body: body() });
}

async function fetched(person: Person, id: string, path: string): Promise<Buffer> {
  const query = { path: raw(path), transfer: transferId() };
  return Buffer.from(await (await person.api.downloadFile({ params: { id }, query })).arrayBuffer());
}

describe('files beside a desktop', () => {
  it('go both ways over a connection that opens when they are asked for and ends with the session, audited and recorded', async () => {
    const { person, shell, holderId } = await opened(['file-in', 'file-out']);
    const id = shell.sessionId;
    const holder = await site.admin.api.getTarget({ params: { id: holderId } });
    await shell.until(() => shell.frames.some(({ type }) => type === 'files'), 'the word about files');
    assert.deepEqual(
      shell.frames.find(({ type }) => type === 'files'),
      { type: 'files', upload: true, download: true, machine: holder.name },
    );
    assert.equal(way.sockets.size, 0);
    await assert.rejects(person.api.openSession({ body: { targetId: holderId } }), isProblem('NOT_FOUND'));

    const content = randomBytes(1_000_003);
    const path = `${folder}/beside.bin`;
    await send(person, id, path, content);
    assert.ok((await readFile(path)).equals(content));
    assert.ok((await fetched(person, id, path)).equals(content));
    assert.equal(way.sockets.size, 1);

    const moved = await auditOf(id, 'file.transferred');
    const sha256 = createHash('sha256').update(content).digest('hex');
    assert.deepEqual(
      moved.map(({ object, outcome, detail }) => [object?.id, outcome, detail?.['direction'], detail?.['sha256']]),
      [
        [holderId, 'success', 'download', sha256],
        [holderId, 'success', 'upload', sha256],
      ],
    );

    // A connection that is lost is opened again by the next request; the desktop goes on.
    for (const socket of way.sockets) socket.destroy();
    await until(
      () =>
        fetched(person, id, path).then(
          (bytes) => bytes.equals(content),
          () => false,
        ),
      'the files, reached again',
    );

    shell.say({ type: 'end' });
    await shell.ended();
    await until(() => way.sockets.size === 0, 'the end of the connection to the files');
    const { api } = site.admin;
    const recordingId = await until(async () => {
      const found = await api.getSession({ params: { id } });
      return found.state === 'ended' && found.recordingId;
    }, 'the recording');
    const stream = await api.streamRecording({ params: { id: recordingId }, query: {} });
    const events = new RecordingStreamDecoder().push(Buffer.from(await stream.arrayBuffer()));
    const files = [...events].flatMap(({ event }) => (event.kind === 'file' ? [event] : []));
    assert.ok(files.length >= 2);
    assert.ok(files.some(({ direction, size }) => direction === 'upload' && size === content.length));
  });

  it('move in the granted direction alone, and not at all once the grant is withdrawn', async () => {
    const { person, shell, grantId } = await opened(['connect', 'file-out']);
    const id = shell.sessionId;
    await assert.rejects(send(person, id, `${folder}/unsent`, Buffer.from('x')), isProblem('FILE_DENIED'));
    assert.ok(!(await readdir(folder)).includes('unsent'));
    assert.equal((await auditOf(id, 'file.denied')).length, 1);
    await person.api.listFiles({ params: { id }, query: { path: raw(folder) } });
    await site.admin.api.deleteGrant({ params: { id: grantId } });
    await assert.rejects(
      person.api.listFiles({ params: { id }, query: { path: raw(folder) } }),
      isProblem('FILE_DENIED'),
    );
    const { state } = await site.admin.api.getSession({ params: { id } });
    assert.equal(state, 'live');
    await shell[Symbol.asyncDispose]();
  });

  it('are not there for who has no grant on the machine that has them, nor where it is closed to everybody', async () => {
    const { person, shell } = await opened([]);
    const { sessionId: id } = shell;
    await assert.rejects(person.api.listFiles({ params: { id }, query: {} }), isProblem('FILES_UNAVAILABLE'));
    assert.ok(!shell.frames.some(({ type }) => type === 'files'));
    await shell[Symbol.asyncDispose]();

    const { person: other, shell: second, holderId } = await opened(['file-in', 'file-out']);
    const { user } = await other.api.getMe();
    await site.admin.api.createGrant({
      body: {
        subject: { kind: 'user', id: user.id },
        scope: { kind: 'target', id: holderId },
        actions: ['connect'],
        effect: 'deny',
      },
    });
    const params = { id: second.sessionId };
    await assert.rejects(other.api.listFiles({ params, query: {} }), isProblem('FILE_DENIED'));
    await second[Symbol.asyncDispose]();
  });

  it('are reached past no unknown host key and no forbidden address, and the desktop goes on', async () => {
    for (const [code, change] of [
      ['HOST_KEY_UNKNOWN', { hostKeyPolicy: 'deny' }],
      ['TARGET_EGRESS_DENIED', { host: '169.254.169.254' }],
    ] as const) {
      await until(() => way.sockets.size === 0, 'the end of what other sessions had open');
      const { person, shell } = await opened(['file-out'], change);
      const params = { id: shell.sessionId };
      await assert.rejects(person.api.listFiles({ params, query: {} }), isProblem(code));
      await until(() => way.sockets.size === 0, 'no connection left behind');
      assert.equal((await site.admin.api.getSession({ params })).state, 'live');
      await shell[Symbol.asyncDispose]();
    }
  });

  it('are on a machine that has some, which stays as long as it is named', async () => {
    const { api } = site.admin;
    const { shell, holderId } = await opened([]);
    await shell[Symbol.asyncDispose]();
    const { items } = await api.listTargets({ query: { limit: 500 } });
    const other = items.find(({ filesTargetId }) => filesTargetId === holderId);
    assert.ok(other !== undefined);
    const body = { name: 'wrong', protocol: 'vnc', host: '192.0.2.1' };
    await assert.rejects(
      api.createTarget({ body: { ...body, filesTargetId: other.id } }),
      isProblem('INVALID_REQUEST'),
    );
    await assert.rejects(
      api.createTarget({ body: { ...body, protocol: 'ssh', filesTargetId: holderId } }),
      isProblem('INVALID_REQUEST'),
    );
    await assert.rejects(api.deleteTarget({ params: { id: holderId }, query: { version: 1 } }), isProblem('CONFLICT'));
    const { id: _id, builtIn: _builtIn, createdAt: _made, updatedAt: _changed, filesTargetId: _files, ...rest } = other;
    const without = await api.updateTarget({ params: { id: other.id }, body: rest });
    assert.equal(without.filesTargetId, undefined);
    await api.deleteTarget({ params: { id: holderId }, query: { version: 1 } });
  });
});
