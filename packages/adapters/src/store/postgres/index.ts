export { postgres } from './postgres-store.ts';
export { POSTGRES_SCHEME } from './postgres-config.ts';
export type { PostgresConfig } from './postgres-config.ts';
