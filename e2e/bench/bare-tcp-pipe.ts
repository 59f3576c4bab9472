/**
 * The least that can carry a plain TCP connection to a browser, for comparison: its bytes go into a WebSocket over TLS as they are; options are
 * negotiated and the log-in is typed at the other end. Prints its port. Arguments and standard input as those of bare-pipe.ts.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';
import type { BareTarget } from './bare-shell.ts';

const PAUSE_ABOVE_BYTES = 1024 * 1024;
const RESUME_BELOW_BYTES = 256 * 1024;

const [cert = '', key = ''] = process.argv.slice(2);
const [line] = await new Promise<string[]>((resolve) =>
  createInterface({ input: process.stdin }).once('line', (text) => resolve([text])),
);
const target = JSON.parse(line ?? '{}') as BareTarget;
const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
  const machine = connect({ host: target.host, port: target.port, noDelay: true });
  machine.on('data', (bytes: Buffer) => {
    socket.send(bytes, () => {
      if (machine.isPaused() && socket.bufferedAmount < RESUME_BELOW_BYTES) machine.resume();
    });
    if (socket.bufferedAmount > PAUSE_ABOVE_BYTES) machine.pause();
  });
  machine.on('error', () => socket.close());
  machine.on('close', () => socket.close());
  socket.on('message', (bytes: Buffer) => machine.write(bytes));
  socket.on('close', () => machine.destroy());
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
