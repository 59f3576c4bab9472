import type { UserId } from '../identity/index.ts';
import type { SealedBytes } from './credential.ts';

export type PersonalKeyId = string;

/** As many as `sshd` lets be tried in one connection, and one less. */
export const MOST_PERSONAL_KEYS = 5;

/** An SSH key that the gateway made for a person and uses for them alone. INVARIANT: the private half exists only inside `sealed`, and is never given out. */
export interface PersonalKey {
  readonly id: PersonalKeyId;
  readonly userId: UserId;
  readonly name: string;
  /** One line as in `authorized_keys`, without a comment. */
  readonly publicKey: string;
  /** `SHA256:…` of the public half. */
  readonly fingerprint: string;
  readonly sealed: SealedBytes;
  readonly createdAt: number;
  /** When a machine last let somebody in with it. */
  readonly lastUsedAt: number | undefined;
}
