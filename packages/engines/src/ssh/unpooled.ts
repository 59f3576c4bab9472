/**
 * Runs work that makes buffers, each with memory of its own. Small ones otherwise lie together in slabs: what a library copied a secret into would stay
 * readable for as long as any neighbour is needed, long after the library let go of it (T36).
 */
export function unpooled<T>(work: () => T): T {
  const usual = Buffer.poolSize;
  Buffer.poolSize = 0;
  try {
    return work();
  } finally {
    Buffer.poolSize = usual;
  }
}
