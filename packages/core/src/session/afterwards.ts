import { isFault } from '../fault/index.ts';

/** Each is done once, in order; a step that failed is tried again before the next. */
export type Steps = readonly (() => Promise<unknown>)[];

export interface AfterwardsParts {
  /** Hears of a step that will not succeed by being tried again. */
  readonly report: (message: string, cause: unknown) => void;
}

/**
 * What must be written down of sessions, although the database may not answer at the moment: kept in memory and tried again until it is done.
 * What a crash loses of it, the next start finds as a session without an end.
 */
export class Afterwards {
  readonly #parts: AfterwardsParts;
  #waiting: (() => Promise<unknown>)[][] = [];
  #flushing: Promise<void> | undefined;

  constructor(parts: AfterwardsParts) {
    this.#parts = parts;
  }

  /** Lists of steps that are not done. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Resolves after the first attempt, done or not. */
  async write(steps: Steps): Promise<void> {
    const list = [...steps];
    if (!(await this.#attempt(list))) this.#waiting.push(list);
  }

  async flush(): Promise<void> {
    this.#flushing ??= this.#attemptAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #attemptAll(): Promise<void> {
    const lists = this.#waiting;
    this.#waiting = [];
    for (const [index, list] of lists.entries()) {
      if (await this.#attempt(list)) continue;
      // The database is still away: the others would only wait for the same refusal.
      this.#waiting = [...lists.slice(index), ...this.#waiting];
      return;
    }
  }

  /** Takes what is done off the list; true when nothing is left to do. */
  async #attempt(list: (() => Promise<unknown>)[]): Promise<boolean> {
    for (let step = list.at(0); step !== undefined; step = list.at(0)) {
      try {
        await step();
      } catch (cause) {
        if (isFault(cause, 'STORE_UNAVAILABLE')) return false;
        this.#parts.report('something about a session could not be written down', cause);
      }
      list.shift();
    }
    return true;
  }
}
