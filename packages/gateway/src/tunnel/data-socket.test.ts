import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { DataPort, Redeemed, SessionBroker } from '@enchilada/core/session';
import { WebSocket, WebSocketServer } from 'ws';
import { carryData } from './data-socket.ts';

const PORTION = 32 * 1024;
/** More than the buffers of both systems take from a server whose browser does not read. */
const FLOOD = 16 * 1024 * 1024;

test('a ping that waits among the output of a flood holds nothing back', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const arrived = once(server, 'connection') as Promise<[WebSocket]>;
  const browser = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [client] = await arrived;
  let port: DataPort | undefined;
  const attachData: SessionBroker['attachData'] = (_redeemed, data) => {
    port = data;
    return {
      session: { input: () => undefined },
      viewer: { data, control: { close: () => undefined } },
    } as unknown as ReturnType<SessionBroker['attachData']>;
  };
  carryData(client, { broker: { attachData } as unknown as SessionBroker, redeemed: {} as Redeemed });
  assert.ok(port !== undefined);

  let [received, drained] = [0, 0];
  const whole = new Promise<void>((resolve) => {
    browser.on('message', (bytes: Buffer) => {
      received += bytes.length;
      if (received === FLOOD) resolve();
    });
  });
  if (browser.readyState !== WebSocket.OPEN) await once(browser, 'open');
  browser.pause();
  // What waits for the network grows to the end of the flood; each message leaves behind a ping.
  port.onDrain(() => {
    drained += 1;
    client.ping();
  });
  for (let sent = 0; sent < FLOOD; sent += PORTION) port.send(Buffer.alloc(PORTION));
  assert.ok(port.bufferedBytes > 0);
  client.ping();
  browser.resume();
  await whole;
  while (port.bufferedBytes > 0) await new Promise(setImmediate);
  assert.ok(drained > 0);
  browser.close();
  await once(browser, 'close');
  server.close();
});
