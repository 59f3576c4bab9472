import { parseCsv } from '@enchilada/core/text';
import { type Entry, failed } from './inventory-source.ts';
import { entryOf, type Fields, fieldsOf, portOf, readYaml, textOf } from './inventory-text.ts';

const KNOWN = new Set([
  'id',
  'name',
  'address',
  'host',
  'platform',
  'protocol',
  'port',
  'group',
  'region',
  'network',
  'tags',
]);

/**
 * A list of machines: YAML or JSON (a list, or `machines:` with one), or CSV with a line of names, in which columns that are not known are tags.
 * An entry that cannot be used makes the whole list unusable: half a list would take the other half away.
 */
export function parseMachineList(text: string, name: string): readonly Entry[] {
  if (isCsv(text, name)) return fromCsv(text, name);
  const value = readYaml(text, name);
  const list = Array.isArray(value) ? (value as readonly unknown[]) : fieldsOf(value)['machines'];
  if (!Array.isArray(list)) throw failed(name, 'it holds no list of machines');
  return (list as readonly unknown[]).map((one, index) => entryAt(fieldsOf(one), { name, at: `entry ${index + 1}` }));
}

function isCsv(text: string, name: string): boolean {
  if (/\.csv$/iu.test(name)) return true;
  if (/\.(?:ya?ml|json)$/iu.test(name)) return false;
  return /^\uFEFF?"?(?:id|name|address|host)"?[,;]/iu.test(text);
}

function fromCsv(text: string, name: string): readonly Entry[] {
  const [head, ...rows] = parseCsv(text);
  const columns = head?.fields.map((column) => column.trim()) ?? [];
  return rows.map(({ line, fields }) => {
    const row: Record<string, unknown> = {};
    const tags: Record<string, string> = {};
    for (const [index, column] of columns.entries()) {
      const value = fields[index] ?? '';
      if (KNOWN.has(column.toLowerCase())) row[column.toLowerCase()] = value;
      else if (column !== '' && value !== '') tags[column] = value;
    }
    return entryAt({ ...row, tags }, { name, at: `line ${line}` });
  });
}

function entryAt(fields: Fields, { name, at }: { readonly name: string; readonly at: string }): Entry {
  const unknown = Object.keys(fields).find((key) => !KNOWN.has(key));
  if (unknown !== undefined)
    throw failed(name, `${at} has a field ${JSON.stringify(unknown.slice(0, 40))} that is not known`);
  const called = textOf(fields['name']);
  const id = textOf(fields['id']) ?? called;
  const address = textOf(fields['address'] ?? fields['host']);
  const platform = textOf(fields['platform'])?.toLowerCase();
  if (id === undefined || id.length > 200) throw failed(name, `${at} needs a name or an id of at most 200 characters`);
  if (address === undefined || !/^[\w.:[\]-]{1,253}$/u.test(address)) throw failed(name, `${at} needs an address`);
  if (platform !== undefined && platform !== 'linux' && platform !== 'windows')
    throw failed(name, `${at} has a platform that is neither linux nor windows`);
  const port = portOf(fields['port']);
  if (textOf(fields['port']) !== undefined && port === undefined) throw failed(name, `${at} has a port that is none`);
  const tags = Object.entries(fieldsOf(fields['tags'])).map(([key, value]): [string, string] => [
    key,
    textOf(value) ?? '',
  ]);
  return entryOf({
    id,
    name: called,
    address: address.replaceAll(/^\[|\]$/gu, ''),
    platform,
    port,
    protocol: textOf(fields['protocol'])?.toLowerCase(),
    group: textOf(fields['group']),
    region: textOf(fields['region']),
    network: textOf(fields['network']),
    tags: Object.fromEntries(tags),
  });
}
