import { WRAPPED_KINDS } from '@enchilada/core/store';
import { Type, type Static } from 'typebox';
import { closed, Count, list, text, words } from '../schema.ts';

const KeyId = text(100, 1);

/** The key-encryption keys of this node, and what is sealed under which. */
export const KeyEncryptionStatus = closed({
  /** The one that seals. */
  current: KeyId,
  /** All that open, by the name that the configuration gives them. */
  keys: list(closed({ id: KeyId, name: text(1000, 1) }), 1000),
  sealed: list(closed({ kind: words(WRAPPED_KINDS), keyId: KeyId, count: Count, opens: Type.Boolean() }), 1000),
  /** Nodes that could not open what the current key seals. */
  nodesWithout: list(text(100, 1), 1000),
});
export type KeyEncryptionStatus = Static<typeof KeyEncryptionStatus>;

export const KeyRewrapping = closed({ rewrapped: Count, failed: Count, remaining: Count });
export type KeyRewrapping = Static<typeof KeyRewrapping>;
