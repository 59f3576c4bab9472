import { setFlagsFromString } from 'node:v8';

const LOOK_MS = 100;
/** The pieces of an upload come one behind the other. */
const LINGER_LOOKS = 20;
/** More buffers than this are held, by somebody or by an old generation that is to be collected. */
const MOST_GROWN_BYTES = 128 * 1024 * 1024;

let wanted = 0;
let looks: NodeJS.Timeout | undefined;
let looksLeft = 0;
let leastBytes = 0;
let isAllowed = true;

/**
 * V8 begins to mark the whole heap whenever 64 MiB of buffers came since it last did, most of them long dropped. A large file makes three buffers for each
 * of its bytes, so that it marked all the time, which was two fifths of what a download cost the gateway. Told not to mark in increments, it collects what is
 * young instead; it is let mark once buffers that stay are many (docs/performance.md).
 * https://nodejs.org/docs/latest-v24.x/api/v8.html#v8setflagsfromstringflags
 */
export function withoutIncrementalMarking(): Disposable {
  wanted += 1;
  looksLeft = LINGER_LOOKS;
  if (looks === undefined) {
    leastBytes = process.memoryUsage().arrayBuffers;
    looks = setInterval(look, LOOK_MS).unref();
    allowMarking(false);
  }
  let isOver = false;
  return {
    [Symbol.dispose]() {
      if (isOver) return;
      isOver = true;
      wanted -= 1;
      looksLeft = LINGER_LOOKS;
    },
  };
}

function look(): void {
  if (wanted === 0) looksLeft -= 1;
  const { arrayBuffers } = process.memoryUsage();
  leastBytes = Math.min(leastBytes, arrayBuffers);
  const isOver = looksLeft === 0;
  allowMarking(isOver || arrayBuffers - leastBytes > MOST_GROWN_BYTES);
  if (!isOver) return;
  clearInterval(looks);
  looks = undefined;
}

function allowMarking(allowed: boolean): void {
  if (allowed === isAllowed) return;
  isAllowed = allowed;
  setFlagsFromString(allowed ? '--incremental-marking' : '--no-incremental-marking');
}
