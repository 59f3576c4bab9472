export { createGuacd } from './guacd-engine.ts';
export { parseServers, probesOf } from './guacd-servers.ts';
export type { GuacdServer } from './guacd-servers.ts';
