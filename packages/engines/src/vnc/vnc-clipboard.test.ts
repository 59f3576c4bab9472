import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { constants, deflateSync } from 'node:zlib';
import type { EngineStream, SessionEnd } from '@enchilada/core/engine';
import { isFault } from '@enchilada/core/fault';
import { startXvnc } from '@enchilada/core/testing/servers/xvnc';
import {
  ANSWER,
  NONE,
  openDesktop,
  play,
  scriptedServer,
  serverInit,
  TestSeat,
  u32,
  until,
  updateRequest,
  type Opening,
} from './testing.ts';

/** SetEncodings: Raw and the extended clipboard. */
const WISHES = Buffer.from([2, 0, 0, 2, 0, 0, 0, 0, 0xc0, 0xa1, 0xe5, 0xce]);
const TEXT = 'from the machine: äß€';

/** What a program on the machine does that copies: OSC 52 sets the clipboard of the display. */
function copyScript(text: string): readonly string[] {
  const words = `printf '\\033]52;c;${Buffer.from(text).toString('base64')}\\007'; sleep 600`;
  return ['-xrm', 'XTerm*allowWindowOps: true', '-e', words];
}

for (const [mode, deniedBy] of [
  ['control', undefined],
  ['control', 'the settings'],
  ['control', 'the grants'],
  ['watch', undefined],
] as const) {
  const passes = mode === 'control' && deniedBy === undefined;
  const disableCopy = deniedBy === 'the settings';
  test(`what the machine copies ${passes ? 'reaches' : 'does not reach'} a ${mode} seat${deniedBy === undefined ? '' : ` where ${deniedBy} forbid copying`}`, async () => {
    await using desktop = await startXvnc({ securityTypes: 'None', geometry: '64x48' });
    await using session = await openDesktop({ ...desktop, parameters: { allowCleartext: true, disableCopy } });
    const seat = new TestSeat(mode);
    seat.clipboard.download = deniedBy !== 'the grants';
    const stream = await session.join(seat);
    for (const message of [ANSWER, WISHES, updateRequest(64, 48)]) stream.input(message);
    await until(() => seat.bytes.length > 64 * 48 * 4);
    desktop.start('xterm', ...copyScript(TEXT));
    await until(() => /Sending clipboard to clients|notifying clients/u.test(desktop.log()));
    if (passes) {
      await until(() => seat.events.some(({ type }) => type === 'clipboard'));
      const sha256 = createHash('sha256').update(TEXT).digest();
      assert.deepEqual(
        seat.events.find(({ type }) => type === 'clipboard'),
        { type: 'clipboard', direction: 'download', size: Buffer.byteLength(TEXT), sha256 },
      );
      // No message of the clipboard is part of the picture, which is what a recording holds.
      const asides = seat.asides.map((message) => Buffer.from(message));
      assert.ok(asides.length > 0 && asides.every((message) => message[0] === 3 && !seat.bytes.includes(message)));
    }
    // The stream goes on behind it: what policy took out left nothing broken.
    const seen = seat.bytes.length;
    stream.input(updateRequest(64, 48));
    await until(() => seat.bytes.length >= seen + 64 * 48 * 4);
    // What is copied again is one more text, and told of no more.
    if (deniedBy !== undefined) {
      await until(() => seat.events.length > 0);
      const before = desktop.log().length;
      desktop.start('xterm', ...copyScript('from the machine, again'));
      await until(() => /Sending clipboard to clients|notifying clients/u.test(desktop.log().slice(before)));
      stream.input(updateRequest(64, 48));
      await until(() => seat.bytes.length >= seen + 2 * 64 * 48 * 4);
    }
    const denied = deniedBy === undefined ? [] : [{ type: 'clipboard-denied', direction: 'download' }];
    if (passes) return;
    assert.deepEqual(seat.events, denied);
    // Of the clipboard come the machine's capabilities and no more.
    for (const message of seat.asides) assert.equal((Buffer.from(message).readUInt32BE(8) >>> 24) & 1, 1);
  });
}

