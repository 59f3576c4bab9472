import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openFileKeyEncryption } from '@enchilada/adapters/key-encryption/file';
import { openFilesystemRecordingStore } from '@enchilada/adapters/recording-store/filesystem';
import { trustStoreOf } from '@enchilada/core/recording';
import type { Recorder, RecordingReader, RecordingSummary } from '@enchilada/core/recording';
import { systemClock } from '@enchilada/core/testing/authorized';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { openJournalRecorder, openRecordingKeyFile, openRecordingReader } from './index.ts';

const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
const newDirectory = (): string => temporaryFolder('crash');

/** Runs the child until it has said that many bytes were accepted, and kills it with SIGKILL. Resolves with the accepted bytes by recording. */
async function crash(
  directory: string,
  load: { sessions: number; bytes: number; until: number },
): Promise<Map<string, number>> {
  const script = join(import.meta.dirname, 'testing/crash-child.ts');
  const child = spawn(
    process.execPath,
    ['--conditions=source', script, directory, String(load.sessions), String(load.bytes)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const accepted = new Map<string, number>();
  let [total, rest, killed] = [0, '', false];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [id = '', , length = '0'] = line.split(' ');
      accepted.set(id, (accepted.get(id) ?? 0) + Number(length));
      total += Number(length);
    }
    if (total >= load.until && !killed) killed = child.kill('SIGKILL');
  });
  await once(child, 'close');
  assert.equal(child.signalCode, 'SIGKILL');
  return accepted;
}

async function restart(
  directory: string,
): Promise<{ recorder: Recorder; reader: RecordingReader; summaries: readonly RecordingSummary[] }> {
  const store = await openFilesystemRecordingStore({ directory: join(directory, 'store') });
  const keys = await openFileKeyEncryption({ path: join(directory, 'kek'), random });
  const signer = await openRecordingKeyFile({ path: join(directory, 'recording-key') });
  const recorder = await openJournalRecorder({
    directory: join(directory, 'journal'),
    store,
    keys,
    signer,
    clock: systemClock,
    random,
    node: 'node-1',
  });
  return {
    recorder,
    reader: openRecordingReader({ store, keys, trust: trustStoreOf([signer]) }),
    summaries: await recorder.recover(),
  };
}

async function outputOf(reader: RecordingReader, id: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const { event } of reader.events(id)) if (event.kind === 'output') parts.push(event.bytes);
  return Buffer.concat(parts).toString();
}

/** The child's events say their number and length, so the recording can be checked without what was sent. */
function assertContinuous(text: string, id: string): void {
  for (const [index, line] of text.split('\n').slice(0, -1).entries())
    assert.ok(line.startsWith(`${id} ${index} `), `line ${index}: ${line.slice(0, 60)}`);
  assert.ok(text.endsWith('\n') || text === '');
}

describe('a process that is killed while it records', () => {
  for (const load of [
    { sessions: 1, bytes: 200_000, until: 12_000_000 },
    { sessions: 20, bytes: 2000, until: 6_000_000 },
    { sessions: 3, bytes: 10, until: 20_000 },
  ]) {
    it(`has lost nothing that was accepted: ${load.sessions} sessions, events up to ${load.bytes} bytes`, async () => {
      const directory = newDirectory();
      const accepted = await crash(directory, load);
      const { recorder, reader, summaries } = await restart(directory);
      await using _ = recorder;
      assert.equal(summaries.length, load.sessions);
      for (const { id, state } of summaries) {
        assert.equal(state, 'INCOMPLETE');
        const text = await outputOf(reader, id);
        assertContinuous(text, id);
        assert.ok(
          text.length >= (accepted.get(id) ?? 0),
          `${id}: ${text.length} recorded, ${accepted.get(id)} accepted`,
        );
        const report = await reader.verify(id);
        assert.equal(report.code, 10, JSON.stringify(report));
        assert.equal((await reader.describe(id)).state, 'INCOMPLETE');
      }
      assert.deepEqual(await recorder.recover(), []);
    });
  }

  it('recovers what lies before a write that was torn, and nothing that was altered', async () => {
    for (const damage of ['cut', 'flip', 'garbage'] as const) {
      const directory = newDirectory();
      await crash(directory, { sessions: 2, bytes: 1000, until: 300_000 });
      const folder = join(directory, 'journal');
      const segments = (await readdir(folder)).filter((name) => name.startsWith('journal-')).sort();
      const path = join(folder, segments.at(-1) ?? '');
      const { size } = await stat(path);
      if (damage === 'cut') await truncate(path, size - 7);
      const bytes = await readFile(path);
      if (damage === 'flip') bytes[size - 40] = (bytes[size - 40] ?? 0) ^ 1;
      if (damage !== 'cut')
        await writeFile(path, damage === 'flip' ? bytes : Buffer.concat([bytes, randomBytes(5000)]));
      const { recorder, reader, summaries } = await restart(directory);
      await using _ = recorder;
      assert.equal(summaries.length, 2);
      for (const { id } of summaries) {
        assertContinuous(await outputOf(reader, id), id);
        assert.equal((await reader.verify(id)).code, 10);
      }
    }
  });

  it('is recovered once more where the recovery itself was cut short at any object', async () => {
    const original = newDirectory();
    await crash(original, { sessions: 1, bytes: 100_000, until: 3_000_000 });
    const store = await openFilesystemRecordingStore({ directory: join(original, 'store') });
    const keys = await openFileKeyEncryption({ path: join(original, 'kek'), random });
    const signer = await openRecordingKeyFile({ path: join(original, 'recording-key') });
    for (let puts = 0; ; puts++) {
      let left = puts;
      const failing = {
        ...{ get: store.get.bind(store), list: store.list.bind(store), locate: store.locate.bind(store) },
        ...{ freeBytes: store.freeBytes.bind(store), retire: store.retire.bind(store) },
        put: (name: string, bytes: Uint8Array) =>
          left-- > 0 ? store.put(name, bytes) : Promise.reject(new Error('cut short')),
      };
      const parts = { directory: join(original, 'journal'), keys, signer, clock: systemClock, random, node: 'node-1' };
      await using recorder = await openJournalRecorder({ ...parts, store: failing });
      const [summary] = await recorder.recover();
      if (summary === undefined) continue;
      assert.ok(puts > 1, 'the recovery was cut short at least after its head and after a chunk');
      const reader = openRecordingReader({ store, keys, trust: trustStoreOf([signer]) });
      assertContinuous(await outputOf(reader, summary.id), summary.id);
      const report = await reader.verify(summary.id);
      assert.equal(report.code, 10, JSON.stringify(report));
      return;
    }
  });
});
