import { setFlagsFromString } from 'node:v8';

/** The pieces of an upload come one behind the other. */
const LINGER_MS = 2_000;

let wanted = 0;
let lingering: NodeJS.Timeout | undefined;

/**
 * V8 begins to mark the whole heap whenever 64 MiB of buffers came since it last did, most of them long dropped. A large file makes three buffers for each
 * of its bytes, so that it marked all the time, which was half of what a download cost the gateway. Told not to mark in increments, it collects what is
 * young instead, and the whole heap once for each gigabyte or so, in one go of some 20 ms (docs/performance.md).
 * https://nodejs.org/docs/latest-v24.x/api/v8.html#v8setflagsfromstringflags
 */
export function withoutIncrementalMarking(): Disposable {
  clearTimeout(lingering);
  lingering = undefined;
  if (wanted++ === 0) setFlagsFromString('--no-incremental-marking');
  let isOver = false;
  return {
    [Symbol.dispose]() {
      if (isOver) return;
      isOver = true;
      if (--wanted > 0) return;
      lingering = setTimeout(() => setFlagsFromString('--incremental-marking'), LINGER_MS).unref();
    },
  };
}
