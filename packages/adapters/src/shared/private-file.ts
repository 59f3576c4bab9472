import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '@enchilada/core/fault';

/**
 * The text of a key file of mode 0600, made by `make` where there is none. Of two first starts, one makes it and both read it.
 * @throws Fault KEY_UNAVAILABLE where others may read it
 */
export async function openKeyFile(path: string, make: () => string): Promise<string> {
  try {
    return (await readPrivate(path)) ?? (await makePrivate(path, make()));
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('KEY_UNAVAILABLE', `the key file ${path} cannot be read or made`, { cause });
  }
}

async function readPrivate(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((cause: unknown) => {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw cause;
  });
  if (found === undefined) return undefined;
  const mode = found.mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new Fault(
      'KEY_UNAVAILABLE',
      `the key file ${path} has mode ${mode.toString(8)}, others may read it; set 600`,
    );
  }
  return readFile(path, 'utf8');
}

async function makePrivate(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const incoming = `${path}.${randomUUID()}`;
  const handle = await open(incoming, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    // link(2) refuses an existing name, where rename(2) would replace it.
    await link(incoming, path);
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause;
  } finally {
    await unlink(incoming);
  }
  return (await readPrivate(path)) ?? text;
}

function codeOf(cause: unknown): string | undefined {
  return (cause as { code?: string } | undefined)?.code;
}
