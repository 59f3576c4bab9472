import type { DiscoverySource } from '@enchilada/core/discovery';
import type { Clock } from '@enchilada/core/time';
import type { SourceTroubles } from './source-troubles.ts';

/** An account that is well refuses the question and logs that it did. */
const EVERY_MS = 24 * 3_600_000;

export interface TrustCheckParts {
  readonly clock: Clock;
  readonly source: DiscoverySource;
  readonly troubles: SourceTroubles;
  readonly report: (message: string, cause: unknown) => void;
  readonly stopped: AbortSignal;
}

/** Whether accounts let in whoever asks: each is asked when it is new and once a day, and one that did at each listing until it no longer does. */
export class TrustCheck {
  readonly #parts: TrustCheckParts;
  readonly #learntAt = new Map<string, number>();
  readonly #open = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(parts: TrustCheckParts) {
    this.#parts = parts;
  }

  get running(): Promise<void> | undefined {
    return this.#running;
  }

  /** INVARIANT: waited for by nobody but the end: nothing rests on it but what the page says. */
  begin(accounts: readonly string[]): void {
    if (this.#parts.source.trustGaps === undefined || this.#running !== undefined) return;
    this.#running = this.#check(accounts)
      .catch((cause: unknown) => {
        if (!this.#parts.stopped.aborted)
          this.#parts.report('whom the roles of a source let in could not be checked', cause);
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #check(accounts: readonly string[]): Promise<void> {
    const { clock, source, troubles, stopped } = this.#parts;
    const now = clock.monotonicMs();
    const isDue = (account: string): boolean =>
      this.#open.has(account) || now - (this.#learntAt.get(account) ?? -Infinity) >= EVERY_MS;
    const due = accounts.filter(isDue);
    const learnt = due.length === 0 ? undefined : await source.trustGaps?.(due, stopped);
    for (const [account, gap] of learnt ?? []) {
      this.#learntAt.set(account, now);
      if (gap === undefined) this.#open.delete(account);
      else {
        this.#open.add(account);
        await troubles.failed('trust', gap, account);
      }
    }
    // What could not be learnt stays as it was; what left the source is none of its troubles.
    for (const account of this.#open) if (!accounts.includes(account)) this.#open.delete(account);
    await troubles.onlyIn('trust', this.#open);
  }
}
