import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { runningSha256 } from '@enchilada/core/testing/running-sha256';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import type { FileChannel } from '../engine/index.ts';
import { SessionFiles } from './session-files.ts';
import type { SessionAuditEvent } from './session-log.ts';

const BOTH = { rights: { upload: true, download: true }, stillMay: () => Promise.resolve(true) };
const PATH = new TextEncoder().encode('/folder/file');
const MIB = 1024 * 1024;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A machine with one file, whose time and size nobody can tell from those of another. */
function machine(content: Uint8Array) {
  const file = { content, pieceBytes: 100_000, opened: 0, closed: 0 };
  const audited: SessionAuditEvent[] = [];
  const recorded: unknown[] = [];
  const channel: Partial<FileChannel> = {
    open: (_path, { offset }) => {
      file.opened += 1;
      async function* read(): AsyncGenerator<Uint8Array, void> {
        try {
          yield new Uint8Array();
          for (let at = offset; at < file.content.length; at += file.pieceBytes)
            yield await Promise.resolve(file.content.slice(at, at + file.pieceBytes));
        } finally {
          file.closed += 1;
        }
      }
      const reading = read();
      const attributes = { kind: 'file', size: file.content.length, modifiedAt: 0, mode: 0o644 } as const;
      return reading.next().then(() => ({ attributes, content: reading }));
    },
  };
  const files = new SessionFiles({
    open: () => Promise.resolve({ ...channel, [Symbol.asyncDispose]: () => Promise.resolve() } as FileChannel),
    audit: (event) => Promise.resolve(audited.push(event)),
    record: (event) => Promise.resolve(void recorded.push(event)),
    active: () => undefined,
    hasher: runningSha256,
    passing: () => new DisposableStack(),
    clock: new StandingClock(),
    target: { id: 'tgt_1', name: 'machine' },
    sessionId: 'ses_1',
  });
  /** What is handed out until it is enough, and what went wrong. */
  const fetch = async (offset: number, enough = Infinity, transfer = 'one'): Promise<FetchedBytes> => {
    const got: Uint8Array[] = [];
    const joined = (): Buffer => Buffer.concat(got);
    try {
      const { bytes } = await files.download(BOTH, { transfer, path: PATH, offset });
      for await (const piece of bytes) {
        got.push(piece);
        if (joined().length >= enough) break;
      }
      return { bytes: joined() };
    } catch (failure) {
      return { bytes: joined(), failure };
    }
  };
  const told = (action = 'file.transferred') =>
    audited
      .filter((event) => event.action === action)
      .map(({ reason, detail }) => [
        reason ?? 'success',
        detail?.['offset'] ?? 0,
        detail?.['size'],
        detail?.['sha256'],
      ]);
  return { file, files, fetch, told, recorded };
}

interface FetchedBytes {
  readonly bytes: Buffer;
  readonly failure?: unknown;
}

test('a file that took another’s place is told as what it is, also under the name of a transfer that is over', async () => {
  const [harmless, secret] = [randomBytes(300_000), randomBytes(300_000)];
  const { file, fetch, told, recorded } = machine(harmless);
  assert.ok((await fetch(0)).bytes.equals(harmless));
  file.content = secret;
  assert.ok((await fetch(0)).bytes.equals(secret));
  file.content = secret.subarray(0, 5);
  assert.ok((await fetch(0)).bytes.equals(secret.subarray(0, 5)));
  assert.deepEqual(told(), [
    ['success', 0, 300_000, sha256(harmless)],
    ['success', 0, 300_000, sha256(secret)],
    ['success', 0, 5, sha256(secret.subarray(0, 5))],
  ]);
  assert.equal(told('file.transfer-started').length, 3);
  assert.equal(recorded.length, 3);
  assert.equal(file.opened, file.closed);
});

test('a download that broke off begins anew from the beginning, or goes on from any byte that was sent, with the hash of the whole', async () => {
  const content = randomBytes(10 * MIB + 7);
  const { file, fetch, told } = machine(content);
  const begun = await fetch(0, 9 * MIB);
  assert.deepEqual(told(), [['interrupted', 0, begun.bytes.length, sha256(begun.bytes)]]);
  for (const lost of [0, 1, MIB, 5 * MIB]) {
    const offset = begun.bytes.length - lost;
    const rest = await fetch(offset);
    assert.ok(Buffer.concat([begun.bytes.subarray(0, offset), rest.bytes]).equals(content), `${lost} bytes were lost`);
    assert.deepEqual(told().at(-1), ['success', offset, content.length, sha256(content)]);
  }
  // All has been sent, and did not all arrive.
  assert.ok((await fetch(content.length - 3)).bytes.equals(content.subarray(-3)));
  await fetch(0, MIB, 'two');
  assert.ok((await fetch(0, Infinity, 'two')).bytes.equals(content));
  assert.deepEqual(told().at(-1), ['success', 0, content.length, sha256(content)]);
  assert.equal(told('file.transfer-started').length, told().length);
  assert.equal(file.opened, file.closed);
});

test('nothing is sent again that is not what was sent, whatever the file’s time says', async () => {
  const content = randomBytes(10 * MIB);
  const { file, fetch, told } = machine(content);
  const { bytes } = await fetch(0, 9 * MIB);
  const changed = Buffer.from(content);
  changed.fill('secret', 8.5 * MIB, 8.5 * MIB + 600);
  file.content = changed;
  // Of what went through before, the pieces that are the same may pass.
  const again = await fetch(5 * MIB);
  assert.ok(again.bytes.equals(content.subarray(5 * MIB, 5 * MIB + again.bytes.length)));
  assert.equal((again.failure as { code?: string }).code, 'FILE_CHANGED');
  const shorter = await fetch(8.75 * MIB);
  assert.deepEqual([shorter.bytes.length, (shorter.failure as { code?: string }).code], [0, 'FILE_CHANGED']);
  assert.deepEqual(told().slice(1), [
    ['FILE_CHANGED', 5 * MIB, bytes.length, sha256(bytes)],
    ['FILE_CHANGED', 8.75 * MIB, bytes.length, sha256(bytes)],
  ]);
  // What had not left yet is told as it leaves.
  file.content = Buffer.concat([content.subarray(0, bytes.length), randomBytes(content.length - bytes.length)]);
  const rest = await fetch(bytes.length);
  assert.deepEqual(told().at(-1), ['success', bytes.length, content.length, sha256(file.content)]);
  assert.ok(Buffer.concat([bytes, rest.bytes]).equals(file.content));
  assert.equal(file.opened, file.closed);
});

test('a download of which nothing arrived tells nothing as passed', async () => {
  const { files, told, file } = machine(randomBytes(MIB));
  const { bytes } = await files.download(BOTH, { transfer: 'one', path: PATH, offset: 0 });
  await bytes[Symbol.asyncIterator]().return?.();
  assert.deepEqual(told(), [['interrupted', 0, 0, sha256(new Uint8Array())]]);
  assert.equal(file.opened, file.closed);
});
