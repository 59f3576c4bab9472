import { Worker } from 'node:worker_threads';
import type { HashReply, HashRequest } from './hashing-messages.ts';

/** The memory of a hash is outside of the heap. */
const HEAP = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 } as const;

/**
 * A thread that hashes, of less priority than those that carry sessions: what is typed and printed goes first.
 * INVARIANT: it is asked one thing at a time, and keeps the process alive only meanwhile.
 */
export class HashingWorker {
  #worker: Worker | undefined;

  async ask(request: HashRequest): Promise<string | boolean> {
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<HashReply>();
    const gone = (cause?: unknown): void => {
      this.#worker = undefined;
      reject(new Error('the thread that hashes passwords is gone', { cause }));
    };
    worker.once('message', resolve).once('error', gone).once('exit', gone);
    try {
      worker.postMessage(request);
      const reply = await promise;
      if ('failure' in reply) throw new Error(reply.failure);
      return reply.result;
    } finally {
      worker.off('message', resolve).off('error', gone).off('exit', gone);
      worker.unref();
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./hashing-thread.ts', import.meta.url), { execArgv: [], resourceLimits: HEAP });
    worker.on('error', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}
