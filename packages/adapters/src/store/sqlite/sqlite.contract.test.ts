import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeSuite } from '@enchilada/core/testing/store-suite';
import { storeUnderTest } from '@enchilada/core/testing/store-fixture';
import Database from 'better-sqlite3';
import { sqlite } from './index.ts';

storeSuite('sqlite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-sqlite-'));
  const file = join(directory, 'enchilada.db');
  return storeUnderTest({
    open: () => sqlite({ file }),
    tables: async () => {
      const database = new Database(file, { readonly: true });
      const names = database.prepare("select name from sqlite_schema where type = 'table'").pluck().all();
      database.close();
      return names as string[];
    },
    childModule: `import { sqlite } from '${import.meta.resolve('./index.ts')}';
      const open = (onMigrationStep) => sqlite({ file: ${JSON.stringify(file)}, onMigrationStep });`,
    remove: () => rm(directory, { recursive: true, force: true }),
  });
});
