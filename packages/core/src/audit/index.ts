export { AUDIT_ACTIONS } from './event.ts';
export type { AuditAction, AuditActor, AuditEvent, AuditObject, AuditOutcome, AuditRecord } from './event.ts';
export { chainHash, GENESIS, verifyChain } from './chain.ts';
export type { ChainVerdict, Sha256 } from './chain.ts';
export type { AuditLog, AuditSink } from './log.ts';
