import type { RecordingShape, FromWorker, ToWorker } from './keyframe-messages.ts';
import { EventReader } from './event-reader.ts';
import type { Base } from './recording-index.ts';

/** Opens the recording's stream at a chunk. @throws ApiFault */
export type OpenStream = (fromChunk: number, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;

export interface SourceEvents {
  readonly onMessage: (message: Exclude<FromWorker, { readonly type: 'taken' | 'base' }>) => void;
  readonly onFailure: (error: unknown) => void;
}

/** The worker reads slower than a fast network brings. */
const UNREAD_BYTES = 4 * 1024 * 1024;

/** A recording: indexed once in a worker from its beginning, and read from any moment on. */
export class RecordingSource implements Disposable {
  readonly #open: OpenStream;
  readonly #events: SourceEvents;
  readonly #worker: Worker;
  readonly #abort = new AbortController();
  readonly #asked = new Map<number, (base: Base) => void>();
  #ticket = 0;
  #unread = 0;
  #room = Promise.withResolvers<void>();

  constructor(shape: RecordingShape, open: OpenStream, events: SourceEvents) {
    this.#open = open;
    this.#events = events;
    this.#worker = new Worker(new URL('./keyframes.worker.ts', import.meta.url), {
      type: 'module',
      name: JSON.stringify(shape),
    });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    void this.#index();
  }

  async baseFor(toMs: number): Promise<Base> {
    const ticket = ++this.#ticket;
    const answer = new Promise<Base>((resolve) => this.#asked.set(ticket, resolve));
    this.#post({ type: 'base', ticket, toMs });
    return answer;
  }

  readFrom(base: Pick<Base, 'chunk' | 'skip'>): EventReader {
    return new EventReader((signal) => this.#open(base.chunk, signal), base.skip);
  }

  find(words: string): void {
    this.#post({ type: 'find', words });
  }

  [Symbol.dispose](): void {
    this.#abort.abort();
    this.#worker.terminate();
  }

  async #index(): Promise<void> {
    const { signal } = this.#abort;
    try {
      const reader = (await this.#open(1, signal)).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        // A view of a larger buffer cannot be handed over alone.
        const bytes = part.value.byteLength === part.value.buffer.byteLength ? part.value : part.value.slice();
        this.#unread += bytes.length;
        this.#post({ type: 'bytes', bytes }, [bytes.buffer as ArrayBuffer]);
        while (this.#unread > UNREAD_BYTES) {
          this.#room = Promise.withResolvers();
          await this.#room.promise;
        }
      }
      this.#post({ type: 'bytes', bytes: undefined });
    } catch (error) {
      if (!signal.aborted) this.#events.onFailure(error);
    }
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case 'taken':
        this.#unread -= message.bytes;
        this.#room.resolve();
        return;
      case 'base':
        this.#asked.get(message.ticket)?.(message.base);
        this.#asked.delete(message.ticket);
        return;
      default:
        this.#events.onMessage(message);
    }
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
