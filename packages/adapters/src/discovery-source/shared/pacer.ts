import type { Clock } from '@enchilada/core/time';

/** Calls of one account and region, evenly spaced: its limits are shared with the account's own workloads. */
export class Pacer {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  readonly #next: Map<string, number>;

  /** @param next when the next call may be made, by key: shared where several ask the same accounts */
  constructor(clock: Clock, perSecond: number, next = new Map<string, number>()) {
    this.#clock = clock;
    this.#spacingMs = 1_000 / perSecond;
    this.#next = next;
  }

  /** Resolves when the call may be made. @throws the signal's reason */
  async turn(key: string, signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonicMs();
    const at = Math.max(now, this.#next.get(key) ?? 0);
    this.#next.set(key, at + this.#spacingMs);
    if (at > now) await this.#wait(at - now, signal);
    signal.throwIfAborted();
  }

  /** Asked for by who is called: the next turn is no sooner than that. */
  rest(key: string, ms: number): void {
    this.#next.set(key, Math.max(this.#next.get(key) ?? 0, this.#clock.monotonicMs() + ms));
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
