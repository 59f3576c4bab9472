import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdir, open, readdir, statfs, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { SecretBytes } from '@enchilada/core/credential';
import type { KeyEncryption, WrappedKey } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { EVENT_OVERHEAD_BYTES, writeEvent } from '@enchilada/core/recording';
import type { EncodedEvent } from '@enchilada/core/recording';
import type { Clock } from '@enchilada/core/time';
import { giveBack } from '../../shared/give-back.ts';
import { type Arena, Arenas } from './arenas.ts';
import {
  ENTRY,
  EVENTS_ENTRY_BYTES,
  OPENED_ENTRY_BYTES,
  parseSegmentName,
  sealRecord,
  segmentHeader,
  segmentName,
  writeOpenedEntry,
} from './journal-format.ts';

export const JOURNAL_KEY_CONTEXT = 'journal';
const SYNC_DELAY_MS = 50;
const STALL_MS = 3000;
const STALL_CHECK_MS = 500;
/** A process that got no CPU for seconds finds its write done in the turn after; only looks that a turn follows count. */
const STALL_CHECKS = STALL_MS / STALL_CHECK_MS;

/** The part of a file handle that the journal writes through: what a test can make fail where no real device does. */
export type SegmentFile = Pick<FileHandle, 'writev' | 'datasync' | 'close'>;
export type OpenSegment = (path: string) => Promise<SegmentFile>;

export interface JournalOptions {
  readonly directory: string;
  readonly keys: KeyEncryption;
  readonly clock: Clock;
  readonly segmentBytes: number;
  readonly openSegment?: OpenSegment;
  /** Everything live, repeated at the start of each segment. */
  live(): Iterable<{ readonly slot: number; readonly startedAt: number; readonly id: string }>;
  onFailure(fault: Fault): void;
}

export interface EventPlace {
  readonly slot: number;
  readonly seq: number;
  readonly firstUs: number;
  readonly deltaUs: number;
}

/** Entries that one writev(2) takes. */
interface Batch {
  readonly parts: Buffer[];
  readonly arenas: Arena[];
  bytes: number;
  readonly sinceMs: number;
  readonly written: PromiseWithResolvers<void>;
}

interface Segment {
  readonly number: number;
  readonly path: string;
  bytes: number;
  records: number;
  /** Chunks that begin in this segment and are not in the store yet. */
  holds: number;
}

const openForWriting: OpenSegment = (path) => open(path, 'wx', 0o600);

/**
 * The one journal of the node. One writev(2) is in flight; what arrives meanwhile goes into the next.
 * INVARIANT: `append` resolves in the order of the calls, after write(2) has returned for the entry and all before it.
 * fdatasync follows within 50 ms, off the path.
 */
export class Journal implements AsyncDisposable {
  /** The first segment of this boot. */
  readonly firstSegment: number;
  readonly #options: JournalOptions;
  readonly #key: KeyObject;
  readonly #wrappedKey: WrappedKey;
  readonly #segments: Segment[] = [];
  #file: SegmentFile | undefined;
  readonly #arenas = new Arenas();
  #arenaAt = 0;
  /** Where in the arena the current batch begins. */
  #batchFrom = 0;
  #batch: Batch | undefined;
  #writing: Batch | undefined;
  /** Looks at the write in flight that found it unfinished. */
  #writingChecks = 0;
  /** Raised by `reopen`: a write that comes back later belongs to a file that was left behind. */
  #generation = 0;
  #running = false;
  #idle = Promise.resolve();
  #failure: Fault | undefined;
  #unsynced = false;
  #syncing: Promise<void> | undefined;
  #syncTimer: Disposable | undefined;
  readonly #stallTimer: Disposable;
  #nextSegment: number;

