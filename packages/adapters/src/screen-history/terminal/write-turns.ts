/** Writes of all spools together that may hold a thread of the pool: a slow disk must leave some for the recorder. */
const CONCURRENT_WRITES = 2;

export class WriteTurns {
  #free = CONCURRENT_WRITES;
  readonly #waiting: (() => void)[] = [];

  async take(write: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await write();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
