import { checkPath, joinPath, splitPath } from '../engine/index.ts';
import type { FileAttributes, FileChannel, FileEntry, PathBytes } from '../engine/index.ts';
import { Fault, isFault, toFault } from '../fault/index.ts';
import type { TransferDirection } from '../recording/index.ts';
import type { Clock } from '../time/index.ts';
import { applyChange, fileVersion, refuseUnfit } from './file-change.ts';
import type { FileChange, WantedName } from './file-change.ts';
import { FileLog } from './file-log.ts';
import type { FileLogParts } from './file-log.ts';
import { followLinks } from './followed-links.ts';
import { FileTransfers } from './file-transfers.ts';
import type { Transfer, TransferRequest } from './file-transfers.ts';
import type { RunningHash } from './passed-bytes.ts';

/** What the person may do with files, as the policy says now. */
export interface FileRights {
  /** To the machine. */
  readonly upload: boolean;
  /** From the machine. */
  readonly download: boolean;
}

export interface SessionFilesParts extends FileLogParts {
  readonly open: () => Promise<FileChannel>;
  /** The person is there: a transfer is no idle session. */
  readonly active: () => void;
  readonly hasher: () => RunningHash;
  /** Held while the bytes of a file pass: many buffers come and go. */
  readonly passing: () => Disposable;
  readonly clock: Clock;
}

/** Whose request it is: their rights at its beginning, and whether they still have them. */
export interface FileCaller {
  readonly rights: FileRights;
  readonly stillMay: (direction: TransferDirection) => Promise<boolean>;
}

export interface FileListing {
  readonly path: PathBytes;
  readonly entries: readonly FileEntry[];
  /** There are more than are shown. */
  readonly truncated: boolean;
}

export interface Download {
  readonly attributes: FileAttributes;
  readonly version: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface UploadRequest extends TransferRequest, WantedName {
  /** Of the whole file. */
  readonly size: number;
}

const MOST_ENTRIES = 20_000;
/** More than as many names have on systems whose longest has 255 bytes. */
const MOST_NAME_BYTES = 6 * 1024 * 1024;
const LIST_MS = 60_000;
const ONLY_OWNER = 0o600;
const RECHECK_MS = 2_000;
const CLEANING_MS = 1_000;
const MOST_SIZE = Number.MAX_SAFE_INTEGER;

/**
 * The files of one live session. INVARIANT: the last byte of a download is handed out, and an upload gets its name, only after the recorder and the
 * audit log hold the transfer with its name, size and SHA-256; one that breaks off is written down as far as it came. An upload has one end in the
 * audit log, told once it has its name, or why it has none.
 */
export class SessionFiles implements AsyncDisposable {
  readonly #parts: SessionFilesParts;
  readonly #log: FileLog;
  readonly #transfers: FileTransfers;
  readonly #abort = new AbortController();
  #channel: Promise<FileChannel> | undefined;

