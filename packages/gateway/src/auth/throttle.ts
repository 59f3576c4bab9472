import { createHash } from 'node:crypto';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import type { Clock } from '@enchilada/core/time';
import { networkOf } from '../http/client-address.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Failures of one account from one address before the delays begin. */
const PAIR_FREE = 5;
const PAIR_WINDOW_MS = 15 * MINUTE;
const FIRST_DELAY_MS = 30_000;
const LONGEST_DELAY_MS = 15 * MINUTE;
/** Failures of one address, or of one IPv6 network, over all accounts, in a minute. Each of three nodes may have one more at the hash: ten in all (T06). */
const ADDRESS_FREE = 8;
/** Failures of one account, over all addresses, in a quarter of an hour. */
const ACCOUNT_FREE = 30;
const KNOWN_MS = 30 * DAY;
const MOST_WAITING = 100;

export interface Attempt {
  /** Settles the attempt; a failure counts against address and account. */
  succeeded(): Promise<void>;
  failed(): Promise<void>;
  /** Another step follows: nothing is forgiven for a right password alone. */
  undecided(): void;
}

/**
 * Counts sign-in attempts in the database, so that all nodes count together (T06). Three counters: the pair of account and address stops guessing at
 * one account, the address stops spraying, the account stops guessing from many addresses. A pair that signed in within 30 days is judged by its own
 * counter alone: colleagues behind one address, and the right person during an attack, still get in. Nothing is ever locked for good.
 */
export class SignInThrottle {
  readonly #store: Store;
  readonly #clock: Clock;
  /** Present while somebody of the address has their turn; holds those who wait for it. */
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @throws Fault THROTTLED; `facts.first` is true once a delay, for the audit */
  async begin(account: string, address: string): Promise<Attempt> {
    const { throttle } = this.#store.now;
    const network = networkOf(address);
    const pair = key('pair', account, network);
    const gate = key('gate', account, network);
    const from = key('addr', network);
    const whole = key('acct', account);
    const known = key('known', account, network);
    const isKnown = (await throttle.peek(known, this.#clock.now(), KNOWN_MS)) > 0;
    // Strangers of one address pass one at a time, so that guesses made at once are judged by each other's failures.
    const turn = isKnown ? undefined : await this.#enter(from);
    try {
      // INVARIANT: an address over its limit writes nothing, or its random names would be the attacker's to fill the table with.
      if (!isKnown && (await throttle.peek(from, this.#clock.now(), MINUTE)) >= ADDRESS_FREE) throw throttled(MINUTE);
      await this.#passPair(pair, gate);
      if (!isKnown && (await throttle.peek(whole, this.#clock.now(), PAIR_WINDOW_MS)) >= ACCOUNT_FREE)
        throw throttled(MINUTE);
    } catch (refusal) {
      turn?.[Symbol.dispose]();
      throw refusal;
    }
    return {
      succeeded: async () => {
        turn?.[Symbol.dispose]();
        await this.forgive(account, address);
      },
      failed: async () => {
        const now = this.#clock.now();
        try {
          await throttle.count(from, now, MINUTE);
          await throttle.count(whole, now, PAIR_WINDOW_MS);
        } finally {
          turn?.[Symbol.dispose]();
        }
      },
      undecided: () => turn?.[Symbol.dispose](),
    };
  }

  /** Somebody proved by another way to be the account's owner at this address: earlier failures count no more, and strangers' failures do not either. */
  async forgive(account: string, address: string): Promise<void> {
    const { throttle } = this.#store.now;
    const network = networkOf(address);
    await throttle.clear(key('pair', account, network));
    await throttle.clear(key('gate', account, network));
    await throttle.count(key('known', account, network), this.#clock.now(), KNOWN_MS);
  }

  /** Five attempts, then one a delay, the delay doubling. Counted before the hash, so that attempts at once cannot slip through. */
  async #passPair(pair: string, gate: string): Promise<void> {
    const { throttle } = this.#store.now;
    const now = this.#clock.now();
    const before = await throttle.peek(pair, now, PAIR_WINDOW_MS);
    const { count } = before < PAIR_FREE ? await throttle.count(pair, now, PAIR_WINDOW_MS) : { count: before + 1 };
    if (count < PAIR_FREE) return;
    const delay = Math.min(FIRST_DELAY_MS * 2 ** Math.max(0, count - PAIR_FREE - 1), LONGEST_DELAY_MS);
    const { count: knocks, windowStartedAt } = await throttle.count(gate, now, delay);
    // The fifth attempt shuts the gate behind itself.
    if (count === PAIR_FREE) return;
    if (knocks > 1) throw throttled(windowStartedAt + delay - now, knocks === 2);
    if (before >= PAIR_FREE) await throttle.count(pair, now, PAIR_WINDOW_MS);
  }

  async #enter(address: string): Promise<Disposable> {
    const turn = { [Symbol.dispose]: () => this.#leave(address) };
    const queue = this.#waiting.get(address);
    if (queue === undefined) {
      this.#waiting.set(address, []);
      return turn;
    }
    if (queue.length >= MOST_WAITING) throw throttled(10_000);
    await new Promise<void>((resolve) => queue.push(resolve));
    return turn;
  }

  #leave(address: string): void {
    const next = this.#waiting.get(address)?.shift();
    if (next === undefined) this.#waiting.delete(address);
    else next();
  }
}

function key(kind: string, ...parts: readonly string[]): string {
  return `${kind}:${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 40)}`;
}

function throttled(waitMs: number, isFirst = false): Fault {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new Fault('THROTTLED', `too many attempts, try again in ${retryAfterSeconds} seconds`, {
    facts: { retryAfterSeconds, first: isFirst },
  });
}
