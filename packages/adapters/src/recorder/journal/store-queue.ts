import { Fault, isFault } from '@enchilada/core/fault';
import type { RecordingStore } from '@enchilada/core/recording';
import type { Clock, RandomSource } from '@enchilada/core/time';

/** A put syncs to disk on a thread of the pool; the journal's writes must always find one free. */
const CONCURRENT_PUTS = 2;
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 8000;
/** What every recording may have unstored, however many wait: more than anybody's typing makes between two chunks. */
const ALWAYS_BYTES = 16 * 1024;
const LOOK_MS = 500;
/** How long a recording waits for a store that refuses; a strict session ends within 5 s of an error. */
const REFUSED_MS = 3000;
/** How long it waits for a store that says nothing. */
const SILENT_MS = 15_000;

export interface StoreQueueOptions {
  readonly store: RecordingStore;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Recordings wait from half of it on; at all of it everything ends, which waiting makes impossible as long as targets obey. */
  readonly maxUnstoredBytes: number;
  /** The store is full, or more waits for it than may: nothing more should be accepted. It goes on trying. */
  onFull(fault: Fault): void;
}

/**
 * Puts objects of all recordings, those of one recording in order, and again until they are stored. Each recording has its part of the queue: one
 * with more than there is room left waits, so that a flood takes half of the room, two take a third each, and whoever types never waits.
 */
export class StoreQueue {
  readonly #options: StoreQueueOptions;
  readonly #waiting: (() => void)[] = [];
  #free = CONCURRENT_PUTS;
  readonly #timers = new Set<Disposable>();
  readonly #crowded = new Set<QueuePart>();
  #lookTimer: Disposable | undefined;
  #stopped = false;
  /** Monotonic times: of the last put that went well, and of the first since then that did not. */
  #storedMs = 0;
  #refusedMs: number | undefined;
  unstoredBytes = 0;
  storedChunks = 0;
  retries = 0;

  constructor(options: StoreQueueOptions) {
    this.#options = options;
  }

  /** `onStuck` hears once that the recording waits in vain. */
  part(onStuck: (fault: Fault) => void): QueuePart {
    return new QueuePart(this, onStuck);
  }

  /** Of a part alone: counts what it has more, or less. */
  count(part: QueuePart, bytes: number): void {
    const { maxUnstoredBytes, onFull } = this.#options;
    part.bytes += bytes;
    this.unstoredBytes += bytes;
    if (bytes > 0) {
      if (part.room === undefined && this.#isCrowded(part)) this.#hold(part);
      if (this.unstoredBytes <= maxUnstoredBytes) return;
      const waiting = `${this.unstoredBytes} bytes wait for the store, at most ${maxUnstoredBytes} may`;
      onFull(new Fault('RECORDING_STORE_FULL', waiting));
      return;
    }
    for (const crowded of this.#crowded) if (!this.#isCrowded(crowded)) this.#release(crowded);
  }

  /**
   * Resolves when the object, counted before, is stored, however long it takes; never once the queue was stopped.
   * @throws Fault CONFLICT where other bytes are stored under the name
   */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    const { store, clock } = this.#options;
    for (let delay = RETRY_FIRST_MS; ; delay = Math.min(2 * delay, RETRY_MOST_MS)) {
      await this.#acquire();
      try {
        await store.put(name, bytes);
        this.#storedMs = clock.monotonicMs();
        this.#refusedMs = undefined;
        this.storedChunks++;
        return;
      } catch (cause) {
        if (isFault(cause, 'CONFLICT')) throw cause;
        this.#refusedMs ??= clock.monotonicMs();
        if (isFault(cause, 'RECORDING_STORE_FULL')) this.#options.onFull(cause);
      } finally {
        this.#next();
      }
      this.retries++;
      await new Promise<void>((resolve) => {
        const timer = clock.after(delay * (0.5 + this.#jitter()), () => {
          this.#timers.delete(timer);
          resolve();
        });
        this.#timers.add(timer);
      });
    }
  }

  /** Nothing waits for the store any more. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    for (const part of this.#crowded) this.#release(part);
  }

  #isCrowded({ bytes }: QueuePart): boolean {
    return bytes > Math.max(ALWAYS_BYTES, this.#options.maxUnstoredBytes / 2 - this.unstoredBytes);
  }

  #hold(part: QueuePart): void {
    if (this.#stopped) return;
    part.room = Promise.withResolvers();
    part.waitsSinceMs = this.#options.clock.monotonicMs();
    this.#crowded.add(part);
    this.#lookTimer ??= this.#options.clock.every(LOOK_MS, () => {
      this.#look();
    });
  }

  #release(part: QueuePart): void {
    this.#crowded.delete(part);
    part.room?.resolve();
    part.room = undefined;
    if (this.#crowded.size > 0) return;
    this.#lookTimer?.[Symbol.dispose]();
    this.#lookTimer = undefined;
  }

  #look(): void {
    const now = this.#options.clock.monotonicMs();
    for (const part of this.#crowded) {
      const refused = this.#refusedMs === undefined ? 0 : now - Math.max(part.waitsSinceMs, this.#refusedMs);
      const silent = now - Math.max(part.waitsSinceMs, this.#storedMs);
      if (refused < REFUSED_MS && silent < SILENT_MS) continue;
      this.#release(part);
      const words =
        refused < REFUSED_MS ? `took nothing for ${SILENT_MS} ms` : `refused everything for ${REFUSED_MS} ms`;
      part.onStuck(new Fault('RECORDER_FAILED', `${part.bytes} bytes wait for the store, which ${words}`));
    }
  }

  /** From 0 to 1. */
  #jitter(): number {
    return (this.#options.random.bytes(1)[0] ?? 0) / 255;
  }

  async #acquire(): Promise<void> {
    if (this.#stopped) await new Promise(() => undefined);
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined || this.#stopped) this.#free++;
    else next();
  }
}

/** What one recording has in the queue, or keeps for it. */
export class QueuePart {
  readonly #queue: StoreQueue;
  readonly onStuck: (fault: Fault) => void;
  bytes = 0;
  waitsSinceMs = 0;
  /** While the recording has more than its share. */
  room: PromiseWithResolvers<void> | undefined;

  constructor(queue: StoreQueue, onStuck: (fault: Fault) => void) {
    this.#queue = queue;
    this.onStuck = onStuck;
  }

  /** Counts bytes that will be stored, or, negative, that will not. They are in memory, so there is a limit. */
  count(bytes: number): void {
    this.#queue.count(this, bytes);
  }

  /** Resolves when the object, counted before, is stored. @throws Fault CONFLICT */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#queue.put(name, bytes);
    } catch (cause) {
      this.count(-bytes.length);
      throw cause;
    }
    this.count(-bytes.length);
  }
}
