import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Does what only one process of this machine may do at a time, by flock(1) on a file that is made where it is missing. The kernel
 * lets go of it when whoever holds it has ended, in whatever way.
 */
export async function aloneOnMachine<T>(file: string, work: () => Promise<T>): Promise<T> {
  // It ends with its input, and so with this process.
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  const isHeld = await Promise.race([once(holder.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!isHeld) throw new Error(`flock could not lock ${file}`);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
