import type { WrappedKey } from '../credential/index.ts';

/** What is kept wrapped by the key-encryption key, but for what lives as long as a login. */
export const WRAPPED_KINDS = [
  'credential',
  'authority-key',
  'secret-store',
  'identity-provider',
  'notification-endpoint',
  'second-factor',
  'personal-key',
] as const;
export type WrappedKind = (typeof WRAPPED_KINDS)[number];

export interface WrappedRow {
  readonly kind: WrappedKind;
  readonly id: string;
  /** Of a second factor. */
  readonly userId?: string;
  /** Of the row that a credential was sealed for. */
  readonly version?: number;
  readonly wrapped: WrappedKey;
}

/** Everything that is wrapped by the key-encryption key, so that it can be wrapped by another. */
export interface WrappedKeyRepository {
  /** How many of each kind are under which key. */
  count(): Promise<readonly { readonly kind: WrappedKind; readonly keyId: string; readonly count: number }[]>;
  /** Of one kind, by id, those after `after` that are under one of `keyIds`. */
  list(
    kind: WrappedKind,
    page: { readonly keyIds: readonly string[]; readonly after: string; readonly limit: number },
  ): Promise<readonly WrappedRow[]>;
  /** @returns false where it is no longer what was read: somebody entered the secret anew */
  replace(row: WrappedRow, wrapped: WrappedKey): Promise<boolean>;
}