/** ClientCutText, plain and as the extended clipboard has it. */
const cutText = (text: string): Buffer => Buffer.concat([Buffer.of(6, 0, 0, 0), u32(text.length), Buffer.from(text)]);
const extended = (flags: number, body: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.concat([Buffer.of(6, 0, 0, 0), u32(-(4 + body.length)), u32(flags), body]);
const packed = (...parts: readonly Uint8Array[]): Buffer =>
  deflateSync(Buffer.concat(parts), { finishFlush: constants.Z_SYNC_FLUSH });

const PASTED = 'to the machine: ñ✓';
const [PLAIN, NOTIFY, PROVIDE, REQUEST] = [
  cutText('to the machine'),
  extended(0x0800_0001),
  extended(0x1000_0001, packed(u32(Buffer.byteLength(PASTED) + 1), Buffer.from(`${PASTED}\0`))),
  extended(0x0200_0001),
];

/** What a machine hears of a viewer that says all this. */
async function heardOf(
  said: readonly Uint8Array[],
  seat: TestSeat,
  parameters: Opening['parameters'] = {},
): Promise<Buffer> {
  let heard = Buffer.alloc(0);
  await using server = await scriptedServer((socket) => {
    // Who watches has a further connection.
    heard = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => (heard = Buffer.concat([heard, bytes])));
    play([...NONE, serverInit()])(socket);
  });
  await using session = await openDesktop({ ...server, parameters: { allowCleartext: true, ...parameters } });
  const stream = await session.join(seat);
  const last = updateRequest(63, 47);
  for (const message of [ANSWER, ...said, last]) stream.input(message);
  await until(() => heard.includes(last));
  const [version, type, clientInit] = [12, 1, 1];
  return heard.subarray(version + type + clientInit, heard.indexOf(last));
}

test('what the person copies reaches the machine by a control seat, plain and extended, and is noted', async () => {
  const seat = new TestSeat();
  const said = [PLAIN, NOTIFY, REQUEST, PROVIDE];
  assert.ok((await heardOf(said, seat)).equals(Buffer.concat(said)));
  assert.deepEqual(
    seat.events.filter(({ type }) => type === 'clipboard'),
    ['to the machine', PASTED].map((text) => {
      const sha256 = createHash('sha256').update(text).digest();
      return { type: 'clipboard', direction: 'upload', size: Buffer.byteLength(text), sha256 };
    }),
  );
});

const PASTING_DENIED = [{ type: 'clipboard-denied', direction: 'upload' }];

for (const [deniedBy, deny, parameters, told] of [
  ['the settings forbid pasting', () => new TestSeat(), { disablePaste: true }, PASTING_DENIED],
  ['the machine is for viewing only', () => new TestSeat(), { viewOnly: true }, PASTING_DENIED],
  [
    'the grants forbid pasting',
    () => Object.assign(new TestSeat(), { clipboard: { upload: false, download: true } }),
    {},
    PASTING_DENIED,
  ],
  ['the session is for viewing only', () => Object.assign(new TestSeat(), { viewOnly: true }), {}, PASTING_DENIED],
  // What is written down of a session says that its owner did it.
  ['the viewer watches', () => new TestSeat('watch'), {}, []],
] as const)
  test(`nothing that the person copies reaches the machine where ${deniedBy}${told.length > 0 ? ', which is told of once' : ''}`, async () => {
    for (const said of [[PLAIN], [NOTIFY], [PROVIDE], [PLAIN, NOTIFY, PROVIDE, PLAIN]]) {
      const seat = deny();
      assert.deepEqual([...(await heardOf(said, seat, parameters))], []);
      assert.deepEqual(seat.events, told);
    }
  });

