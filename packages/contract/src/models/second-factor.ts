import { FACTOR_KINDS, LOGIN_STAGES } from '@enchilada/core/identity';
import { Type, type Static } from 'typebox';
import { closed, Count, Id, list, text, Time, words, writeOnly } from '../schema.ts';
import { Me } from './identity.ts';

/** base64url without padding, the way WebAuthn's JSON has bytes. */
const bytes = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: '^[A-Za-z0-9_-]+$' });
const CredentialId = bytes(1400);
const Transports = list(Type.String({ maxLength: 32, pattern: '^[a-z-]+$' }), 10);
const Descriptor = closed({ id: CredentialId, type: words(['public-key']), transports: Transports });

export const Factor = closed({
  id: Id,
  kind: words(FACTOR_KINDS),
  name: text(100),
  createdAt: Time,
  lastUsedAt: Type.Optional(Time),
});
export type Factor = Static<typeof Factor>;

export const Factors = closed({
  /** Whose: shown while the person is still at the door. */
  username: text(128),
  stage: words(LOGIN_STAGES),
  items: list(Factor, 50),
  recoveryCodes: Count,
  /** The last factor cannot be removed. */
  required: Type.Boolean(),
  /** Whether the person has a password to prove themselves with, where they have no factor. */
  hasPassword: Type.Boolean(),
  passkeys: Type.Boolean(),
});
export type Factors = Static<typeof Factors>;

/** PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3 section 5.1.8). */
export const PasskeyCreationOptions = closed({
  rp: closed({ id: Type.String({ maxLength: 255 }), name: Type.String({ maxLength: 64 }) }),
  user: closed({ id: bytes(90), name: text(128), displayName: text(200) }),
  challenge: bytes(90),
  pubKeyCredParams: list(closed({ type: words(['public-key']), alg: Type.Integer() }), 10),
  timeout: Count,
  excludeCredentials: list(Descriptor, 50),
  authenticatorSelection: closed({
    residentKey: words(['preferred']),
    requireResidentKey: Type.Boolean(),
    userVerification: words(['required']),
  }),
  attestation: words(['none']),
});
export type PasskeyCreationOptions = Static<typeof PasskeyCreationOptions>;

/** PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3 section 5.1.9). */
export const PasskeyRequestOptions = closed({
  challenge: bytes(90),
  rpId: Type.String({ maxLength: 255 }),
  timeout: Count,
  allowCredentials: list(Descriptor, 50),
  userVerification: words(['required']),
});
export type PasskeyRequestOptions = Static<typeof PasskeyRequestOptions>;

export const PasskeyCreation = closed({
  credentialId: CredentialId,
  clientDataJSON: bytes(4000),
  attestationObject: bytes(16_000),
  transports: Transports,
});
export type PasskeyCreation = Static<typeof PasskeyCreation>;

export const PasskeyAssertion = closed({
  credentialId: CredentialId,
  clientDataJSON: bytes(4000),
  authenticatorData: bytes(2000),
  signature: bytes(2000),
  userHandle: Type.Optional(bytes(90)),
});
export type PasskeyAssertion = Static<typeof PasskeyAssertion>;

/** The code of an app or a recovery code; a passkey's answer; or, for people without any factor, the password. */
export const FactorAnswer = closed({
  code: Type.Optional(writeOnly(40)),
  passkey: Type.Optional(PasskeyAssertion),
  password: Type.Optional(writeOnly(256)),
});

const FactorName = text(100, 1);
/** Shown once: the seed cannot be read again. */
export const TotpStart = closed({
  id: Id,
  /** Base32 (RFC 4648), for typing. */
  secret: Type.String({ maxLength: 64 }),
  /** `otpauth://`, for the picture. */
  uri: Type.String({ maxLength: 600 }),
});
export const TotpConfirm = closed({ code: writeOnly(40), name: FactorName });
export const PasskeyEnrol = closed({ passkey: PasskeyCreation, name: FactorName });
export const RecoveryCodes = list(Type.String({ maxLength: 40 }), 20);
/** `recoveryCodes` are shown once, when the person gets their first factor. */
export const Enrolled = closed({ me: Me, recoveryCodes: Type.Optional(RecoveryCodes) });
export const NewRecoveryCodes = closed({ recoveryCodes: RecoveryCodes });
export const PasskeySignIn = closed({ passkey: PasskeyAssertion, consent: Type.Optional(Type.Boolean()) });
