import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';

/** The time limit of a handshake. It runs while machines talk, and stands still while a person is asked. */
export class Patience implements Disposable {
  readonly #clock: Clock;
  readonly #answerMs: number;
  readonly #onTimeout: (fault: Fault) => void;
  #leftMs: number;
  #since = 0;
  #timer: Disposable | undefined;
  #asking = 0;
  /** Ends questions that are still open when the connection is over. */
  readonly #over = new Set<(fault: Fault) => void>();

  constructor(
    clock: Clock,
    limits: { readonly handshakeMs: number; readonly answerMs: number },
    onTimeout: (fault: Fault) => void,
  ) {
    this.#clock = clock;
    this.#leftMs = limits.handshakeMs;
    this.#answerMs = limits.answerMs;
    this.#onTimeout = onTimeout;
    this.#run();
  }

  /** @throws Fault PROMPT_ABANDONED when no answer came within the limit for people. */
  async whileAsking<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#asking++ === 0) this.#stop();
    const { promise, reject } = Promise.withResolvers<never>();
    using _limit = this.#clock.after(this.#answerMs, () =>
      reject(new Fault('PROMPT_ABANDONED', `no answer came within ${this.#answerMs / 1000} s`)),
    );
    this.#over.add(reject);
    try {
      return await Promise.race([ask(), promise]);
    } finally {
      this.#over.delete(reject);
      if (--this.#asking === 0) this.#run();
    }
  }

  #run(): void {
    if (this.#leftMs <= 0) return;
    this.#since = this.#clock.monotonicMs();
    const whole = this.#leftMs;
    this.#timer = this.#clock.after(whole, () =>
      this.#onTimeout(new Fault('TARGET_TIMED_OUT', 'the target did not complete the handshake in time')),
    );
  }

  #stop(): void {
    this.#leftMs = Math.max(1, this.#leftMs - (this.#clock.monotonicMs() - this.#since));
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#leftMs = 0;
    for (const abandon of this.#over)
      abandon(new Fault('PROMPT_ABANDONED', 'the connection ended before an answer came'));
  }
}
