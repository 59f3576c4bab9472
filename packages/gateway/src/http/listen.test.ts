import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent, get } from 'node:https';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { freePort } from '@enchilada/core/testing/free-port';
import { until } from '@enchilada/core/testing/until';
import { systemClock as clock } from '../clock.ts';
import { listen } from './listen.ts';
import { createLog } from './log.ts';

function makePair(folder: string, name: string): { readonly cert: string; readonly key: string } {
  const pair = { cert: join(folder, `${name}.cert`), key: join(folder, `${name}.key`) };
  const subject = ['-subj', `/CN=${name}.test`, '-days', '1'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      pair.key,
      '-out',
      pair.cert,
      ...subject,
    ],
    { stdio: 'ignore' },
  );
  return pair;
}

/** The name in the certificate that a connection of this agent is shown. */
function nameShown(port: number, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent, rejectUnauthorized: false }, (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume().on('end', () => {
        resolve(String(subject.CN));
      });
    });
    request.on('error', reject);
  });
}

test('a new certificate serves new connections, the old connection goes on, and a pair that does not fit is refused', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'enchilada-listen-'));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const [first, second] = [makePair(folder, 'first'), makePair(folder, 'second')];
  const files = { cert: join(folder, 'tls.cert'), key: join(folder, 'tls.key') };
  const install = (cert: string, key: string): void => {
    copyFileSync(cert, files.cert);
    copyFileSync(key, files.key);
  };
  install(first.cert, first.key);
  const logged: string[] = [];
  await using listening = await listen((_request, response) => response.end('here'), {
    plan: { addresses: ['127.0.0.1'], optional: [], tls: files },
    port: 0,
    clock,
    log: createLog('info', { write: (line) => void logged.push(line) }),
  });
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const fresh = (): Promise<string> => nameShown(listening.port, new Agent({ keepAlive: false, maxCachedSessions: 0 }));
  assert.equal(await nameShown(listening.port, kept), 'first.test');
  install(second.cert, second.key);
  await until(async () => (await fresh()) === 'second.test');
  assert.equal(await nameShown(listening.port, kept), 'first.test', 'the connection that was open was not dropped');
  install(first.cert, second.key);
  await until(() => logged.some((line) => line.includes('the old one stays')));
  assert.equal(await fresh(), 'second.test');
  kept.destroy();
});

test('a pair that does not fit, and a port that is taken, stop the start in words', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'enchilada-listen-'));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const [first, second] = [makePair(folder, 'first'), makePair(folder, 'second')];
  const log = createLog('fatal', { write: () => undefined });
  const start = (port: number, tls: { cert: string; key: string } | undefined) =>
    listen((_request, response) => response.end(), {
      plan: { addresses: ['127.0.0.1'], optional: [], tls },
      port,
      clock,
      log,
    });
  await assert.rejects(start(0, { cert: first.cert, key: second.key }), {
    code: 'CONFIGURATION_INVALID',
    message: /cannot be used together/u,
  });
  await using running = await start(0, undefined);
  await assert.rejects(start(running.port, undefined), {
    code: 'CONFIGURATION_INVALID',
    message: /the port is taken/u,
  });
});

test('both loopback addresses answer on one port, and IPv4 alone where the other is taken', async () => {
  const log = createLog('fatal', { write: () => undefined });
  const start = (port: number): ReturnType<typeof listen> =>
    listen((_request, response) => response.end('here'), {
      ...{ plan: { addresses: ['127.0.0.1'], optional: ['::1'], tls: undefined }, port, clock, log },
    });
  const answers = async (host: string, port: number): Promise<string> =>
    (await fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } })).text();
  {
    await using both = await start(0);
    assert.deepEqual([await answers('127.0.0.1', both.port), await answers('[::1]', both.port)], ['here', 'here']);
  }
  const taken = await freePort();
  const other = createServer((_request, response) => response.end('another program')).listen(taken, '::1');
  await once(other, 'listening');
  try {
    await using alone = await start(taken);
    assert.deepEqual(
      [await answers('127.0.0.1', alone.port), await answers('[::1]', alone.port)],
      ['here', 'another program'],
    );
  } finally {
    other.close();
    other.closeAllConnections();
  }
});

test('an address has so many connections and no more, but those that carry a session do not count', async () => {
  await using listening = await listen((_request, response) => response.end(), {
    plan: { addresses: ['127.0.0.1'], optional: [], tls: undefined },
    port: 0,
    clock,
    log: createLog('fatal', { write: () => undefined }),
  });
  const [server] = listening.servers;
  assert.ok(server !== undefined);
  // However long the others take: nobody is put out for being slow.
  Object.assign(server, { headersTimeout: 0, requestTimeout: 0 });
  server.on('upgrade', (_request, socket) => {
    // The server's sockets stay half open until somebody ends them.
    socket.resume().on('end', () => socket.end());
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  });
  const open: Socket[] = [];
  const connected = async (): Promise<Socket> => {
    const socket = connect(listening.port, '127.0.0.1').on('error', () => undefined);
    open.push(socket.resume());
    await once(socket, 'connect');
    return socket;
  };
  const upgrade = async (): Promise<void> => {
    const socket = await connected();
    socket.write('GET / HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await once(socket, 'data');
  };
  for (let count = 0; count < 20; count += 1) await Promise.all(Array.from({ length: 60 }, upgrade));
  for (let count = 0; count < 20; count += 1) await Promise.all(Array.from({ length: 50 }, connected));
  assert.ok(open.every((socket) => !socket.closed));
  const late = await connected();
  await once(late, 'close');
  assert.equal(open.filter((socket) => socket.closed).length, 1);
  for (const socket of open) socket.destroy();
});
