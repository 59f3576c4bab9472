import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ClipboardRights, ParameterValues, StreamedSession } from '@enchilada/core/engine';
import { startXrdp, type Xrdp } from '@enchilada/core/testing/servers/xrdp';
import type { RdpViewerOptions } from '@enchilada/core/testing/viewers/rdp-viewer';
import { openMachine, TestSeat, until } from './testing.ts';

const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);
const u32 = (value: number): Buffer => Buffer.concat([u16(value & 0xffff), u16(value >>> 16)]);
/** A message of the clipboard. [MS-RDPECLIP] 2.2.1 */
const clip = (type: number, body: Buffer, flags = 0): Buffer =>
  Buffer.concat([u16(type), u16(flags), u32(body.length), body]);
const CAPABILITIES = clip(7, Buffer.concat([u16(1), u16(0), u16(1), u16(12), u32(2), u32(2)]));
const UNICODE_TEXT = 13;
const TEXT_IS_HERE = clip(2, Buffer.concat([u32(UNICODE_TEXT), u16(0)]));
const [FORMAT_LIST, DATA_REQUEST, DATA_RESPONSE] = [2, 4, 5];
const utf16 = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le');

let folder: string;
let server: Xrdp;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enchilada-rdp-'));
  server = await startXrdp({ backend: 'xorg' });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface SeatOptions extends Partial<RdpViewerOptions> {
  readonly clipboard?: Partial<ClipboardRights>;
  readonly clipboardFiles?: Partial<ClipboardRights>;
  readonly on?: Xrdp;
}

async function seatOn(
  parameters: ParameterValues = {},
  { clipboard, clipboardFiles, on = server, ...viewer }: SeatOptions = {},
): Promise<{ readonly session: StreamedSession; readonly seat: TestSeat }> {
  const session = await openMachine({ ...on, parameters });
  const seat = new TestSeat('control', viewer);
  Object.assign(seat.clipboard, clipboard);
  Object.assign(seat.clipboardFiles, clipboardFiles);
  await seat.sit(session);
  await until(() => seat.viewer.isActive && seat.viewer.updates > 0);
  return { session, seat };
}

/** A share PDU of this type, alone in its message. */
function isShare(message: Buffer | undefined, type: number): boolean {
  if (message?.[0] !== 3 || message[7] !== 0x68 || message.readUInt16BE(2) !== message.length) return false;
  const at = (message[13] ?? 0) < 0x80 ? 14 : 15;
  return message.readUInt16LE(at + 2) === (0x10 | type);
}

const announced = (): readonly string[] =>
  [...server.log().matchAll(/Adding channel: name (\w+)/gu)].map(([, name]) => name ?? '');
const heard = (seat: TestSeat, type: number): readonly Buffer[] =>
  (seat.viewer.heard.get('cliprdr') ?? []).filter((message) => message.readUInt16LE(0) === type);
const tell = (seat: TestSeat, message: Buffer): void => {
  seat.stream?.input(seat.viewer.channel('cliprdr', message));
};

describe('what the machine is told', () => {
  it('hears of the channels that policy permits, and of the keyboard that the person has', async () => {
    const before = announced().length;
    const { session, seat } = await seatOn({}, { choices: 'keyboard=de-CH' });
    await using _owner = session;
    assert.deepEqual(announced().slice(before), ['drdynvc', 'cliprdr']);
    assert.match(server.log(), /keylayout:\[0x00000807\]/u);
    assert.equal(seat.viewer.failure, undefined);
  });

  it('hears of no clipboard where the settings deny copying and the grants pasting, and of no display control where the size stays', async () => {
    const before = announced().length;
    const { session, seat } = await seatOn(
      { disableCopy: true, resizeDesktop: false },
      { clipboard: { upload: false }, clipboardFiles: { upload: false } },
    );
    await using _owner = session;
    assert.deepEqual(announced().slice(before), []);
    assert.deepEqual([...seat.viewer.heard.keys()], []);
    assert.equal(seat.viewer.failure, undefined);
  });

  it('hears of no clipboard where the machine may only be looked at, and gets no key', async () => {
    const file = join(folder, 'unseen');
    const before = announced().length;
    const { session, seat } = await seatOn({ viewOnly: true });
    await using _owner = session;
    assert.deepEqual(announced().slice(before), ['drdynvc']);
    const typing = server.start('xterm', '-geometry', '20x5+0+0', '-e', `cat > ${file}`);
    await server.run('xdotool', 'search', '--sync', '--class', 'xterm', 'mousemove', '40', '40');
    seat.stream?.input(seat.viewer.keys(0x1e, 0x1c));
    const seen = seat.viewer.updates;
    await server.run('xsetroot', '-solid', '#102030');
    await until(() => seat.viewer.updates > seen);
    assert.equal(await readFile(file, 'utf8').catch(() => ''), '');
    assert.deepEqual(seat.events, []);
    typing.kill();
  });

  it('takes the size of the viewer’s window', async () => {
    const { session, seat } = await seatOn({}, { width: 1280, height: 720 });
    await using _owner = session;
    await until(() => seat.viewer.size.width === 1280 && seat.viewer.isActive);
    assert.deepEqual(seat.viewer.size, { width: 1280, height: 720 });
  });
});

