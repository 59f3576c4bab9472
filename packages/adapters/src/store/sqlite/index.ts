export { sqlite } from './sqlite-store.ts';
export type { SqliteConfig } from './sqlite-config.ts';
