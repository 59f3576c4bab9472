export { chainedAuditLog } from './chained-audit-log.ts';
export type { ChainedAuditLogOptions } from './chained-audit-log.ts';
