import type { RowSealer, SealedRow } from '@enchilada/core/credential';
import { type EnvelopeParts, openBytes, sealBytes } from './envelope.ts';
import { bindingOfEnvelope } from './envelope-places.ts';

/** Secrets of other rows in envelopes of their own, bound to row and version. */
export function envelopeRows(parts: EnvelopeParts): RowSealer {
  const bindingOf = ({ kind, id, version }: SealedRow): string => bindingOfEnvelope(kind, id, version);
  return {
    seal: (row, plain) => sealBytes(parts, plain, bindingOf(row)),
    open: (row, sealed) => openBytes(parts, sealed, bindingOf(row)),
  };
}
