import type { AuditEvent } from '../audit/index.ts';
import type { ProviderId } from './identity-provider.ts';
import type { UserId } from './user.ts';

/** With which an identity provider writes its people and groups here (SCIM 2.0). One for each; only its digest is kept. */
export interface ProvisioningToken {
  readonly providerId: ProviderId;
  readonly digest: string;
  readonly createdAt: number;
  readonly createdBy: UserId;
  readonly lastUsedAt: number | undefined;
}

/** What the provider sent, as far as it is not kept in fields of its own; given back as it came. */
export type ProvisionedResource = Readonly<Record<string, unknown>>;

/** A person as the provider provisions them. RFC 7643 section 4.1 */
export interface ProvisionedUser {
  readonly providerId: ProviderId;
  readonly userId: UserId;
  readonly userName: string;
  readonly externalId: string | undefined;
  readonly resource: ProvisionedResource;
  /** INVARIANT: whom the provider has deactivated or deleted is not admitted, whatever else it says. */
  readonly isActive: boolean;
  /** Kept after a deletion, so that the same person gets the same account back. */
  readonly deletedAt: number | undefined;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type ProvisionedGroupId = string;

/** A group at the provider, which rules lead from. RFC 7643 section 4.2 */
export interface ProvisionedGroup {
  readonly id: ProvisionedGroupId;
  readonly providerId: ProviderId;
  readonly displayName: string;
  readonly externalId: string | undefined;
  readonly resource: ProvisionedResource;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A provisioned group by the names that a rule may call it by. */
export interface NamedMembership {
  readonly names: readonly string[];
  readonly isMember: boolean;
}

/**
 * What follows from something that was written through the API or by a provider, or from what a provider says of somebody. INVARIANT: it is stored in
 * the transaction of what it follows from, so that a node which dies in between leaves it to the others.
 */
export interface Settlement {
  readonly id: string;
  /** Absent where nobody is to be judged. */
  readonly providerId?: ProviderId;
  /** Undefined once it was appended to the audit log. */
  readonly event: AuditEvent | undefined;
  /** Whom the rules judge anew. */
  readonly people: readonly UserId[];
  /** What the provider calls the one of `people`, where it says so. */
  readonly displayName?: string;
  /** The memberships of everybody are judged anew as well. */
  readonly everybody?: true;
}
