import { createHash } from 'node:crypto';
import type { RunningHash } from '@enchilada/core/session';

export function runningSha256(hash = createHash('sha256')): RunningHash {
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.copy().digest(),
    copy: () => runningSha256(hash.copy()),
  };
}