  constructor(parts: SessionFilesParts) {
    this.#parts = parts;
    this.#log = new FileLog(parts);
    this.#transfers = new FileTransfers({
      hasher: parts.hasher,
      clock: parts.clock,
      ousted: (id, transfer) => void this.#endResting(id, transfer, 'ousted'),
    });
  }

  /** Where the account begins, if no path is given. @throws Fault FILE_*, FILES_UNAVAILABLE */
  async list(caller: FileCaller, path: PathBytes | undefined): Promise<FileListing> {
    this.#permit(caller, caller.rights.upload ? 'upload' : 'download');
    const limit = new AbortController();
    using _timer = this.#parts.clock.after(LIST_MS, () =>
      limit.abort(new Fault('TARGET_TIMED_OUT', `the folder was not listed within ${LIST_MS / 1000} s`)),
    );
    return await this.#with(async (channel) => {
      const folder = path === undefined ? await channel.home() : checkPath(path);
      const followed = (found: readonly FileEntry[]) =>
        followLinks({ channel, clock: this.#parts.clock }, folder, found);
      const entries: FileEntry[] = [];
      let nameBytes = 0;
      for await (const page of channel.list(folder, limit.signal)) {
        this.#abort.signal.throwIfAborted();
        for (const entry of page) {
          nameBytes += entry.name.length;
          if (entries.length >= MOST_ENTRIES || nameBytes > MOST_NAME_BYTES)
            return { path: folder, entries: await followed(entries), truncated: true };
          entries.push(entry);
        }
      }
      return { path: folder, entries: await followed(entries), truncated: false };
    });
  }

  async change(caller: FileCaller, request: FileChange): Promise<void> {
    this.#permit(caller, 'upload');
    const path = checkPath(request.path);
    try {
      await this.#with((channel) => applyChange(channel, { ...request, path }));
      await this.#log.changed(request, undefined);
    } catch (failure) {
      await this.#log.changed(request, toFault(failure).code);
      throw failure;
    }
  }

  async download(caller: FileCaller, request: TransferRequest): Promise<Download> {
    this.#permit(caller, 'download');
    const path = checkPath(request.path);
    const transfer = this.#transfers.take('download', { ...request, path });
    try {
      return await this.#with(async (channel) => {
        const { offset } = request;
        const from = transfer.passed.readFrom(offset);
        const { attributes, content } = await channel.open(path, { offset: from, signal: this.#abort.signal });
        try {
          const version = fileVersion(attributes);
          if (offset > 0 && version !== transfer.version)
            throw new Fault('FILE_CHANGED', 'the file is not the one that the transfer began with');
          await this.#log.started(transfer, { size: attributes.size, offset });
          transfer.version = version;
          const bytes = this.#sent(caller, transfer, { content, offset });
          // Started, so that a caller who reads nothing leaves nothing open.
          await bytes.next();
          return { attributes, version, bytes };
        } catch (failure) {
          await content.return();
          throw failure;
        }
      });
    } catch (failure) {
      transfer.busy = false;
      throw failure;
    }
  }

  /** Takes one piece of the file; the last one gives it its name. Answers how much is there. */
  async upload(
    caller: FileCaller,
    request: UploadRequest,
    body: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly received: number; readonly done: boolean }> {
    this.#permit(caller, 'upload');
    const path = checkPath(request.path);
    const { folder } = splitPath(path);
    const transfer = this.#transfers.take('upload', { ...request, path });
    if (transfer.isOver) return await askedAgain(transfer, request, body);
    transfer.part ??= joinPath(folder, new TextEncoder().encode(`.${request.transfer}.part`));
    const { part } = transfer;
    try {
      return await this.#with(async (channel) => {
        if (request.offset === 0) {
          transfer.mode = (await refuseUnfit(channel, { ...request, path }))?.mode;
          await this.#log.started(transfer, { size: request.size, offset: 0 });
        }
        // Nobody may read what takes the place of a secret.
        const mode = transfer.mode === undefined ? undefined : ONLY_OWNER;
        transfer.writer ??= await channel.create(part, { offset: 0, mode });
        this.#requireStanding(request.transfer, transfer);
        await this.#taken(caller, transfer, { body, size: request.size });
        const received = transfer.passed.size;
        if (received < request.size) return { received, done: false };
        await transfer.writer.finish();
        transfer.writer = undefined;
        const finalMode = (await refuseUnfit(channel, { ...request, path }))?.mode ?? transfer.mode;
        if (finalMode !== undefined) await channel.setMode(part, finalMode);
        this.#requireStanding(request.transfer, transfer);
        await this.#log.arrived(transfer);
        // From here on it is too late to cancel it.
        this.#requireStanding(request.transfer, transfer);
        transfer.hasArrived = true;
        await channel.rename(part, path, { replace: request.replace });
        transfer.part = undefined;
        await this.#log.finished(transfer, undefined);
        this.#transfers.over(transfer);
        return { received: request.size, done: true };
      });
    } catch (failure) {
      await this.#broken(request.transfer, transfer, failure);
      throw failure;
    } finally {
      transfer.busy = false;
    }
  }

  /** Somebody has asked for files, and the machine may be reached for them. */
  get isOpen(): boolean {
    return this.#channel !== undefined;
  }

  /** How much of a transfer went through, from which it can go on. @throws Fault NOT_FOUND */
  progress(transfer: string): number {
    const found = this.#transfers.find(transfer);
    if (found === undefined) throw new Fault('NOT_FOUND', 'there is no such transfer');
    return found.passed.size;
  }

  /** Forgets a transfer and removes what it left behind. Idempotent. */
  async cancel(transfer: string): Promise<void> {
    const found = this.#transfers.find(transfer);
    this.#transfers.refuse(transfer);
    if (found === undefined || found.hasArrived) return;
    this.#transfers.delete(transfer);
    if (found.direction === 'download') return;
    await this.#log.finished(found, 'cancelled');
    await this.#removePart(transfer, found);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new Fault('SESSION_ENDED', 'the session ended'));
    const late = Promise.withResolvers<void>();
    using _timer = this.#parts.clock.after(CLEANING_MS, late.resolve);
    await Promise.race([this.#clean(), late.promise]);
    await Promise.race([close(this.#channel), late.promise]);
  }

  /** Uploads that rest are written down and leave nothing behind, if the machine still answers. */
  async #clean(): Promise<void> {
    for (const [id, transfer] of this.#transfers.all) {
      if (transfer.busy || transfer.isOver || transfer.direction === 'download') continue;
      await this.#endResting(id, transfer, 'SESSION_ENDED');
    }
  }

  async #endResting(id: string, transfer: Transfer, reason: string): Promise<void> {
    await this.#log.finished(transfer, reason).catch(() => undefined);
    await this.#removePart(id, transfer).catch(() => undefined);
  }

  #permit({ rights }: FileCaller, direction: TransferDirection): void {
    this.#parts.active();
    if (rights[direction]) return;
    void this.#log.denied(direction).catch(() => undefined);
    throw new Fault('FILE_DENIED', `the grant does not include the ${direction} of files`);
  }

  /** One channel for all; a broken one is opened again by the next request. */
  async #with<T>(work: (channel: FileChannel) => Promise<T>): Promise<T> {
    this.#abort.signal.throwIfAborted();
    const opened = (this.#channel ??= this.#parts.open());
    try {
      return await work(await opened);
    } catch (failure) {
      const lost = isFault(failure, 'FILES_UNAVAILABLE') || isFault(failure, 'TARGET_PROTOCOL_VIOLATION');
      if (lost && this.#channel === opened) {
        this.#channel = undefined;
        void close(opened);
      }
      throw failure;
    }
  }

  async *#sent(
    caller: FileCaller,
    transfer: Transfer,
    { content, offset }: { readonly content: AsyncGenerator<Uint8Array, void>; readonly offset: number },
  ): AsyncGenerator<Uint8Array, void> {
    const check = this.#checker(caller, 'download');
    using _passing = this.#parts.passing();
    const { passed } = transfer;
    const end = (failure?: string): Promise<void> => this.#log.finished(transfer, failure, offset);
    let at = offset;
    let held: Uint8Array | undefined;
    let isWrittenDown = false;
    const taken = (bytes: Uint8Array): Uint8Array => {
      if (at >= passed.size) passed.add(bytes);
      at += bytes.length;
      return bytes;
    };
    try {
      yield new Uint8Array();
      for await (const bytes of passed.compared(content, offset)) {
        await check();
        if (held !== undefined) yield taken(held);
        held = bytes;
      }
      const last = held === undefined ? [] : [taken(held)];
      isWrittenDown = true;
      await end();
      this.#transfers.over(transfer);
      yield* last;
    } catch (failure) {
      isWrittenDown = true;
      await end(toFault(failure).code);
      throw failure;
    } finally {
      try {
        if (!isWrittenDown) await end('interrupted');
      } finally {
        transfer.busy = false;
        await content.return();
      }
    }
  }

  async #taken(
    caller: FileCaller,
    transfer: Transfer,
    { body, size }: { readonly body: AsyncIterable<Uint8Array>; readonly size: number },
  ): Promise<void> {
    const check = this.#checker(caller, 'upload');
    using _passing = this.#parts.passing();
    for await (const bytes of body) {
      await check();
      this.#abort.signal.throwIfAborted();
      if (transfer.passed.size + bytes.length > Math.min(size, MOST_SIZE))
        throw new Fault('INVALID_REQUEST', `more than the ${size} bytes that were announced`);
      transfer.passed.add(bytes);
      await transfer.writer?.write(bytes);
    }
  }

  /** Asks the policy again while a transfer runs. */
  #checker(caller: FileCaller, direction: TransferDirection): () => Promise<void> {
    let checkedMs = this.#parts.clock.monotonicMs();
    return async () => {
      const now = this.#parts.clock.monotonicMs();
      if (now - checkedMs < RECHECK_MS) return;
      checkedMs = now;
      this.#parts.active();
      if (!(await caller.stillMay(direction))) throw new Fault('FILE_DENIED', 'the grant was withdrawn');
    };
  }

  /** A connection that breaks off between pieces can go on; what the target refused cannot. */
  async #broken(id: string, transfer: Transfer, failure: unknown): Promise<void> {
    const { code } = toFault(failure);
    if (!this.#stands(id, transfer) || transfer.part === undefined) {
      // Whoever cancelled it found less to remove, and has written it down; what has its name cannot fail any more.
      await this.#removePart(id, transfer).catch(() => undefined);
      return;
    }
    if (code === 'CONFLICT') return;
    await this.#log.finished(transfer, code === 'INTERNAL' ? 'interrupted' : code);
    if (code !== 'INTERNAL' || transfer.hasArrived) await this.#removePart(id, transfer).catch(() => undefined);
  }

  #stands(id: string, transfer: Transfer): boolean {
    return this.#transfers.find(id) === transfer;
  }

  /** Somebody may have cancelled it while the machine was waited for. @throws Fault CONFLICT */
  #requireStanding(id: string, transfer: Transfer): void {
    if (!this.#stands(id, transfer)) throw new Fault('CONFLICT', 'the transfer was cancelled');
  }

  async #removePart(id: string, transfer: Transfer): Promise<void> {
    if (this.#stands(id, transfer)) this.#transfers.delete(id);
    await transfer.writer?.[Symbol.asyncDispose]();
    const { part } = transfer;
    if (part === undefined) return;
    const channel = await this.#channel;
    await channel?.removeFile(part).catch(() => undefined);
  }
}

/** Of an upload that went through: its answer was lost on the way. @throws Fault INVALID_REQUEST */
async function askedAgain(
  transfer: Transfer,
  { size }: UploadRequest,
  body: AsyncIterable<Uint8Array>,
): Promise<{ readonly received: number; readonly done: boolean }> {
  transfer.busy = false;
  let isSame = size === transfer.passed.size;
  for await (const bytes of body) {
    isSame &&= bytes.length === 0;
    if (!isSame) break;
  }
  if (!isSame) throw new Fault('INVALID_REQUEST', `the upload is over, and had ${transfer.passed.size} bytes`);
  return { received: size, done: true };
}

/** Whatever becomes of opening it. */
async function close(opening: Promise<FileChannel> | undefined): Promise<void> {
  try {
    await (await opening)?.[Symbol.asyncDispose]();
  } catch {
    // Nothing was opened, or it is closed already.
  }
}
