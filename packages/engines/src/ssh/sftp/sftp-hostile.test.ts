import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { describe, it } from 'node:test';
import type { FileChannel } from '@enchilada/core/engine';
import { isFault, type FaultCode } from '@enchilada/core/fault';
import ssh2, { type ServerChannel } from 'ssh2';
import { makeHostKeyPair } from '../host-key-pair.ts';
import { openJourney, password, sshdTarget, type OpenClient } from '../testing.ts';

const HOST_KEY = makeHostKeyPair().privateKey;
const NEVER = new AbortController().signal;
const word = (value: number): readonly number[] => [
  value >>> 24,
  (value >>> 16) & 255,
  (value >>> 8) & 255,
  value & 255,
];
const string = (text: string | Uint8Array): readonly number[] => [...word(text.length), ...Buffer.from(text as string)];
const packet = (type: number, ...parts: readonly (readonly number[])[]): Uint8Array => {
  const body = [type, ...parts.flat()];
  return Uint8Array.from([...word(body.length), ...body]);
};
const VERSION = packet(2, word(3));
const REGULAR = (size: readonly number[]): readonly number[] => [...word(5), ...size, ...word(0o100644)];

interface Asked {
  readonly type: number;
  readonly id: readonly number[];
  /** What follows the number of the request. */
  readonly body: Buffer;
  readonly channel: ServerChannel;
}

interface Machine extends AsyncDisposable {
  readonly client: OpenClient;
  readonly files: () => Promise<FileChannel>;
}

