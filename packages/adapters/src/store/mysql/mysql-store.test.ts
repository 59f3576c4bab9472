import { startMariadb } from '@enchilada/core/testing/servers/mariadb';
import { storeServerCases } from '@enchilada/core/testing/store-server-cases';
import { mysql } from './index.ts';

storeServerCases('mysql', { start: startMariadb, open: mysql, alsoForbidden: [] });
