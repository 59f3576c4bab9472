import type {
  CreateFileOptions,
  FileAttributes,
  FileChannel,
  FileEntry,
  FileWriter,
  OpenedFile,
  PathBytes,
  ReadFileOptions,
} from '@enchilada/core/engine';
import { Fault, type FaultCode, isFault } from '@enchilada/core/fault';
import { OPEN_FLAG, readNumbers, REQUEST, STATUS } from '../codec/sftp-packets.ts';
import { SftpRefusal, type SftpClient } from './sftp-client.ts';

/** Asked for ahead; bounds the memory of one transfer together with the size of a piece. */
const AHEAD_BYTES = 4 * 1024 * 1024;
/** Of one transfer, however small its pieces: as many as `AHEAD_BYTES` has of the usual ones. */
const MOST_UNANSWERED = 128;
/** Files of /proc say that they are empty; what they hold is small. */
const MOST_UNANNOUNCED_BYTES = 64 * 1024 * 1024;
/** Of a folder that is asked whether it holds something: only its dots, or a machine that goes on without end. */
const MOST_EMPTY_PAGES = 4;
const SLASH = 47;

const CODES: Readonly<Record<number, FaultCode>> = {
  [STATUS.NO_SUCH_FILE]: 'FILE_NOT_FOUND',
  [STATUS.PERMISSION_DENIED]: 'FILE_DENIED',
};

function refused(error: unknown, what: string): Fault | Error {
  if (!(error instanceof SftpRefusal)) return error as Error;
  return new Fault(CODES[error.status] ?? 'FILE_REFUSED', `the target refused to ${what}: status ${error.status}`, {
    cause: error,
  });
}

/** A name that is one segment; anything else could lead out of the folder that was listed. */
function isSegment(name: Uint8Array): boolean {
  if (name.length === 0 || name.length > 4_096 || name.includes(SLASH) || name.includes(0)) return false;
  return !(name[0] === 46 && (name.length === 1 || (name.length === 2 && name[1] === 46)));
}

/** The files of a target over SFTP. */
export class SftpFiles implements FileChannel {
  readonly #client: SftpClient;
  readonly #owned: AsyncDisposable | undefined;

  constructor(client: SftpClient, owned?: AsyncDisposable) {
    this.#client = client;
    this.#owned = owned;
  }

