import { Readable, Writable } from 'node:stream';
import { COMMANDS } from '../commands.ts';
import type { Io } from '../frame/io.ts';
import { run } from '../frame/run.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON. */
  json(): Record<string, unknown>;
}

class Collector extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** One command line in this process, with everything it prints. */
export async function runLine(
  argv: readonly string[],
  given: Partial<Pick<Io, 'env' | 'now'>> & { readonly stdin?: string } = {},
): Promise<Ran> {
  const [stdout, stderr] = [new Collector(), new Collector()];
  const io: Io = {
    stdin: Readable.from([Buffer.from(given.stdin ?? '')]),
    stdout,
    stderr,
    env: given.env ?? {},
    now: given.now ?? Date.now,
  };
  const exitCode = await run(COMMANDS, argv, io);
  return {
    exitCode,
    stdout: stdout.text,
    stderr: stderr.text,
    json: () => JSON.parse(stdout.text) as Record<string, unknown>,
  };
}