for (const [what, deny, told] of [
  ['copying is denied', { clipboard: { upload: true, download: false } }, ['download']],
  ['the session is for viewing only', { viewOnly: true }, []],
  ['copying is permitted', {}, []],
] as const)
  test(`a machine that copies without end is told of ${told.length > 0 ? 'once' : 'to nobody'} where ${what}`, async () => {
    const fromMachine = (message: Uint8Array): Uint8Array => Uint8Array.from([3, ...message.subarray(1)]);
    const texts = Array.from({ length: 50 }, () => [PLAIN, NOTIFY].map(fromMachine)).flat();
    const bell = Buffer.of(2);
    await using server = await scriptedServer(play([...NONE, serverInit(), 10, Buffer.concat([...texts, bell])]));
    await using session = await openDesktop({ ...server, parameters: { allowCleartext: true } });
    const seat: TestSeat = Object.assign(new TestSeat(), deny);
    const stream = await session.join(seat);
    for (const message of [ANSWER, updateRequest(64, 48)]) stream.input(message);
    await until(() => seat.bytes.at(-1) === 2);
    assert.deepEqual(
      seat.events.filter(({ type }) => type === 'clipboard-denied'),
      told.map((direction) => ({ type: 'clipboard-denied', direction })),
    );
  });

const html = (size: number): Buffer => Buffer.concat([u32(size), Buffer.alloc(size, 'html')]);
const TEXT_OF_ONE = Buffer.concat([u32(2), Buffer.from('a\0')]);

test('nothing passes beside a text that is noted, whatever it is hidden in', async () => {
  for (const [what, message] of [
    ['text and HTML', extended(0x1000_0005, packed(TEXT_OF_ONE, html(100_000)))],
    ['HTML', extended(0x1000_0004, packed(html(100_000)))],
    ['no format', extended(0x1000_0000, packed(html(100_000)))],
    ['an announcement', extended(0x0800_0001, html(100))],
    ['a request', extended(0x0200_0001, html(100))],
    ['a look', extended(0x0400_0001, html(100))],
    ['capabilities', extended(0x1f00_0001, html(100))],
    ['no action', extended(0x0000_0001, html(100))],
    ['two actions', extended(0x1800_0001, packed(TEXT_OF_ONE))],
  ] as const) {
    const seat = new TestSeat();
    assert.deepEqual([...(await heardOf([message], seat))], [], what);
    assert.deepEqual(seat.events, [], what);
  }
});

/** The end, where there is one in time. */
async function endOf({ ended }: Pick<EngineStream, 'ended'>): Promise<SessionEnd> {
  let end: SessionEnd | undefined;
  void ended.then((found) => (end = found));
  await until(() => end !== undefined);
  return ended;
}

for (const [what, data] of [
  ['more than its text', packed(TEXT_OF_ONE, html(100_000))],
  ['something behind what is packed', Buffer.concat([deflateSync(TEXT_OF_ONE), html(100_000)])],
  ['less than it says', packed(u32(100), Buffer.from('a'))],
  ['no length', packed(Buffer.of(0))],
] as const) {
  test(`a clipboard with ${what} ends the viewer that pastes it, and not the session`, async () => {
    await using server = await scriptedServer(play([...NONE, serverInit()]));
    await using session = await openDesktop({ ...server, parameters: { allowCleartext: true } });
    const seat = new TestSeat();
    const stream = await session.join(seat);
    for (const message of [ANSWER, extended(0x1000_0001, data)]) stream.input(message);
    const { fault } = await endOf(stream);
    assert.ok(isFault(fault, 'PROTOCOL_MESSAGE_INVALID'), String(fault));
    assert.ok(!seat.events.some(({ type }) => type === 'clipboard'));
    await (await session.join(new TestSeat()))[Symbol.asyncDispose]();
  });

  test(`a clipboard with ${what} ends the session of the machine that sends it`, async () => {
    const message = extended(0x1000_0001, data);
    message[0] = 3;
    await using server = await scriptedServer(play([...NONE, serverInit(), 10, message]));
    await using session = await openDesktop({ ...server, parameters: { allowCleartext: true } });
    const seat = new TestSeat();
    const stream = await session.join(seat);
    for (const said of [ANSWER, updateRequest(64, 48)]) stream.input(said);
    const { fault } = await endOf(session);
    assert.ok(isFault(fault, 'TARGET_PROTOCOL_VIOLATION'), String(fault));
    assert.deepEqual([seat.asides, seat.events], [[], []]);
  });
}
