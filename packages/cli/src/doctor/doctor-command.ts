import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { command, type CommandContext, type OptionValues, type Outcome } from '../frame/command.ts';
import { runningGateway } from '../control/gateway-process.ts';
import { type ConfigFile, readConfigFile } from '../config/config-file.ts';
import { originOf } from '../login/client.ts';
import { readLogin } from '../login/stored-login.ts';
import { type Check, fail, ok, warn } from './check.ts';
import { checkControlFolder, checkTryIt } from './account-checks.ts';
import { checkCertificate, checkDataFolder, checkDisk, checkKeyFiles, checkNode } from './machine-checks.ts';
import { checkServer } from './server-checks.ts';

const OPTIONS = {
  config: { type: 'string', value: 'FILE', says: 'the configuration file' },
  'data-dir': { type: 'string', value: 'FOLDER', says: 'the data folder, instead of dataDir of the configuration' },
  url: {
    type: 'string',
    value: 'URL',
    says: 'the server, instead of the one that runs on the data folder or that you are signed in to',
  },
  ca: { type: 'string', value: 'FILE', says: 'the certificate authority of the server' },
} as const;

type DoctorOptions = OptionValues<typeof OPTIONS>;

function textOf(config: ConfigFile, key: string): string | undefined {
  const value = config.values.get(key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function checkConfiguration(
  options: DoctorOptions,
  env: CommandContext['io']['env'],
): Promise<{ readonly config: ConfigFile; readonly checks: readonly Check[] }> {
  try {
    const config = await readConfigFile(options.config, env);
    const good = ok('configuration', config.path ?? 'no file; everything has its default');
    const checks = config.problems.map(({ key, message }) =>
      fail(
        'configuration',
        `${config.path ?? ''}: ${key} ${message}`,
        'correct the file; docs/configuring.md lists every key',
      ),
    );
    return { config, checks: checks.length === 0 ? [good] : checks };
  } catch (error) {
    const checks = [
      fail(
        'configuration',
        error instanceof Error ? error.message : String(error),
        'check --config and that this account may read the file',
      ),
    ];
    return { config: { path: undefined, problems: [], values: new Map() }, checks };
  }
}

async function serverOf(
  dataDir: string,
  options: DoctorOptions,
  io: CommandContext['io'],
): Promise<{ readonly url: string; readonly ca?: string } | undefined> {
  const ca = options.ca === undefined ? {} : { ca: await readFile(options.ca, 'utf8') };
  if (options.url !== undefined) return { url: originOf(options.url), ...ca };
  const running = await runningGateway(dataDir).catch(() => undefined);
  if (running !== undefined) return { url: running.url, ...ca };
  const login = await readLogin(io.env).catch(() => undefined);
  return login === undefined
    ? undefined
    : { url: login.url, ...(login.ca === undefined ? {} : { ca: login.ca }), ...ca };
}

async function examine({ io, options }: CommandContext<typeof OPTIONS>): Promise<Outcome> {
  const { config, checks } = await checkConfiguration(options, io.env);
  const dataDir = resolve(options['data-dir'] ?? io.env['ENCHILADA_DATA_DIR'] ?? textOf(config, 'dataDir') ?? 'data');
  const keyFile =
    textOf(config, 'keyEncryption.key') === undefined
      ? resolve(textOf(config, 'keyFile') ?? join(dataDir, 'keys', 'key-encryption.key'))
      : undefined;
  const recordings = textOf(config, 'recording.directory');
  const cert = textOf(config, 'tls.cert');
  const server = await serverOf(dataDir, options, io);
  const all: readonly Check[] = [
    checkNode(process.version),
    ...checks,
    await checkDataFolder(dataDir),
    ...(await checkControlFolder(dataDir)),
    ...(await checkKeyFiles(join(dataDir, 'keys'), keyFile)),
    await checkDisk(dataDir),
    await checkTryIt(),
    ...(recordings === undefined ? [] : [await checkDisk(resolve(recordings))]),
    ...(cert === undefined ? [] : await checkCertificate({ cert, key: textOf(config, 'tls.key') }, io.now())),
    ...(server === undefined
      ? [warn('server', 'no server is known', 'name one with --url, or sign in')]
      : await checkServer(server.url, server, io.now)),
  ];
  const failed = all.some(({ verdict }) => verdict === 'fail');
  const lines = all.map(
    ({ name, verdict, found, todo }) =>
      `${verdict.padEnd(4)}  ${name}: ${found}${todo === undefined ? '' : ` -> ${todo}`}`,
  );
  return { value: { healthy: !failed, checks: all }, lines, exitCode: failed ? 5 : 0 };
}

export const doctorCommands = [
  command('doctor', {
    summary:
      'Examine this machine and the server: Node, folders, keys, configuration, disk, the throw-away machine, certificate, database, clock.',
    options: OPTIONS,
    details: ['Each line is ok, warn or fail, with what to do. The exit code is 5 where something failed.'],
    run: examine,
  }),
];
