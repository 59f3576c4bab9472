// A long recording made by the product's recorder on a clock of its own, put into the folder of a gateway that may be running:
//   node --conditions=source long-recording.ts DATA_DIR '{"hours":2,"mebibytes":80,"userId":…,"username":…,"targetId":…,"targetName":…}'
// Prints its id, its length and what it holds as one JSON line. Each second prints `second N`, so that a test knows any moment.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { openFileKeyEncryption } from '@enchilada/adapters/key-encryption/file';
import { openFilesystemRecordingStore } from '@enchilada/adapters/recording-store/filesystem';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { exampleDescription, ManualClock } from '@enchilada/core/testing/recorder-parts';
import { openJournalRecorder, openRecordingKeyFile } from '../index.ts';

interface Plan {
  readonly hours: number;
  readonly mebibytes: number;
  readonly userId: string;
  readonly username: string;
  readonly targetId: string;
  readonly targetName: string;
}

const MOST_UNSTORED_BYTES = 8 * 1024 * 1024;
const SCREEN_EVERY_SECONDS = 600;

/** What a second of work prints: most minutes little, every eighth a flood, now and then a program that takes the whole screen. */
function printed(second: number, floodBytes: number): string {
  const words = `second ${second} \u001b[3${second % 8}m${new Date(second * 1000).toISOString()}\u001b[0m\r\n`;
  const minute = Math.floor(second / 60);
  if (second % SCREEN_EVERY_SECONDS === 0) return `\u001b[?1049h\u001b[2J\u001b[H${words}`;
  if (second % SCREEN_EVERY_SECONDS === 45) return `\u001b[?1049l${words}`;
  if (minute % 8 !== 3) return words;
  const line = `Nov 21 04:0${second % 10} host-${second % 17} service[${1000 + (second % 977)}]: request ${second} took ${(second * 7) % 1313} ms\r\n`;
  return line.repeat(Math.ceil(floodBytes / line.length)) + words;
}

const [dataDir = '', planText = '{}'] = process.argv.slice(2);
const plan = JSON.parse(planText) as Plan;
const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
const clock = new ManualClock();
const startedAt = clock.now();
const journal = await mkdtemp(join(tmpdir(), 'long-recording-'));
const node = (await readFile(join(dataDir, 'node-id'), 'utf8')).trim();
const recorder = await openJournalRecorder({
  directory: journal,
  store: await openFilesystemRecordingStore({ directory: join(dataDir, 'recordings') }),
  keys: await openFileKeyEncryption({ path: join(dataDir, 'keys', 'key-encryption.key'), random }),
  signer: await openRecordingKeyFile({ path: join(dataDir, 'keys', 'recording.key') }),
  ...{ clock, random, node, minFreeBytes: 0 },
});
const sessionId = `ses_${randomBytes(8).toString('hex')}`;
const session = await recorder.open(
  exampleDescription({
    ...{ sessionId, startedAt, node, protocol: 'ssh' },
    user: { id: plan.userId, name: plan.username, address: '192.0.2.7' },
    target: { id: plan.targetId, name: plan.targetName, address: '198.51.100.4:22' },
  }),
);
const seconds = plan.hours * 3600;
const floods = Array.from({ length: seconds }, (_, second) => second).filter(
  (second) => Math.floor(second / 60) % 8 === 3,
);
const floodBytes = (plan.mebibytes * 1024 * 1024) / Math.max(1, floods.length);
let outputBytes = 0;
await session.append({ kind: 'resize', columns: 120, rows: 32 });
for (let second = 0; second < seconds; second += 1) {
  if (second % 1800 === 900) await session.append({ kind: 'resize', columns: 100 + (second % 7), rows: 30 });
  const bytes = Buffer.from(printed(second, floodBytes));
  outputBytes += bytes.length;
  for (let at = 0; at < bytes.length; at += 16_384)
    await session.append({ kind: 'output', bytes: bytes.subarray(at, at + 16_384) });
  clock.advance(1000);
  if (second % 5 === 0) await turn();
  while (recorder.stats.unstoredBytes > MOST_UNSTORED_BYTES) await turn();
}
// The manifest waits for the last chunks; a clock that stands still would let it wait for ever.
const summary = await session.finish({ reason: 'closed-by-target' });
while (recorder.stats.unstoredBytes > 0) await turn();
await recorder[Symbol.asyncDispose]();
await rm(journal, { recursive: true, force: true });

await using store = sqlite({ file: join(dataDir, 'enchilada.db') });
const { hours: _hours, mebibytes: _mebibytes, ...names } = plan;
await store.now.recordings.insert({
  id: summary.id,
  ...{ sessionId, ...names, protocol: 'ssh', surface: 'terminal', nodeId: node, state: 'complete', startedAt },
  endedAt: startedAt + summary.durationMs,
  durationMs: summary.durationMs,
  storedBytes: summary.storedBytes,
  chunks: summary.chunks,
  endReason: 'closed-by-target',
});
process.stdout.write(`${JSON.stringify({ id: summary.id, seconds, outputBytes, chunks: summary.chunks })}\n`);
