/** The result, or a rejection as soon as the signal says so: a library may not listen to it while it looks for credentials. */
export async function settledBefore<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    stop = () => {
      reject(new Error('the time limit was reached', { cause: signal.reason }));
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
    // Who waited for it has gone; what it says after that is heard by nobody.
    work.catch(() => undefined);
  }
}

/** What a stranger says of a failure, fit for one line of a log. */
export function toldBy(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : '';
  return (
    text
      .replaceAll(/[\s\p{Cc}]+/gu, ' ')
      .trim()
      .slice(0, 300) || 'no reason given'
  );
}
