import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Person } from '../product/index.ts';
import type { Shell } from '../product/index.ts';
import { ADMIN, Site, startSshd } from '../tests/site.ts';
import { knock, OPCODE } from './raw-socket.ts';
import type { Frame, RawSocket } from './raw-socket.ts';

const owned = new AsyncDisposableStack();
let site: Site;
let bystander: Shell;
let targetId: string;

before(async () => {
  const sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: 'sessions: { perUser: 100 }\n' }));
  targetId = await site.machineOn(sshd);
  bystander = owned.use(await site.admin.open(targetId));
  await bystander.live();
});
after(() => owned.disposeAsync());

interface Sockets {
  readonly sessionId: string;
  readonly control: RawSocket;
  readonly data: RawSocket;
}

async function open(): Promise<Sockets> {
  const { session, tickets } = await site.admin.api.openSession({
    body: { targetId },
  });
  const common = {
    sessionId: session.id,
    origins: [site.admin.origin],
    cookie: site.admin.cookie,
  };
  const control = await knock(site.gateway.url, {
    ...common,
    kind: 'control',
    ticket: tickets.control,
  });
  assert.ok(control.socket, `the control socket was answered ${control.status}`);
  await control.socket.received('"type":"state"');
  const data = await knock(site.gateway.url, {
    ...common,
    kind: 'data',
    ticket: tickets.data,
  });
  assert.ok(data.socket, `the data socket was answered ${data.status}`);
  return { sessionId: session.id, control: control.socket, data: data.socket };
}

let echoes = 0;

/** Somebody else's session goes on, and the gateway takes new people in. */
async function nobodyElseIsHurt(): Promise<void> {
  echoes += 1;
  bystander.type(`echo still-$((${echoes}+1000))-here\r`);
  await bystander.see(`still-${echoes + 1000}-here`);
}

async function closes(kind: 'control' | 'data', code: number, frames: readonly Frame[]): Promise<void> {
  const sockets = await open();
  for (const frame of frames) sockets[kind].send(frame);
  assert.equal(await sockets[kind].closeCode(), code);
  await nobodyElseIsHurt();
  sockets.control.destroy();
  sockets.data.destroy();
  await site.admin.api.endSession({
    params: { id: sockets.sessionId },
    body: { reason: 'test is over' },
  });
}

const text = (payload: string): Frame => ({
  opcode: OPCODE.text,
  payload: Buffer.from(payload),
});
const binary = (bytes: number): Frame => ({
  opcode: OPCODE.binary,
  payload: Buffer.alloc(bytes, 'x'),
});

/** One message in many pieces. */
function pieces(count: number, first: number): readonly Frame[] {
  return Array.from({ length: count }, (_, index) => ({
    opcode: index === 0 ? first : OPCODE.continuation,
    payload: Buffer.from('x'),
    continues: index < count - 1,
  }));
}

test('text on a data socket is unsupported data', () => closes('data', 1003, [text('ls')]));
test('bytes on a control socket are unsupported data', () => closes('control', 1003, [binary(3)]));
test('malformed JSON on a control socket is a protocol error', () =>
  closes('control', 1002, [text('{"type":"resize",')]));
test('a message of an unknown type is a protocol error', () =>
  closes('control', 1002, [text('{"type":"open-sesame"}')]));
test('a resize to no size is a protocol error', () =>
  closes('control', 1002, [text('{"type":"resize","columns":0,"rows":1e9}')]));
test('deeply nested JSON is a protocol error', () => closes('control', 1002, [text('['.repeat(30_000))]));
test('text that is not UTF-8 is invalid', () =>
  closes('control', 1007, [{ opcode: OPCODE.text, payload: Buffer.from([0xc3, 0x28]) }]));

/** What is let through to the limit, and what is refused past it, message by message. */
async function passes(kind: 'control' | 'data', frames: readonly Frame[]): Promise<void> {
  const sockets = await open();
  await sockets.control.received('"state":"live"');
  for (const frame of frames) sockets[kind].send(frame);
  // An answer to what came after shows that the socket is alive and that nothing of the message was taken for another one.
  if (kind === 'control') {
    sockets.control.send(text('{"type":"ping","sentAt":4711}'));
    await sockets.control.received('"sentAt":4711');
  } else {
    sockets.data.send({ opcode: OPCODE.binary, payload: Buffer.from('\u0015echo it-$((600+66))-passed\r') });
    await sockets.data.received('it-666-passed');
  }
  sockets.control.destroy();
  sockets.data.destroy();
  await site.admin.api.endSession({ params: { id: sockets.sessionId }, body: { reason: 'test is over' } });
}