  async home(): Promise<PathBytes> {
    return this.#try('find the home folder', async () => {
      const { entries } = await this.#client.request(REQUEST.REALPATH, [{ string: '.' }], 'name');
      const [path] = entries;
      if (path?.name[0] !== SLASH) throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the home folder has no absolute path');
      return path.name;
    });
  }

  async *list(path: PathBytes, signal: AbortSignal): AsyncGenerator<readonly FileEntry[]> {
    const handle = await this.#followed(path, 'list the folder', () =>
      this.#opened(REQUEST.OPENDIR, [{ string: path }]),
    ).catch(async (error: unknown) => {
      throw await this.#noFolder(path, error);
    });
    try {
      for (;;) {
        signal.throwIfAborted();
        const page = await this.#nextPage(handle);
        if (page === undefined) return;
        yield page.filter(({ name }) => isSegment(name));
      }
    } finally {
      await this.#close(handle);
    }
  }

  attributes(path: PathBytes): Promise<FileAttributes> {
    return this.#try('look at the file', async () => {
      const { attributes } = await this.#client.request(REQUEST.LSTAT, [{ string: path }], 'attributes');
      return attributes;
    });
  }

  target(path: PathBytes): Promise<FileAttributes> {
    return this.#followed(path, 'follow the link', async () => {
      const { attributes } = await this.#client.request(REQUEST.STAT, [{ string: path }], 'attributes');
      return attributes;
    });
  }

  async open(path: PathBytes, options: ReadFileOptions): Promise<OpenedFile> {
    // A device or a pipe could hold the channel for ever; the target is asked before it opens one.
    const before = await this.target(path);
    if (before.kind !== 'file')
      throw new Fault('FILE_UNFIT', `only regular files can be read, received a ${before.kind}`);
    const handle = await this.#try('open the file', () =>
      this.#opened(REQUEST.OPEN, [{ string: path }, { uint32: OPEN_FLAG.READ }, { mode: undefined }]),
    );
    try {
      const { attributes } = await this.#try('open the file', () =>
        this.#client.request(REQUEST.FSTAT, [{ string: handle }], 'attributes'),
      );
      if (attributes.kind !== 'file')
        throw new Fault('FILE_UNFIT', `only regular files can be read, received a ${attributes.kind}`);
      const content = this.#read(handle, attributes.size ?? 0, options);
      // Started, so that `return` closes the handle even where nothing was read.
      await content.next();
      return { attributes, content };
    } catch (error) {
      await this.#close(handle);
      throw error;
    }
  }

  async create(path: PathBytes, { offset, mode }: CreateFileOptions): Promise<FileWriter> {
    // EXCLUSIVE makes the server open with O_EXCL, which follows no link.
    const flags = OPEN_FLAG.WRITE | (offset === 0 ? OPEN_FLAG.CREATE | OPEN_FLAG.EXCLUSIVE : 0);
    const handle = await this.#try('create the file', () =>
      this.#opened(REQUEST.OPEN, [{ string: path }, { uint32: flags }, { mode }]),
    );
    return new Writer(this.#client, { handle, offset, path });
  }

  async rename(from: PathBytes, to: PathBytes, { replace }: { readonly replace: boolean }): Promise<void> {
    const fields = [{ string: from }, { string: to }];
    await this.#try('rename', async () => {
      if (replace && this.#client.has('posix-rename@openssh.com'))
        return this.#client.act(REQUEST.EXTENDED, [{ string: 'posix-rename@openssh.com' }, ...fields]);
      const there = await this.attributes(to).then(
        () => true,
        () => false,
      );
      if (there && !replace) throw new Fault('FILE_EXISTS', 'something has the new name already');
      if (there) await this.#client.act(REQUEST.REMOVE, [{ string: to }]);
      return this.#client.act(REQUEST.RENAME, fields);
    });
  }

  removeFile(path: PathBytes): Promise<void> {
    return this.#try('delete the file', () => this.#client.act(REQUEST.REMOVE, [{ string: path }]));
  }

  async removeFolder(path: PathBytes): Promise<void> {
    try {
      await this.#client.act(REQUEST.RMDIR, [{ string: path }]);
    } catch (error) {
      // Version 3 has no status for "not empty" either.
      if (error instanceof SftpRefusal && error.status === STATUS.FAILURE && (await this.#holdsSomething(path)))
        throw new Fault('FILE_NOT_EMPTY', 'the folder is not empty', { cause: error });
      throw refused(error, 'delete the folder');
    }
  }

  async makeFolder(path: PathBytes): Promise<void> {
    try {
      await this.#client.act(REQUEST.MKDIR, [{ string: path }, { mode: undefined }]);
    } catch (error) {
      // Version 3 has no status for "exists".
      // A probe for a better reason: where it fails too, the first failure is told.
      const there = await this.attributes(path).catch(() => undefined);
      if (there !== undefined && error instanceof SftpRefusal)
        throw new Fault('FILE_EXISTS', 'something has this name already', {
          cause: error,
          facts: { kind: there.kind },
        });
      throw refused(error, 'make the folder');
    }
  }

  setMode(path: PathBytes, mode: number): Promise<void> {
    return this.#try('change the permissions', () => this.#client.act(REQUEST.SETSTAT, [{ string: path }, { mode }]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.#owned?.[Symbol.asyncDispose]();
  }

  async *#read(
    handle: Uint8Array,
    size: number,
    { offset, signal }: ReadFileOptions,
  ): AsyncGenerator<Uint8Array, void> {
    const unannounced = size === 0;
    const end = unannounced ? MOST_UNANNOUNCED_BYTES : size;
    const piece = this.#client.readBytes;
    const ahead: { readonly at: number; readonly length: number; readonly bytes: Promise<Uint8Array | undefined> }[] =
      [];
    let next = offset;
    const ask = (at: number, length: number): Promise<Uint8Array | undefined> => {
      const bytes = this.#readOnce(handle, { at, length });
      // One that fails behind another is heard of when its turn comes, or not at all.
      bytes.catch(() => undefined);
      return bytes;
    };
    try {
      yield new Uint8Array();
      for (;;) {
        const most = Math.max(1, Math.min(MOST_UNANSWERED, Math.floor(AHEAD_BYTES / piece)));
        while (next < end && ahead.length < most) {
          if (unannounced && ahead.length > 0) break;
          const length = Math.min(piece, end - next);
          ahead.push({ at: next, length, bytes: ask(next, length) });
          next += length;
        }
        const first = ahead.shift();
        if (first === undefined) return;
        let got = 0;
        while (got < first.length) {
          const bytes: Uint8Array | undefined = await (got === 0
            ? first.bytes
            : ask(first.at + got, first.length - got));
          signal.throwIfAborted();
          if (bytes === undefined) {
            if (unannounced) return;
            throw new Fault('FILE_CHANGED', `the file ended at ${first.at + got} of ${size} bytes`);
          }
          got += bytes.length;
          yield bytes;
        }
      }
    } finally {
      await this.#close(handle);
    }
  }

  /** Undefined at the end of the file. */
  async #readOnce(
    handle: Uint8Array,
    { at, length }: { readonly at: number; readonly length: number },
  ): Promise<Uint8Array | undefined> {
    try {
      const { bytes } = await this.#client.request(
        REQUEST.READ,
        [{ string: handle }, { uint64: at }, { uint32: length }],
        'data',
      );
      if (bytes.length === 0 || bytes.length > length)
        throw new Fault('TARGET_PROTOCOL_VIOLATION', `the file service answered ${length} bytes with ${bytes.length}`);
      return bytes;
    } catch (error) {
      if (error instanceof SftpRefusal && error.status === STATUS.EOF) return undefined;
      throw refused(error, 'read the file');
    }
  }

  async #nextPage(handle: Uint8Array): Promise<readonly FileEntry[] | undefined> {
    try {
      const { entries } = await this.#client.request(REQUEST.READDIR, [{ string: handle }], 'name');
      return entries;
    } catch (error) {
      if (error instanceof SftpRefusal && error.status === STATUS.EOF) return undefined;
      throw refused(error, 'list the folder');
    }
  }

  async #opened(type: number, fields: Parameters<SftpClient['request']>[1]): Promise<Uint8Array> {
    const { handle } = await this.#client.request(type, fields, 'handle');
    return handle;
  }

  async #close(handle: Uint8Array): Promise<void> {
    // A handle that was read, or whose writing failed, and that has been told; it ends with the channel at the latest.
    await this.#client.act(REQUEST.CLOSE, [{ string: handle }]).catch(() => undefined);
  }

  /** OpenSSH calls it no such file, too, where there is one and it is no folder (ENOTDIR). */
  async #noFolder(path: PathBytes, error: unknown): Promise<unknown> {
    if (!isFault(error, 'FILE_NOT_FOUND')) return error;
    const there = await this.target(path).catch(() => undefined);
    if (there === undefined || there.kind === 'folder') return error;
    const { kind } = there;
    return new Fault('FILE_UNFIT', `only a folder can be listed, this is or leads to a ${kind}`, {
      cause: error,
      facts: { kind },
    });
  }

  /** A probe for a better reason: where it fails too, the first failure is told. */
  async #holdsSomething(folder: PathBytes): Promise<boolean> {
    try {
      let pages = 0;
      for await (const page of this.list(folder, new AbortController().signal)) {
        if (page.length > 0) return true;
        if ((pages += 1) === MOST_EMPTY_PAGES) return false;
      }
    } catch {
      // It may be one that nobody may list.
    }
    return false;
  }

  async #leadsSomewhere(path: PathBytes): Promise<boolean> {
    return this.#client.request(REQUEST.STAT, [{ string: path }], 'attributes').then(
      () => true,
      () => false,
    );
  }

  /** OpenSSH calls what a link does not reach, and a circle of links, a file that does not exist (sftp-server.c, errno_to_portable). */
  async #followed<T>(path: PathBytes, what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#try(what, work);
    } catch (error) {
      if (!isFault(error, 'FILE_NOT_FOUND')) throw error;
      // A probe for a better reason: where it fails too, the first failure is told.
      const there = await this.attributes(path).catch(() => undefined);
      if (there?.kind !== 'link' || (await this.#leadsSomewhere(path))) throw error;
      throw new Fault('FILE_UNFIT', 'the link leads nowhere or in a circle', { cause: error });
    }
  }

  async #try<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw refused(error, what);
    }
  }
}

