import { after, before } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import type { DatabaseServer } from '@enchilada/core/testing/servers/database-server';
import { startMariadb } from '@enchilada/core/testing/servers/mariadb';
import { storeUnderTest } from '@enchilada/core/testing/store-fixture';
import { storeSuite } from '@enchilada/core/testing/store-suite';
import { mysql } from './index.ts';

let server: DatabaseServer;
before(async () => {
  server = await startMariadb();
});
after(() => server[Symbol.asyncDispose]());

storeSuite('mysql', async () => {
  const url = await server.createDatabase();
  return storeUnderTest({
    open: () => mysql({ url: new Secret(url) }),
    tables: async () => {
      const named = 'select table_name from information_schema.tables where table_schema = database()';
      return (await server.execute(named, new URL(url).pathname.slice(1))).split(/\s+/u);
    },
    childModule: `import { mysql } from '${import.meta.resolve('./index.ts')}';
      import { Secret } from '${import.meta.resolve('@enchilada/core/credential')}';
      const open = (onMigrationStep) => mysql({ url: new Secret(${JSON.stringify(url)}), onMigrationStep });`,
    remove: async () => undefined,
  });
});
