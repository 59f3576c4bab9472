import { checkPath, joinPath, pathText, splitPath } from '../engine/index.ts';
import type { FileAttributes, FileChannel, FileEntry, FileWriter, PathBytes } from '../engine/index.ts';
import { Fault, isFault, toFault } from '../fault/index.ts';
import type { RecordingEvent, TransferDirection } from '../recording/index.ts';
import type { Clock } from '../time/index.ts';
import type { SessionAuditEvent } from './session-log.ts';

/** What the person may do with files, as the policy says now. */
export interface FileRights {
  /** To the machine. */
  readonly upload: boolean;
  /** From the machine. */
  readonly download: boolean;
}

/** SHA-256 as it goes; `digest` may be asked for at any time and ends nothing. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

export interface SessionFilesParts {
  readonly open: () => Promise<FileChannel>;
  readonly audit: (event: SessionAuditEvent) => Promise<unknown>;
  /** Resolves once the recorder has accepted the event. */
  readonly record: (event: RecordingEvent) => Promise<void>;
  /** The person is there: a transfer is no idle session. */
  readonly active: () => void;
  readonly hasher: () => RunningHash;
  readonly clock: Clock;
  readonly target: { readonly id: string; readonly name: string };
  readonly sessionId: string;
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

export type FileChange =
  | { readonly change: 'rename'; readonly path: PathBytes; readonly to: PathBytes }
  | { readonly change: 'delete' | 'make-folder'; readonly path: PathBytes }
  | { readonly change: 'mode'; readonly path: PathBytes; readonly mode: number };

export interface DownloadRequest {
  readonly path: PathBytes;
  /** Chosen by the caller; names the transfer when it is resumed. */
  readonly transfer: string;
  readonly offset: number;
}

export interface Download {
  readonly attributes: FileAttributes;
  readonly version: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface UploadRequest {
  readonly path: PathBytes;
  readonly transfer: string;
  readonly offset: number;
  /** Of the whole file. */
  readonly size: number;
  readonly replace: boolean;
  /** The file is replaced only if it is still this one. */
  readonly version: string | undefined;
}

interface Transfer {
  readonly direction: TransferDirection;
  readonly path: PathBytes;
  readonly hash: RunningHash;
  version: string;
  /** Bytes that went through the hash. */
  hashed: number;
  busy: boolean;
  writer: FileWriter | undefined;
  part: PathBytes | undefined;
  usedMs: number;
}

const MOST_ENTRIES = 20_000;
const MOST_TRANSFERS = 64;
const LIST_MS = 60_000;
const RECHECK_MS = 2_000;
const CLEANING_MS = 1_000;
const MOST_SIZE = Number.MAX_SAFE_INTEGER;

export function fileVersion({ modifiedAt, size }: FileAttributes): string {
  return `${modifiedAt ?? 0}-${size ?? 0}`;
}

/**
 * The files of one live session. INVARIANT: the last byte of a download is handed out, and an upload gets its name, only after the recorder and the
 * audit log hold the transfer with its name, size and SHA-256; one that breaks off is written down as far as it came.
 */
export class SessionFiles implements AsyncDisposable {
  readonly #parts: SessionFilesParts;
  readonly #transfers = new Map<string, Transfer>();
  readonly #abort = new AbortController();
  #channel: Promise<FileChannel> | undefined;

