import type { WrappedKey } from '../credential/index.ts';
import type { Role, UserGroup, UserId } from './user.ts';

export type FactorId = string;

export const FACTOR_KINDS = ['totp', 'passkey'] as const;
export type FactorKind = (typeof FACTOR_KINDS)[number];
/** What a person proved themselves with, beside or instead of the password. `provider`: what a trusted identity provider asked for. */
export type FactorProof = FactorKind | 'recovery-code' | 'provider';

interface FactorCommon {
  readonly id: FactorId;
  readonly userId: UserId;
  /** As its owner calls it. */
  readonly name: string;
  readonly createdAt: number;
  /** Undefined until the person has shown once that they hold it. INVARIANT: until then it proves nothing. */
  readonly confirmedAt: number | undefined;
  readonly lastUsedAt: number | undefined;
}

/** An authenticator app (RFC 6238): the seed is wrapped by the key-encryption key, bound to the row. */
export interface TotpFactor extends FactorCommon {
  readonly kind: 'totp';
  readonly seed: WrappedKey;
}

/** A WebAuthn credential (W3C WebAuthn Level 3, section 4). */
export interface PasskeyFactor extends FactorCommon {
  readonly kind: 'passkey';
  /** base64url without padding, as browsers write it. */
  readonly credentialId: string;
  /** COSE key. */
  readonly publicKey: Uint8Array;
  /** The authenticator's signature counter; stays 0 where it keeps none. */
  readonly counter: number;
  readonly transports: readonly string[];
}

export type SecondFactor = TotpFactor | PasskeyFactor;

export const FACTOR_DEMANDS = ['nobody', 'administrators', 'everyone'] as const;
/** Of whom a second factor is demanded at sign-in; a group may demand it of its members besides. */
export type FactorDemand = (typeof FACTOR_DEMANDS)[number];

export function demandsFactor(
  demand: FactorDemand,
  role: Role,
  groups: readonly Pick<UserGroup, 'requiresSecondFactor'>[],
): boolean {
  if (groups.some((group) => group.requiresSecondFactor === true)) return true;
  switch (demand) {
    case 'nobody':
      return false;
    case 'administrators':
      return role === 'administrator';
    case 'everyone':
      return true;
  }
}

/** What was asked of a browser, kept until it answers: single use, some minutes, over all nodes. Only the digest of its secret is stored. */
export interface Challenge {
  readonly digest: string;
  readonly purpose: 'passkey-sign-in' | 'passkey-verify' | 'passkey-enrol';
  /** Absent where nobody has said who they are. */
  readonly userId: UserId | undefined;
  readonly expiresAt: number;
}

/** The relying party and the answer it waits for (WebAuthn sections 7.1, 7.2). */
export interface PasskeyCeremony {
  /** base64url */
  readonly challenge: string;
  readonly origins: readonly string[];
  readonly relyingPartyId: string;
}

export interface NewPasskey {
  readonly credentialId: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
}

/** Checks what an authenticator answered; user verification (PIN, finger, face) is always demanded. */
export interface PasskeyVerifier {
  /** @throws Fault FACTOR_REFUSED */
  verifyCreation(response: unknown, ceremony: PasskeyCeremony): Promise<NewPasskey>;
  /** Answers the new counter. @throws Fault FACTOR_REFUSED */
  verifyAssertion(response: unknown, ceremony: PasskeyCeremony, passkey: PasskeyFactor): Promise<number>;
}
