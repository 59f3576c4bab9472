import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { link, lstat, mkdir, open, readdir, rm, statfs, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault, isFault } from '@enchilada/core/fault';
import { dayPath, isRecordingId, parseObjectName, RECORDINGS_ROOT } from '@enchilada/core/recording';
import type { RecordingId, RecordingStore, StoredObject } from '@enchilada/core/recording';
import { giveBack } from '../../shared/give-back.ts';

/** Half-written objects; never listed, and emptied at start. */
const SPOOL = '.incoming';
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const LOCATED_LIMIT = 1000;

/** Objects as files of mode 0600. The file system must have hard links: a name appears with its whole content, or not at all. */
class FilesystemRecordingStore implements RecordingStore {
  readonly #root: string;
  readonly #folders = new Set<string>();
  readonly #located = new Map<RecordingId, string>();

  constructor(root: string) {
    this.#root = root;
  }

  async put(name: string, bytes: Uint8Array): Promise<'stored' | 'identical'> {
    const path = this.#path(name);
    const incoming = join(this.#root, SPOOL, randomUUID());
    try {
      await this.#makeFolder(dirname(name));
      try {
        if (!(await writeDurably(incoming, bytes)))
          throw new Fault('RECORDER_FAILED', `${name} reads back otherwise than it was written`);
        // link(2) refuses a name that exists, where rename(2) would replace it.
        await link(incoming, path);
      } finally {
        // What stays in the spool is removed at the next start.
        await unlink(incoming).catch(() => undefined);
      }
      await syncFolder(dirname(path));
    } catch (cause) {
      if (isFault(cause)) throw cause;
      if (codeOf(cause) !== 'EEXIST') throw this.#fault(cause, name);
      if (await this.#holds(name, bytes)) return 'identical';
      throw new Fault('CONFLICT', `${name} is already stored with other content`, { cause });
    }
    return 'stored';
  }

  async get(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const handle = await open(this.#path(name), constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
      if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
      throw this.#fault(cause, name);
    });
    if (handle === undefined) return undefined;
    try {
      const { size } = await handle.stat();
      if (size > maxBytes)
        throw new Fault('RECORDING_DAMAGED', `${name} has ${size} bytes, at most ${maxBytes} are expected`);
      return await readUpTo(handle, size);
    } finally {
      await handle.close();
    }
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const entries = await readdir(this.#path(prefix), { withFileTypes: true }).catch((cause: unknown) => {
      if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return [];
      throw this.#fault(cause, prefix);
    });
    // A folder sorts as its objects do, that is with the separator behind its name.
    const sorted = entries
      .filter((entry) => NAME.test(entry.name))
      .map((entry) => ({ entry, key: entry.isDirectory() ? `${entry.name}/` : entry.name }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const { entry } of sorted) {
      const name = `${prefix}/${entry.name}`;
      if (entry.isDirectory()) yield* this.list(name);
      else if (entry.isFile()) yield { name, size: (await lstat(this.#path(name))).size };
    }
  }

  async locate(id: RecordingId): Promise<string | undefined> {
    if (!isRecordingId(id)) return undefined;
    const known = this.#located.get(id);
    for (const day of known === undefined ? await this.#days() : [dirname(known)]) {
      const prefix = `${day}/${id}`;
      const found = await lstat(this.#path(prefix)).catch((cause: unknown) => {
        if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
        throw this.#fault(cause, prefix);
      });
      if (found?.isDirectory() !== true) continue;
      if (this.#located.size >= LOCATED_LIMIT) this.#located.clear();
      this.#located.set(id, prefix);
      return prefix;
    }
    this.#located.delete(id);
    return undefined;
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#root).catch((cause: unknown) => {
      throw this.#fault(cause, '.');
    });
    return bavail * bsize;
  }

  async retire(before: number): Promise<readonly RecordingId[]> {
    const limit = `${RECORDINGS_ROOT}/${dayPath(before)}`;
    const retired: RecordingId[] = [];
    for (const day of await this.#days()) {
      if (day >= limit) continue;
      for (const id of await this.#names(day)) {
        if (!isRecordingId(id)) continue;
        const objects = (await this.#names(`${day}/${id}`)).map((name) => parseObjectName(name)?.kind);
        if (!objects.includes('manifest') && !objects.includes('recovered-manifest')) continue;
        await rm(this.#path(`${day}/${id}`), { recursive: true });
        this.#located.delete(id);
        retired.push(id);
      }
    }
    return retired;
  }

  /** The folders of days, newest first: what is looked for is mostly recent. */
  async #days(): Promise<readonly string[]> {
    let folders = [RECORDINGS_ROOT];
    for (const digits of [/^\d{4}$/, /^\d{2}$/, /^\d{2}$/]) {
      const below: string[] = [];
      for (const folder of folders)
        for (const name of await this.#names(folder)) if (digits.test(name)) below.push(`${folder}/${name}`);
      folders = below;
    }
    return folders.sort().reverse();
  }

  async #names(folder: string): Promise<readonly string[]> {
    return readdir(this.#path(folder)).catch((cause: unknown) => {
      if (codeOf(cause) === 'ENOENT') return [];
      throw this.#fault(cause, folder);
    });
  }

  async #holds(name: string, bytes: Uint8Array): Promise<boolean> {
    const stored = await this.get(name, bytes.length).catch((cause: unknown) => {
      // It is longer.
      if (isFault(cause, 'RECORDING_DAMAGED')) return undefined;
      throw isFault(cause) ? cause : this.#fault(cause, name);
    });
    return stored !== undefined && isSame(stored, bytes);
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    const first = await mkdir(this.#path(folder), { recursive: true, mode: 0o700 });
    if (first !== undefined) {
      // Each new name is durable once the folder that holds it is synced.
      for (let path = this.#path(folder); path !== dirname(first); path = dirname(path))
        await syncFolder(dirname(path));
    }
    if (this.#folders.size >= LOCATED_LIMIT) this.#folders.clear();
    this.#folders.add(folder);
  }

  #path(name: string): string {
    if (!NAME.test(name))
      throw new RangeError(
        `an object name is made of letters, digits, dot, dash and slash, received ${JSON.stringify(name)}`,
      );
    return join(this.#root, name);
  }

  #fault(cause: unknown, name: string): Fault {
    const code = codeOf(cause) ?? 'unknown';
    if (code === 'ENOENT') this.#folders.clear();
    if (FULL.has(code)) return new Fault('RECORDING_STORE_FULL', `no room to store ${name} (${code})`, { cause });
    return new Fault('RECORDER_FAILED', `${name} cannot be stored or read (${code})`, { cause });
  }
}

/** @throws Fault RECORDER_FAILED where the folder cannot be made or written. */
export async function openFilesystemRecordingStore(options: { readonly directory: string }): Promise<RecordingStore> {
  const spool = join(options.directory, SPOOL);
  try {
    await rm(spool, { recursive: true, force: true });
    await mkdir(spool, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Fault('RECORDER_FAILED', `the recordings folder ${options.directory} cannot be used`, { cause });
  }
  return new FilesystemRecordingStore(options.directory);
}

/** Resolves to whether the file reads back as it was written. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<boolean> {
  const handle = await open(path, 'wx+', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, bytes.length - at, at)).bytesWritten;
    await handle.sync();
    return isSame(await readUpTo(handle, bytes.length), bytes);
  } finally {
    await handle.close();
  }
}

/** From the beginning, as much as there is of it. */
async function readUpTo(handle: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await handle.read(bytes, at, size - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

/** Nobody reads `stored` again. */
function isSame(stored: Uint8Array, bytes: Uint8Array): boolean {
  const same = Buffer.compare(stored, bytes) === 0;
  giveBack(stored);
  return same;
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(cause: unknown): string | undefined {
  return (cause as { code?: string } | undefined)?.code;
}