  constructor(parts: SessionFilesParts) {
    this.#parts = parts;
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
      const entries: FileEntry[] = [];
      for await (const page of channel.list(folder, limit.signal)) {
        entries.push(...page.slice(0, MOST_ENTRIES - entries.length));
        this.#abort.signal.throwIfAborted();
        if (entries.length >= MOST_ENTRIES) return { path: folder, entries, truncated: true };
      }
      return { path: folder, entries, truncated: false };
    });
  }

  async change(caller: FileCaller, request: FileChange): Promise<void> {
    this.#permit(caller, 'upload');
    const path = checkPath(request.path);
    try {
      await this.#with((channel) => apply(channel, { ...request, path }));
      await this.#auditChange(request, undefined);
    } catch (failure) {
      await this.#auditChange(request, toFault(failure).code);
      throw failure;
    }
  }

  async download(caller: FileCaller, request: DownloadRequest): Promise<Download> {
    this.#permit(caller, 'download');
    const path = checkPath(request.path);
    const transfer = this.#transfer('download', { ...request, path });
    try {
      return await this.#with(async (channel) => {
        const file = await channel.open(path, { offset: request.offset, signal: this.#abort.signal });
        const version = fileVersion(file.attributes);
        if (request.offset > 0 && version !== transfer.version)
          throw new Fault('FILE_CHANGED', 'the file is not the one that the transfer began with');
        if (request.offset === 0) await this.#started(transfer, file.attributes.size);
        transfer.version = version;
        const bytes = this.#sent(caller, transfer, { content: file.content, offset: request.offset });
        // Started, so that a caller who reads nothing leaves nothing open.
        await bytes.next();
        return { attributes: file.attributes, version, bytes };
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
    const transfer = this.#transfer('upload', { ...request, path });
    transfer.part ??= joinPath(folder, new TextEncoder().encode(`.${request.transfer}.part`));
    const { part } = transfer;
    try {
      return await this.#with(async (channel) => {
        if (request.offset === 0) {
          await refuseUnfit(channel, { ...request, path });
          await this.#started(transfer, request.size);
        }
        transfer.writer ??= await channel.create(part, { offset: 0 });
        await this.#taken(caller, transfer, { body, size: request.size });
        if (transfer.hashed < request.size) return { received: transfer.hashed, done: false };
        await transfer.writer.finish();
        transfer.writer = undefined;
        const before = await refuseUnfit(channel, { ...request, path });
        if (before?.mode !== undefined) await channel.setMode(part, before.mode);
        await this.#finished(transfer, undefined);
        await channel.rename(part, path, { replace: request.replace });
        this.#transfers.delete(request.transfer);
        return { received: request.size, done: true };
      });
    } catch (failure) {
      await this.#broken(request.transfer, transfer, failure);
      throw failure;
    } finally {
      transfer.busy = false;
    }
  }

  /** How much of a transfer went through, from which it can go on. @throws Fault NOT_FOUND */
  progress(transfer: string): number {
    const found = this.#transfers.get(transfer);
    if (found === undefined) throw new Fault('NOT_FOUND', 'there is no such transfer');
    return found.hashed;
  }

  /** Forgets a transfer and removes what it left behind. Idempotent. */
  async cancel(transfer: string): Promise<void> {
    const found = this.#transfers.get(transfer);
    if (found === undefined) return;
    this.#transfers.delete(transfer);
    if (found.direction === 'download') return;
    await this.#finished(found, 'cancelled');
    await this.#removePart(transfer, found);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new Fault('SESSION_ENDED', 'the session ended'));
    const late = Promise.withResolvers<void>();
    using _timer = this.#parts.clock.after(CLEANING_MS, late.resolve);
    await Promise.race([this.#clean(), late.promise]);
    const channel = await Promise.race([this.#channel?.catch(() => undefined), late.promise]);
    await channel?.[Symbol.asyncDispose]();
  }

  /** Uploads that rest are written down and leave nothing behind, if the machine still answers. */
  async #clean(): Promise<void> {
    for (const [id, transfer] of [...this.#transfers]) {
      if (transfer.busy || transfer.direction === 'download') continue;
      await this.#finished(transfer, 'SESSION_ENDED').catch(() => undefined);
      await this.#removePart(id, transfer).catch(() => undefined);
    }
  }

  #permit({ rights }: FileCaller, direction: TransferDirection): void {
    this.#parts.active();
    if (rights[direction]) return;
    void this.#parts
      .audit({
        action: 'file.denied',
        outcome: 'denied',
        object: { kind: 'target', ...this.#parts.target },
        detail: { sessionId: this.#parts.sessionId, direction },
      })
      .catch(() => undefined);
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
      if (lost && this.#channel === opened) this.#channel = undefined;
      throw failure;
    }
  }

  #transfer(
    direction: TransferDirection,
    { transfer: id, path, offset }: { readonly transfer: string; readonly path: PathBytes; readonly offset: number },
  ): Transfer {
    const known = this.#transfers.get(id);
    if (known !== undefined && (known.direction !== direction || pathText(known.path) !== pathText(path)))
      throw new Fault('CONFLICT', 'the transfer is for another file');
    if (known?.busy === true) throw new Fault('CONFLICT', 'the transfer is running already');
    const reached = known?.hashed ?? 0;
    if (offset > reached || (direction === 'upload' && offset !== reached))
      throw new Fault('CONFLICT', `the transfer stands at ${reached}, received ${offset}`, {
        facts: { received: reached },
      });
    const transfer = known ?? {
      direction,
      path,
      hash: this.#parts.hasher(),
      version: '',
      hashed: 0,
      busy: true,
      writer: undefined,
      part: undefined,
      usedMs: 0,
    };
    transfer.busy = true;
    transfer.usedMs = this.#parts.clock.monotonicMs();
    if (known === undefined) {
      this.#makeRoom();
      this.#transfers.set(id, transfer);
    }
    return transfer;
  }

  /** The oldest that rests makes room; what it left on the machine is removed. */
  #makeRoom(): void {
    if (this.#transfers.size < MOST_TRANSFERS) return;
    const resting = [...this.#transfers]
      .filter(([, { busy }]) => !busy)
      .toSorted(([, a], [, b]) => a.usedMs - b.usedMs);
    const [oldest] = resting;
    if (oldest === undefined) throw new Fault('THROTTLED', `${MOST_TRANSFERS} transfers are running, the most allowed`);
    this.#transfers.delete(oldest[0]);
    if (oldest[1].direction === 'upload') void this.#removePart(oldest[0], oldest[1]).catch(() => undefined);
  }

  async *#sent(
    caller: FileCaller,
    transfer: Transfer,
    { content, offset }: { readonly content: AsyncGenerator<Uint8Array, void>; readonly offset: number },
  ): AsyncGenerator<Uint8Array, void> {
    const check = this.#checker(caller, 'download');
    let at = offset;
    let held: Uint8Array | undefined;
    let complete = false;
    try {
      yield new Uint8Array();
      for await (const bytes of content) {
        await check();
        if (held !== undefined) yield held;
        // A resumed transfer sends again what the network lost; the hash has it already.
        if (at + bytes.length > transfer.hashed) {
          transfer.hash.update(bytes.subarray(Math.max(0, transfer.hashed - at)));
          transfer.hashed = at + bytes.length;
        }
        at += bytes.length;
        held = bytes;
      }
      await this.#finished(transfer, undefined);
      complete = true;
      if (held !== undefined) yield held;
    } catch (failure) {
      await this.#finished(transfer, toFault(failure).code);
      complete = true;
      throw failure;
    } finally {
      transfer.busy = false;
      await content.return();
      if (!complete) await this.#finished(transfer, 'interrupted');
    }
  }

  async #taken(
    caller: FileCaller,
    transfer: Transfer,
    { body, size }: { readonly body: AsyncIterable<Uint8Array>; readonly size: number },
  ): Promise<void> {
    const check = this.#checker(caller, 'upload');
    for await (const bytes of body) {
      await check();
      this.#abort.signal.throwIfAborted();
      if (transfer.hashed + bytes.length > Math.min(size, MOST_SIZE))
        throw new Fault('INVALID_REQUEST', `more than the ${size} bytes that were announced`);
      transfer.hash.update(bytes);
      transfer.hashed += bytes.length;
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
    if (code === 'CONFLICT') return;
    await this.#finished(transfer, code === 'INTERNAL' ? 'interrupted' : code);
    if (code !== 'INTERNAL') await this.#removePart(id, transfer).catch(() => undefined);
  }

  async #removePart(id: string, transfer: Transfer): Promise<void> {
    this.#transfers.delete(id);
    await transfer.writer?.[Symbol.asyncDispose]();
    const { part } = transfer;
    if (part === undefined) return;
    const channel = await this.#channel;
    await channel?.removeFile(part).catch(() => undefined);
  }

  async #started(transfer: Transfer, size: number | undefined): Promise<void> {
    await this.#parts.audit({
      action: 'file.transfer-started',
      outcome: 'success',
      object: { kind: 'target', ...this.#parts.target },
      detail: { ...this.#detailOf(transfer), ...(size === undefined ? {} : { size }) },
    });
  }

  async #finished(transfer: Transfer, failure: string | undefined): Promise<void> {
    const sha256 = transfer.hash.digest();
    const { direction, hashed: size, path } = transfer;
    await this.#parts.record({ kind: 'file', name: pathText(path), size, sha256, direction });
    await this.#parts.audit({
      action: 'file.transferred',
      outcome: failure === undefined ? 'success' : 'failure',
      object: { kind: 'target', ...this.#parts.target },
      ...(failure === undefined ? {} : { reason: failure }),
      detail: { ...this.#detailOf(transfer), size, sha256: hexOf(sha256) },
    });
  }

  #detailOf({ direction, path }: Transfer): Readonly<Record<string, string>> {
    return { sessionId: this.#parts.sessionId, direction, path: shown(path) };
  }

  async #auditChange(request: FileChange, failure: string | undefined): Promise<void> {
    await this.#parts.audit({
      action: 'file.changed',
      outcome: failure === undefined ? 'success' : 'failure',
      object: { kind: 'target', ...this.#parts.target },
      ...(failure === undefined ? {} : { reason: failure }),
      detail: {
        sessionId: this.#parts.sessionId,
        change: request.change,
        path: shown(request.path),
        ...(request.change === 'rename' ? { to: shown(request.to) } : {}),
        ...(request.change === 'mode' ? { mode: request.mode.toString(8).padStart(4, '0') } : {}),
      },
    });
  }
}

