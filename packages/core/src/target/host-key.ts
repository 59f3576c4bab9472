import type { HostKey, HostKeyPolicy } from './target.ts';

export interface PresentedHostKey {
  readonly keyType: string;
  readonly key: Uint8Array;
  readonly fingerprint: string;
}

export type HostKeyDecision = 'accept' | 'pin' | 'ask' | 'unknown' | 'changed' | 'revoked';

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * What to do with a presented key. Made before any credential is sent.
 * INVARIANT: once a target has a pinned key, no other key is ever accepted or asked for, of whatever type.
 */
export function decideHostKey(
  known: readonly HostKey[],
  presented: PresentedHostKey,
  policy: HostKeyPolicy,
): HostKeyDecision {
  const same = known.find((entry) => entry.keyType === presented.keyType && sameBytes(entry.key, presented.key));
  if (same !== undefined) return same.state === 'pinned' ? 'accept' : 'revoked';
  if (known.some((entry) => entry.state === 'pinned')) return 'changed';
  switch (policy) {
    case 'deny':
      return 'unknown';
    case 'ask':
      return 'ask';
    case 'trust-first':
      return 'pin';
  }
}
