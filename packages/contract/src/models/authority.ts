import { AUTHORITY_KEY_STATES, MOST_CERTIFICATE_MINUTES } from '@enchilada/core/credential';
import { Type, type Static } from 'typebox';
import { closed, Id, list, text, Time, words } from '../schema.ts';

/** What certificates of a credential say besides the person. `principals` are templates like the user name; none: the user name alone. */
export const CertificateTerms = closed({
  principals: list(text(128, 1), 16),
  minutes: Type.Integer({ minimum: 1, maximum: MOST_CERTIFICATE_MINUTES }),
  /** Networks that they may be presented from; none: from everywhere. */
  sourceNetworks: list(text(64, 1), 50),
});
export type CertificateTerms = Static<typeof CertificateTerms>;

/** A signing key. `next` is trusted before it signs, `previous` after it has. */
export const AuthorityKey = closed({
  id: Id,
  state: words(AUTHORITY_KEY_STATES),
  publicKey: text(1000, 1),
  fingerprint: text(100, 1),
  createdAt: Time,
});
export type AuthorityKey = Static<typeof AuthorityKey>;

export const Authority = closed({
  keys: list(AuthorityKey, 3),
  /** What machines trust, as a file. */
  trustFile: Type.String({ maxLength: 4000 }),
  /** What a machine's administrator does, as commands with remarks. */
  steps: closed({ en: Type.String({ maxLength: 8000 }), de: Type.String({ maxLength: 8000 }) }),
});
export type Authority = Static<typeof Authority>;

/** Where a secret is kept outside, and under which field. */
export const SecretReference = closed({
  storeId: Id,
  path: text(500, 1),
  /** Empty: the whole value, where the store holds such. */
  field: text(200),
  /** For a private key under a passphrase. */
  passphraseField: Type.Optional(text(200, 1)),
});