  private constructor(options: JournalOptions, parts: { key: KeyObject; wrappedKey: WrappedKey; nextSegment: number }) {
    this.#options = options;
    this.#key = parts.key;
    this.#wrappedKey = parts.wrappedKey;
    this.#nextSegment = parts.nextSegment;
    this.firstSegment = parts.nextSegment;
    this.#stallTimer = options.clock.every(STALL_CHECK_MS, () => {
      this.#checkStall();
      this.#arenas.look();
    });
  }

  /** Begins a segment under a fresh key. Segments of earlier boots stay where they are. @throws Fault */
  static async open(options: JournalOptions): Promise<Journal> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const numbers = (await readdir(options.directory)).map((name) => parseSegmentName(name) ?? 0);
    using key = new SecretBytes(randomBytes(32));
    const wrappedKey = await options.keys.wrap(key, JOURNAL_KEY_CONTEXT);
    const nextSegment = numbers.reduce((a, b) => Math.max(a, b), 0) + 1;
    const journal = new Journal(options, { key: createSecretKey(key.reveal()), wrappedKey, nextSegment });
    await journal.#rotate().catch((cause: unknown) => {
      throw faultOf(cause);
    });
    return journal;
  }

  get failure(): Fault | undefined {
    return this.#failure;
  }

  get lagBytes(): number {
    return (this.#batch?.bytes ?? 0) + (this.#writing?.bytes ?? 0);
  }

  get lagMs(): number {
    const oldest = this.#writing ?? this.#batch;
    return oldest === undefined ? 0 : this.#options.clock.monotonicMs() - oldest.sinceMs;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** Where the next entry goes: a chunk that begins now holds this segment, and what follows it, until `release`. */
  hold(): number {
    const segment = this.#segments.at(-1);
    if (segment === undefined) return 0;
    segment.holds++;
    return segment.number;
  }

  release(number: number): void {
    const segment = this.#segments.find((candidate) => candidate.number === number);
    if (segment !== undefined) segment.holds--;
    this.#removeReleased();
  }

  /** Lays the event out once; the view returned is what the chunk is made of. `written` follows the journal's write. */
  appendEvent(place: EventPlace, event: EncodedEvent): { readonly view: Buffer; readonly written: Promise<void> } {
    const target = this.#reserve(EVENTS_ENTRY_BYTES + EVENT_OVERHEAD_BYTES + event.data.length);
    const { buffer, at } = target;
    const begin = at + EVENTS_ENTRY_BYTES;
    const end = writeEvent(buffer, begin, { ...event, deltaUs: place.deltaUs });
    buffer[at] = ENTRY.events;
    buffer.writeUInt32BE(place.slot, at + 1);
    buffer.writeUInt32BE(place.seq, at + 5);
    buffer.writeUInt32BE(Math.floor(place.firstUs / 2 ** 32), at + 9);
    buffer.writeUInt32BE(place.firstUs >>> 0, at + 13);
    buffer.writeUInt32BE(end - begin, at + 17);
    this.#arenas.current.users++;
    return { view: buffer.subarray(begin, end), written: this.#commit(target, end) };
  }

  /** The chunk that was made of these views is sealed: nobody reads them again, and others are written in their place. */
  forget(views: readonly Buffer[]): void {
    this.#arenas.forget(views);
  }

  appendOpened(entry: { slot: number; startedAt: number; id: string }): Promise<void> {
    const target = this.#reserve(OPENED_ENTRY_BYTES);
    return this.#commit(target, writeOpenedEntry(target.buffer, target.at, entry));
  }

  appendClosed(slot: number): Promise<void> {
    const target = this.#reserve(5);
    target.buffer[target.at] = ENTRY.closed;
    target.buffer.writeUInt32BE(slot, target.at + 1);
    return this.#commit(target, target.at + 5);
  }

  /** After a failure: a new segment, if the disk takes one again. @throws Fault */
  async reopen(): Promise<void> {
    this.#generation++;
    const file = this.#file;
    this.#file = undefined;
    // A stalled descriptor may never close; it is left behind.
    void file?.close().catch(() => undefined);
    try {
      await this.#rotate();
    } catch (cause) {
      throw faultOf(cause);
    }
    this.#writing = undefined;
    this.#running = false;
    this.#failure = undefined;
  }

  async freeBytes(): Promise<{ readonly free: number; readonly total: number }> {
    const { bavail, blocks, bsize } = await statfs(this.#options.directory);
    return { free: bavail * bsize, total: blocks * bsize };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#failure === undefined && (this.#running || this.#batch !== undefined)) await this.#idle;
    this.#syncTimer?.[Symbol.dispose]();
    this.#stallTimer[Symbol.dispose]();
    if (this.#failure === undefined) {
      await this.#syncing;
      await this.#file?.datasync().catch((cause: unknown) => {
        this.#fail(faultOf(cause));
      });
      await this.#file?.close();
    }
    this.#fail(new Fault('RECORDER_FAILED', 'the recorder was closed'));
  }

  #reserve(bytes: number): { readonly buffer: Buffer; readonly at: number } {
    if (this.#arenaAt + bytes > this.#arenas.current.buffer.length) {
      this.#flushArena();
      // Pending chunks hold views of the arena that is full; it is used again when the last of them is sealed.
      this.#arenas.renew(bytes);
      this.#arenaAt = 0;
      this.#batchFrom = 0;
    }
    return { buffer: this.#arenas.current.buffer, at: this.#arenaAt };
  }

  #commit(target: { readonly buffer: Buffer; readonly at: number }, end: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#batch === undefined) {
      const written = Promise.withResolvers<void>();
      // Those who appended to it hear of a failure; where nobody waits, `onFailure` says it.
      written.promise.catch(() => undefined);
      this.#batch = { parts: [], arenas: [], bytes: 0, sinceMs: this.#options.clock.monotonicMs(), written };
      this.#batchFrom = target.at;
      // What the same turn of the event loop still appends goes along.
      if (!this.#running) this.#start();
    }
    this.#batch.bytes += end - target.at;
    this.#arenaAt = end;
    return this.#batch.written.promise;
  }

  #flushArena(): void {
    if (this.#batch !== undefined && this.#arenaAt > this.#batchFrom) {
      const { current } = this.#arenas;
      this.#batch.parts.push(current.buffer.subarray(this.#batchFrom, this.#arenaAt));
      this.#batch.arenas.push(current);
      current.users++;
    }
    this.#batchFrom = this.#arenaAt;
  }

  #start(): void {
    this.#running = true;
    const generation = this.#generation;
    this.#idle = Promise.resolve().then(async () => {
      await this.#run(generation);
    });
  }

  async #run(generation: number): Promise<void> {
    while (this.#batch !== undefined && this.#failure === undefined) {
      this.#flushArena();
      const batch = this.#batch;
      this.#batch = undefined;
      this.#writing = batch;
      this.#writingChecks = 0;
      try {
        if ((this.#segments.at(-1)?.bytes ?? 0) >= this.#options.segmentBytes) await this.#rotate();
        await this.#write(batch);
        batch.written.resolve();
      } catch (cause) {
        if (generation === this.#generation) this.#fail(faultOf(cause));
      }
      if (generation !== this.#generation) return;
      this.#writing = undefined;
    }
    this.#running = false;
  }

  async #write({ parts, arenas }: Batch): Promise<void> {
    const segment = this.#segments.at(-1);
    if (segment === undefined || this.#file === undefined)
      throw new Fault('RECORDER_FAILED', 'the journal has no open segment');
    const pieces = sealRecord(this.#key, { segment: segment.number, index: segment.records }, parts);
    for (const arena of arenas) this.#arenas.leave(arena);
    segment.records++;
    segment.bytes += await writeAll(this.#file, pieces);
    for (const piece of pieces) giveBack(piece);
    this.#unsynced = true;
    this.#syncTimer ??= this.#options.clock.after(SYNC_DELAY_MS, () => {
      this.#syncTimer = undefined;
      void this.#sync();
    });
  }

  async #sync(): Promise<void> {
    const file = this.#file;
    if (this.#syncing !== undefined || file === undefined || !this.#unsynced) return;
    this.#unsynced = false;
    this.#syncing = file.datasync().catch((cause: unknown) => {
      // After a failed fdatasync the kernel may have dropped the pages: what was written since is lost, and it must be said.
      if (file === this.#file) this.#fail(faultOf(cause));
    });
    await this.#syncing;
    this.#syncing = undefined;
    if (this.#unsynced && this.#failure === undefined) {
      this.#syncTimer ??= this.#options.clock.after(SYNC_DELAY_MS, () => {
        this.#syncTimer = undefined;
        void this.#sync();
      });
    }
  }

  async #rotate(): Promise<void> {
    const { directory, live, openSegment = openForWriting } = this.#options;
    const number = this.#nextSegment++;
    const path = join(directory, segmentName(number));
    const file = await openSegment(path);
    const segment: Segment = { number, path, bytes: 0, records: 1, holds: 0 };
    const entries = [...live()];
    const opened = Buffer.allocUnsafe(entries.length * OPENED_ENTRY_BYTES);
    entries.reduce((at, entry) => writeOpenedEntry(opened, at, entry), 0);
    try {
      const pieces = [
        segmentHeader(number, this.#wrappedKey),
        ...sealRecord(this.#key, { segment: number, index: 0 }, [opened]),
      ];
      segment.bytes = await writeAll(file, pieces);
      await file.datasync();
    } catch (cause) {
      // Whatever is left of it holds nothing; the first failure is the one to tell.
      await file.close().catch(() => undefined);
      await unlink(path).catch(() => undefined);
      throw cause;
    }
    const previous = this.#file;
    this.#file = file;
    this.#segments.push(segment);
    if (previous !== undefined) void this.#leave(previous);
    this.#removeReleased();
  }

  async #leave(file: SegmentFile): Promise<void> {
    try {
      await file.datasync();
      await file.close();
    } catch (cause) {
      this.#fail(faultOf(cause));
    }
  }

  /** From the oldest on, so that what an entry `closed` speaks of never outlives it. */
  #removeReleased(): void {
    while (this.#segments.length > 1 && this.#segments[0]?.holds === 0) {
      const segment = this.#segments.shift();
      // One that stays holds nothing that is needed; the next start removes it.
      if (segment !== undefined) void unlink(segment.path).catch(() => undefined);
    }
  }

  #checkStall(): void {
    if (this.#writing === undefined || ++this.#writingChecks < STALL_CHECKS) return;
    this.#fail(new Fault('RECORDER_FAILED', `the journal did not take a write for ${STALL_MS} ms`));
  }

  #fail(fault: Fault): void {
    if (this.#failure !== undefined) return;
    this.#failure = fault;
    for (const batch of [this.#writing, this.#batch]) batch?.written.reject(fault);
    this.#batch = undefined;
    this.#batchFrom = this.#arenaAt;
    this.#options.onFailure(fault);
  }
}

async function writeAll(file: SegmentFile, pieces: readonly Buffer[]): Promise<number> {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  let rest = [...pieces];
  let written = 0;
  while (written < total) {
    const { bytesWritten } = await file.writev(rest);
    written += bytesWritten;
    let skip = bytesWritten;
    while (rest[0] !== undefined && skip >= rest[0].length) skip -= rest.shift()?.length ?? 0;
    if (skip > 0 && rest[0] !== undefined) rest = [rest[0].subarray(skip), ...rest.slice(1)];
  }
  return total;
}

function faultOf(cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  const { code = 'unknown' } = cause as { code?: string };
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return new Fault('RECORDING_STORE_FULL', `no room for the journal (${code})`, { cause });
  return new Fault('RECORDER_FAILED', `the journal cannot be written (${code})`, { cause });
}
