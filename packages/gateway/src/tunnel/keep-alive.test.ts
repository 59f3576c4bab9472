import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { keepAlive } from './keep-alive.ts';

/** As long as the product's, and longer than it waits for two answers. */
const [PERIOD_MS, PERIODS] = [25_000, 8];
/** More than the buffers of both systems take for a browser that does not read. */
const FLOOD = 16 * 1024 * 1024;

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
before(() => once(server, 'listening'));
after(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

/** Both ends of a socket that is kept alive. */
async function pair(options: { readonly autoPong: boolean }) {
  const arrived = once(server, 'connection') as Promise<[WebSocket]>;
  const browser = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, options);
  const [client] = await arrived;
  if (browser.readyState !== WebSocket.OPEN) await once(browser, 'open');
  keepAlive(client);
  return { browser, client };
}

test('a browser that answers is kept, one that does not is let go', async ({ mock }) => {
  mock.timers.enable({ apis: ['setInterval'] });
  const [answering, silent] = [await pair({ autoPong: true }), await pair({ autoPong: false })];
  const gone = once(silent.browser, 'close');
  for (let period = 0; period < PERIODS; period += 1) {
    const answered = once(answering.client, 'pong');
    mock.timers.tick(PERIOD_MS);
    await answered;
  }
  await gone;
  assert.equal(answering.browser.readyState, WebSocket.OPEN);
});

test('a socket that is not read while its target is slow is not let go for answers that nobody reads', async ({
  mock,
}) => {
  mock.timers.enable({ apis: ['setInterval'] });
  const { browser, client } = await pair({ autoPong: true });
  client.pause();
  for (let period = 0; period < PERIODS; period += 1) mock.timers.tick(PERIOD_MS);
  client.resume();
  const answered = once(client, 'pong');
  mock.timers.tick(PERIOD_MS);
  await answered;
  assert.equal(browser.readyState, WebSocket.OPEN);
});

test('a browser that takes no output is left to the session, and asked again once it has taken all', async ({
  mock,
}) => {
  mock.timers.enable({ apis: ['setInterval'] });
  const { browser, client } = await pair({ autoPong: true });
  browser.pause();
  const sent = new Promise<unknown>((resolve) => client.send(Buffer.alloc(FLOOD), resolve));
  for (let period = 0; period < PERIODS; period += 1) mock.timers.tick(PERIOD_MS);
  assert.equal(client.readyState, WebSocket.OPEN);
  browser.resume();
  await sent;
  const answered = once(client, 'pong');
  mock.timers.tick(PERIOD_MS);
  await answered;
});
