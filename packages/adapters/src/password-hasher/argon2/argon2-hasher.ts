import { randomBytes } from 'node:crypto';
import type { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { PasswordHasher } from '@enchilada/core/identity';
import type { HashRequest } from './hashing-messages.ts';
import { HashingWorker } from './hashing-worker.ts';

/** RFC 9106 section 4, second recommended option with one lane: https://www.rfc-editor.org/rfc/rfc9106#section-4 */
export interface Argon2Options {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  /** Hashes that may wait for a turn; one more is refused. At about 0.2 s each and two at once, the last of 64 waits some six seconds. */
  readonly maxWaiting: number;
}

const DEFAULTS: Argon2Options = { memoryKib: 64 * 1024, passes: 3, lanes: 1, maxWaiting: 64 };
const AT_ONCE = 2;

export function argon2(chosen: Partial<Argon2Options> = {}): PasswordHasher {
  const { memoryKib, passes, lanes, maxWaiting } = { ...DEFAULTS, ...chosen };
  const options = { memoryCost: memoryKib, timeCost: passes, parallelism: lanes };
  const turns = new Turns(maxWaiting);
  const hashNow = async (password: string): Promise<string> =>
    String(await turns.run({ kind: 'hash', password, options }));
  let dummy: Promise<string> | undefined;
  const dummyHash = (): Promise<string> =>
    (dummy ??= hashNow(randomBytes(32).toString('hex')).catch((error: unknown) => {
      dummy = undefined;
      throw error;
    }));
  return {
    hash: (password) => hashNow(password.reveal()),
    async verify(password: Secret, stored: string | undefined) {
      // Made before it is known whether it is needed: the first absent name takes no longer than the first known one.
      const decoy = await dummyHash();
      const encoded = stored !== undefined && isPhcString(stored) ? stored : decoy;
      const matches = await turns.run({ kind: 'verify', encoded, password: password.reveal() });
      return matches === true && encoded === stored;
    },
  };
}

function isPhcString(encoded: string): boolean {
  return /^\$argon2id\$v=19\$m=\d{1,10},t=\d{1,10},p=\d{1,3}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,172}$/u.test(
    encoded,
  );
}

/** At most two at a time, first come first served, each on a thread of its own. */
class Turns {
  readonly #maxWaiting: number;
  readonly #waiting: ((worker: HashingWorker) => void)[] = [];
  readonly #idle = Array.from({ length: AT_ONCE }, () => new HashingWorker());

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  async run(request: HashRequest): Promise<string | boolean> {
    const worker = this.#idle.pop() ?? (await this.#turn());
    try {
      return await worker.ask(request);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(worker);
      else next(worker);
    }
  }

  #turn(): Promise<HashingWorker> {
    if (this.#waiting.length >= this.#maxWaiting)
      throw new Fault('THROTTLED', `${this.#waiting.length} sign-ins are waiting already`, {
        facts: { retryAfterSeconds: 5 },
      });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