/** A path of bytes that nobody can read is up to four times as long as text. */
function shown(path: PathBytes): string {
  const text = pathText(path);
  return text.length > 2_048 ? `${text.slice(0, 2_048)}…` : text;
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function apply(channel: FileChannel, request: FileChange): Promise<void> {
  switch (request.change) {
    case 'rename':
      return channel.rename(request.path, checkPath(request.to), { replace: false });
    case 'make-folder':
      return channel.makeFolder(request.path);
    case 'mode':
      return channel.setMode(request.path, request.mode);
    case 'delete': {
      const { kind } = await channel.attributes(request.path);
      return kind === 'folder' ? channel.removeFolder(request.path) : channel.removeFile(request.path);
    }
  }
}

/** What the name belongs to now. @throws Fault FILE_EXISTS, FILE_CHANGED, FILE_UNFIT */
async function refuseUnfit(
  channel: FileChannel,
  { path, replace, version }: UploadRequest,
): Promise<FileAttributes | undefined> {
  const there = await channel.attributes(path).catch((failure: unknown) => {
    if (isFault(failure, 'FILE_NOT_FOUND')) return undefined;
    throw failure;
  });
  if (there === undefined) return undefined;
  if (!replace) throw new Fault('FILE_EXISTS', 'something has this name already');
  // A link would be replaced by the file, and what it points to would stay as it is.
  if (there.kind !== 'file')
    throw new Fault('FILE_UNFIT', `only a regular file can be replaced, this is a ${there.kind}`);
  if (version !== undefined && fileVersion(there) !== version)
    throw new Fault('FILE_CHANGED', 'the file was changed in the meantime');
  return there;
}
