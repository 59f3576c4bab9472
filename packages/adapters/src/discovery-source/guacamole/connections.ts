import { type Entry, failed } from '../shared/inventory-source.ts';
import { entryOf, type Fields, fieldsOf, portOf, readYaml, textOf } from '../shared/inventory-text.ts';

const ROOT = 'ROOT';
const DEEPEST = 50;

/**
 * Connections in one of three shapes: the list that Guacamole's own import reads (`name`, `protocol`, `group`, `parameters`), the objects of
 * `connections` by identifier, or the tree of `connectionGroups/ROOT/tree`; the latter two with `parameters` put into each connection.
 * INVARIANT: of the parameters only host name and port are read: the others hold passwords and keys in clear text.
 */
export function parseConnections(text: string, name: string): readonly Entry[] {
  const value = readYaml(text, name);
  const connections: Placed[] = [];
  if (Array.isArray(value))
    for (const one of value as readonly unknown[])
      connections.push({ fields: fieldsOf(one), path: groupOf(fieldsOf(one)) });
  else if (isTree(fieldsOf(value))) collect(fieldsOf(value), { path: [], name, into: connections });
  else
    for (const one of Object.values(fieldsOf(value)))
      connections.push({ fields: fieldsOf(one), path: groupOf(fieldsOf(one)) });
  if (connections.length === 0 && !Array.isArray(value)) throw failed(name, 'it holds no connections');
  return connections.flatMap(({ fields, path }, index) => {
    const called = textOf(fields['name']);
    const protocol = textOf(fields['protocol'])?.toLowerCase();
    if (called === undefined || protocol === undefined)
      throw failed(name, `connection ${index + 1} has no name or no protocol`);
    const parameters = fieldsOf(fields['parameters']);
    const address = textOf(parameters['hostname']);
    // A connection without a host, or with one that is filled in at sign-in (`${GUAC_USERNAME}`), is no machine.
    if (address === undefined || address.includes('${')) return [];
    return [
      entryOf({
        id: textOf(fields['identifier']) ?? [...path, called].join('/'),
        name: called,
        address,
        protocol,
        port: portOf(parameters['port']),
        platform: isWindows(parameters) ? 'windows' : 'linux',
        group: path.length === 0 ? undefined : path.join('/'),
      }),
    ];
  });
}

/** By what only connections to Windows have. */
const OF_WINDOWS = ['ignore-cert', 'security', 'domain', 'server-layout', 'remote-app', 'enable-drive'];
const PORT_OF_WINDOWS = 3_389;

function isWindows(parameters: Fields): boolean {
  return (
    portOf(parameters['port']) === PORT_OF_WINDOWS || OF_WINDOWS.some((name) => textOf(parameters[name]) !== undefined)
  );
}

interface Placed {
  readonly fields: Fields;
  readonly path: readonly string[];
}

function isTree(fields: Fields): boolean {
  return Array.isArray(fields['childConnections']) || Array.isArray(fields['childConnectionGroups']);
}

/** `ROOT/Servers/Web`; a parent by number says nothing without its tree. */
function groupOf(fields: Fields): readonly string[] {
  const group = textOf(fields['group']);
  return group === undefined ? [] : group.split('/').filter((part) => part !== '' && part !== ROOT);
}

function collect(
  tree: Fields,
  place: { readonly path: readonly string[]; readonly name: string; readonly into: Placed[] },
): void {
  const { path, name, into } = place;
  if (path.length > DEEPEST) throw failed(name, `its groups are nested more than ${DEEPEST} deep`);
  const children = (key: string): readonly Fields[] =>
    Array.isArray(tree[key]) ? (tree[key] as readonly unknown[]).map(fieldsOf) : [];
  for (const fields of children('childConnections')) into.push({ fields, path });
  for (const group of children('childConnectionGroups'))
    collect(group, { path: [...path, textOf(group['name']) ?? ''], name, into });
}
