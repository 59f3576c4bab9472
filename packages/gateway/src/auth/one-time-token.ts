import { createHash } from 'node:crypto';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { networkOf } from '../http/client-address.ts';

const TOKEN_BYTES = 32;
const MINUTE = 60_000;
/** Wrong links of one address, or codes of one person, in a minute, before even a right one is refused (T06, T08). */
const WRONG_FREE = 10;

type LinkKind = 'bootstrap' | 'recovery' | 'device-login';

/** 256 bits for the fragment of a link; only its digest is ever stored. */
export function newToken(random: RandomSource): string {
  return Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url');
}

export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Counts wrong one-time links and codes in the database, so that all nodes count together: by address, or by the person where they are known. */
export class LinkThrottle {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #kind: LinkKind;

  constructor({ store, clock }: { readonly store: Store; readonly clock: Clock }, kind: LinkKind) {
    this.#store = store;
    this.#clock = clock;
    this.#kind = kind;
  }

  /** @throws Fault THROTTLED while they have been wrong too often, even for what is right */
  async pass(who: string): Promise<void> {
    if ((await this.#store.now.throttle.peek(this.#key(who), this.#clock.now(), MINUTE)) >= WRONG_FREE)
      throw this.#refusal(0);
  }

  /** Counts a wrong one and lets the caller audit it; a flood is audited ten times a minute and then only refused. @throws Fault THROTTLED */
  async wrong(who: string, heard: (isLast: boolean) => Promise<void>): Promise<void> {
    const { count, windowStartedAt } = await this.#store.now.throttle.count(this.#key(who), this.#clock.now(), MINUTE);
    if (count <= WRONG_FREE) return heard(count === WRONG_FREE);
    throw this.#refusal(this.#clock.now() - windowStartedAt);
  }

  #key(who: string): string {
    return `${this.#kind}:${createHash('sha256').update(networkOf(who)).digest('hex').slice(0, 40)}`;
  }

  #refusal(elapsedMs: number): Fault {
    const retryAfterSeconds = Math.max(1, Math.ceil((MINUTE - elapsedMs) / 1000));
    return new Fault('THROTTLED', `too many wrong tries, try again in ${retryAfterSeconds} seconds`, {
      facts: { retryAfterSeconds },
    });
  }
}
