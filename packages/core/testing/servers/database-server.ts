/**
 * Real database servers for tests, started by `./postgres.ts` and `./mariadb.ts`. The end-to-end fixtures take them from here
 * (`@enchilada/core/testing/servers/postgres`, `…/mariadb`); there is no second starter.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';
import { aloneOnMachine } from '../machine-lock.ts';

const execute = promisify(execFile);

/** A server on a loopback port of the system's choice, with its own data folder. Disposing stops it and removes the folder. */
export interface DatabaseServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Makes an empty database and answers its URL, with the password. */
  createDatabase(): Promise<string>;
  /** Runs SQL as the server's administrator and answers what its client prints. */
  execute(sql: string, database?: string): Promise<string>;
  /** Kills the server; `start` brings it back on the same port with its data. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface DatabaseServerOptions {
  /** Certificate chain and key in PEM; absent, the server offers no TLS. */
  readonly tls?: ServerCertificate;
}

export interface ServerCertificate {
  /** The authority to trust, in PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** An authority of its own and a certificate for one host name. */
export async function issueCertificate(hostName: string): Promise<ServerCertificate> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-pki-'));
  const at = (name: string): string => join(directory, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-batch'];
  try {
    await execute('openssl', [
      'req',
      '-x509',
      ...key,
      '-subj',
      '/CN=test authority',
      '-keyout',
      at('ca.key'),
      '-out',
      at('ca.pem'),
    ]);
    await execute('openssl', [
      ...[
        'req',
        '-x509',
        ...key,
        '-subj',
        `/CN=${hostName}`,
        '-addext',
        `subjectAltName=DNS:${hostName}`,
        '-addext',
        'basicConstraints=critical,CA:false',
      ],
      ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-keyout', at('key.pem'), '-out', at('cert.pem')],
    ]);
    const [ca, certificate, privateKey] = await Promise.all(
      ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(at(name), 'utf8')),
    );
    return { ca: ca ?? '', certificate: certificate ?? '', key: privateKey ?? '' };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Installs a Debian package where its program is missing, without letting it start a service. */
export async function ensurePackage(debianPackage: string, program: string): Promise<void> {
  if (existsSync(program)) return;
  if (process.getuid?.() !== 0) throw new Error(`${program} is missing: install the Debian package ${debianPackage}`);
  await aloneOnMachine('/run/lock/enchilada-test-packages', async () => {
    if (!existsSync(program)) await install(debianPackage);
  });
}

async function install(debianPackage: string): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d';
  const hadPolicy = existsSync(policy);
  if (!hadPolicy) await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await execute('apt-get', ['-o', 'DPkg::Lock::Timeout=300', 'update'], { env });
    await execute(
      'apt-get',
      ['-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '--no-install-recommends', debianPackage],
      { env },
    );
  } finally {
    if (!hadPolicy) await rm(policy, { force: true });
  }
}

/** How one kind of server is made and run. Both refuse to run as root, so root lends them an account. */
export interface ServerRecipe {
  readonly account: string;
  initialise(home: ServerHome): Promise<void>;
  /** Ends the server and whatever processes it has at once; SIGKILL where it is one process. */
  readonly stopSignal?: NodeJS.Signals;
  command(home: ServerHome): readonly [program: string, ...parameters: string[]];
  execute(home: ServerHome, sql: string, database?: string): Promise<string>;
  createDatabase(home: ServerHome, name: string): Promise<string>;
}

export interface ServerHome {
  readonly directory: string;
  readonly port: number;
  readonly password: string;
  readonly certificate?: { readonly file: string; readonly keyFile: string };
  run(program: string, parameters: readonly string[], environment?: Readonly<Record<string, string>>): Promise<string>;
}

export async function startServer(recipe: ServerRecipe, options: DatabaseServerOptions = {}): Promise<DatabaseServer> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-db-'));
  const identity: { readonly uid?: number; readonly gid?: number } =
    process.getuid?.() === 0 ? await accountOf(recipe.account) : {};
  const home: ServerHome = {
    directory,
    port: await freePort(),
    password: randomBytes(12).toString('hex'),
    ...(options.tls === undefined
      ? {}
      : { certificate: { file: join(directory, 'server.crt'), keyFile: join(directory, 'server.key') } }),
    async run(program, parameters, environment = {}) {
      const { stdout } = await execute(program, parameters, {
        ...identity,
        cwd: directory,
        env: { ...process.env, ...environment, HOME: directory },
        maxBuffer: 64 << 20,
      });
      return stdout;
    },
  };
  const give = async (path: string): Promise<void> => {
    if (identity.uid !== undefined && identity.gid !== undefined) await chown(path, identity.uid, identity.gid);
  };
  await give(directory);
  if (options.tls !== undefined && home.certificate !== undefined) {
    const { file, keyFile } = home.certificate;
    await writeFile(file, options.tls.certificate);
    await writeFile(keyFile, options.tls.key, { mode: 0o600 });
    await Promise.all([file, keyFile].map(give));
  }
  await recipe.initialise(home);

  let child: ChildProcess | undefined;
  const onExit = (): void => {
    child?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', onExit);

  const server: DatabaseServer = {
    host: '127.0.0.1',
    port: home.port,
    execute: (sql, database) => recipe.execute(home, sql, database),
    createDatabase: () => recipe.createDatabase(home, `t${randomBytes(6).toString('hex')}`),
    async start() {
      const [program, ...parameters] = recipe.command(home);
      let log = '';
      const started = spawn(program, parameters, {
        ...identity,
        cwd: directory,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, HOME: directory },
      });
      child = started;
      for (const stream of [started.stdout, started.stderr])
        stream.on('data', (text: Buffer) => (log = (log + text.toString('utf8')).slice(-8_000)));
      for (;;) {
        if (started.exitCode !== null) throw new Error(`${program} ended with ${started.exitCode}: ${log}`);
        if (
          await recipe.execute(home, 'select 1').then(
            () => true,
            () => false,
          )
        )
          return;
        await sleep(50);
      }
    },
    async stop() {
      const running = child;
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
      const ended = new Promise((resolve) => running.once('exit', resolve));
      running.kill(recipe.stopSignal ?? 'SIGKILL');
      await ended;
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      process.removeListener('exit', onExit);
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  await server.start();
  return server;
}

async function accountOf(name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await execute('id', [flag, name])).stdout)),
  );
  return { uid: uid ?? 0, gid: gid ?? 0 };
}
