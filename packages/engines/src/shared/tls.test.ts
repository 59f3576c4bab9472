import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { TLSSocket } from 'node:tls';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import { until } from '@enchilada/core/testing/until';
import { upgradeToTls } from './tls.ts';

const certificate = new LoopbackCertificate();
after(() => certificate[Symbol.dispose]());

describe('TLS with a machine', () => {
  it('is agreed on once: a machine that begins anew in mid-session ends it', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const plain = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(plain, 'connect');
    const [socket] = await accepted;
    const { cert, key } = certificate;
    const machine = new TLSSocket(socket, { isServer: true, cert, key, maxVersion: 'TLSv1.2' });
    machine.on('error', () => undefined);
    let handshakes = 0;
    machine.on('secure', () => (handshakes += 1));
    const { signal } = new AbortController();
    const { stream } = await upgradeToTls(plain, { host: '127.0.0.1', identity: 'certificate', signal });
    const over = new Promise((resolve) => stream.once('error', resolve));
    stream.resume();
    await until(() => handshakes === 1);
    machine.renegotiate({ rejectUnauthorized: false }, () => undefined);
    machine.write('what a machine says that has changed its certificate');
    await over;
    assert.equal(handshakes, 1);
    stream.destroy();
    socket.destroy();
    server.close();
    await once(server, 'close');
  });
});
