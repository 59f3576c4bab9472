/** Below this a collection is as good. */
const WORTH_BYTES = 4 * 1024;

/**
 * Gives the memory of a buffer that nobody reads any more back now: it is empty from here on (ECMA-262 section 25.1.6.9). A flood drops several times
 * what it prints, and V8 marks its whole heap for every few dozen MiB of that (docs/performance.md). Of a part of a larger buffer it gives nothing.
 */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.length === buffer.byteLength && bytes.length >= WORTH_BYTES)
    buffer.transfer(0);
}
