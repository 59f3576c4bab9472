import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { isFault, type FaultCode } from '@enchilada/core/fault';
import { issueCertificate, type ServerCertificate } from '@enchilada/core/testing/servers/database-server';
import { WebSocketServer, type WebSocket } from 'ws';
import { lines, open, token, type Opened } from './testing.ts';

const POD = JSON.stringify({
  metadata: { name: 'web-0' },
  spec: { containers: [{ name: 'web' }] },
  status: { phase: 'Running' },
});

interface Script {
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly stream?: (peer: WebSocket) => void;
  readonly subprotocol?: string;
  /** Where silence is what is waited for. */
  readonly handshakeMs?: number;
}

describe('a hostile API server', () => {
  let certificate: ServerCertificate;
  before(async () => {
    certificate = await issueCertificate('localhost');
  });
  const owned = new AsyncDisposableStack();
  after(() => owned.disposeAsync());

  const against = async (script: Script): Promise<Opened> => {
    const usual = (_request: IncomingMessage, response: ServerResponse): void => void response.end(POD);
    const server = createServer({ cert: certificate.certificate, key: certificate.key }, script.answer ?? usual);
    const streams = new WebSocketServer({ server, handleProtocols: () => script.subprotocol ?? 'v5.channel.k8s.io' });
    streams.on('connection', (peer) => {
      peer.on('error', () => undefined);
      script.stream?.(peer);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    owned.defer(() => {
      server.closeAllConnections();
      for (const peer of streams.clients) peer.terminate();
      server.close();
    });
    return owned.use(
      await open({
        port: (server.address() as AddressInfo).port,
        credential: token('t0ken'),
        parameters: { certificateAuthority: lines(certificate.ca), namespace: 'shop', pod: 'web-0' },
        ...(script.handshakeMs === undefined ? {} : { limits: { handshakeMs: script.handshakeMs } }),
      }),
    );
  };
  const endOf = async (stream: (peer: WebSocket) => void): Promise<FaultCode | undefined> => {
    const client = await against({ stream });
    return (await client.session.ended).fault?.code;
  };

  it('is heard only as an API server', async () => {
    const answers: readonly (readonly [NonNullable<Script['answer']>, FaultCode])[] = [
      [(_, response) => response.end('<html>'), 'TARGET_PROTOCOL_VIOLATION'],
      [(_, response) => response.end('{}'), 'TARGET_PROTOCOL_VIOLATION'],
      [(_, response) => response.writeHead(302, { location: 'https://elsewhere/' }).end(), 'TARGET_PROTOCOL_VIOLATION'],
      [(_, response) => response.writeHead(200, { 'x-big': 'x'.repeat(40_000) }).end(POD), 'TARGET_PROTOCOL_VIOLATION'],
      [(request) => request.socket.write('SSH-2.0-OpenSSH\r\n'), 'TARGET_PROTOCOL_VIOLATION'],
      [(request) => request.socket.destroy(), 'TARGET_DISCONNECTED'],
      [() => undefined, 'TARGET_TIMED_OUT'],
      [
        (_, response) => {
          const piece = Buffer.alloc(64 * 1024, 0x20);
          const more = (): void => {
            while (response.write(piece));
            response.once('drain', more);
          };
          more();
        },
        'TARGET_PROTOCOL_VIOLATION',
      ],
    ];
    for (const [answer, code] of answers)
      await assert.rejects(
        against({ answer, ...(code === 'TARGET_TIMED_OUT' ? { handshakeMs: 500 } : {}) }),
        (failure) => isFault(failure, code),
        `${code} for ${answer.toString()}`,
      );
  });

  it('agrees on a subprotocol that was offered, or is left', async () => {
    await assert.rejects(against({ subprotocol: 'v3.channel.k8s.io' }), { code: 'TARGET_PROTOCOL_VIOLATION' });
  });

  it('ends the session when it breaks the rules of the channels', async () => {
    const breaches: readonly ((peer: WebSocket) => void)[] = [
      (peer) => peer.send('text'),
      (peer) => peer.send(Buffer.alloc(0)),
      (peer) => peer.send(Buffer.of(0, 65)),
      (peer) => peer.send(Buffer.of(9)),
      (peer) => peer.send(Buffer.of(255, 7)),
      (peer) => peer.send(Buffer.alloc(2 * 1024 * 1024, 1)),
      (peer) => {
        peer.send(Buffer.from('\u0003no status'));
        peer.close();
      },
      (peer) => {
        const piece = Buffer.alloc(32 * 1024, 3);
        for (let count = 0; count < 4; count += 1) peer.send(piece);
      },
    ];
    for (const breach of breaches) assert.equal(await endOf(breach), 'TARGET_PROTOCOL_VIOLATION', breach.toString());
  });

  it('does not hold a session open behind its status', async () => {
    const client = await against({ stream: (peer) => peer.send(Buffer.from('\u0003{"status":"Success"}')) });
    const end = await client.session.ended;
    assert.deepEqual([end.reason, end.exitCode], ['closed-by-target', 0]);
  });

  it('makes us keep no more than it may send at once while nobody reads', async () => {
    const client = await against({
      stream: (peer) => {
        const piece = Buffer.alloc(32 * 1024, 0x78);
        piece[0] = 1;
        const more = (): void => {
          if (peer.readyState !== peer.OPEN) return;
          if (peer.bufferedAmount < 4 * 1024 * 1024) peer.send(piece);
          setImmediate(more);
        };
        more();
      },
    });
    client.session.pause();
    const before = process.memoryUsage().arrayBuffers;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(process.memoryUsage().arrayBuffers - before < 32 * 1024 * 1024);
    await client.session[Symbol.asyncDispose]();
  });
});
