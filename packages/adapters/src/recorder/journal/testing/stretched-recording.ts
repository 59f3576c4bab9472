// A recording laid out over more time than it took, by the product's recorder on a clock of its own, beside the one it is made of:
//   node --conditions=source stretched-recording.ts DATA_DIR '{"of":"abc…","minutes":30}'
// Prints its id as one JSON line. What was drawn stays as it was, byte by byte; only the pauses grow.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { openFileKeyEncryption } from '@enchilada/adapters/key-encryption/file';
import { openFilesystemRecordingStore } from '@enchilada/adapters/recording-store/filesystem';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { ManualClock } from '@enchilada/core/testing/recorder-parts';
import { openJournalRecorder, openRecordingKeyFile, openRecordingReader } from '../index.ts';

interface Plan {
  readonly of: string;
  readonly minutes: number;
}

const MOST_UNSTORED_BYTES = 8 * 1024 * 1024;
/** Chunks are due on a clock that must not jump over them. */
const STEP_MS = 1_000;

const [dataDir = '', planText = '{}'] = process.argv.slice(2);
const plan = JSON.parse(planText) as Plan;
const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
const clock = new ManualClock();
const store = await openFilesystemRecordingStore({ directory: join(dataDir, 'recordings') });
const keys = await openFileKeyEncryption({ path: join(dataDir, 'keys', 'key-encryption.key'), random });
const reader = openRecordingReader({ store, keys, trust: new Map() });
const { description, durationMs } = await reader.describe(plan.of);
const journal = await mkdtemp(join(tmpdir(), 'stretched-recording-'));
const node = (await readFile(join(dataDir, 'node-id'), 'utf8')).trim();
const recorder = await openJournalRecorder({
  directory: journal,
  signer: await openRecordingKeyFile({ path: join(dataDir, 'keys', 'recording.key') }),
  ...{ store, keys, clock, random, node, minFreeBytes: 0 },
});
const sessionId = `ses_${randomBytes(8).toString('hex')}`;
const session = await recorder.open({ ...description, sessionId, startedAt: clock.now() });
const factor = (plan.minutes * 60_000) / durationMs;
let passedMs = 0;
for await (const { atUs, event } of reader.events(plan.of)) {
  // Clocks of the recorder tell whole milliseconds.
  const dueMs = Math.round((atUs / 1000) * factor);
  while (passedMs < dueMs) {
    const step = Math.min(STEP_MS, dueMs - passedMs);
    clock.advance(step);
    passedMs += step;
  }
  await session.append(event);
  while (recorder.stats.unstoredBytes > MOST_UNSTORED_BYTES) await turn();
}
const summary = await session.finish({ reason: 'closed-by-target' });
while (recorder.stats.unstoredBytes > 0) await turn();
await recorder[Symbol.asyncDispose]();
await rm(journal, { recursive: true, force: true });

await using database = sqlite({ file: join(dataDir, 'enchilada.db') });
const startedAt = clock.now() - summary.durationMs;
await database.now.recordings.insert({
  id: summary.id,
  ...{ sessionId, userId: description.user.id, username: description.user.name, protocol: description.protocol },
  ...{ targetId: description.target.id, targetName: description.target.name, surface: description.surface },
  ...{ nodeId: node, state: 'complete', startedAt, endedAt: clock.now(), durationMs: summary.durationMs },
  ...{ storedBytes: summary.storedBytes, chunks: summary.chunks, endReason: 'closed-by-target' },
});
process.stdout.write(`${JSON.stringify({ id: summary.id, durationMs: summary.durationMs, chunks: summary.chunks })}\n`);
