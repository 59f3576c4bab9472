import type { Clock } from '../time/index.ts';
import type { Viewer } from './viewer.ts';

/** Viewers are told again when this much is left of a longer shutdown. */
const LAST_WARNING_MS = 60_000;

/** Says to viewers how long the node still carries their sessions. */
export class DrainNotice {
  readonly #clock: Clock;
  readonly #untilMs: number;
  #isLast: boolean;

  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#untilMs = clock.monotonicMs() + graceMs;
    this.#isLast = graceMs <= LAST_WARNING_MS;
  }

  tell(viewer: Viewer): void {
    const seconds = Math.max(0, Math.round((this.#untilMs - this.#clock.monotonicMs()) / 1_000));
    viewer.control.send({ type: 'notice', code: 'node-draining', seconds });
  }

  /** True once, when it is time to tell everybody again. */
  isAlmostOver(): boolean {
    if (this.#isLast || this.#untilMs - this.#clock.monotonicMs() > LAST_WARNING_MS) return false;
    this.#isLast = true;
    return true;
  }
}
