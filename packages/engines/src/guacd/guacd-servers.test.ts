import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { closedPort } from '@enchilada/core/testing/free-port';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { connectAny, inTurn, parseServers, probesOf, type GuacdServer } from './guacd-servers.ts';

const at = (port: number, tls = false): GuacdServer => ({ host: '127.0.0.1', port, tls, weight: 1 });

/** Every two bytes once. */
function everyChance() {
  let next = 0;
  return {
    bytes: () => {
      const value = next++;
      return Uint8Array.of((value >> 8) & 0xff, value & 0xff);
    },
  };
}

describe('the addresses of guacd', () => {
  it('are read with their weights, and passwords go to no other machine in clear', () => {
    assert.deepEqual(parseServers(undefined), []);
    assert.deepEqual(parseServers('tls://a.example:1 weight=3, tcp://[::1],tcp://localhost:9'), [
      { host: 'a.example', port: 1, tls: true, weight: 3 },
      { host: '::1', port: 4822, tls: false, weight: 1 },
      { host: 'localhost', port: 9, tls: false, weight: 1 },
    ]);
    for (const wrong of ['a.example', 'tcp://a.example', 'http://localhost', 'tcp://localhost weight=x', 'tls://a/b'])
      assert.throws(() => parseServers(wrong), { code: 'CONFIGURATION_INVALID' }, wrong);
  });

  it('come first as often as their weights say, and none of weight 0 while there are others', () => {
    const servers = parseServers('tls://a weight=3, tls://b weight=1, tls://c weight=0');
    const random = everyChance();
    const first: Record<string, number> = {};
    for (let turn = 0; turn < 65_536; turn += 1) {
      const order = inTurn(servers, { bytes: () => random.bytes() });
      // One draw decides who is first.
      const { host = '' } = order[0] ?? {};
      first[host] = (first[host] ?? 0) + 1;
      assert.equal(order.length, 3);
      assert.equal(order.at(-1)?.host, 'c');
    }
    const share = (first['a'] ?? 0) / 65_536;
    assert.ok(share > 0.7 && share < 0.8, `${share}`);
    assert.equal(first['c'], undefined);
  });
});

describe('the real guacd with TLS', () => {
  const owned = new AsyncDisposableStack();
  let guacd: Guacd;
  let plain: Guacd;
  let certificate: LoopbackCertificate;
  before(async () => {
    certificate = owned.use(new LoopbackCertificate());
    guacd = owned.use(await Guacd.start({ certificate }));
    plain = owned.use(await Guacd.start());
  });
  after(() => owned.disposeAsync());

  it('is spoken to where an authority vouches for it, and never otherwise', async () => {
    const { socket } = await connectAny([at(guacd.port, true)], certificate.cert);
    socket.destroy();
    await assert.rejects(connectAny([at(guacd.port, true)], undefined), { message: /SELF_SIGNED|self-signed/u });
    await assert.rejects(connectAny([{ ...at(guacd.port, true), host: 'localhost' }], certificate.cert), {
      message: /ERR_TLS_CERT_ALTNAME_INVALID/u,
    });
    // One that speaks no TLS is not spoken to in clear.
    await assert.rejects(connectAny([at(plain.port, true)], certificate.cert), { code: 'TARGET_DISCONNECTED' });
  });

  it('is passed over while it does not answer', async () => {
    const nothing = at(await closedPort());
    const { server, socket } = await connectAny([nothing, at(plain.port)], undefined);
    socket.destroy();
    assert.equal(server.port, plain.port);
    await assert.rejects(connectAny([nothing], undefined), { message: /cannot be reached: ECONNREFUSED/u });
    await assert.rejects(connectAny([], undefined), { code: 'CONFIGURATION_INVALID' });
  });

  it('is asked for its health one by one', async () => {
    const probes = probesOf([at(plain.port), at(await closedPort())], undefined);
    assert.deepEqual(Object.keys(probes), ['guacd-1', 'guacd-2']);
    await probes['guacd-1']?.();
    await assert.rejects(probes['guacd-2']?.() ?? Promise.resolve(), { code: 'TARGET_DISCONNECTED' });
    assert.deepEqual(Object.keys(probesOf([at(plain.port)], undefined)), ['guacd']);
  });
});
