import type { User, UserId, GroupId } from './user.ts';
import type { LoginRecord, VerifiedIdentity } from './verified-identity.ts';

export type ApiTokenId = string;

/** What a program shows instead of a login. Only the digest of its value is stored; the value is shown once. */
export interface ApiToken {
  readonly id: ApiTokenId;
  /** Lower-case hex SHA-256 of the value. */
  readonly digest: string;
  readonly userId: UserId;
  readonly name: string;
  /** Permissions by name. INVARIANT: worth no more than what its owner holds at the moment of use. */
  readonly scope: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly lastUsedAt: number | undefined;
  readonly lastUsedAddress: string | undefined;
}

/** The other maker of `VerifiedIdentity`, for programs. Undefined when the token has expired or its owner is disabled. */
export function identifyToken(
  found: { readonly token: ApiToken; readonly user: User; readonly groupIds: readonly GroupId[] },
  address: string,
  now: number,
): VerifiedIdentity | undefined {
  const { token, user, groupIds } = found;
  if (token.userId !== user.id || user.disabledAt !== undefined || now >= token.expiresAt) return undefined;
  const login: LoginRecord = {
    // No login has this digest: tickets, sessions and cookies of a token do not exist.
    digest: `token-${token.id}`,
    cookieDigest: '',
    userId: user.id,
    method: 'api-token',
    stage: 'complete',
    factor: undefined,
    provedAt: 0,
    createdAt: token.createdAt,
    lastSeenAt: now,
    expiresAt: token.expiresAt,
    address,
    userAgent: '',
    sealedPassword: undefined,
  };
  return { user, groupIds, login, scope: token.scope } as unknown as VerifiedIdentity;
}
