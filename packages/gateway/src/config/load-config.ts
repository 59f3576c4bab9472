import { Fault } from '@enchilada/core/fault';
import { nearestName } from '@enchilada/core/naming';
import { type Document, parseDocument } from 'yaml';
import { type Config, CONFIG_KEY_LIST, type ConfigKey, entryOf, environmentName } from './keys.ts';
import { parseValue, type ValueSource } from './parse-value.ts';

export interface ConfigInputs {
  /** Text of the file, and its name for messages. */
  readonly file?: { readonly name: string; readonly text: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `--data-dir X` arrives as `dataDir`. They win over the environment, which wins over the file. */
  readonly flags: Readonly<Partial<Record<ConfigKey, string>>>;
  readFile(path: string): string;
}

export interface LoadedConfig {
  readonly values: Config;
  /** What somebody wrote down; such settings cannot be changed in the interface. */
  readonly given: ReadonlySet<ConfigKey>;
  /** Keys whose value weakens safety, as `key: value`. */
  readonly weakenings: readonly string[];
}

/** Read by the launcher and not by the gateway. */
const FOREIGN_VARIABLES = ['ENCHILADA_CONFIG', 'ENCHILADA_GATEWAY'];
const FILE_MAX_CHARACTERS = 1_000_000;

/** @throws Fault CONFIGURATION_INVALID */
export function loadConfig(inputs: ConfigInputs): LoadedConfig {
  const file = inputs.file === undefined ? new Map<ConfigKey, unknown>() : readFileKeys(inputs.file);
  const byVariable = new Map(CONFIG_KEY_LIST.map((key) => [environmentName(key), key]));
  for (const name of Object.keys(inputs.environment)) {
    if (name.startsWith('ENCHILADA_') && !byVariable.has(name) && !FOREIGN_VARIABLES.includes(name)) {
      throw unknown('the environment variable', name, [...byVariable.keys()]);
    }
  }
  const values: Record<string, unknown> = {};
  const given = new Set<ConfigKey>();
  const weakenings: string[] = [];
  for (const key of CONFIG_KEY_LIST) {
    const entry = entryOf(key);
    const source = (name: string, from: ValueSource['from']): ValueSource => ({
      name,
      from,
      readFile: inputs.readFile,
      environment: inputs.environment,
    });
    const variable = environmentName(key);
    const written = inputs.flags[key] !== undefined || inputs.environment[variable] !== undefined || file.has(key);
    if (inputs.flags[key] !== undefined) values[key] = parseValue(entry, inputs.flags[key], source(`--${key}`, 'flag'));
    else if (inputs.environment[variable] !== undefined)
      values[key] = parseValue(entry, inputs.environment[variable], source(variable, 'environment'));
    else if (file.has(key)) values[key] = parseValue(entry, file.get(key), source(key, 'file'));
    else if ('default' in entry) values[key] = parseValue(entry, entry.default, source(key, 'file'));
    if (written) given.add(key);
    if (entry.weakens?.(values[key]) === true) weakenings.push(`${key}: ${String(values[key])}`);
  }
  return { values: Object.freeze(values) as Config, given, weakenings };
}

function readFileKeys(file: { readonly name: string; readonly text: string }): Map<ConfigKey, unknown> {
  if (file.text.length > FILE_MAX_CHARACTERS)
    throw new Fault(
      'CONFIGURATION_INVALID',
      `${file.name} has ${file.text.length} characters, too many for a configuration`,
    );
  const document = parseDocument(file.text, { uniqueKeys: true, strict: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined)
    throw new Fault(
      'CONFIGURATION_INVALID',
      `${file.name} is not valid YAML: ${problem.message.split('\n')[0] ?? ''}`,
      { cause: problem },
    );
  const found = new Map<ConfigKey, unknown>();
  const walk = (node: unknown, prefix: string): void => {
    if (node === null || node === undefined) return;
    if (typeof node !== 'object' || Array.isArray(node))
      throw new Fault(
        'CONFIGURATION_INVALID',
        `${prefix === '' ? file.name : prefix} must hold keys, received ${JSON.stringify(node)}`,
      );
    for (const [name, value] of Object.entries(node)) {
      const key = prefix === '' ? name : `${prefix}.${name}`;
      if (isKey(key)) found.set(key, value);
      else if (CONFIG_KEY_LIST.some((known) => known.startsWith(`${key}.`))) walk(value, key);
      else throw unknown('the key', key, [...CONFIG_KEY_LIST, ...sections()]);
    }
  };
  walk(contentOf(document, file.name), '');
  return found;
}

/** What an alias stands for may be without end. @throws Fault CONFIGURATION_INVALID */
function contentOf(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw new Fault('CONFIGURATION_INVALID', `in ${name}, aliases (*name) are not read; write what they stand for`, {
      cause,
    });
  }
}

/** `sessions` of `sessions.idle`. */
function sections(): readonly string[] {
  return [
    ...new Set(CONFIG_KEY_LIST.filter((key) => key.includes('.')).map((key) => key.slice(0, key.lastIndexOf('.')))),
  ];
}

function isKey(name: string): name is ConfigKey {
  return (CONFIG_KEY_LIST as readonly string[]).includes(name);
}

function unknown(what: string, name: string, known: readonly string[]): Fault {
  const nearest = nearestName(name, known);
  return new Fault(
    'CONFIGURATION_INVALID',
    `${what} ${name} is not known${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    {
      facts: { key: name, ...(nearest === undefined ? {} : { nearest }) },
    },
  );
}
