export type PauseReason = 'recorder' | 'store' | 'viewer' | 'snapshot' | 'unwatched';

/** What can be told to wait: a target, or one stream of it. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/** Why a source waits: the first reason pauses it, and it goes on when the last one is gone. */
export class PauseReasons {
  readonly #source: Pausable;
  readonly #reasons = new Set<PauseReason>();

  constructor(source: Pausable) {
    this.#source = source;
  }

  get any(): boolean {
    return this.#reasons.size > 0;
  }

  has(reason: PauseReason): boolean {
    return this.#reasons.has(reason);
  }

  add(reason: PauseReason): void {
    if (this.#reasons.has(reason)) return;
    this.#reasons.add(reason);
    if (this.#reasons.size === 1) this.#source.pause();
  }

  delete(reason: PauseReason): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#source.resume();
  }
}
