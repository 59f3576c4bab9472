export { chainedLog } from './chained-log.ts';
export type { ChainedLogParts } from './chained-log.ts';
