import { Fault, isFault } from '@enchilada/core/fault';

export function abortFault(signal: AbortSignal): Fault {
  return isFault(signal.reason)
    ? signal.reason
    : new Fault('SESSION_ENDED', 'the session was ended while it was being opened', { cause: signal.reason });
}

/** Rejects when the signal aborts, for work that takes no signal itself. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // Who waited for it has gone; what it says after that is heard by nobody.
  work.catch(() => undefined);
  if (signal.aborted) return Promise.reject(abortFault(signal));
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(abortFault(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}
