import type { SealedBytes } from './credential.ts';
import type { SecretBytes } from './secret.ts';

/** The tables, besides those of credentials and signing keys, whose rows hold a secret in an envelope. */
export type SealedRowKind = 'refresh-token' | 'personal-key';

/** INVARIANT: what is sealed for one row and version opens in no other. */
export interface SealedRow {
  readonly kind: SealedRowKind;
  readonly id: string;
  readonly version: number;
}

/** Secrets in envelopes of their own, bound to the rows in which they lie. */
export interface RowSealer {
  seal(row: SealedRow, plain: SecretBytes): Promise<SealedBytes>;
  /** @throws Fault KEY_UNAVAILABLE, CREDENTIAL_UNAVAILABLE */
  open(row: SealedRow, sealed: SealedBytes): Promise<SecretBytes>;
}
