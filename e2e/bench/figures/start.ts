import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Experiment } from '../figure.ts';
import { median, rounded, within } from '../measure.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const STARTS = 5;

/** Seconds from the command that a person types to the line that says it serves. */
async function startOnce(dataDir: string): Promise<number> {
  const since = performance.now();
  const child = spawn('npm', ['start', '--', '--port', '0', '--data-dir', dataDir, '--json'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let log = '';
  child.stderr.on('data', (bytes: Buffer) => (log = (log + bytes.toString()).slice(-2_000)));
  const ready = new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"ready":true')) resolve((performance.now() - since) / 1_000);
    });
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}: ${log}`)));
  });
  try {
    return await within(180_000, 'npm start', ready);
  } finally {
    // npm, the bootstrap and the product are one process group of their own.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await gone;
  }
}

export const start: Experiment = {
  figures: ['start-seconds'],
  async run(_wanted, say) {
    const dataDir = await mkdtemp(join(tmpdir(), 'enchilada-bench-start-'));
    try {
      const first = await startOnce(dataDir);
      say(`first start: ${first.toFixed(1)} s`);
      const ours: number[] = [];
      for (let count = 0; count < STARTS; count += 1) ours.push(await startOnce(dataDir));
      const how = `seconds from npm start -- --port 0 --data-dir DIR --json to its line that says ready, with packages, web and data in place; median of ${STARTS}; the first start took ${first.toFixed(1)}`;
      return [
        {
          id: 'start-seconds',
          value: median(ours),
          how,
          samples: { ours: rounded(ours), first: Number(first.toFixed(3)) },
        },
      ];
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  },
};
