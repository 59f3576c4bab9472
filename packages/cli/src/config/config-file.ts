import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CommandFailure } from '../frame/exit-code.ts';
import type { Io } from '../frame/io.ts';
import { isMissing } from '../login/private-file.ts';
import { checkConfig, type ConfigCheck, type Schema } from './check-config.ts';

const SCHEMA_FILE = fileURLToPath(new URL('../../../../config.schema.json', import.meta.url));
const DEFAULT_FILE = 'enchilada.yaml';

export interface ConfigFile extends ConfigCheck {
  /** Undefined where no file is there and none was named. */
  readonly path: string | undefined;
}

/** The file that was named, or ENCHILADA_CONFIG, or enchilada.yaml here; as the gateway looks for it. @throws CommandFailure */
export async function readConfigFile(named: string | undefined, env: Io['env']): Promise<ConfigFile> {
  const schema = JSON.parse(await readFile(SCHEMA_FILE, 'utf8')) as Schema;
  const wanted = named ?? env['ENCHILADA_CONFIG'];
  const path = wanted ?? DEFAULT_FILE;
  try {
    return { path, ...checkConfig(await readFile(path, 'utf8'), schema) };
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (wanted !== undefined) throw new CommandFailure(1, `there is no file ${wanted}`);
    return { path: undefined, problems: [], values: new Map() };
  }
}