/** A message that a control socket understands, padded to a length. */
function pingOf(length: number): Buffer {
  const bare = '{"type":"ping","sentAt":1}';
  return Buffer.from(bare.padEnd(length));
}

/** One message in so many frames. */
function cut(message: Buffer, opcode: number, count: number): readonly Frame[] {
  const size = Math.ceil(message.length / count);
  return Array.from({ length: count }, (_, index) => ({
    opcode: index === 0 ? opcode : OPCODE.continuation,
    payload: message.subarray(index * size, (index + 1) * size),
    continues: index < count - 1,
  }));
}

const LONGEST = 64 * 1024;
const MOST_FRAGMENTS = 16;

test('a control message of 16 fragments passes', () =>
  passes('control', cut(pingOf(160), OPCODE.text, MOST_FRAGMENTS)));
test('a control message of 17 fragments is refused', () =>
  closes('control', 1008, cut(pingOf(170), OPCODE.text, MOST_FRAGMENTS + 1)));
test('input in 16 fragments passes', () => passes('data', cut(Buffer.alloc(160, ' '), OPCODE.binary, MOST_FRAGMENTS)));
test('input in 17 fragments is refused', () =>
  closes('data', 1008, cut(Buffer.alloc(170, ' '), OPCODE.binary, MOST_FRAGMENTS + 1)));
test('a control message of exactly 64 KiB passes', () =>
  passes('control', [{ opcode: OPCODE.text, payload: pingOf(LONGEST) }]));
test('a control message of 64 KiB and a byte is too big', () =>
  closes('control', 1009, [{ opcode: OPCODE.text, payload: pingOf(LONGEST + 1) }]));
test('input of 64 KiB and a byte is too big, also in fragments', () =>
  closes('data', 1009, cut(Buffer.alloc(LONGEST + 1, ' '), OPCODE.binary, 4)));

for (const kind of ['control', 'data'] as const) {
  const first = kind === 'control' ? OPCODE.text : OPCODE.binary;
  test(`a message above 64 KiB on a ${kind} socket is too big`, () =>
    closes(kind, 1009, [{ opcode: first, payload: Buffer.alloc(65 * 1024 + 1, 'x') }]));
  test(`a message of 100 fragments on a ${kind} socket is refused`, () => closes(kind, 1008, pieces(100, first)));
  test(`an unmasked frame on a ${kind} socket is a protocol error`, () =>
    closes(kind, 1002, [{ opcode: first, payload: Buffer.from('x'), unmasked: true }]));
  test(`a frame that says it is compressed on a ${kind} socket is a protocol error`, () =>
    closes(kind, 1002, [{ opcode: 0x40 | first, payload: Buffer.from('x') }]));
  test(`an unknown opcode on a ${kind} socket is a protocol error`, () =>
    closes(kind, 1002, [{ opcode: 5, payload: Buffer.from('x') }]));
}

test('compression is not agreed to', async () => {
  const { session, tickets } = await site.admin.api.openSession({
    body: { targetId },
  });
  const { status, headers, socket } = await knock(site.gateway.url, {
    sessionId: session.id,
    kind: 'control',
    origins: [site.admin.origin],
    cookie: site.admin.cookie,
    ticket: tickets.control,
    extensions: 'permessage-deflate; client_max_window_bits',
  });
  assert.equal(status, 101);
  assert.equal(headers['sec-websocket-extensions'], undefined);
  assert.equal(headers['sec-websocket-protocol'], 'enchilada.v1');
  socket?.destroy();
});

test('the gateway lives and takes people in after all of it', async () => {
  const again = await Person.signIn(site.gateway.url, ADMIN);
  await using shell = await again.open(targetId);
  await shell.live();
  await nobodyElseIsHurt();
});
