import { Fault } from '../fault/index.ts';
import type { Clock } from '../time/index.ts';
import type { EndCause } from './end-cause.ts';
import type { SessionLimits } from './limits.ts';
import type { SessionEvent } from './session-event.ts';

const WARN_MS = 120_000;

/** What idleness and age alone do to a live session: a warning two minutes ahead, and the end; of the end of the access, the warning. */
export class SessionTime {
  readonly #limits: SessionLimits;
  readonly #openedMs: number;
  #warned = false;

  constructor(clock: Clock, limits: SessionLimits) {
    this.#limits = limits;
    this.#openedMs = clock.monotonicMs();
  }

  /** Why the session is over, if it is. */
  over(now: number, lastInputMs: number): EndCause | undefined {
    if (now - lastInputMs >= this.#limits.idleMs)
      return { reason: 'SESSION_IDLE', fault: new Fault('SESSION_IDLE', 'nothing was typed for too long') };
    if (now - this.#openedMs >= this.#limits.maximumMs)
      return {
        reason: 'SESSION_EXPIRED',
        fault: new Fault('SESSION_EXPIRED', 'the session reached its maximum length'),
      };
    return undefined;
  }

  /** What the viewers must be told now, once each time the end comes near. */
  warning(now: number, lastInputMs: number, accessLeftMs: number): SessionEvent | undefined {
    const idleLeftMs = this.#limits.idleMs - (now - lastInputMs);
    const ageLeftMs = this.#limits.maximumMs - (now - this.#openedMs);
    const left = Math.min(idleLeftMs, ageLeftMs, accessLeftMs);
    if (left > WARN_MS) this.#warned = false;
    if (left > WARN_MS || this.#warned) return undefined;
    this.#warned = true;
    const code = left === accessLeftMs ? 'access-ends-soon' : idleLeftMs < ageLeftMs ? 'idle-soon' : 'expires-soon';
    return { type: 'notice', code, seconds: Math.round(left / 1000) };
  }
}
