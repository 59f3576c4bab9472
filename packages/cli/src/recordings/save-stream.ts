import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { usage } from '../frame/exit-code.ts';
import type { Io } from '../frame/io.ts';
import type { HttpResponse } from '../login/http-fetch.ts';

/** What the server calls the file, reduced to a plain name. */
export function filenameOf(disposition: string | null, otherwise: string): string {
  const named = /filename="([^"]+)"/u.exec(disposition ?? '')?.[1] ?? '';
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/u.test(named) ? named : otherwise;
}

/** A file that is there under its name only when it is whole, and for its owner only: recordings are confidential. */
export async function saveStream(body: Readable, path: string): Promise<number> {
  const partial = `${path}.part`;
  let bytes = 0;
  body.on('data', (part: Buffer) => {
    bytes += part.length;
  });
  try {
    await pipeline(body, createWriteStream(partial, { mode: 0o600, flags: 'wx' }));
    await rename(partial, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await rm(partial, { force: true });
    throw error;
  }
  return bytes;
}

/** Bytes as they are, to a pipe. A terminal would obey what the target once printed. */
export async function pipeRaw(response: HttpResponse, io: Io): Promise<void> {
  if (io.stdout.isTTY === true) {
    response.body.destroy();
    throw usage(
      'this does not go to a terminal, which would obey its control sequences; name a file with --output, or a pipe',
    );
  }
  await pipeline(response.body, io.stdout, { end: false });
}
