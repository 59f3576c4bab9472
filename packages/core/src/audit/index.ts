export { AUDIT_ACTIONS } from './event.ts';
export type { AuditAction, AuditActor, AuditEvent, AuditObject, AuditOutcome, AuditRecord } from './event.ts';
export { CHAIN_START, chainHash, verifyChain } from './verify-chain.ts';
export type { Sha256 } from './verify-chain.ts';
export type { AuditLog, AuditSink } from './log.ts';
