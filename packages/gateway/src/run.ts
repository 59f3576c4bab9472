import { readFileSync } from 'node:fs';
import { isFault } from '@enchilada/core/fault';
import { destination } from 'pino';
import { systemClock } from './clock.ts';
import { collectWhenQuiet } from './collect-when-quiet.ts';
import { compose } from './composition.ts';
import { type LoadedConfig, loadConfig } from './config/index.ts';
import { type Flags, readFlags, USAGE } from './flags.ts';
import type { Gateway } from './gateway.ts';
import { createLog } from './http/log.ts';

const DEFAULT_FILE = 'enchilada.yaml';

function readConfig(flags: Flags): LoadedConfig {
  const named = flags.config ?? process.env['ENCHILADA_CONFIG'];
  const name = named ?? DEFAULT_FILE;
  let text: string | undefined;
  try {
    text = readFileSync(name, 'utf8');
  } catch (failure) {
    // The default file may be absent; one that was named, or cannot be read, may not.
    if (named !== undefined || (failure as NodeJS.ErrnoException).code !== 'ENOENT') throw failure;
  }
  return loadConfig({
    environment: process.env,
    flags: flags.overrides,
    readFile: (path) => readFileSync(path, 'utf8'),
    ...(text === undefined ? {} : { file: { name, text } }),
  });
}

function announce(gateway: Gateway, flags: Flags): void {
  const { url, bootstrapUrl } = gateway;
  if (flags.json) {
    process.stdout.write(
      `${JSON.stringify({ ready: true, url, ...(bootstrapUrl === undefined ? {} : { bootstrapUrl }) })}\n`,
    );
    return;
  }
  const words =
    bootstrapUrl === undefined
      ? [`  Enchilada is ready: ${url}`]
      : [
          '  Enchilada is ready. Make the first administrator here (this link works once, for an hour):',
          '',
          `  ${bootstrapUrl}`,
        ];
  process.stdout.write(`\n${words.join('\n')}\n\n  Ctrl+C stops it.\n\n`);
}

/** What the system or a driver said, in its own words: a certificate that nobody vouches for, a disk that is full. */
function becauseOf(cause: unknown): string {
  return cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : '';
}

/** Starts the gateway and ends the process with it. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    const flags = readFlags(argv);
    if (flags.help) {
      process.stdout.write(USAGE);
      return;
    }
    const config = readConfig(flags);
    const log = createLog(config.values['log.level'], destination({ fd: 2, sync: true }));
    const gateway = await compose(config, log);
    const hurry = new AbortController();
    let stopping = false;
    const stop = (signal: string, exitCode: number): void => {
      if (hurry.signal.aborted) process.exit(exitCode === 0 ? 130 : exitCode);
      if (stopping || exitCode !== 0) hurry.abort();
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping; a second signal ends the sessions at once, a third the process');
      gateway
        .drain(hurry.signal)
        .then(() => gateway[Symbol.asyncDispose]())
        .then(
          () => process.exit(exitCode),
          (failure: unknown) => {
            log.error({ err: failure }, 'could not stop in order');
            process.exit(1);
          },
        );
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        stop(signal, 0);
      });
    // The last resort (T45): what nobody caught is logged, and the node ends in order instead of going on in an unknown state.
    const fail = (failure: unknown): void => {
      log.fatal({ err: failure }, 'an error that nobody caught');
      stop('error', 70);
    };
    process.on('uncaughtException', fail);
    process.on('unhandledRejection', fail);
    collectWhenQuiet(systemClock);
    announce(gateway, flags);
  } catch (failure) {
    const words = isFault(failure)
      ? `${failure.message} (${failure.code})${becauseOf(failure.cause)}`
      : failure instanceof Error
        ? (failure.stack ?? failure.message)
        : String(failure);
    process.stderr.write(`enchilada: cannot start: ${words}\n`);
    process.exit(1);
  }
}