/** A machine whose file service answers each request as the test says; the greeting too where `greets` is false. */
async function machine(answer: (asked: Asked) => Uint8Array | undefined, greets = true): Promise<Machine> {
  const server = new ssh2.Server({ hostKeys: [HOST_KEY] }, (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => context.accept());
    connection.on('session', (accept) => {
      const session = accept();
      session.on('pty', (acceptPty) => acceptPty());
      session.on('shell', (acceptShell) => void acceptShell());
      session.on('subsystem', (acceptSubsystem) => {
        const channel = acceptSubsystem();
        channel.on('error', () => undefined);
        let held = Buffer.alloc(0);
        channel.on('data', (bytes: Buffer) => {
          held = Buffer.concat([held, bytes]);
          while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
            const request = held.subarray(4, 4 + held.readUInt32BE(0));
            held = held.subarray(4 + request.length);
            const type = request[0] ?? 0;
            const reply =
              type === 1 && greets
                ? VERSION
                : answer({ type, id: [...request.subarray(1, 5)], body: request.subarray(5), channel });
            if (reply !== undefined && channel.writable) channel.write(reply);
          }
        });
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = (server as unknown as Server).address() as AddressInfo;
  const target = sshdTarget({ host: '127.0.0.1', port });
  const client = await openJourney({ hops: [{ target, credential: password('anybody', 'secret') }] });
  return {
    client,
    files: () => client.session.files?.() ?? Promise.reject(new Error('no files')),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

function refuses(work: Promise<unknown>, code: FaultCode): Promise<void> {
  return assert.rejects(work, (error) => {
    assert.ok(isFault(error, code), String(error));
    return true;
  });
}

const PATH = Buffer.from('/file');

async function readAll(files: FileChannel): Promise<number> {
  const { content } = await files.open(PATH, { offset: 0, signal: NEVER });
  let total = 0;
  for await (const bytes of content) total += bytes.length;
  return total;
}

describe('file services that do not behave', () => {
  it('of another version, of noise, or that close at once give no files, and leave the terminal', async () => {
    for (const greeting of [
      packet(2, word(6)),
      Buffer.from('HTTP/1.1 400 Bad Request\r\n'),
      packet(101, word(0), word(4)),
    ]) {
      await using other = await machine(() => greeting, false);
      await assert.rejects(
        other.files(),
        (error) => isFault(error) && /^(?:FILES_UNAVAILABLE|TARGET_PROTOCOL_VIOLATION)$/u.test(error.code),
      );
      assert.equal(await Promise.race([other.client.session.ended, Promise.resolve('goes on')]), 'goes on');
    }
    await using closing = await machine(({ channel }) => void channel.close(), false);
    await refuses(closing.files(), 'FILES_UNAVAILABLE');
  });

  it('leave out names that lead out of the folder', async () => {
    const evil = ['..', '.', '../etc', '/etc/passwd', 'a/b', 'nul\0', '', 'x'.repeat(5_000), 'good'];
    let pages = 0;
    await using other = await machine(({ type, id }) => {
      if (type === 11) return packet(102, id, string('h'));
      if (type !== 12) return packet(101, id, word(0));
      return (pages += 1) > 1
        ? packet(101, id, word(1))
        : packet(104, id, word(evil.length), ...evil.map((name) => [...string(name), ...string(''), ...word(0)]));
    });
    const found: string[] = [];
    for await (const page of (await other.files()).list(PATH, NEVER))
      found.push(...page.map(({ name }) => Buffer.from(name).toString()));
    assert.deepEqual(found, ['good']);
  });

  it('list without end, and stop when nobody wants more', async () => {
    let pages = 0;
    await using other = await machine(({ type, id }) => {
      if (type === 11) return packet(102, id, string('h'));
      if (type !== 12) return packet(101, id, word(0));
      pages += 1;
      return packet(104, id, word(1), string(`file-${pages}`), string(''), word(0));
    });
    let entries = 0;
    for await (const page of (await other.files()).list(PATH, NEVER)) if ((entries += page.length) === 50) break;
    assert.ok(pages <= 51, `${pages} pages were asked for`);
  });

  it('lie about sizes: shorter is told, longer is not waited for, absurd is refused', async () => {
    const serve = (size: readonly number[], held: number) =>
      machine(({ type, id }) => {
        if (type === 17 || type === 8) return packet(105, id, REGULAR(size));
        if (type === 3) return packet(102, id, string('h'));
        if (type === 5)
          return held > 0
            ? packet(103, id, string('y'.repeat((held -= 100) >= 0 ? 100 : 0)))
            : packet(101, id, word(1));
        return packet(101, id, word(0));
      });
    await using shorter = await serve([...word(0), ...word(1_000)], 300);
    await refuses(readAll(await shorter.files()), 'FILE_CHANGED');
    await using longer = await serve([...word(0), ...word(250)], 1_000_000);
    // Pieces are never longer than what was asked for; here the last would be.
    await refuses(readAll(await longer.files()), 'TARGET_PROTOCOL_VIOLATION');
    await using absurd = await serve([...word(0xffff_ffff), ...word(0xffff_ffff)], 300);
    await refuses(readAll(await absurd.files()), 'TARGET_PROTOCOL_VIOLATION');
    await using vast = await serve([...word(0x001f_ffff), ...word(0xffff_ffff)], 300);
    await refuses(readAll(await vast.files()), 'FILE_CHANGED');
  });

  it('take a byte at a time, as they say: what is asked at once stays few', async () => {
    const pieces = { read: [] as number[], written: [] as number[] };
    await using other = await machine(({ type, id, body }) => {
      if (type === 1) return packet(2, word(3), string('limits@openssh.com'), string('1'));
      if (type === 200) return packet(201, id, ...Array.from({ length: 4 }, () => [...word(0), ...word(1)]));
      if (type === 17 || type === 8) return packet(105, id, REGULAR([...word(0), ...word(1024 * 1024)]));
      if (type === 3) return packet(102, id, string('h'));
      if (type === 5) return void pieces.read.push(body.readUInt32BE(body.length - 4));
      if (type === 6) return void pieces.written.push(body.readUInt32BE(body.readUInt32BE(0) + 12));
      return packet(101, id, word(0));
    }, false);
    const files = await other.files();
    const { content } = await files.open(PATH, { offset: 0, signal: NEVER });
    const writer = await files.create(PATH, { offset: 0 });
    const open = [content.next(), writer.write(Buffer.alloc(1024 * 1024))];
    const ended = Promise.all(open.map((work) => refuses(work, 'FILES_UNAVAILABLE')));
    // Answered behind all that was asked before.
    await files.removeFile(PATH);
    for (const asked of Object.values(pieces)) {
      assert.ok(asked.length <= 128, `${asked.length} requests at once`);
      assert.deepEqual([...new Set(asked)], [4096]);
    }
    await files[Symbol.asyncDispose]();
    await ended;
  });

  it('answer what nobody asked, twice, or with another kind', async () => {
    const answers: readonly ((id: readonly number[]) => Uint8Array)[] = [
      () => packet(101, word(999_999), word(0)),
      (id) => Buffer.concat([packet(101, id, word(0)), packet(101, id, word(0))]),
      (id) => packet(103, id, string('data')),
    ];
    for (const answer of answers) {
      await using other = await machine(({ id }) => answer(id));
      const files = await other.files();
      await assert.rejects(
        (async () => {
          await files.removeFile(PATH);
          await files.removeFile(PATH);
        })(),
        (error) => isFault(error) && /^(?:TARGET_PROTOCOL_VIOLATION|FILES_UNAVAILABLE)$/u.test(error.code),
      );
    }
  });

  it('vanish in the middle of a transfer', async () => {
    await using other = await machine(({ type, id, channel }) => {
      if (type === 17 || type === 8) return packet(105, id, REGULAR([...word(0), ...word(1_000_000)]));
      if (type === 3) return packet(102, id, string('h'));
      return void channel.close();
    });
    await refuses(readAll(await other.files()), 'FILES_UNAVAILABLE');
  });

  it('fall silent: what was asked fails in words, whatever was answered before, and the terminal goes on', async ({
    mock,
  }) => {
    let listed = 0;
    await using other = await machine(({ type, id }) => {
      if (type === 11) return packet(102, id, string('h'));
      return type === 12 && (listed += 1) === 1
        ? packet(104, id, word(1), string('file'), string(''), word(0))
        : undefined;
    });
    const files = await other.files();
    mock.timers.enable({ apis: ['setTimeout'] });
    const pages = files.list(PATH, NEVER)[Symbol.asyncIterator]();
    mock.timers.tick(59_000);
    assert.equal((await pages.next()).done, false);
    const [next, read] = [pages.next(), readAll(files)];
    const refused = Promise.all([refuses(next, 'FILES_UNAVAILABLE'), refuses(read, 'FILES_UNAVAILABLE')]);
    mock.timers.tick(59_000);
    assert.equal(await Promise.race([refused, Promise.resolve('waits')]), 'waits');
    mock.timers.tick(1_000);
    await refused;
    mock.timers.reset();
    assert.equal(await Promise.race([other.client.session.ended, Promise.resolve('goes on')]), 'goes on');
  });

  it('refuse to write: the failure is told, and told once more at the end', async () => {
    await using other = await machine(({ type, id }) =>
      type === 3 ? packet(102, id, string('h')) : packet(101, id, word(4)),
    );
    await using writer = await (await other.files()).create(PATH, { offset: 0 });
    await writer.write(Buffer.from('x')).catch(() => undefined);
    await refuses(writer.finish(), 'FILE_NOT_WRITTEN');
  });

  for (const [when, type] of Object.entries({ 'while it is written': 6, 'as it is closed': 4 }))
    it(`refuse a file ${when}, on a disk with room for all but this account: a quota is named`, async () => {
      let status = 4;
      const words = (...values: readonly number[]) => values.flatMap((value) => [...word(0), ...word(value)]);
      await using other = await machine((asked) => {
        if (asked.type === 1) return packet(2, word(3), string('statvfs@openssh.com'), string('2'));
        // f_bsize, f_frsize, f_blocks, f_bfree, f_bavail and what follows
        if (asked.type === 200) return packet(201, asked.id, words(4096, 4096, 1e6, 1e6, 1e6, 0, 0, 0, 0, 0, 255));
        if (asked.type === 3) return packet(102, asked.id, string('h'));
        return packet(101, asked.id, word(asked.type === type ? status : 0));
      }, false);
      const files = await other.files();
      const written = async (): Promise<void> => {
        await using writer = await files.create(PATH, { offset: 0 });
        await writer.write(Buffer.from('x'));
        await writer.finish();
      };
      await assert.rejects(written(), (error) => isFault(error, 'FILE_NOT_WRITTEN') && error.message.includes('quota'));
      status = 3;
      await refuses(written(), 'FILE_DENIED');
    });
});
