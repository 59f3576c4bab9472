/**
 * What recording does with each MiB, step by step and alone, for pictures (nothing compresses them) and for text: milliseconds of CPU, with the
 * allocator's threshold that `npm start` sets and without it. For docs/performance.md; no figure is judged by it.
 * node --conditions=source packages/adapters/src/recorder/journal/testing/chunk-steps.ts
 */
import { spawnSync } from 'node:child_process';
import { createCipheriv, hash, randomBytes } from 'node:crypto';
import { giveBack } from '../../../shared/give-back.ts';
import { compress } from '../compress-chunk.ts';
import { encryptPieces } from '../encrypt-pieces.ts';

const MIB = 1024 * 1024;
const ROUNDS = 40;

function cpuMs(step: () => unknown): string {
  for (let warm = 0; warm < 5; warm += 1) step();
  const since = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) step();
  const { user, system } = process.cpuUsage(since);
  return ((user + system) / 1_000 / ROUNDS).toFixed(2);
}

function measure(): void {
  const cipher = () => createCipheriv('aes-256-gcm', randomBytes(32), randomBytes(12));
  const lines = Array.from({ length: 20_000 }, (_, at) => `${at * 31} request ${at} took ${(at * 7_919) % 997} ms\n`);
  const contents = { pictures: randomBytes(MIB), text: Buffer.alloc(MIB, lines.join('')) };
  for (const [what, plain] of Object.entries(contents)) {
    const steps = {
      'zstd of all of it': () => {
        giveBack(compress(plain, 'likely') ?? new Uint8Array());
      },
      'zstd after a look at a piece': () => {
        giveBack(compress(plain, 'unlikely') ?? new Uint8Array());
      },
      'AES-GCM at once': () => {
        giveBack(cipher().update(plain));
      },
      'AES-GCM in pieces': () => {
        for (const piece of encryptPieces(cipher(), plain)) giveBack(piece);
      },
      'SHA-256': () => hash('sha256', plain, 'buffer'),
    };
    for (const [name, step] of Object.entries(steps)) process.stdout.write(`${what}, ${name}: ${cpuMs(step)} ms\n`);
  }
}

if (process.argv.includes('--measure')) measure();
else
  for (const threshold of ['16000', undefined]) {
    process.stdout.write(`MALLOC_MMAP_THRESHOLD_ ${threshold ?? 'not set'}\n`);
    const { MALLOC_MMAP_THRESHOLD_: _, ...environment } = process.env;
    const env = threshold === undefined ? environment : { ...environment, MALLOC_MMAP_THRESHOLD_: threshold };
    spawnSync(process.execPath, [...process.execArgv, import.meta.filename, '--measure'], { env, stdio: 'inherit' });
  }
