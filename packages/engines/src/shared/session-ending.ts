import type { SessionEnd } from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';

/** A session ends once: with what holds it, by the broker's signal, or by whoever disposes of it. */
export class SessionEnding implements AsyncDisposable {
  readonly #signal: AbortSignal;
  readonly #letGo: () => void;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly ended = this.#ended.promise;
  #isOver = false;

  /** @param letGo closes what the session owns, before anybody hears of the end */
  constructor(signal: AbortSignal, letGo: () => void) {
    this.#signal = signal;
    this.#letGo = letGo;
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort, { once: true });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#abort);
    this.#letGo();
    this.#ended.resolve(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.finish({ reason: 'terminated' });
    await this.ended;
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#signal.reason;
    this.finish({ reason: 'terminated', ...(isFault(reason) ? { fault: reason } : {}) });
  };
}

/** What a socket's error means where nobody here ended the connection. */
export function brokenOff(error: NodeJS.ErrnoException): Fault {
  return new Fault('TARGET_DISCONNECTED', `the connection to the target broke: ${error.code ?? error.message}`, {
    cause: error,
  });
}
