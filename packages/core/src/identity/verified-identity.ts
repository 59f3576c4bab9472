import type { GroupId, User, UserId } from './user.ts';

export type LoginMethod = 'password' | 'bootstrap';

/** A login session as stored: the cookie's value is never kept, only its SHA-256. */
export interface LoginRecord {
  /** Lower-case hex SHA-256 of the cookie's value; the primary key. */
  readonly digest: string;
  readonly userId: UserId;
  readonly method: LoginMethod;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** Absolute end; the idle end follows from `lastSeenAt`. */
  readonly expiresAt: number;
  readonly address: string;
  readonly userAgent: string;
  /** The sign-in password sealed under a key derived from the cookie, for the credential kind `login-password`; erased at sign-out. */
  readonly sealedPassword: Uint8Array | undefined;
}

declare const proof: unique symbol;

/** A person whose login was checked in this request. Made only by `identifyLogin`. */
export interface VerifiedIdentity {
  readonly [proof]: 'identity';
  readonly user: User;
  readonly groupIds: readonly GroupId[];
  readonly login: LoginRecord;
}

export interface LoginLimits {
  readonly idleMs: number;
  readonly absoluteMs: number;
}

/** The only maker of `VerifiedIdentity`. Undefined when the login is over or the account disabled. */
export function identifyLogin(
  found: { readonly login: LoginRecord; readonly user: User; readonly groupIds: readonly GroupId[] },
  limits: LoginLimits,
  now: number,
): VerifiedIdentity | undefined {
  const { login, user } = found;
  if (login.userId !== user.id || user.disabledAt !== undefined) return undefined;
  if (now >= login.expiresAt || now - login.createdAt >= limits.absoluteMs) return undefined;
  if (now - login.lastSeenAt >= limits.idleMs) return undefined;
  return { user, groupIds: found.groupIds, login } as VerifiedIdentity;
}
