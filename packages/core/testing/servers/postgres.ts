import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ensurePackage,
  startServer,
  type DatabaseServer,
  type DatabaseServerOptions,
  type ServerHome,
} from './database-server.ts';

const INSTALLED = '/usr/lib/postgresql';
const DEBIAN_12 = `${INSTALLED}/15/bin`;

/** A real PostgreSQL; the URLs name the role `enchilada`, which owns its databases and is no superuser. */
export async function startPostgres(options?: DatabaseServerOptions): Promise<DatabaseServer> {
  await ensurePackage('postgresql', programs() ?? `${DEBIAN_12}/postgres`);
  const bin = programs() ?? DEBIAN_12;
  const psql = (home: ServerHome, sql: string, database = 'postgres'): Promise<string> =>
    home.run(
      join(bin, 'psql'),
      [
        '-X',
        '-q',
        '-A',
        '-t',
        '-v',
        'ON_ERROR_STOP=1',
        '-h',
        '127.0.0.1',
        '-p',
        String(home.port),
        '-U',
        'admin',
        '-d',
        database,
        '-c',
        sql,
      ],
      {
        PGPASSWORD: home.password,
      },
    );
  return startServer(
    {
      account: 'postgres',
      async initialise(home) {
        const passwordFile = join(home.directory, 'password');
        await writeFile(passwordFile, home.password, { mode: 0o644 });
        await home.run(join(bin, 'initdb'), [
          '-D',
          join(home.directory, 'data'),
          '-U',
          'admin',
          `--pwfile=${passwordFile}`,
          '-A',
          'scram-sha-256',
          '-E',
          'UTF8',
          '--locale=C.UTF-8',
          '-N',
        ]);
      },
      // Immediate shutdown: no checkpoint, as in a crash, but no backend outlives it and answers once more.
      stopSignal: 'SIGQUIT',
      command: ({ directory, port, certificate }) => [
        join(bin, 'postgres'),
        ...[
          '-D',
          join(directory, 'data'),
          '-p',
          String(port),
          '-k',
          directory,
          '-c',
          'listen_addresses=127.0.0.1',
          '-c',
          'fsync=off',
          '-c',
          'max_connections=200',
        ],
        ...(certificate === undefined
          ? []
          : ['-c', 'ssl=on', '-c', `ssl_cert_file=${certificate.file}`, '-c', `ssl_key_file=${certificate.keyFile}`]),
      ],
      execute: psql,
      async createDatabase(home, name) {
        await psql(
          home,
          `do $$ begin create role enchilada login password '${home.password}'; exception when duplicate_object then null; end $$`,
        );
        await psql(home, `create database ${name} owner enchilada`);
        return `postgres://enchilada:${home.password}@127.0.0.1:${home.port}/${name}`;
      },
    },
    options,
  );
}

function programs(): string | undefined {
  if (existsSync(`${DEBIAN_12}/postgres`)) return DEBIAN_12;
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED) : [];
  return versions.map((version) => `${INSTALLED}/${version}/bin`).find((folder) => existsSync(`${folder}/postgres`));
}
