/**
 * The least that can carry a shell to a browser, for comparison: an ssh2 client whose output goes into a WebSocket over TLS, one process for
 * all connections, no sign-in, no policy, no recording. Prints its port. Arguments: certificate file, key file. One JSON line of `BareTarget` on
 * standard input says where to.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { connectBare } from './bare-shell.ts';
import type { BareTarget } from './bare-shell.ts';

const PAUSE_ABOVE_BYTES = 1024 * 1024;
const RESUME_BELOW_BYTES = 256 * 1024;

async function carry(socket: WebSocket, target: BareTarget): Promise<void> {
  const { client, channel } = await connectBare(target);
  channel.on('data', (bytes: Buffer) => {
    socket.send(bytes, () => {
      if (channel.isPaused() && socket.bufferedAmount < RESUME_BELOW_BYTES) channel.resume();
    });
    if (socket.bufferedAmount > PAUSE_ABOVE_BYTES) channel.pause();
  });
  socket.on('message', (bytes: Buffer) => channel.write(bytes));
  channel.on('close', () => socket.close());
  socket.on('close', () => client.end());
}

const [cert = '', key = ''] = process.argv.slice(2);
const [line] = await new Promise<string[]>((resolve) =>
  createInterface({ input: process.stdin }).once('line', (text) => resolve([text])),
);
const target = JSON.parse(line ?? '{}') as BareTarget;
const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  carry(socket, target).catch((cause: unknown) => {
    process.stderr.write(`${String(cause)}\n`);
    socket.close(1011);
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
