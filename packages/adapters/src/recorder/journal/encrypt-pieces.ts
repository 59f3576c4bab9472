import type { Cipheriv } from 'node:crypto';

/**
 * What a cipher gives out is a buffer of its own each time. From 36,000 bytes on (MALLOC_MMAP_THRESHOLD_, docs/performance.md) the system maps one anew and
 * clears each page that is written: for a MiB five times what the encryption itself costs. Smaller ones are cut from memory that is there already.
 */
const PIECE_BYTES = 15 * 1024;

/** Encrypts from the first byte to the last; the pieces are for one who writes them in order. */
export function* encryptPieces(cipher: Pick<Cipheriv, 'update'>, plain: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < plain.length; at += PIECE_BYTES) yield cipher.update(plain.subarray(at, at + PIECE_BYTES));
}
