import { Fault, isFault } from '@enchilada/core/fault';
import type { RecordingStore } from '@enchilada/core/recording';
import type { Clock, RandomSource } from '@enchilada/core/time';

/** A put syncs to disk on a thread of the pool; the journal's writes must always find one free. */
const CONCURRENT_PUTS = 2;
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 8000;

export interface StoreQueueOptions {
  readonly store: RecordingStore;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly maxUnstoredBytes: number;
  /** The store is full, or more waits for it than may: nothing more should be accepted. It goes on trying. */
  onFull(fault: Fault): void;
}

/** Puts objects of all recordings, those of one recording in order, and again until they are stored. */
export class StoreQueue {
  readonly #options: StoreQueueOptions;
  readonly #waiting: (() => void)[] = [];
  #free = CONCURRENT_PUTS;
  readonly #timers = new Set<Disposable>();
  #stopped = false;
  unstoredBytes = 0;
  storedChunks = 0;
  retries = 0;

  constructor(options: StoreQueueOptions) {
    this.#options = options;
  }

  /** Counts bytes that wait for `put`. They are in memory, so there is a limit. */
  announce(bytes: number): void {
    const { maxUnstoredBytes, onFull } = this.#options;
    this.unstoredBytes += bytes;
    if (this.unstoredBytes <= maxUnstoredBytes) return;
    const waiting = `${this.unstoredBytes} bytes wait for the store, at most ${maxUnstoredBytes} may`;
    onFull(new Fault('RECORDING_STORE_FULL', waiting));
  }

  /**
   * Resolves when the object, announced before, is stored, however long it takes; never once the queue was stopped.
   * @throws Fault CONFLICT where other bytes are stored under the name
   */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    const { store, clock } = this.#options;
    for (let delay = RETRY_FIRST_MS; ; delay = Math.min(2 * delay, RETRY_MOST_MS)) {
      await this.#acquire();
      try {
        await store.put(name, bytes);
        this.unstoredBytes -= bytes.length;
        this.storedChunks++;
        return;
      } catch (cause) {
        if (isFault(cause, 'CONFLICT')) {
          this.unstoredBytes -= bytes.length;
          throw cause;
        }
        if (isFault(cause, 'RECORDING_STORE_FULL')) this.#options.onFull(cause);
      } finally {
        this.#release();
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

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
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

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined || this.#stopped) this.#free++;
    else next();
  }
}
