import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Tickets } from '@enchilada/contract';
import { until } from '@enchilada/core/testing/until';
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws';
import { MOST_HELD_BYTES, SessionConnection, type LinkState } from './session-connection.ts';
import { failedStep, sessionView, START, stepStates } from './session-view.ts';

const TICKETS: Tickets = {
  viewerId: 'v',
  mode: 'control',
  data: 'd'.repeat(52),
  control: 'c'.repeat(52),
  expiresAt: 0,
};
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Both ends of a connection over a real WebSocket server; `until` waits for a condition. */
async function bench() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'enchilada.v1' });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Record<'control' | 'data', ServerSocket[]> = { control: [], data: [] };
  const got: string[] = [];
  server.on('connection', (socket, request) => {
    const kind = request.url?.includes('/control') === true ? 'control' : 'data';
    sockets[kind].push(socket);
    if (kind === 'data') socket.on('message', (bytes: Buffer) => got.push(bytes.toString()));
  });
  const shown: string[] = [];
  const links: LinkState[] = [];
  let asked = 0;
  const connection = new SessionConnection(
    'ses_1',
    {
      write: (bytes) => Promise.resolve(void shown.push(text(bytes))),
      reset: () => void shown.push('<reset>'),
      size: () => ({ columns: 80, rows: 24 }),
    },
    {
      events: { onFrame: () => undefined, onLink: (state) => void links.push(state), onRoundTrip: () => undefined },
      environment: {
        connect: (path, protocols) => new WebSocket(`ws://127.0.0.1:${port}${path}`, [...protocols]),
        tickets: () => Promise.resolve((asked++, TICKETS)),
        now: () => performance.now(),
        isFinal: () => false,
      },
    },
  );
  return {
    connection,
    sockets,
    got,
    shown,
    links,
    until,
    tickets: () => asked,
    async [Symbol.asyncDispose]() {
      connection.close();
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}

test('keys typed while the connection is lost arrive after it is back, in order', async () => {
  await using it = await bench();
  it.connection.start(TICKETS);
  await it.until(() => it.connection.state === 'open');
  it.connection.input(new TextEncoder().encode('one '));
  await it.until(() => it.got.length === 1);
  it.sockets.data[0]?.terminate();
  await it.until(() => it.connection.state === 'lost');
  assert.equal(it.connection.input(new TextEncoder().encode('two ')), true);
  assert.equal(it.connection.input(new TextEncoder().encode('three')), true);
  it.connection.retryNow();
  await it.until(() => it.got.join('').endsWith('three'));
  assert.equal(it.got.join(''), 'one two three');
  assert.equal(it.tickets(), 1);
  assert.equal(it.connection.heldBytes, 0);
});

test('each attachment begins with an empty screen', async () => {
  await using it = await bench();
  it.connection.start(TICKETS);
  await it.until(() => it.sockets.data.length === 1);
  it.sockets.data[0]?.send(Buffer.from('first'));
  await it.until(() => it.shown.includes('first'));
  it.sockets.control[0]?.terminate();
  await it.until(() => it.connection.state === 'lost');
  it.connection.retryNow();
  await it.until(() => it.sockets.data.length === 2);
  it.sockets.data[1]?.send(Buffer.from('snapshot'));
  await it.until(() => it.shown.includes('snapshot'));
  assert.deepEqual(it.shown, ['<reset>', 'first', '<reset>', 'snapshot']);
});

test('more than is sensible is not held back but refused', async () => {
  await using it = await bench();
  assert.equal(it.connection.input(new Uint8Array(MOST_HELD_BYTES)), true);
  assert.equal(it.connection.input(new Uint8Array(1)), false);
});

test('what the target said last is shown, though its end came first', async () => {
  await using it = await bench();
  it.connection.start(TICKETS);
  await it.until(() => it.connection.state === 'open');
  const [control] = it.sockets.control;
  control?.send(JSON.stringify({ type: 'ended', reason: 'closed-by-target', exitCode: 0 }));
  control?.close();
  if (control !== undefined) await once(control, 'close');
  it.sockets.data[0]?.send(Buffer.from('last words'));
  it.sockets.data[0]?.close();
  await it.until(() => it.connection.state === 'ended');
  assert.deepEqual(it.shown, ['<reset>', 'last words']);
  assert.equal(it.tickets(), 0);
});

test('an ended session is not connected again', async () => {
  await using it = await bench();
  it.connection.start(TICKETS);
  await it.until(() => it.connection.state === 'open');
  it.sockets.control[0]?.send(JSON.stringify({ type: 'ended', reason: 'closed-by-target', exitCode: 0 }));
  await it.until(() => it.connection.state === 'ended');
  it.connection.retryNow();
  assert.deepEqual(it.links, ['connecting', 'open', 'ended']);
});

test('the path marks the step where the connection broke', () => {
  const reached = sessionView(START, { type: 'frame', frame: { type: 'progress', step: 'handshake', target: 'web' } });
  const ended = sessionView(reached, {
    type: 'frame',
    frame: { type: 'ended', reason: 'failed', fault: { code: 'TARGET_NO_COMMON_ALGORITHM', facts: {} } },
  });
  assert.equal(failedStep(ended), 'handshake');
  assert.deepEqual(
    stepStates(ended.step, failedStep(ended)).map(([, state]) => state),
    ['done', 'done', 'done', 'failed', 'ahead', 'ahead', 'ahead'],
  );
});

test('a page that had lost its link learns from the record why the session ended, and believes the machine’s own word first', () => {
  const lost = sessionView(START, { type: 'link', state: 'failed', error: new Error('gone') });
  const found = { type: 'found-ended', reason: 'closed-by-user', detail: 'maintenance', opened: true } as const;
  const over = sessionView(lost, found);
  assert.deepEqual([over.link, over.phase, over.error], ['ended', 'ended', undefined]);
  assert.deepEqual(over.ended, { type: 'ended', reason: 'closed-by-user', detail: 'maintenance' });
  const told = sessionView(START, { type: 'frame', frame: { type: 'ended', reason: 'closed-by-target', exitCode: 3 } });
  assert.equal(sessionView(told, found), told);
  // One that never opened is told with the step at which it failed.
  const refused = { type: 'found-ended', reason: 'TARGET_PROTOCOL_VIOLATION', detail: undefined } as const;
  assert.deepEqual(
    [false, true].map((opened) => failedStep(sessionView(lost, { ...refused, opened }))),
    ['handshake', 'none'],
  );
});

test('a session that was open has no failed step', () => {
  const ended = sessionView(START, {
    type: 'frame',
    frame: { type: 'ended', reason: 'failed', fault: { code: 'TARGET_KEEPALIVE_LOST', facts: {} } },
  });
  assert.equal(failedStep(ended), 'none');
});

test('questions are forgotten when the connection is lost, for they are asked again', () => {
  const asked = sessionView(START, {
    type: 'frame',
    frame: { type: 'host-key', id: 'h', target: 'web', keyType: 't', fingerprint: 'f' },
  });
  assert.equal(asked.questions.length, 1);
  assert.deepEqual(sessionView(asked, { type: 'link', state: 'lost' }).questions, []);
});
