import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSite, startTarget, Workplace } from '../bench-site.ts';
import type { Experiment } from '../figure.ts';
import { median, rounded, within } from '../measure.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Random bytes do not compress: as many are stored as are printed. */
const PRINTED_BYTES = 520_000_000;
const LEAST_BYTES = 500_000_000;
const RUNS = 5;
const LIMIT_MS = 180_000;

async function storedBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Seconds of one verification on one core, from the start of its process to its end. */
async function verifyOnce(folder: string, trust: string): Promise<number> {
  const since = performance.now();
  const child = spawn(
    'taskset',
    [
      '-c',
      '0',
      process.execPath,
      '--conditions=source',
      join(ROOT, 'packages', 'cli', 'src', 'main.ts'),
      'verify',
      folder,
      '--trust',
      trust,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => (words = (words + bytes.toString()).slice(-2_000)));
  const code = await within(
    LIMIT_MS,
    'the verification',
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ).finally(() => child.kill('SIGKILL'));
  if (code !== 0) throw new Error(`enchilada verify ended with ${code}: ${words}`);
  return (performance.now() - since) / 1_000;
}

export const verify: Experiment = {
  figures: ['verify-mb-s'],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const sshd = owned.use(await startTarget());
    const site = owned.use(await startSite(place));
    const part = await place.file('random', randomBytes(PRINTED_BYTES / 20));
    const shell = await site.admin.open(await site.machineOn(sshd));
    await shell.see('$ ');
    shell.onBytes = () => undefined;
    const before = shell.received;
    shell.type(`stty -opost; for n in $(seq 20); do cat ${part}; done\r`);
    for (const deadline = Date.now() + LIMIT_MS; shell.received - before < PRINTED_BYTES; await sleep(100)) {
      if (Date.now() > deadline)
        throw new Error(`${shell.received - before} of ${PRINTED_BYTES} bytes came in ${LIMIT_MS / 1_000} s`);
    }
    await shell[Symbol.asyncDispose]();
    const { dataDir } = site.gateway;
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(100)) {
      const { recordingId } = await site.admin.api.getSession({ params: { id: shell.sessionId } });
      if (recordingId === undefined) continue;
      const { recording } = await site.admin.api.getRecording({ params: { id: recordingId } });
      if (recording.state !== 'recording') break;
    }
    const bytes = await storedBytes(join(dataDir, 'recordings'));
    if (bytes < LEAST_BYTES) throw new Error(`only ${bytes} bytes are stored`);
    say(`${(bytes / 1e6).toFixed(0)} MB are stored`);
    const seconds: number[] = [];
    for (let count = 0; count < RUNS; count += 1)
      seconds.push(await verifyOnce(join(dataDir, 'recordings'), join(dataDir, 'recording-trust.json')));
    const rates = seconds.map((taken) => bytes / 1e6 / taken);
    return [
      {
        id: 'verify-mb-s',
        value: median(rates),
        how: `enchilada verify over ${(bytes / 1e6).toFixed(0)} MB of stored bytes that the product recorded, its process bound to one core and its start included, exit code 0; median of ${RUNS}`,
        samples: { ours: rounded(rates, 1), seconds: rounded(seconds), bytes },
      },
    ];
  },
};
