import type { ContentStream, RouteHandlers } from '@enchilada/contract';
import type { Permission } from '@enchilada/core/access';
import type { AuditAction, AuditActor, AuditEvent, AuditObject } from '@enchilada/core/audit';
import type { ClaimedIdentity, VerifiedIdentity } from '@enchilada/core/identity';

/** What a handler knows of a request without a login. */
export interface OpenContext {
  readonly address: string;
  /** Of the connection itself, which is a proxy's where there is one. */
  readonly peer: string;
  /** Every value of a header, as sent: anybody may send anything. */
  readonly headers: (name: string) => readonly string[];
  readonly userAgent: string;
  /** The login cookie that came with the request, if any; never to be trusted before it was identified. */
  readonly cookie: string | undefined;
  /** Hands the browser a new login, or takes it away. */
  setCookie(value: string): void;
  clearCookie(): void;
  /** What binds an attempt to sign in elsewhere to this browser. */
  readonly browser: string | undefined;
  setBrowser(value: string): void;
}

/** A login that may still lack its second factor. */
export interface ClaimContext extends OpenContext {
  readonly claim: ClaimedIdentity;
}

export interface SignedInContext extends ClaimContext {
  readonly identity: VerifiedIdentity;
  readonly permissions: ReadonlySet<Permission>;
  /** Audits that an object was asked for that the person may not know of, and answers as if there were none. @throws Fault NOT_FOUND always */
  refuse(object: AuditObject): Promise<never>;
}

export type Handlers = RouteHandlers<OpenContext, ClaimContext, SignedInContext>;
export type { ContentStream };

/** Actor and address of an audit event for what this person does. */
export function actorOf({ claim, address }: ClaimContext): {
  readonly actor: AuditActor;
  readonly address: string;
} {
  return { actor: { kind: 'user', id: claim.user.id, name: claim.user.username }, address };
}

/** What this person did, and to what. */
export function eventOf(
  context: ClaimContext,
  action: AuditAction,
  about: Pick<AuditEvent, 'object' | 'detail'>,
): AuditEvent {
  return { action, ...actorOf(context), ...about, outcome: 'success' };
}