class Writer implements FileWriter {
  readonly #client: SftpClient;
  readonly #handle: Uint8Array;
  readonly #path: PathBytes;
  readonly #open = new Set<Promise<void>>();
  #at: number;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #unanswered = 0;
  #failure: unknown;
  #closed = false;

  constructor(
    client: SftpClient,
    file: { readonly handle: Uint8Array; readonly offset: number; readonly path: PathBytes },
  ) {
    this.#client = client;
    this.#handle = file.handle;
    this.#path = file.path;
    this.#at = file.offset;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const most = this.#client.writeBytes;
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + most - this.#gatheredBytes);
      this.#gathered.push(part);
      this.#gatheredBytes += part.length;
      from += part.length;
      if (this.#gatheredBytes === most) this.#send();
      while (this.#isAhead && this.#failure === undefined) await Promise.race(this.#open);
    }
    await this.#client.drained();
    if (this.#failure !== undefined) throw await this.#reason();
  }

  async finish(): Promise<void> {
    if (this.#gatheredBytes > 0) this.#send();
    await Promise.all(this.#open);
    if (this.#failure !== undefined) throw await this.#reason();
    this.#closed = true;
    try {
      await this.#client.act(REQUEST.CLOSE, [{ string: this.#handle }]);
    } catch (error) {
      // Some file systems find only now that it does not fit.
      this.#failure = error;
      throw await this.#reason();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open);
    if (this.#closed) return;
    this.#closed = true;
    // Nobody finished the file, so nobody waits for it; the handle ends with the channel at the latest.
    await this.#client.act(REQUEST.CLOSE, [{ string: this.#handle }]).catch(() => undefined);
  }

  get #isAhead(): boolean {
    return this.#unanswered > AHEAD_BYTES || this.#open.size >= MOST_UNANSWERED;
  }

  /** One request for what was gathered: the fewer, the less each byte costs both sides. */
  #send(): void {
    const at = this.#at;
    const length = this.#gatheredBytes;
    const pieces = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#at += length;
    this.#unanswered += length;
    const answered: Promise<void> = this.#client
      .act(REQUEST.WRITE, [{ string: this.#handle }, { uint64: at }, { pieces }])
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .then(() => {
        this.#unanswered -= length;
        this.#open.delete(answered);
      });
    this.#open.add(answered);
  }

  /** Version 3 has no status for a full disk; OpenSSH says how much is free where it is asked (PROTOCOL section 4.4). */
  async #reason(): Promise<Fault | Error> {
    const failure = this.#failure;
    if (failure instanceof SftpRefusal && this.#client.has('statvfs@openssh.com')) {
      // As above: only a better reason is asked for.
      const reply = await this.#client
        .request(REQUEST.EXTENDED, [{ string: 'statvfs@openssh.com' }, { string: this.#path }], 'extended')
        .catch(() => undefined);
      // f_bsize, f_frsize, f_blocks, f_bfree, f_bavail
      const [, blockBytes = 1, , , available] = reply === undefined ? [] : readNumbers(reply.payload);
      if (available !== undefined && available * blockBytes < MOST_LEFT_WHEN_FULL)
        return new Fault('FILE_NO_SPACE', `the target has ${available * blockBytes} bytes free`, { cause: failure });
    }
    if (failure instanceof SftpRefusal && failure.status === STATUS.FAILURE)
      return new Fault(
        'FILE_NOT_WRITTEN',
        'the target refused to write the file: a full disk or a quota, most likely',
        {
          cause: failure,
        },
      );
    return refused(failure, 'write the file');
  }
}

/** A disk with less is called full: the piece that was refused did not fit. */
const MOST_LEFT_WHEN_FULL = 1024 * 1024;
