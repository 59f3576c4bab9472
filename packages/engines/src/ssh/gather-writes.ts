import type { Duplex } from 'node:stream';

/**
 * Sends what is written within one turn of the event loop at once: ssh2 1.17 writes length, content and tag of every packet apart, each of which would
 * be a system call and, without Nagle's algorithm, a segment of its own.
 */
export function gatherWrites(stream: Duplex): void {
  const write = stream.write.bind(stream) as (chunk: unknown) => boolean;
  let corked = false;
  const uncork = (): void => {
    corked = false;
    stream.uncork();
  };
  stream.write = (chunk: unknown): boolean => {
    if (!corked) {
      corked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    return write(chunk);
  };
}
