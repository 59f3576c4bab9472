import { RecordingStreamDecoder } from '@enchilada/contract';
import type { TimedRecordingEvent } from '@enchilada/core/recording';

/** How far the reader runs ahead of who takes the events. */
const AHEAD_BYTES = 1024 * 1024;
const AHEAD_EVENTS = 20_000;

/** Events from a chunk on, in order of time, read a little ahead: the rest stays with the gateway until it is wanted. */
export class EventReader implements Disposable {
  readonly #abort = new AbortController();
  #queue: TimedRecordingEvent[] = [];
  #head = 0;
  #queuedBytes = 0;
  #skip: number;
  #ended = false;
  #failure: Error | undefined;
  #arrived = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();

  constructor(open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>, skip: number) {
    this.#skip = skip;
    void this.#read(open);
  }

  /** Nothing more will arrive. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What reading ended by, where it did not end by itself. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** When the next event happens; undefined while none is here. */
  get nextAtMs(): number | undefined {
    const next = this.#queue[this.#head];
    return next === undefined ? undefined : next.atUs / 1000;
  }

  /** The events up to the time, itself included, as far as they are here. */
  take(untilMs: number, most = Infinity): readonly TimedRecordingEvent[] {
    const from = this.#head;
    for (
      let next = this.#queue[this.#head];
      next !== undefined && next.atUs / 1000 <= untilMs && this.#head - from < most;
    ) {
      if (next.event.kind === 'output') this.#queuedBytes -= next.event.bytes.length;
      next = this.#queue[++this.#head];
    }
    const taken = this.#queue.slice(from, this.#head);
    if (this.#head > AHEAD_EVENTS / 2) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    this.#taken.resolve();
    return taken;
  }

  /** Resolves when something came: events, the end, a failure. */
  arrival(): Promise<void> {
    return this.#arrived.promise;
  }

  /** All events up to the time, once an event behind it, or the end, is here. @throws what reading them threw */
  async takeAll(untilMs: number): Promise<readonly TimedRecordingEvent[]> {
    const all: TimedRecordingEvent[] = [];
    for (;;) {
      for (const event of this.take(untilMs)) all.push(event);
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended || this.nextAtMs !== undefined) return all;
      await this.#arrived.promise;
    }
  }

  [Symbol.dispose](): void {
    this.#abort.abort();
    this.#end();
    this.#taken.resolve();
  }

  async #read(open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>): Promise<void> {
    const { signal } = this.#abort;
    const decoder = new RecordingStreamDecoder();
    try {
      const reader = (await open(signal)).getReader();
      for (let part = await reader.read(); !part.done && !signal.aborted; part = await reader.read()) {
        for (const event of decoder.push(part.value)) {
          if (this.#skip > 0) {
            this.#skip -= 1;
            continue;
          }
          this.#queue.push(event);
          if (event.event.kind === 'output') this.#queuedBytes += event.event.bytes.length;
        }
        this.#news();
        while (!signal.aborted && (this.#queuedBytes > AHEAD_BYTES || this.#queue.length - this.#head > AHEAD_EVENTS)) {
          this.#taken = Promise.withResolvers();
          await this.#taken.promise;
        }
      }
    } catch (error) {
      if (!signal.aborted) this.#failure = error instanceof Error ? error : new Error(String(error));
    }
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#news();
  }

  #news(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}
