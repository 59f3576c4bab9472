import type { MigrationRun } from '../shared/migration.ts';

export interface SqliteConfig {
  /** Made with mode 0600 where it is absent. */
  readonly file: string;
  readonly onMigrationStep?: MigrationRun['onStep'];
}
