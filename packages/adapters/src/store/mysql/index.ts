export { mysql } from './mysql-store.ts';
export { MYSQL_SCHEME } from './mysql-config.ts';
export type { MysqlConfig } from './mysql-config.ts';
