import { parseArgs } from 'node:util';
import { Fault } from '@enchilada/core/fault';
import { nearestName } from '@enchilada/core/naming';
import type { ConfigKey } from './config/index.ts';

export interface Flags {
  readonly config: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
  readonly overrides: Readonly<Partial<Record<ConfigKey, string>>>;
}

const OPTIONS = {
  port: { type: 'string' },
  listen: { type: 'string', multiple: true },
  'data-dir': { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const USAGE = `npm start -- [--port N] [--listen ADDRESS]... [--data-dir DIR] [--config FILE] [--json]

  --port N          the port, 0 for any (8080)
  --listen ADDRESS  an address to listen on (localhost)
  --data-dir DIR    where keys, database and recordings live (data)
  --config FILE     the configuration (enchilada.yaml, where there is one)
  --json            print one line of JSON once the gateway serves
`;

/** @throws Fault CONFIGURATION_INVALID */
export function readFlags(argv: readonly string[]): Flags {
  try {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true, allowPositionals: false });
    const { port, listen, 'data-dir': dataDir } = values;
    return {
      config: values.config,
      json: values.json === true,
      help: values.help === true,
      overrides: {
        ...(port === undefined ? {} : { port }),
        ...(listen === undefined ? {} : { listen: listen.join(',') }),
        ...(dataDir === undefined ? {} : { dataDir }),
      },
    };
  } catch (cause) {
    const name = /'--?([^'= ]+)/u.exec((cause as Error).message)?.[1];
    const nearest = name === undefined ? undefined : nearestName(name, Object.keys(OPTIONS));
    throw new Fault(
      'CONFIGURATION_INVALID',
      name === undefined
        ? (cause as Error).message
        : `the flag --${name} is not known or not complete; ${nearest === undefined ? 'see --help' : `did you mean --${nearest}?`}`,
      { cause },
    );
  }
}