function hasSize({ viewer }: TestSeat, width: number): boolean {
  return viewer.isActive && viewer.size.width === width;
}

/** Asks again where xrdp activates the desktop at its old size: what it learns of Xvnc's screen as it opens may overtake the first request. */
async function resize(seat: TestSeat, width: number, height: number): Promise<void> {
  const { viewer } = seat;
  let askedAt = 0;
  await until(() => {
    if (hasSize(seat, width)) return true;
    if (viewer.isActive && viewer.activations > askedAt) {
      askedAt = viewer.activations;
      seat.stream?.input(viewer.resize(width, height));
    }
    return false;
  });
}

describe('a desktop that changes its size', () => {
  it('is activated anew, and who watches later sees it from there on', async () => {
    // With Xorg, xrdp 0.9 may lose the memory that it draws in when a desktop is resized as it opens, and hangs up.
    await using on = await startXrdp({ backend: 'xvnc' });
    const { session, seat } = await seatOn({}, { on });
    await using _owner = session;
    await until(() => seat.viewer.canResize);
    await resize(seat, 1152, 864);
    assert.deepEqual(seat.viewer.size, { width: 1152, height: 864 });
    const over = seat.messages.findIndex((message) => isShare(message, 6));
    assert.ok(over > 0);
    assert.ok(isShare(seat.messages[over + 1], 1), 'the new size comes right behind the end of the old one');
    const seen = seat.viewer.updates;
    await on.run('xsetroot', '-solid', '#405060');
    await until(() => seat.viewer.updates > seen);

    const watcher = new TestSeat('watch');
    await watcher.sit(session);
    await until(() => hasSize(watcher, 1152) && watcher.viewer.updates > 0);
    assert.deepEqual(watcher.viewer.size, { width: 1152, height: 864 });
    assert.ok(watcher.viewer.updates < seat.viewer.updates, 'what was drawn at the old size is left out');
    assert.equal(watcher.viewer.failure, undefined);
  });

  it('is seen on by who keeps up where no more of it is kept, and by all again when it is activated anew', async () => {
    await using on = await startXrdp({ backend: 'xvnc' });
    await using session = await openMachine({
      ...on,
      keyFrames: { everyMs: 600_000 },
      streamLog: { mostBytes: 512 * 1024, partBytes: 64 * 1024 },
    });
    const seat = new TestSeat();
    await seat.sit(session);
    const early = new TestSeat('watch');
    await early.sit(session);
    const sent = (): number => seat.messages.reduce((sum, { length }) => sum + length, 0);
    for (let colour = 10; sent() < 1024 * 1024; colour += 1) {
      const seen = seat.viewer.updates;
      await on.run('xsetroot', '-solid', `#40${String((colour % 80) + 10)}80`);
      await until(() => seat.viewer.updates > seen);
    }
    assert.deepEqual(early.messages, seat.messages);
    const late = new TestSeat('watch');
    const end = await (await late.sit(session)).ended;
    assert.match(end.fault?.message ?? '', /cannot be caught up with: more than/u);
    await until(() => seat.viewer.canResize);
    await resize(seat, 1152, 864);
    const again = new TestSeat('watch');
    await again.sit(session);
    await until(() => hasSize(again, 1152) && again.viewer.updates > 0);
    await until(() => hasSize(early, 1152));
    assert.deepEqual([again.viewer.failure, early.viewer.failure], [undefined, undefined]);
    assert.deepEqual(early.viewer.size, { width: 1152, height: 864 });
  });

  it('keeps its size where the machine’s settings say so', async () => {
    const { session, seat } = await seatOn({ resizeDesktop: false });
    await using _owner = session;
    const [seen, size] = [seat.viewer.updates, seat.viewer.size];
    seat.stream?.input(seat.viewer.resize(800, 600));
    await server.run('xsetroot', '-solid', '#506070');
    await until(() => seat.viewer.updates > seen);
    assert.deepEqual([seat.viewer.activations, seat.viewer.size], [1, size]);
  });

  for (const [whose, mode] of [
    ['of a view-only session', 'control'],
    ['that watches, and is the first to come', 'watch'],
  ] as const)
    it(`keeps its size, whatever a viewer asks for ${whose}`, async () => {
      const session = await openMachine(server);
      await using _owner = session;
      const seat = new TestSeat(mode);
      seat.viewOnly = mode === 'control';
      await seat.sit(session);
      await until(() => seat.viewer.isActive && seat.viewer.updates > 0);
      const { size } = seat.viewer;
      // Where it were let through, the machine opens the channel for sizes within a few of these.
      for (let round = 10; round < 22; round += 1) {
        const seen = seat.viewer.updates;
        await server.run('xsetroot', '-solid', `#${round}${round}80`);
        await until(() => seat.viewer.updates > seen);
        assert.equal(seat.viewer.canResize, false);
        seat.stream?.input(seat.viewer.resize(1152, 864));
      }
      assert.deepEqual([seat.viewer.activations, seat.viewer.size], [1, size]);
    });
});

