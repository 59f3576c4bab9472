import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { DEFAULT_EGRESS } from '@enchilada/core/access';
import type { EngineContext } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { systemClock, testLeave, testTarget } from '@enchilada/core/testing/authorized';
import { freePort } from '@enchilada/core/testing/free-port';
import { createDialer } from './dial.ts';
import { noCarrier, openPassage } from './passage.ts';
import { magicPacket } from './wake.ts';

const MAC = '02:00:5e:10:fe:01';

/** A network card that waits for its packet, on a port of the system's choice. */
async function networkCard() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const packets: Buffer[] = [];
  socket.on('message', (bytes) => packets.push(bytes));
  return { socket, packets, port: socket.address().port, [Symbol.dispose]: () => socket.close() };
}

function contextOf(
  target: Parameters<typeof testTarget>[0],
  signal: AbortSignal = new AbortController().signal,
): EngineContext {
  return {
    hops: [
      {
        leave: testLeave(testTarget(target)),
        credential: () => Promise.reject(new Fault('CREDENTIAL_MISSING', 'none is needed')),
        verifyHostKey: () => Promise.resolve(),
      },
    ],
    sink: { output: () => undefined },
    display: { columns: 80, rows: 24 },
    clock: systemClock,
    signal,
    ask: () => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there')),
    progress: () => undefined,
  };
}

function dialer(allowLoopback = true) {
  return createDialer({ policy: { ...DEFAULT_EGRESS, allowLoopback }, builtIn: new Map() });
}

describe('a machine that may be asleep', () => {
  it('is woken by six ones and its address sixteen times, and connected to once it listens', async () => {
    using card = await networkCard();
    const server = createServer((socket) => socket.end());
    const port = await freePort();
    // Like a machine: it listens some time after the packet came.
    card.socket.once('message', () => server.listen(port, '127.0.0.1'));
    const parameters = { wakeMac: MAC, wakeAddress: '127.0.0.1', wakePort: card.port };
    const context = contextOf({ id: 'tgt', protocol: 'p', host: '127.0.0.1', port, parameters });
    await using passage = await openPassage(context, { dialer: dialer(), carrier: noCarrier });
    const socket = await passage.connect(() => undefined);
    socket.destroy();
    server.close();
    const [packet] = card.packets;
    assert.equal(packet?.toString('hex'), `ffffffffffff${'02005e10fe01'.repeat(16)}`);
    assert.deepEqual(packet, magicPacket(MAC.replaceAll(':', '-').toUpperCase()));
  });

  it('is given up after the time that it may take, with the reason of the last attempt', async () => {
    using card = await networkCard();
    const parameters = { wakeMac: MAC, wakeAddress: '127.0.0.1', wakePort: card.port, wakeSeconds: 0 };
    const context = contextOf({ id: 'tgt', protocol: 'p', host: '127.0.0.1', port: await freePort(), parameters });
    await using passage = await openPassage(context, { dialer: dialer(), carrier: noCarrier });
    await assert.rejects(
      passage.connect(() => undefined),
      { code: 'TARGET_REFUSED' },
    );
  });

  it('is given up at once when the opening is aborted', async () => {
    using card = await networkCard();
    const controller = new AbortController();
    const parameters = { wakeMac: MAC, wakeAddress: '127.0.0.1', wakePort: card.port, wakeSeconds: 600 };
    const target = { id: 'tgt', protocol: 'p', host: '127.0.0.1', port: await freePort(), parameters };
    await using passage = await openPassage(contextOf(target, controller.signal), {
      dialer: dialer(),
      carrier: noCarrier,
    });
    card.socket.once('message', () => controller.abort(new Fault('SESSION_TERMINATED', 'ended by an administrator')));
    await assert.rejects(
      passage.connect(() => undefined),
      { code: 'SESSION_TERMINATED' },
    );
  });

  it('gets no packet at an address that egress forbids', async () => {
    for (const wakeAddress of ['127.0.0.1', '169.254.169.254', '224.0.0.1', '::1']) {
      const parameters = { wakeMac: MAC, wakeAddress, wakePort: 9 };
      const context = contextOf({ id: 'tgt', protocol: 'p', host: '192.0.2.1', port: 1, parameters });
      await using passage = await openPassage(context, { dialer: dialer(false), carrier: noCarrier });
      await assert.rejects(
        passage.connect(() => undefined),
        { code: 'TARGET_EGRESS_DENIED' },
        wakeAddress,
      );
    }
  });
});
