import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ClipboardRights, StreamedSession } from '@enchilada/core/engine';
import { startXrdp, type Xrdp } from '@enchilada/core/testing/servers/xrdp';
import { contentsRequest, parseContentsRequest } from './codec/clipboard-files.ts';
import { clipboardMessage, MESSAGE } from './codec/clipboard-message.ts';
import { openMachine, TestSeat, until } from './testing.ts';

const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);
const u32 = (value: number): Buffer => Buffer.concat([u16(value & 0xffff), u16(value >>> 16)]);
const clip = (type: number, flags = 0, body: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.from(clipboardMessage(type, flags, body));
/** All that IronRDP says of itself. */
const CAPABILITIES = clip(MESSAGE.capabilities, 0, Buffer.concat([...[1, 0, 1, 12].map(u16), u32(2), u32(0x3e)]));
const [OK, FAIL] = [1, 2];
const MACHINES_LIST = 0xc0bc;
const PERSONS_LIST = 0xc0fe;
const GNOME = 'x-special/gnome-copied-files';
const utf16 = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le');
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

interface Message {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** A decoder with files on its clipboard, which hands them out as it is asked. */
class FileSeat extends TestSeat {
  /** While it waits, nobody has written down what was noted. */
  writing: Promise<void> = Promise.resolve();
  readonly offered: { readonly name: string; readonly bytes: Buffer }[] = [];
  #rest = Buffer.alloc(0);
  readonly heard: Message[] = [];
  #seen = 0;

  override aside(bytes: Uint8Array): void {
    super.aside(bytes);
    const chunks = this.viewer.heard.get('cliprdr') ?? [];
    for (; this.#seen < chunks.length; this.#seen += 1) this.#take(chunks[this.#seen] ?? Buffer.alloc(0));
  }

  override written(): Promise<void> {
    return this.writing;
  }

  tell(message: Buffer): void {
    this.stream?.input(this.viewer.channel('cliprdr', message));
  }

  of(type: number): readonly Message[] {
    return this.heard.filter((message) => message.type === type);
  }

  async next(type: number, after: number): Promise<Message> {
    await until(() => this.of(type).length > after);
    return this.of(type)[after] ?? assert.fail();
  }

  /** Asks for contents, and answers them. */
  async contents(wish: Partial<Parameters<typeof contentsRequest>[0]>): Promise<Message> {
    const before = this.of(MESSAGE.contentsResponse).length;
    const request = { stream: before + 1, index: 0, wants: 'range', position: 0, count: 8, ...wish } as const;
    this.tell(clip(MESSAGE.contentsRequest, 0, contentsRequest(request)));
    return this.next(MESSAGE.contentsResponse, before);
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (this.#rest.length < 8 || this.#rest.length < 8 + this.#rest.readUInt32LE(4)) return;
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    const message = { type: rest.readUInt16LE(0), flags: rest.readUInt16LE(2), body: rest.subarray(8) };
    this.heard.push(message);
    queueMicrotask(() => {
      this.#answer(message);
    });
  }

  #answer({ type, body }: Message): void {
    if (type === MESSAGE.monitorReady) {
      this.tell(CAPABILITIES);
      this.tell(clip(MESSAGE.formatList));
    }
    if (type === MESSAGE.formatList) this.tell(clip(MESSAGE.formatListResponse, OK));
    if (type === MESSAGE.dataRequest && body.readUInt32LE(0) === PERSONS_LIST)
      this.tell(clip(MESSAGE.dataResponse, OK, this.#list()));
    if (type === MESSAGE.contentsRequest) {
      const { stream, index, wants, position, count } = parseContentsRequest(body) ?? assert.fail();
      const bytes = this.offered[index]?.bytes ?? Buffer.alloc(0);
      const given =
        wants === 'size' ? Buffer.concat([u32(bytes.length), u32(0)]) : bytes.subarray(position, position + count);
      this.tell(clip(MESSAGE.contentsResponse, OK, Buffer.concat([u32(stream), given])));
    }
  }

  #list(): Buffer {
    const descriptors = this.offered.map(({ name, bytes }) => {
      const out = Buffer.alloc(592);
      out.writeUInt32LE(0x44, 0);
      out.writeUInt32LE(0x20, 36);
      out.writeUInt32LE(bytes.length, 68);
      utf16(name).copy(out, 72);
      return out;
    });
    return Buffer.concat([u32(descriptors.length), ...descriptors]);
  }
}

let folder: string;
let server: Xrdp;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enchilada-rdp-files-'));
  server = await startXrdp({ backend: 'xorg', home: true });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function seated(
  rights: Partial<ClipboardRights> = {},
  text: Partial<ClipboardRights> = {},
): Promise<{ readonly session: StreamedSession; readonly seat: FileSeat }> {
  const session = await openMachine(server);
  const seat = new FileSeat('control');
  Object.assign(seat.clipboardFiles, rights);
  Object.assign(seat.clipboard, text);
  await seat.sit(session);
  await until(() => seat.viewer.isActive && seat.viewer.updates > 0 && seat.of(MESSAGE.monitorReady).length > 0);
  return { session, seat };
}

/** As a file manager on the machine does when somebody presses Ctrl+C on these. */
async function copyOnMachine(...names: readonly string[]): Promise<{ kill(): void }> {
  const list = join(folder, 'list');
  await writeFile(list, ['copy', ...names.map((name) => `file://${join(folder, name)}`)].join('\n'));
  const program = server.start('xclip', '-selection', 'clipboard', '-t', GNOME, '-quiet', '-i', list);
  return { kill: () => void program.kill() };
}

const filesNoted = ({ events }: FileSeat) => events.filter(({ type }) => type.startsWith('file-'));

describe('files that are copied on the machine', () => {
  it('come to the person with name, size and hash', async () => {
    const bytes = randomBytes(300_000);
    await writeFile(join(folder, 'big.bin'), bytes);
    await writeFile(join(folder, 'ä file.txt'), 'otters');
    const { session, seat } = await seated();
    await using _owner = session;
    const known = seat.of(MESSAGE.formatList).length;
    const program = await copyOnMachine('big.bin', '%C3%A4%20file.txt');
    const formats = await seat.next(MESSAGE.formatList, known);
    assert.ok(formats.body.includes(utf16('FileGroupDescriptorW')));
    seat.tell(clip(MESSAGE.dataRequest, 0, u32(MACHINES_LIST)));
    const list = await seat.next(MESSAGE.dataResponse, 0);
    assert.equal(list.body.readUInt32LE(0), 2);
    assert.equal(list.body.readUInt32LE(4 + 68), bytes.length);
    const size = await seat.contents({ wants: 'size' });
    assert.equal(size.body.readUInt32LE(4), bytes.length);
    const pieces: Buffer[] = [];
    for (let position = 0; position < bytes.length; position += 100_000)
      pieces.push((await seat.contents({ position, count: 100_000 })).body.subarray(4));
    assert.ok(Buffer.concat(pieces).equals(bytes));
    assert.equal((await seat.contents({ index: 1, count: 6 })).body.subarray(4).toString(), 'otters');
    const file = (name: string, content: Uint8Array) => ({ direction: 'download', name, size: content.length });
    const [big, small] = [file('big.bin', bytes), file('ä file.txt', Buffer.from('otters'))];
    assert.deepEqual(filesNoted(seat), [
      { type: 'file-began', ...big },
      { type: 'file-ended', isWhole: true, bytes: bytes.length, ...big, sha256: sha256(bytes) },
      { type: 'file-began', ...small },
      { type: 'file-ended', isWhole: true, bytes: 6, ...small, sha256: sha256(Buffer.from('otters')) },
    ]);
    // Nothing of the clipboard is part of the picture, which is what a recording holds.
    assert.ok(!seat.messages.some((message) => message.includes(bytes.subarray(0, 1_000))));
    assert.ok(seat.asides.some((message) => Buffer.from(message).includes(bytes.subarray(0, 1_000))));
    program.kill();
  });

  it('are refused in another order, and to who may not have them', async () => {
    await writeFile(join(folder, 'secret.txt'), 'no otters');
    const { session, seat } = await seated();
    await using _owner = session;
    const known = seat.of(MESSAGE.formatList).length;
    const program = await copyOnMachine('secret.txt');
    await seat.next(MESSAGE.formatList, known);
    seat.tell(clip(MESSAGE.dataRequest, 0, u32(MACHINES_LIST)));
    await seat.next(MESSAGE.dataResponse, 0);
    assert.equal((await seat.contents({ position: 3, count: 3 })).flags, FAIL);
    assert.deepEqual(filesNoted(seat), []);
    program.kill();

    const denied = await seated({ download: false });
    await using _denied = denied.session;
    const before = denied.seat.of(MESSAGE.formatList).length;
    const again = await copyOnMachine('secret.txt');
    const formats = await denied.seat.next(MESSAGE.formatList, before);
    assert.equal(formats.body.length === 0 || !formats.body.includes(utf16('FileGroupDescriptorW')), true);
    denied.seat.tell(clip(MESSAGE.dataRequest, 0, u32(MACHINES_LIST)));
    assert.equal((await denied.seat.contents({ count: 3 })).flags, FAIL);
    assert.deepEqual(denied.seat.of(MESSAGE.dataResponse), []);
    assert.deepEqual(filesNoted(denied.seat), [{ type: 'file-denied', direction: 'download' }]);
    again.kill();
  });
});

describe('files that a person offers', () => {
  const pasted = async (): Promise<readonly string[]> => {
    const list = await server.run('xclip', '-selection', 'clipboard', '-t', GNOME, '-o');
    return list
      .split('\n')
      .filter((line) => line.startsWith('file://'))
      .map((line) => decodeURIComponent(line.replace('file://', '').trim()));
  };
  const offer = async (seat: FileSeat): Promise<void> => {
    const known = seat.of(MESSAGE.formatListResponse).length;
    const list = Buffer.concat([u32(PERSONS_LIST), utf16('FileGroupDescriptorW')]);
    seat.tell(clip(MESSAGE.formatList, 0, list));
    await seat.next(MESSAGE.formatListResponse, known);
  };

  // xrdp gives them out by FUSE.
  if (!existsSync('/dev/fuse'))
    it('are announced to a machine that cannot give them out (no /dev/fuse here)', async () => {
      const { session, seat } = await seated();
      await using _owner = session;
      seat.offered.push({ name: 'report.bin', bytes: randomBytes(10) });
      await offer(seat);
      assert.deepEqual(filesNoted(seat), []);
    });
  else
    it('are pasted on the machine, with name, size and hash', async () => {
      const { session, seat } = await seated();
      await using _owner = session;
      const bytes = randomBytes(10_000);
      seat.offered.push({ name: 'report.bin', bytes });
      await offer(seat);
      // The machine answers before the clipboard is its own.
      let path: string | undefined;
      await until(async () => {
        [path] = await pasted().catch(() => []);
        return path !== undefined;
      });
      assert.match(path ?? '', /\/report\.bin$/u);
      const copy = join(folder, 'pasted.bin');
      const writing = Promise.withResolvers<void>();
      seat.writing = writing.promise;
      let isCopied = false;
      const copying = server.run('cp', path ?? '', copy).then(() => (isCopied = true));
      await until(() => filesNoted(seat).length === 2);
      const seen = seat.viewer.updates;
      await server.run('xsetroot', '-solid', '#304050');
      await until(() => seat.viewer.updates > seen);
      assert.equal(isCopied, false, 'before it was written down');
      writing.resolve();
      await copying;
      assert.ok((await readFile(copy)).equals(bytes));
      const file = { direction: 'upload', name: 'report.bin', size: bytes.length };
      assert.deepEqual(filesNoted(seat), [
        { type: 'file-began', ...file },
        { type: 'file-ended', isWhole: true, bytes: bytes.length, ...file, sha256: sha256(bytes) },
      ]);
    });

  it('do not reach the machine where that is denied', async () => {
    const { session, seat } = await seated({ upload: false });
    await using _owner = session;
    seat.offered.push({ name: 'smuggled.bin', bytes: Buffer.from('smuggled') });
    await offer(seat);
    assert.deepEqual(await pasted().catch(() => []), []);
    assert.deepEqual(seat.of(MESSAGE.dataRequest), []);
    assert.deepEqual(filesNoted(seat), [{ type: 'file-denied', direction: 'upload' }]);
  });
});
