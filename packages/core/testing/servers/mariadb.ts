import { join } from 'node:path';
import {
  ensurePackage,
  startServer,
  type DatabaseServer,
  type DatabaseServerOptions,
  type ServerHome,
} from './database-server.ts';

const SERVER = '/usr/sbin/mariadbd';

/** A real MariaDB; the URLs name the account `enchilada`, which has every right on its databases and none beside. */
export async function startMariadb(options?: DatabaseServerOptions): Promise<DatabaseServer> {
  await ensurePackage('mariadb-server', SERVER);
  const client = (home: ServerHome, sql: string, database?: string): Promise<string> =>
    home.run('/usr/bin/mariadb', [
      '--no-defaults',
      '--batch',
      '--skip-column-names',
      `--socket=${join(home.directory, 's')}`,
      '-uroot',
      ...(database === undefined ? [] : [database]),
      '-e',
      sql,
    ]);
  return startServer(
    {
      account: 'mysql',
      async initialise({ run, directory }) {
        // The installer insists on its own account only as root; here it already runs as that account.
        await run('/usr/bin/mariadb-install-db', [
          '--no-defaults',
          `--datadir=${join(directory, 'data')}`,
          '--auth-root-authentication-method=normal',
          '--skip-test-db',
        ]);
      },
      command: ({ directory, port, certificate }) => [
        SERVER,
        ...[
          '--no-defaults',
          `--datadir=${join(directory, 'data')}`,
          `--port=${port}`,
          '--bind-address=127.0.0.1',
          `--socket=${join(directory, 's')}`,
        ],
        ...[
          '--skip-name-resolve',
          '--innodb-flush-log-at-trx-commit=2',
          '--max-connections=300',
          `--pid-file=${join(directory, 'pid')}`,
        ],
        ...(certificate === undefined ? [] : [`--ssl-cert=${certificate.file}`, `--ssl-key=${certificate.keyFile}`]),
      ],
      execute: client,
      async createDatabase(home, name) {
        await client(
          home,
          `create database ${name}; create user if not exists enchilada@'%' identified by '${home.password}'; grant all on ${name}.* to enchilada@'%'`,
        );
        return `mysql://enchilada:${home.password}@127.0.0.1:${home.port}/${name}`;
      },
    },
    options,
  );
}
