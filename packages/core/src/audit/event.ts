/** Everything that is audited (PCI DSS 4 requirement 10.2.1.1 to 10.2.1.7). Permanent names, `object.verb`. */
export const AUDIT_ACTIONS = [
  'node.started',
  'node.stopped',
  'node.lost',
  'audit.opened',
  'audit.exported',
  'access.exported',
  'audit.verified',
  'bootstrap.issued',
  'bootstrap.used',
  'bootstrap.refused',
  'recovery.issued',
  'recovery.refused',
  'login.succeeded',
  'login.refused',
  'login.throttled',
  'login.ended',
  'login.awaits-factor',
  'login.stepped-up',
  'login.break-glass',
  'device-login.asked',
  'device-login.approved',
  'device-login.denied',
  'device-login.redeemed',
  'device-login.refused',
  'provider.created',
  'provider.updated',
  'provider.deleted',
  'provisioning.token-created',
  'provisioning.removed',
  'provisioned-user.changed',
  'provisioned-group.changed',
  'user.created',
  'user.updated',
  'user.disabled',
  'user.enabled',
  'user.deleted',
  'user.password-changed',
  'user.recovered',
  'factor.enrolled',
  'factor.removed',
  'factor.refused',
  'factor.reset',
  'recovery-codes.created',
  'recovery-code.used',
  'personal-key.created',
  'personal-key.removed',
  'token.created',
  'token.removed',
  'group.created',
  'group.updated',
  'group.deleted',
  'group.member-added',
  'group.member-removed',
  'target.created',
  'target.updated',
  'target.deleted',
  'target.imported',
  'target-group.created',
  'target-group.updated',
  'target-group.deleted',
  'credential.created',
  'credential.updated',
  'credential.deleted',
  'credential.used',
  'certificate.issued',
  'secret-store.created',
  'secret-store.updated',
  'secret-store.deleted',
  'authority-key.created',
  'authority-key.activated',
  'authority-key.deleted',
  'keys.rewrapped',
  'host-key.pinned',
  'host-key.refused',
  'host-key.removed',
  'grant.created',
  'grant.deleted',
  'request.asked',
  'request.approved',
  'request.denied',
  'request.cancelled',
  'request.refused',
  'request.used',
  'request.break-glass',
  'notification-endpoint.created',
  'notification-endpoint.updated',
  'notification-endpoint.deleted',
  'notification-endpoint.tested',
  'notification.failed',
  'session.requested',
  'session.refused',
  'session.opened',
  'session.failed',
  'session.ended',
  'session.terminated',
  'session.revoked',
  'session.shared',
  'session.unshared',
  'viewer.joined',
  'viewer.left',
  'clipboard.denied',
  'file.transfer-started',
  'file.arrived',
  'file.transferred',
  'file.changed',
  'file.denied',
  'recording.viewed',
  'recording.downloaded',
  'recording.exported',
  'recording.keys-viewed',
  'recording.verified',
  'recording.failed',
  'recording.recovered',
  'recording.retired',
  'settings.updated',
  'source.created',
  'source.updated',
  'source.deleted',
  'source.swept',
  'source.previewed',
  'source.access-refused',
  'source.event-refused',
  'source.removals-held',
  'source.removals-accepted',
  'source.scopes-retired',
  'source.scopes-returned',
  'rules.updated',
  'weakening.enabled',
  'access.denied',
  'backup.created',
  'backup.restored',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export type AuditOutcome = 'success' | 'failure' | 'denied';

export type AuditActor =
  | { readonly kind: 'user'; readonly id: string; readonly name: string }
  /** Somebody who did not prove who they are; `name` is what was typed, untrusted. */
  | { readonly kind: 'anonymous'; readonly name?: string }
  | { readonly kind: 'system'; readonly name: string };

export interface AuditObject {
  readonly kind: string;
  readonly id: string;
  readonly name?: string;
}

/** INVARIANT: `detail` holds plain values and never a secret. */
export interface AuditEvent {
  readonly action: AuditAction;
  readonly actor: AuditActor;
  /** The client's address, absent for the system's own acts. */
  readonly address?: string;
  readonly object?: AuditObject;
  readonly outcome: AuditOutcome;
  readonly reason?: string;
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

/** An event as chained: `hash` = SHA-256 over `previous` (32 bytes) and the canonical JSON (RFC 8785) of the rest. One chain a node. */
export interface AuditRecord extends AuditEvent {
  readonly node: string;
  /** From 1, without gaps. */
  readonly sequence: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Lower-case hex; 64 zeros for sequence 1. */
  readonly previous: string;
  readonly hash: string;
}
