import type { ConfigEntry } from './entry.ts';
import { CONFIG_KEY_LIST, entryOf, environmentName } from './keys.ts';

type Json = Record<string, unknown>;

function schemaOf(entry: ConfigEntry): Json {
  const base: Json = { description: entry.says, ...('default' in entry ? { default: entry.default } : {}) };
  switch (entry.kind) {
    case 'boolean':
      return { type: 'boolean', ...base };
    case 'integer':
      return { type: 'integer', minimum: entry.minimum, maximum: entry.maximum, ...base };
    case 'choice':
      return { type: 'string', enum: entry.options, ...base };
    case 'duration':
      return { type: 'string', pattern: '^\\d{1,9}\\s*(s|m|h|d)$', ...base };
    case 'list':
      return { type: 'array', items: { type: 'string' }, ...base };
    case 'url':
      return { type: 'string', format: 'uri', ...base };
    case 'secret-url':
      return { type: 'string', ...base };
    case 'path':
    case 'text':
      return {
        type: 'string',
        maxLength: entry.maxLength ?? 1000,
        ...(entry.pattern === undefined ? {} : { pattern: entry.pattern.source }),
        ...base,
      };
  }
}

/** `config.schema.json`: the file's shape, for editors and for infrastructure code. */
export function configSchema(): Json {
  const root: Json = { type: 'object', additionalProperties: false, properties: {} };
  for (const key of CONFIG_KEY_LIST) {
    const parts = key.split('.');
    const last = parts.pop() ?? key;
    let node = root['properties'] as Json;
    for (const part of parts) {
      node[part] ??= { type: 'object', additionalProperties: false, properties: {} };
      node = (node[part] as Json)['properties'] as Json;
    }
    node[last] = schemaOf(entryOf(key));
  }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'enchilada.yaml', ...root };
}

function typeWords(entry: ConfigEntry): string {
  switch (entry.kind) {
    case 'integer':
      return `${entry.minimum} to ${entry.maximum}`;
    case 'choice':
      return entry.options.map((option) => `\`${option}\``).join(', ');
    case 'list':
      return entry.item === 'cidr' ? 'list of networks' : 'list of addresses';
    case 'secret-url':
      return 'URL, or `file:PATH`, `env:NAME`';
    case 'boolean':
      return '`true`, `false`';
    case 'duration':
    case 'path':
    case 'text':
    case 'url':
      return entry.kind;
  }
}

/** docs/configuring.md. */
export function configReference(): string {
  const rows = CONFIG_KEY_LIST.map((key) => {
    const entry = entryOf(key);
    const byDefault =
      'default' in entry && entry.default !== undefined && String(entry.default) !== ''
        ? `\`${String(entry.default)}\``
        : '';
    return `| \`${key}\` | ${typeWords(entry)} | ${byDefault} | ${entry.says}${entry.weakens === undefined ? '' : ' **Weakens safety**: shown in the interface and audited.'} |`;
  });
  return [
    '# Configuring Enchilada',
    '',
    'Generated from `packages/gateway/src/config/keys.ts` by `npm run generate`; a check compares it.',
    '',
    'Everything has a default; `npm start` works without a file. Three places are read, the later ones win:',
    '',
    '1. the file `enchilada.yaml` in the working directory, or the one named by `--config` or `ENCHILADA_CONFIG`;',
    '2. the environment: `' +
      environmentName('sessions.idle') +
      '` is `sessions.idle`, `' +
      environmentName('database.migrationUrl') +
      '` is `database.migrationUrl`; lists are separated by commas;',
    '3. the flags `--port`, `--listen`, `--data-dir`; `--json` prints one line of JSON once the gateway serves.',
    '',
    'A key that is not known is refused, with the nearest known name. Durations are written `30s`, `15m`, `12h`, `400d`.',
    'A URL that holds a password stands in the environment, or in the file by reference: `file:/run/secrets/database`, `env:DATABASE_URL`. Its value is never printed.',
    'What is written down here is fixed; the rest can be changed under Settings.',
    '',
    '| key | value | default | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