describe('the clipboard of a machine', () => {
  /** Whoever asks for the clipboard's text gets these words, as a program on the machine does that copied them. */
  const copyOnMachine = (text: string) =>
    server.start(
      'xterm',
      ...['-xrm', '*allowWindowOps: true', '-e'],
      `printf '\\033]52;c;${Buffer.from(text).toString('base64')}\\007'; sleep 600`,
    );
  const noted = (direction: 'upload' | 'download', text: string) => ({
    type: 'clipboard',
    direction,
    size: utf16(text).length,
    sha256: createHash('sha256').update(utf16(text)).digest(),
  });

  it('comes to the person, and is noted by its size and hash', async () => {
    const { session, seat } = await seatOn();
    await using _owner = session;
    await until(() => heard(seat, 1).length > 0);
    tell(seat, CAPABILITIES);
    tell(seat, clip(FORMAT_LIST, Buffer.alloc(0)));
    const known = heard(seat, FORMAT_LIST).length;
    const program = copyOnMachine('otters');
    await until(() => heard(seat, FORMAT_LIST).length > known);
    tell(seat, clip(3, Buffer.alloc(0), 1));
    tell(seat, clip(DATA_REQUEST, u32(UNICODE_TEXT)));
    await until(() => heard(seat, DATA_RESPONSE).length > 0);
    assert.deepEqual(heard(seat, DATA_RESPONSE)[0]?.subarray(8, 8 + 14), utf16('otters'));
    assert.deepEqual(
      seat.events.filter(({ type }) => type === 'clipboard'),
      [noted('download', 'otters')],
    );
    program.kill();
  });

  it('is empty to the person whose grants leave copying out, whatever they ask for', async () => {
    const { session, seat } = await seatOn({}, { clipboard: { download: false } });
    await using _owner = session;
    await until(() => heard(seat, 1).length > 0);
    tell(seat, CAPABILITIES);
    tell(seat, clip(FORMAT_LIST, Buffer.alloc(0)));
    const known = heard(seat, FORMAT_LIST).length;
    const program = copyOnMachine('secrets');
    await until(() => heard(seat, FORMAT_LIST).length > known);
    for (const list of heard(seat, FORMAT_LIST)) assert.equal(list.length, 8);
    tell(seat, clip(3, Buffer.alloc(0), 1));
    for (let times = 0; times < 3; times++) tell(seat, clip(DATA_REQUEST, u32(UNICODE_TEXT)));
    const seen = seat.viewer.updates;
    await server.run('xsetroot', '-solid', '#203040');
    await until(() => seat.viewer.updates > seen);
    assert.deepEqual(heard(seat, DATA_RESPONSE), []);
    assert.deepEqual(
      seat.events.filter(({ type }) => type !== 'active'),
      [{ type: 'clipboard-denied', direction: 'download' }],
    );
    program.kill();
  });

  it('is written down as tried where the machine was told of none, once for each direction', async () => {
    const rights = { upload: false, download: false };
    const { session, seat } = await seatOn({}, { clipboard: rights, clipboardFiles: rights });
    await using _owner = session;
    assert.deepEqual(
      seat.events.filter(({ type }) => type === 'clipboard-denied'),
      [],
    );
    const shortNamed = clip(FORMAT_LIST, Buffer.concat([u32(UNICODE_TEXT), Buffer.alloc(32)]));
    for (let times = 0; times < 3; times++)
      for (const message of [shortNamed, clip(DATA_REQUEST, u32(UNICODE_TEXT))]) tell(seat, message);
    assert.deepEqual(
      seat.events.filter(({ type }) => type === 'clipboard-denied'),
      [
        { type: 'clipboard-denied', direction: 'upload' },
        { type: 'clipboard-denied', direction: 'download' },
      ],
    );
    assert.equal(seat.viewer.failure, undefined);
  });

  it('takes what the person pastes, and nothing where pasting is denied', async () => {
    let files = 0;
    for (const deniedBy of ['nobody', 'the settings', 'the grants'] as const) {
      const file = join(folder, `pasted-${files++}`);
      const disablePaste = deniedBy !== 'nobody';
      const { session, seat } = await seatOn(
        { disablePaste: deniedBy === 'the settings' },
        { clipboard: { upload: deniedBy !== 'the grants' } },
      );
      await using _owner = session;
      await until(() => heard(seat, 1).length > 0);
      tell(seat, CAPABILITIES);
      tell(seat, TEXT_IS_HERE);
      await until(() => heard(seat, 3).length > 0);
      const typing = server.start(
        'xterm',
        ...['-geometry', '20x5+0+0', '-xrm', '*VT100.translations: #override <Key>F2: insert-selection(CLIPBOARD)'],
        ...['-e', `cat > ${file}`],
      );
      await server.run('xdotool', 'search', '--sync', '--class', 'xterm', 'mousemove', '40', '40');
      const asked = async (): Promise<boolean> => {
        await server.run('xdotool', 'key', 'F2');
        return heard(seat, DATA_REQUEST).length > 0;
      };
      if (disablePaste) {
        await asked();
        tell(seat, clip(DATA_RESPONSE, utf16('smuggled'), 1));
      } else {
        await until(asked);
        tell(seat, clip(DATA_RESPONSE, utf16('otters'), 1));
      }
      const typed = async (): Promise<string> => readFile(file, 'utf8').catch(() => '');
      // A terminal hands on whole lines.
      await until(async () => {
        seat.stream?.input(seat.viewer.keys(0x2d, 0x1c));
        await new Promise((resolve) => setTimeout(resolve, 20));
        return (await typed()).includes(disablePaste ? 'x' : 'otters');
      });
      const text = await typed();
      assert.ok(!text.includes('smuggled'));
      assert.deepEqual(
        seat.events.filter(({ type }) => type === 'clipboard').slice(0, 1),
        disablePaste ? [] : [noted('upload', 'otters')],
      );
      typing.kill();
    }
  });

  it('is never heard of by who watches', async () => {
    const { session, seat } = await seatOn();
    await using _owner = session;
    await until(() => heard(seat, 1).length > 0);
    const watcher = new TestSeat('watch');
    await watcher.sit(session);
    await until(() => watcher.viewer.isActive && watcher.viewer.updates > 0);
    assert.equal(watcher.viewer.heard.has('cliprdr'), false);
  });
});
