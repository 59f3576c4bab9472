import { constants, zstdCompressSync } from 'node:zlib';
import { giveBack } from '../../shared/give-back.ts';

const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** Compressing costs a context of some 10 µs and 100 KiB for nothing below this. */
const COMPRESS_FROM_BYTES = 128;
/** Only of so much is a piece worth looking at first. */
export const LARGE_BYTES = 128 * 1024;
/** What saves less is not worth the time. */
export const WORTH_SHARE = 0.9;
const SAMPLE_BYTES = 16 * 1024;

/**
 * Undefined where the bytes are to be stored as they are, because they would not become smaller.
 * @param hope a large chunk that is not likely to become smaller is judged by a piece of its middle
 */
export function compress(plain: Uint8Array, hope: 'likely' | 'unlikely'): Buffer | undefined {
  if (plain.length < COMPRESS_FROM_BYTES) return undefined;
  if (hope === 'unlikely' && plain.length >= LARGE_BYTES) {
    const from = (plain.length - SAMPLE_BYTES) >> 1;
    const sample = zstdCompressSync(plain.subarray(from, from + SAMPLE_BYTES), COMPRESSION);
    if (sample.length >= SAMPLE_BYTES * WORTH_SHARE) return undefined;
  }
  const compressed = zstdCompressSync(plain, COMPRESSION);
  if (compressed.length < plain.length) return compressed;
  giveBack(compressed);
  return undefined;
}
