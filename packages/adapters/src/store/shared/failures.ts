import { setTimeout } from 'node:timers/promises';
import { Fault } from '@enchilada/core/fault';
import type { SqlTraits } from './sql-traits.ts';

const MAX_ATTEMPTS = 12;
const FIRST_PAUSE_MS = 4;
const LONGEST_PAUSE_MS = 250;
const LONGEST_BUSY_MS = 15_000;
const LONGEST_BUSY_PAUSE_MS = 50;

/** The driver's error as the product names it; a fault passes. */
export function toStoreFault(error: unknown, traits: SqlTraits): Fault {
  if (error instanceof Fault) return error;
  switch (traits.classify(error)) {
    case 'unique':
      return new Fault('CONFLICT', 'the name or id is taken', { cause: error });
    case 'reference':
      return new Fault('CONFLICT', 'the object refers to one that is gone, or is still in use', { cause: error });
    case 'retry':
      return new Fault('CONFLICT', 'others kept changing the same rows', { cause: error });
    case 'too-long':
      return new Fault('INVALID_REQUEST', 'a text is longer than its column', { cause: error });
    case 'busy':
      return new Fault('STORE_UNAVAILABLE', 'another process keeps the database locked', { cause: error });
    case 'unavailable':
      return new Fault('STORE_UNAVAILABLE', 'the database cannot be reached, or refuses to write', { cause: error });
    case 'no-tls':
      return new Fault(
        'CONFIGURATION_INVALID',
        'the database server offers no tls: enable it there, or set database.allowPlaintext',
        {
          cause: error,
        },
      );
    case 'already-there':
    case 'not-permitted':
    case 'other':
      return new Fault('INTERNAL', 'the database refused a statement', { cause: error });
  }
}

/** Runs `attempt` again while the database answers that it would have succeeded alone: bounded, with pauses spread at random. */
export async function withRetries<T>(traits: SqlTraits, attempt: () => Promise<T>): Promise<T> {
  let busyUntil: number | undefined;
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      const failure = traits.classify(error instanceof Fault ? error.cause : error);
      const again =
        failure === 'retry'
          ? count < MAX_ATTEMPTS
          : // From the first such answer: the attempt may have waited long for its turn behind others of ours.
            failure === 'busy' && performance.now() < (busyUntil ??= performance.now() + LONGEST_BUSY_MS);
      if (!again) throw toStoreFault(error, traits);
      const longest = failure === 'busy' ? LONGEST_BUSY_PAUSE_MS : LONGEST_PAUSE_MS;
      // eslint-disable-next-line no-restricted-syntax -- spreads retries, guards nothing
      await setTimeout(Math.random() * Math.min(longest, FIRST_PAUSE_MS * 2 ** count));
    }
  }
}
