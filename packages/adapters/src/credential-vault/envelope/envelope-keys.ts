import type { AuthorityKeySealer } from '@enchilada/core/credential';
import { bindingOf, type EnvelopeParts, openBytes, sealBytes } from './envelope.ts';

const TABLE = 'authority_key';
/** A row keeps its secret for life. */
const VERSION = 1;

/** Signing keys in envelopes of their own, bound to their rows. */
export function envelopeKeys(parts: EnvelopeParts): AuthorityKeySealer {
  return {
    seal: (id, key) => sealBytes(parts, key, bindingOf(TABLE, id, VERSION)),
    open: (id, sealed) => openBytes(parts, sealed, bindingOf(TABLE, id, VERSION)),
  };
}
