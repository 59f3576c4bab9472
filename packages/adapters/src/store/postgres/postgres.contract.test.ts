import { after, before } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import type { DatabaseServer } from '@enchilada/core/testing/servers/database-server';
import { startPostgres } from '@enchilada/core/testing/servers/postgres';
import { storeUnderTest } from '@enchilada/core/testing/store-fixture';
import { storeSuite } from '@enchilada/core/testing/store-suite';
import { postgres } from './index.ts';

let server: DatabaseServer;
before(async () => {
  server = await startPostgres();
});
after(() => server[Symbol.asyncDispose]());

storeSuite('postgres', async () => {
  const url = await server.createDatabase();
  return storeUnderTest({
    open: () => postgres({ url: new Secret(url) }),
    tables: async () => {
      const named = 'select table_name from information_schema.tables where table_schema = current_schema()';
      return (await server.execute(named, new URL(url).pathname.slice(1))).split(/\s+/u);
    },
    childModule: `import { postgres } from '${import.meta.resolve('./index.ts')}';
      import { Secret } from '${import.meta.resolve('@enchilada/core/credential')}';
      const open = (onMigrationStep) => postgres({ url: new Secret(${JSON.stringify(url)}), onMigrationStep });`,
    remove: async () => undefined,
  });
});
