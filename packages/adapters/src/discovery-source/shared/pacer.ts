import type { Clock } from '@enchilada/core/time';

/** Beyond these, each further node adds a quarter of the rate: an event and somebody who opens a machine are kept waiting no longer than that. */
const MOST_SHARING = 4;
const FEWEST_LOOKED_THROUGH = 1_000;

/** When each account and region may be asked next: of all sources and previews of a kind on this node. */
export class Turns {
  /** Nodes that ask the same accounts, this one among them. */
  nodes = 1;
  readonly #next = new Map<string, number>();
  #lookThroughAt = FEWEST_LOOKED_THROUGH;

  get size(): number {
    return this.#next.size;
  }

  at(key: string): number {
    return this.#next.get(key) ?? 0;
  }

  /** INVARIANT: a time that has passed is nothing to wait for, so that what was asked once costs nothing for ever. */
  set(key: string, at: number, now: number): void {
    this.#next.set(key, at);
    if (this.#next.size < this.#lookThroughAt) return;
    for (const [one, time] of this.#next) if (time <= now) this.#next.delete(one);
    this.#lookThroughAt = Math.max(FEWEST_LOOKED_THROUGH, 2 * this.#next.size);
  }
}

/** Calls of one account and region, evenly spaced: its limits are shared with the account's own workloads. */
export class Pacer {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  readonly #turns: Turns;

  /** @param perSecond of all nodes together, up to four */
  constructor(clock: Clock, perSecond: number, turns: Turns) {
    this.#clock = clock;
    this.#spacingMs = 1_000 / perSecond;
    this.#turns = turns;
  }

  /** Resolves when the call may be made. @throws the signal's reason */
  async turn(key: string, signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonicMs();
    const at = Math.max(now, this.#turns.at(key));
    this.#turns.set(key, at + this.#spacingMs * Math.min(this.#turns.nodes, MOST_SHARING), now);
    if (at > now) await this.#wait(at - now, signal);
    signal.throwIfAborted();
  }

  /** Asked for by who is called: the next turn is no sooner than that. */
  rest(key: string, ms: number): void {
    const now = this.#clock.monotonicMs();
    this.#turns.set(key, Math.max(this.#turns.at(key), now + ms), now);
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        timer[Symbol.dispose]();
        resolve();
      };
      const timer = this.#clock.after(ms, end);
      signal.addEventListener('abort', end);
    });
  }
}
