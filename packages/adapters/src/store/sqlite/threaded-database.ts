import { Worker } from 'node:worker_threads';
import type { DatabaseReply, DatabaseRequest, Executed } from './database-messages.ts';

type Work = DatabaseRequest extends infer Request ? (Request extends unknown ? Omit<Request, 'id'> : never) : never;

interface Waiting {
  readonly resolve: (result: Executed | undefined) => void;
  readonly reject: (cause: unknown) => void;
}

/** As the driver calls a connection that is gone. */
const NOT_OPEN = 'The database connection is not open';

/**
 * SQLite on a thread of its own: a commit waits for the disk, several milliseconds and at times much longer, and what
 * is typed or printed in every session would wait with it.
 * INVARIANT: requests are carried out in the order of their calls; the thread keeps the process alive only while one is open.
 */
export class ThreadedDatabase {
  readonly #worker = new Worker(new URL('./database-thread.ts', import.meta.url), { execArgv: [] });
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #isGone = false;
  /** After the last answer. */
  inTransaction = false;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', (reply: DatabaseReply) => {
      this.#answer(reply);
    });
    this.#worker.on('error', (cause) => {
      this.#giveUp(cause);
    });
    this.#worker.on('exit', () => {
      this.#giveUp(undefined);
    });
  }

  async open(file: string): Promise<void> {
    await this.#ask({ kind: 'open', file });
  }

  async execute(sql: string, parameters: readonly unknown[]): Promise<Executed> {
    return (await this.#ask({ kind: 'execute', sql, parameters })) ?? { rows: [] };
  }

  async copyTo(file: string): Promise<void> {
    await this.#ask({ kind: 'copy', file });
  }

  async close(): Promise<void> {
    if (!this.#isGone) await this.#ask({ kind: 'close' });
    this.#isGone = true;
    await this.#worker.terminate();
  }

  #ask(work: Work): Promise<Executed | undefined> {
    if (this.#isGone) return Promise.reject(new TypeError(NOT_OPEN));
    const { promise, resolve, reject } = Promise.withResolvers<Executed | undefined>();
    const id = (this.#lastId += 1);
    if (this.#waiting.size === 0) this.#worker.ref();
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ ...work, id });
    return promise;
  }

  #answer(reply: DatabaseReply): void {
    this.inTransaction = reply.inTransaction;
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('result' in reply) {
      waiting?.resolve(reply.result);
      return;
    }
    const { name, message, code } = reply.failure;
    waiting?.reject(Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) }));
  }

  #giveUp(cause: unknown): void {
    this.#isGone = true;
    this.inTransaction = false;
    for (const { reject } of this.#waiting.values()) reject(new TypeError(NOT_OPEN, { cause }));
    this.#waiting.clear();
  }
}
