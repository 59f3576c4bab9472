import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get as getOverHttp, type IncomingMessage } from 'node:http';
import { get as getOverTls } from 'node:https';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { issueCertificate } from '@enchilada/core/testing/servers/database-server';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN, Site } from './site.ts';

const owned = new AsyncDisposableStack();
let site: Site;
let port: number;

before(async () => {
  site = owned.use(await Site.start());
  port = Number(new URL(site.gateway.url).port);
});
after(() => owned.disposeAsync());

interface Said {
  readonly text: string;
  readonly status: number;
}

/** Sends bytes as they are and takes what comes until the other side closes. */
function say(bytes: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no answer to ${JSON.stringify(bytes.slice(0, 80))}`)));
    socket.on('data', (some) => (text += some.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => {
      resolve({ text, status: Number(/^HTTP\/1\.1 (\d+)/u.exec(text)?.[1] ?? 0) });
    });
  });
}

const get = (path: string): Promise<Said> => say(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

/** Ways out of a folder, by every spelling that some server once took (T29). */
const WAYS_OUT = [
  '../',
  '..\\',
  '%2e%2e/',
  '%2e%2e%2f',
  '..%2f',
  '..%5c',
  '%252e%252e%252f',
  '..%c0%af',
  '....//',
  '..;/',
  '.%00./',
  '%uff0e%uff0e/',
  './.././',
]
  .flatMap((step) => [step.repeat(8), `assets/${step.repeat(9)}`, `s/${step.repeat(9)}`])
  .flatMap((way) => [`/${way}etc/passwd`, `/${way}enchilada.db`, `/api/v1/recordings/${way}keys/key-encryption.key`]);

test('no path leads out of the interface, or to a file of the data folder', async () => {
  assert.ok(WAYS_OUT.length > 80);
  for (const path of [
    ...WAYS_OUT,
    '/enchilada.db',
    '/keys/key-encryption.key',
    '/bootstrap-link',
    '/.git/config',
    '/%00',
    '/assets/%00',
    `/${'a'.repeat(15_000)}`,
    '//etc/passwd',
    'file:///etc/passwd',
    '/C:\\Windows\\win.ini',
    '/\\\\host\\share',
  ]) {
    const { text, status } = await get(path);
    assert.ok([200, 400, 401, 403, 404, 414, 431].includes(status), `${path}: ${status}`);
    assert.doesNotMatch(text, /root:x:0|SQLite format|\[core\]/u, path);
    if (status === 200) assert.match(text, /content-type: text\/html/iu, path);
  }
});

test('requests that two servers would read in two ways are refused', async () => {
  const rest = 'x-enchilada: 1\r\nContent-Type: application/json\r\n';
  const hidden = 'GET /api/v1/users HTTP/1.1\r\nHost: x\r\n\r\n';
  for (const bytes of [
    `POST /api/v1/login HTTP/1.1\r\nHost: x\r\n${rest}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    `POST /api/v1/login HTTP/1.1\r\nHost: x\r\n${rest}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    `POST /api/v1/login HTTP/1.1\r\nHost: x\r\n${rest}Transfer-Encoding: xchunked\r\n\r\n{}`,
    `POST /api/v1/login HTTP/1.1\r\nHost: x\r\n${rest}Content-Length: -1\r\n\r\n`,
    `GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n`,
    `GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX : a\r\n\r\n`,
    `GET /api/v1/me HTTP/1.1\nHost: x\n\n`,
    `GET /api/v1/me HTTP/9.9\r\nHost: x\r\n\r\n`,
    `\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003`,
    'SSH-2.0-OpenSSH_9.2\r\n',
    'PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
  ]) {
    const { text, status } = await say(bytes);
    assert.ok([0, 400, 501, 505].includes(status), `${JSON.stringify(bytes.slice(0, 90))}: ${text.slice(0, 80)}`);
    assert.equal(text.split('HTTP/1.1 ').length <= 2, true, 'one answer at most');
  }
});

test('hundreds of silent and half-said connections are let go, and hinder nobody meanwhile', async () => {
  const sockets: Socket[] = [];
  const gone = Array.from({ length: 400 }, (_, index) => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.resume();
    if (index % 2 === 0) socket.write('GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    if (index % 4 === 0)
      socket.write(`a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-Web`);
    return new Promise<void>((resolve) => socket.once('close', () => resolve()));
  });
  const person = await Person.signIn(site.gateway.url, ADMIN);
  assert.equal((await person.api.getMe()).user.username, ADMIN.username);
  // Those that began a request; the entirely silent ones cost a descriptor until the same limit.
  await Promise.all(gone);
  assert.equal((await person.api.getMe()).user.username, ADMIN.username);
});

test('connections that stop half-way through TLS are let go, and hinder nobody meanwhile', async () => {
  await using own = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-edge-'));
  own.defer(() => rm(folder, { recursive: true, force: true }));
  const { certificate, key, ca } = await issueCertificate('localhost');
  const [certFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  await writeFile(certFile, certificate);
  await writeFile(keyFile, key, { mode: 0o600 });
  const gateway = own.use(await Gateway.start({ config: `tls: { cert: ${certFile}, key: ${keyFile} }\n` }));
  const { port: tlsPort } = new URL(gateway.url);
  const host = 'localhost';
  /** RFC 8446 section 5.1: the header of a record of 512 bytes that holds a handshake, of which no more comes. */
  const halfHello = Uint8Array.of(22, 3, 1, 2, 0, 1);
  const sockets = Array.from({ length: 120 }, (_, index) => {
    if (index % 3 === 2) {
      const secure = connectTls({ host, port: Number(tlsPort), ca }, () => secure.write('GET /healthz HTTP/1.1\r\nHo'));
      return secure;
    }
    const socket = connect({ host, port: Number(tlsPort) });
    if (index % 3 === 1) socket.write(halfHello);
    return socket;
  });
  const gone = sockets.map((socket) => {
    socket.on('error', () => undefined);
    socket.resume();
    return new Promise<void>((resolve) => socket.once('close', () => resolve()));
  });
  const healthy = (): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      getOverTls({ host, port: tlsPort, path: '/healthz', ca, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).once('error', reject);
    });
  assert.equal(await healthy(), 200);
  await Promise.all(gone);
  assert.equal(await healthy(), 200);
});

test('the description of the API that is served is the one in docs/', async () => {
  const served = await fetch(new URL('/api/v1/openapi.json', site.gateway.url), {
    headers: { cookie: site.admin.cookie },
  });
  assert.equal(served.status, 200);
  const kept = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'openapi.json'), 'utf8');
  assert.deepEqual(await served.json(), JSON.parse(kept));
});

/** Byte for byte, with the nonce of the document; the pages of the interface compile no WebAssembly. */
const policyOf = (nonce: string, wasm: '' | " 'wasm-unsafe-eval'"): string =>
  `default-src 'none'; script-src 'self' 'nonce-${nonce}'${wasm}; style-src 'self' 'nonce-${nonce}'; ` +
  "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
  "media-src 'self' blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types default";

test('each kind of document has its content security policy to the letter, and a nonce of its own each time', async () => {
  const nonces = new Set<string>();
  const kinds = [
    [
      '',
      ['/', '/sign-in', '/first-run', '/catalog/machines', '/audit', '/settings', '/no-such-page', '/s', '/recordings'],
    ],
    [" 'wasm-unsafe-eval'", ['/s/new?target=x', '/s/some-session', '/r/some-recording']],
  ] as const;
  for (const [wasm, paths] of kinds) {
    for (const path of paths) {
      const { text, status } = await get(path);
      assert.equal(status, 200, path);
      const [nonce = ''] = /(?<=name="csp-nonce" content=")[^"]+/u.exec(text) ?? [];
      assert.match(nonce, /^[A-Za-z0-9+/]{22}==$/u, path);
      const policies = [...text.matchAll(/^content-security-policy: (.*)\r$/gimu)].map(([, policy]) => policy);
      assert.deepEqual(policies, [policyOf(nonce, wasm)], path);
      nonces.add(nonce);
    }
  }
  assert.equal(nonces.size, kinds.flatMap(([, paths]) => paths).length);
  for (const path of ['/api/v1/me', '/healthz', '/api/v1/openapi.json']) {
    const { text } = await get(path);
    assert.match(text, /^content-security-policy: default-src 'none'; frame-ancestors 'none'\r$/imu, path);
  }
});

const ASSETS = join(import.meta.dirname, '..', '..', 'packages', 'web', 'dist', 'assets');

/** What `fetch` would unpack before anybody sees it. */
async function asSent(path: string, acceptEncoding: string): Promise<{ answer: IncomingMessage; bytes: Buffer }> {
  const headers = { 'accept-encoding': acceptEncoding };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    getOverHttp({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).once('error', reject);
  });
  return { answer, bytes: Buffer.concat((await answer.toArray()) as Buffer[]) };
}

test('the decoder of RDP is a file of its own, compressed as the browser takes it and cached for good by its name', async () => {
  const decoders = (await readdir(ASSETS)).filter((name) => name.endsWith('.wasm'));
  assert.equal(decoders.length, 1);
  const [name = ''] = decoders;
  assert.match(name, /-[\w-]{8}\.wasm$/u, 'a hash of its content');
  const whole = await readFile(join(ASSETS, name));
  for (const [accepted, encoding, unpacked] of [
    ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync],
    ['br;q=0, gzip;q=0.5', 'gzip', gunzipSync],
    ['identity', undefined, (bytes: Buffer) => bytes],
  ] as const) {
    const { answer, bytes } = await asSent(`/assets/${name}`, accepted);
    assert.equal(answer.statusCode, 200);
    const { headers } = answer;
    assert.equal(headers['content-encoding'], encoding, accepted);
    assert.equal(headers['content-type'], 'application/wasm', 'else it is not compiled while it arrives');
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(headers.vary, 'accept-encoding');
    assert.ok(unpacked(bytes).equals(whole), accepted);
    if (encoding !== undefined) assert.ok(bytes.length < whole.length / 2, `${bytes.length} bytes`);
  }
  // Documents name the file, and are never cached with it.
  const { answer } = await asSent('/s/new?target=x', 'identity');
  assert.doesNotMatch(String(answer.headers['cache-control']), /immutable|max-age=[1-9]/u);
});

test('no signal opens a debugger', async () => {
  process.kill(site.gateway.pid, 'SIGUSR1');
  const person = await Person.signIn(site.gateway.url, ADMIN);
  assert.equal((await person.api.getMe()).user.username, ADMIN.username);
  assert.doesNotMatch(site.gateway.log, /Debugger listening/u);
});
