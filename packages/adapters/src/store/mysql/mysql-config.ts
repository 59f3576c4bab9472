import type { ServerConfig, ServerScheme } from '../shared/server-address.ts';

export type MysqlConfig = ServerConfig;

export const MYSQL_SCHEME: ServerScheme = { schemes: ['mysql:', 'mariadb:'], defaultPort: 3306 };
