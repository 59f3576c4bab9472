import { WRAPPED_KINDS } from '@enchilada/core/store';
import { Type, type Static } from 'typebox';
import { closed, Count, list, text, Time, words } from '../schema.ts';

const KeyId = text(100, 1);

/** A service that holds a key, as the node that answers saw it since its start. Neither time: it has not been called yet. */
const KeyService = closed({
  /** As its maker calls it. */
  label: text(100, 1),
  answeredAt: Type.Optional(Time),
  /** Of the last call, where that one failed. */
  failure: Type.Optional(closed({ at: Time, reason: text(1000) })),
});

/** The key-encryption keys of this node, and what is sealed under which. */
export const KeyEncryptionStatus = closed({
  /** The node that answers. */
  node: text(100, 1),
  /** The one that seals. */
  current: KeyId,
  /** All that open, by the name that the configuration gives them; without a service, the key file. */
  keys: list(closed({ id: KeyId, name: text(1000, 1), service: Type.Optional(KeyService) }), 1000),
  sealed: list(closed({ kind: words(WRAPPED_KINDS), keyId: KeyId, count: Count, opens: Type.Boolean() }), 1000),
  /** Nodes that could not open what the current key seals. */
  nodesWithout: list(text(100, 1), 1000),
  /** The node that answers is sealing anew right now. */
  rewrapping: Type.Boolean(),
});
export type KeyEncryptionStatus = Static<typeof KeyEncryptionStatus>;

export const KeyRewrapping = closed({ rewrapped: Count, failed: Count, remaining: Count });
export type KeyRewrapping = Static<typeof KeyRewrapping>;
