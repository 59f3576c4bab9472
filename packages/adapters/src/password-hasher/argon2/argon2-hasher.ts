import { Algorithm, hash, verify } from '@node-rs/argon2';
import type { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { PasswordHasher } from '@enchilada/core/identity';

/** RFC 9106 section 4, second recommended option, with a memory size that small machines have. */
export interface Argon2Options {
  readonly memoryKib: number;
  readonly passes: number;
}

const DEFAULTS: Argon2Options = { memoryKib: 64 * 1024, passes: 3 };
/** Each takes a thread of the pool that the recorder's file work shares. */
const MOST_AT_ONCE = 2;
const MOST_WAITING = 64;

class Argon2Hasher implements PasswordHasher {
  readonly #options;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #standIn: Promise<string> | undefined;

  constructor({ memoryKib, passes }: Argon2Options) {
    // The enum is ambient in the package's types; 2 is argon2id.
    this.#options = { algorithm: 2 as Algorithm, memoryCost: memoryKib, timeCost: passes, parallelism: 1 };
  }

  hash(password: Secret): Promise<string> {
    return this.#queued(() => hash(password.reveal(), this.#options));
  }

  async verify(password: Secret, stored: string | undefined): Promise<boolean> {
    // Nobody learns from the time whether there is such an account: a hash that fits nothing is checked instead.
    this.#standIn ??= this.#queued(() => hash('no account has this password', this.#options));
    const against = stored ?? (await this.#standIn);
    const matches = await this.#queued(() => verify(against, password.reveal()));
    return matches && stored !== undefined;
  }

  async #queued<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= MOST_AT_ONCE) {
      if (this.#waiting.length >= MOST_WAITING) throw new Fault('THROTTLED', 'too many passwords wait to be checked', { facts: { retryAfterSeconds: 5 } });
      // The one that ends hands its place over, so that nobody overtakes.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

export function argon2(options: Partial<Argon2Options> = {}): PasswordHasher {
  return new Argon2Hasher({ ...DEFAULTS, ...options });
}
