import { ApiFault } from '../api/http.ts';

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;
/** More than ten minutes without a byte: by then a session that nobody looks at has ended, unless its grace period was made longer. */
const MOST_RETRIES = 45;

/** How often something is tried again that gets nowhere. */
export class Retries {
  #tried = 0;

  /** It has come on. */
  reset(): void {
    this.#tried = 0;
  }

  /** How long to wait before another try; undefined where none is worth it. */
  waitMs(error: unknown): number | undefined {
    if (!isPassing(error) || this.#tried >= MOST_RETRIES) return undefined;
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** this.#tried, LONGEST_RETRY_MS);
    this.#tried += 1;
    return waitMs;
  }
}

/** Ends early where it is broken off. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, milliseconds);
    signal.addEventListener('abort', over);
  });
}

/** Nothing answered, or the gateway is in trouble for a moment: what came until then counts. */
export function isTrouble(error: unknown): boolean {
  return error instanceof ApiFault && ['NETWORK', 'STORE_UNAVAILABLE', 'THROTTLED'].includes(error.code);
}

/** Worth another try. */
function isPassing(error: unknown): boolean {
  // CONFLICT: the gateway has not noticed yet that the attempt before has broken off.
  return isTrouble(error) || (error instanceof ApiFault && error.code === 'CONFLICT');
}
