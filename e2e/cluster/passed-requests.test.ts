import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ApiProblem, CSRF_HEADER, routeUrl } from '@enchilada/contract';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Person } from '../product/index.ts';
import type { Shell } from '../product/index.ts';
import { startSshd } from '../tests/site.ts';
import { PASSWORD } from './people.ts';
import { TwoNodes } from './two-nodes.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let both: TwoNodes;
let admin: Person;
let folder: string;
/** Held by node A. */
let shell: Shell;
let fay: Person;
let fayElsewhere: Person;

before(async () => {
  sshd = owned.use(await startSshd());
  both = owned.use(await TwoNodes.start());
  admin = await both.bootstrap();
  folder = join(sshd.directory, 'files');
  await mkdir(folder);
  await chmod(folder, 0o777);
  const { api } = admin;
  const credential = await api.createCredential({
    body: { name: 'fay', kind: 'password', username: sshd.username, secret: sshd.password },
  });
  const target = await api.createTarget({
    body: {
      ...{ name: 'files', protocol: 'ssh', host: sshd.host, port: sshd.port },
      ...{ hostKeyPolicy: 'trust-first', credentialId: credential.id },
    },
  });
  const user = await api.createUser({
    body: { username: 'fay', displayName: 'Fay', role: 'user', password: PASSWORD },
  });
  await api.createGrant({
    body: {
      subject: { kind: 'user', id: user.id },
      scope: { kind: 'target', id: target.id },
      actions: ['connect', 'file-in', 'file-out'],
    },
  });
  fay = await Person.signIn(both.a.url, { username: 'fay', password: PASSWORD });
  fayElsewhere = fay.at(both.b.url);
  shell = owned.use(await fay.open(target.id));
  await shell.live();
});
after(() => owned.disposeAsync());

const raw = (path: string): string => Buffer.from(path).toString('base64url');
const transferId = (): string =>
  Buffer.from(randomBytes(26).map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'.charCodeAt(byte & 31))).toString();
const isProblem =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof ApiProblem && error.code === code;

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

test('files are sent, listed, changed and fetched through a node that does not hold the session', async () => {
  const params = { id: shell.sessionId };
  const content = randomBytes(9_000_017);
  const query = { path: raw(`${folder}/größe`), transfer: transferId(), size: content.length, replace: false };
  const { api } = fayElsewhere;
  assert.deepEqual(
    await api.uploadFile({ params, query: { ...query, offset: 0 }, body: pieces(content.subarray(0, 5_000_000)) }),
    { received: 5_000_000, done: false },
  );
  assert.deepEqual(await api.getTransfer({ params: { ...params, transfer: query.transfer } }), { received: 5_000_000 });
  const rest = { params, query: { ...query, offset: 5_000_000 }, body: pieces(content.subarray(5_000_000)) };
  assert.deepEqual(await fay.api.uploadFile(rest), { received: content.length, done: true });
  assert.ok((await readFile(join(folder, 'größe'))).equals(content));

  const listing = await api.listFiles({ params, query: { path: raw(folder) } });
  assert.deepEqual(
    listing.entries.map(({ name }) => name),
    ['größe'],
  );
  await api.changeFile({ params, body: { change: 'mode', path: raw(`${folder}/größe`), mode: 0o640 } });
  assert.equal((await stat(join(folder, 'größe'))).mode & 0o777, 0o640);
  const fetched = await api.downloadFile({ params, query: { path: raw(`${folder}/größe`), transfer: transferId() } });
  assert.match(fetched.headers.get('content-disposition') ?? '', /filename\*=UTF-8''gr%C3%B6%C3%9Fe$/u);
  assert.equal(fetched.headers.get('content-length'), String(content.length));
  assert.ok(Buffer.from(await fetched.arrayBuffer()).equals(content));

  const { items } = await admin.api.listAudit({ query: { limit: 100 } });
  const moved = items.filter(({ action }) => action === 'file.transferred');
  const sha256 = createHash('sha256').update(content).digest('hex');
  assert.deepEqual(
    moved.map(({ address, actor, detail }) => [address, actor.name, detail?.['sha256']]),
    moved.map(() => ['127.0.0.1', 'fay', sha256]),
  );
  assert.equal(moved.length, 2);
});

test('what the holder refuses is refused in its own words', async () => {
  const params = { id: shell.sessionId };
  const { api } = fayElsewhere;
  await assert.rejects(
    api.listFiles({ params, query: { path: raw(`${folder}/nothing`) } }),
    isProblem('FILE_NOT_FOUND'),
  );
  await assert.rejects(api.listFiles({ params, query: { path: raw('relative') } }), isProblem('FILE_UNFIT'));
  const query = { path: raw(`${folder}/größe`), transfer: transferId(), offset: 0, size: 9_000_000, replace: false };
  await assert.rejects(
    api.uploadFile({ params, query, body: pieces(randomBytes(9_000_000)) }),
    isProblem('FILE_EXISTS'),
  );
  const stranger = await Person.signIn(both.b.url, {
    username: (
      await admin.api.createUser({ body: { username: 'eve', displayName: 'Eve', role: 'user', password: PASSWORD } })
    ).username,
    password: PASSWORD,
  });
  await assert.rejects(stranger.api.listFiles({ params, query: {} }), isProblem('NOT_FOUND'));
});

test('a person cannot speak as a node, and a node’s word counts for these requests alone', async () => {
  const listing = routeUrl('listFiles', { params: { id: shell.sessionId }, query: {} });
  const knock = (path: string, authorization: string): Promise<Response> =>
    fetch(`${both.a.url}${path}`, { headers: { authorization, [CSRF_HEADER]: '1' } });
  for (const token of ['a.b.c', 'e30.e30.e30', '.'.repeat(20)])
    assert.equal((await knock(listing, `Peer ${token}`)).status, 401);
  assert.equal((await knock(routeUrl('listUsers', {}), 'Peer a.b.c')).status, 401);
});
