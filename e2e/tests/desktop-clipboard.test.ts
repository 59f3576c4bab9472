import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { constants, deflateSync } from 'node:zlib';
import { RecordingStreamDecoder } from '@enchilada/contract';
import { greeting } from '../product/index.ts';
import { Site } from './site.ts';

const PLAIN = 'zebra-quartz-0451, copied plainly';
const UNICODE = 'otter–granit–0815, copied with its dashes';
const SIZE = { width: 2, height: 2 };

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
};
const PACKED = deflateSync(Buffer.concat([u32(Buffer.byteLength(UNICODE) + 1), Buffer.from(`${UNICODE}\0`)]), {
  finishFlush: constants.Z_SYNC_FLUSH,
});
/** FramebufferUpdate of one Raw rectangle. */
const picture = (colour: number): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0]), Buffer.alloc(16, colour)]);
/** ServerCutText, and the extended clipboard's form of it. */
const plain = Buffer.concat([Buffer.of(3, 0, 0, 0), u32(PLAIN.length), Buffer.from(PLAIN)]);
const extended = (flags: number, body: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(3, 0, 0, 0), u32(-(4 + body.length)), u32(flags), body]);
const CLIPBOARD = [plain, extended(0x1f00_0001, u32(1_000)), extended(0x1000_0001, PACKED)];
const [FIRST, SECOND, LAST] = [picture(0x11), picture(0x22), picture(0x33)];
const SAID = Buffer.concat([FIRST, plain, SECOND, ...CLIPBOARD.slice(1), LAST]);

const owned = new AsyncDisposableStack();
let site: Site;
let port: number;

/** A desktop on which somebody copies while it is drawn. */
function serve(socket: Socket): void {
  const serverInit = Buffer.concat([
    Buffer.from([0, 2, 0, 2, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]),
    u32(4),
    Buffer.from('desk'),
  ]);
  const replies: [after: number, Buffer][] = [
    [12, Buffer.of(1, 1)],
    [13, u32(0)],
    [14, serverInit],
    [greeting(SIZE).length, SAID],
  ];
  let heard = 0;
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    heard += bytes.length;
    while (replies[0] !== undefined && heard >= replies[0][0]) socket.write(replies.shift()?.[1] ?? '');
  });
  socket.write('RFB 003.008\n');
}

before(async () => {
  site = owned.use(await Site.start());
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  owned.defer(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  port = (server.address() as AddressInfo).port;
});
after(() => owned.disposeAsync());

test('what is copied on a VNC desktop reaches the person, and no stream of the recording', async () => {
  const { api } = site.admin;
  const targetId = await site.machine(
    { protocol: 'vnc', host: '127.0.0.1', port, parameters: { allowCleartext: true } },
    ['connect', 'clipboard-out'],
  );
  await using shell = await site.admin.open(targetId);
  await shell.live();
  let shown = Buffer.alloc(0);
  shell.onBytes = (bytes) => {
    shown = Buffer.concat([shown, bytes]);
  };
  shell.data.send(greeting(SIZE));
  await shell.until(() => shown.includes(LAST), 'the last picture');
  assert.ok(shown.subarray(shown.indexOf(FIRST)).equals(SAID), 'all of it, in its order');
  shell.say({ type: 'end' });
  await shell.ended();

  const { recordingId } = await ended(shell.sessionId);
  const response = await api.streamRecording({ params: { id: recordingId }, query: {} });
  const raw = Buffer.from(await response.arrayBuffer());
  const events = [...new RecordingStreamDecoder().push(raw)].map(({ event }) => event);
  const recorded = Buffer.concat(events.flatMap((event) => (event.kind === 'output' ? [event.bytes] : [])));
  assert.ok(recorded.subarray(recorded.indexOf(FIRST)).equals(Buffer.concat([FIRST, SECOND, LAST])));
  const exported = await api.exportRecording({ params: { id: recordingId }, query: { format: 'events' } });
  for (const bytes of [raw, recorded, Buffer.from(await exported.arrayBuffer())])
    for (const canary of [PLAIN, UNICODE, PACKED, PACKED.toString('base64')]) assert.equal(bytes.indexOf(canary), -1);
  assert.deepEqual(
    events.flatMap((event) => (event.kind === 'clipboard' ? [event] : [])).map(({ sha256 }) => Buffer.from(sha256)),
    [PLAIN, UNICODE].map((text) => createHash('sha256').update(text).digest()),
  );
});

async function ended(id: string): Promise<{ readonly recordingId: string }> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const { state, recordingId } = await site.admin.api.getSession({ params: { id } });
    if (state === 'ended' && recordingId !== undefined) return { recordingId };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('waited in vain for the recording');
}
