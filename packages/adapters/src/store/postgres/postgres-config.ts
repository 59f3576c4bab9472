import type { ServerConfig, ServerScheme } from '../shared/server-address.ts';

export type PostgresConfig = ServerConfig;

export const POSTGRES_SCHEME: ServerScheme = { schemes: ['postgres:', 'postgresql:'], defaultPort: 5432 };
