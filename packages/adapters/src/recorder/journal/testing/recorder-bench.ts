// What recording costs by itself: `node --expose-gc --conditions=source recorder-bench.ts`. One JSON line a figure, CPU with the thread pool.
import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { exampleDescription } from '@enchilada/core/testing/recorder-parts';
import { openRig } from './recorder-rig.ts';

const LOG_BYTES = 20 * 1024 * 1024;
const PAUSE_ABOVE_BYTES = 1024 * 1024;
const IDLE_SESSIONS = 500;

function variedLog(): Buffer {
  const lines: string[] = [];
  for (let [index, bytes] = [0, 0]; bytes < LOG_BYTES; index++) {
    const line = `Nov 21 04:0${index % 10}:${index % 60} host-${index % 17} svc[${1000 + (index % 977)}]: request id=${randomBytes(6).toString('hex')} path=/api/v1/x/${index} status=${[200, 404, 500][index % 3]} took ${(index * 7) % 1313}ms\r\n`;
    lines.push(line);
    bytes += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, LOG_BYTES);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

await using rig = await openRig();
const log = variedLog();
for (const piece of [4096, 16_384, 32_768]) {
  const samples: number[] = [];
  for (let round = 0; round < 5; round++) {
    const session = await rig.recorder.open(exampleDescription());
    const before = process.cpuUsage();
    let unaccepted = 0;
    for (let at = 0; at < log.length; at += piece) {
      const bytes = log.subarray(at, at + piece);
      unaccepted += bytes.length;
      void session.append({ kind: 'output', bytes }).then(() => (unaccepted -= bytes.length));
      while (unaccepted > PAUSE_ABOVE_BYTES) await turn();
      await turn();
    }
    await session.finish({ reason: 'closed' });
    const { user, system } = process.cpuUsage(before);
    samples.push((user + system) / 1e6);
  }
  console.log(
    JSON.stringify({ id: 'recorder-cpu-20mb', pieceBytes: piece, value: median(samples), unit: 's', samples }),
  );
}
globalThis.gc?.();
const before = process.memoryUsage().rss;
for (let index = 0; index < IDLE_SESSIONS; index++) {
  const session = await rig.recorder.open(exampleDescription());
  for (let at = 0; at < 100_000; at += 4096)
    await session.append({ kind: 'output', bytes: log.subarray(at, at + 4096) });
}
while (rig.recorder.stats.unstoredBytes > 0) await turn();
globalThis.gc?.();
const value = (process.memoryUsage().rss - before) / IDLE_SESSIONS / 1024;
console.log(
  JSON.stringify({
    id: 'recorder-idle-kib',
    value,
    unit: 'KiB',
    sessions: IDLE_SESSIONS,
    heapKib: process.memoryUsage().heapUsed / 1024,
  }),
);
