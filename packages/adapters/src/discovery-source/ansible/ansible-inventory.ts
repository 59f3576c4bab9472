import { type Entry, failed } from '../shared/inventory-source.ts';
import { entryOf, type Fields, fieldsOf, portOf, readYaml, textOf } from '../shared/inventory-text.ts';

/** The only variables that are read: others may be secrets. */
const READ = ['ansible_host', 'ansible_port', 'ansible_connection'];
const WINDOWS = new Set(['winrm', 'psrp']);
/** Machines that nobody connects to. */
const LOCAL = new Set(['local', 'docker', 'podman', 'kubectl', 'chroot', 'lxc', 'jail']);
const MOST_EXPANDED = 100_000;
const DEEPEST = 50;

interface Group {
  readonly hosts: Map<string, Fields>;
  readonly vars: Record<string, unknown>;
  readonly children: Set<string>;
}

type Groups = Map<string, Group>;

/** https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html */
export function parseAnsible(text: string, name: string): readonly Entry[] {
  const groups: Groups = new Map();
  const isIni =
    /\.(?:ini|cfg)$/iu.test(name) || (!/\.(?:ya?ml|json)$/iu.test(name) && !/^\s*(?:---|\{|[\w-]+:\s*$)/mu.test(text));
  if (isIni) readIni(text, { groups, name });
  else {
    const value = fieldsOf(readYaml(text, name));
    if (Object.hasOwn(value, '_meta')) readListing(value, groups);
    else for (const [key, group] of Object.entries(value)) readGroup(key, fieldsOf(group), { groups, name, depth: 0 });
  }
  return entriesOf(groups, name);
}

function groupOf(groups: Groups, name: string): Group {
  const known = groups.get(name);
  if (known !== undefined) return known;
  const group: Group = { hosts: new Map(), vars: {}, children: new Set() };
  groups.set(name, group);
  return group;
}

interface Reading {
  readonly groups: Groups;
  readonly name: string;
}

function addHosts({ groups, name }: Reading, group: string, [pattern, vars]: readonly [string, Fields]): void {
  const { hosts } = groupOf(groups, group);
  for (const host of expand(pattern, name)) hosts.set(host, { ...hosts.get(host), ...vars });
}

function readIni(text: string, reading: Reading): void {
  let section = 'ungrouped';
  let part = 'hosts';
  for (const [index, whole] of text.split(/\r?\n/u).entries()) {
    const line = whole.replace(/(?:^|\s)[#;].*$/u, '').trim();
    if (line === '') continue;
    const head = /^\[([^\]:]+)(?::(\w+))?\]$/u.exec(line);
    if (head !== null) {
      [, section = '', part = 'hosts'] = head;
      if (!['hosts', 'vars', 'children'].includes(part))
        throw failed(reading.name, `line ${index + 1} begins an unknown section`);
      groupOf(reading.groups, section);
    } else if (part === 'children') groupOf(reading.groups, section).children.add(line);
    else if (part === 'vars') {
      const at = line.indexOf('=');
      if (at > 0) groupOf(reading.groups, section).vars[line.slice(0, at).trim()] = unquoted(line.slice(at + 1).trim());
    } else {
      const [host = '', ...words] = line.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/gu) ?? [];
      const vars = words.flatMap((word): [string, string][] => {
        const at = word.indexOf('=');
        return at > 0 ? [[word.slice(0, at), unquoted(word.slice(at + 1))]] : [];
      });
      addHosts(reading, section, [host, Object.fromEntries(vars)]);
    }
  }
}

function unquoted(text: string): string {
  return /^(["']).*\1$/u.test(text) ? text.slice(1, -1) : text;
}

function readGroup(key: string, fields: Fields, reading: Reading & { readonly depth: number }): void {
  if (reading.depth > DEEPEST) throw failed(reading.name, `its groups are nested more than ${DEEPEST} deep`);
  const group = groupOf(reading.groups, key);
  for (const [pattern, vars] of Object.entries(fieldsOf(fields['hosts'])))
    addHosts(reading, key, [pattern, fieldsOf(vars)]);
  Object.assign(group.vars, fieldsOf(fields['vars']));
  for (const [child, inner] of Object.entries(fieldsOf(fields['children']))) {
    group.children.add(child);
    readGroup(child, fieldsOf(inner), { ...reading, depth: reading.depth + 1 });
  }
}

/** What `ansible-inventory --list` prints: groups as lists, variables of hosts in one place. */
function readListing(listing: Fields, groups: Groups): void {
  const hostVars = fieldsOf(fieldsOf(listing['_meta'])['hostvars']);
  const listOf = (value: unknown): readonly string[] =>
    Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
  for (const [key, value] of Object.entries(listing)) {
    if (key === '_meta') continue;
    const group = groupOf(groups, key);
    for (const host of listOf(fieldsOf(value)['hosts'])) group.hosts.set(host, fieldsOf(hostVars[host]));
    for (const child of listOf(fieldsOf(value)['children'])) group.children.add(child);
    Object.assign(group.vars, fieldsOf(fieldsOf(value)['vars']));
  }
}

/** `web[01:03].example.com`, `db-[a:c]`; steps after a second colon. */
function expand(pattern: string, name: string): readonly string[] {
  const match = /^(.*?)\[(\w+):(\w+)(?::(\d+))?\](.*)$/u.exec(pattern);
  if (match === null) return [pattern];
  const [, before = '', first = '', last = '', step = '1', after = ''] = match;
  const isNumber = /^\d+$/u.test(first) && /^\d+$/u.test(last);
  const from = isNumber ? Number(first) : first.charCodeAt(0);
  const to = isNumber ? Number(last) : last.charCodeAt(0);
  if (to - from > MOST_EXPANDED || Number(step) < 1)
    throw failed(name, `the range ${pattern.slice(0, 60)} is too long`);
  const found: string[] = [];
  for (let at = from; at <= to; at += Number(step)) {
    const one = isNumber ? String(at).padStart(first.length, '0') : String.fromCharCode(at);
    found.push(...expand(`${before}${one}${after}`, name));
    if (found.length > MOST_EXPANDED) throw failed(name, `the range ${pattern.slice(0, 60)} is too long`);
  }
  return found;
}

/** Variables of groups from the outside in, then those of the host; groups become tags, and the innermost becomes the group. */
function entriesOf(groups: Groups, name: string): readonly Entry[] {
  const parents = new Map<string, string[]>();
  for (const [key, { children }] of groups)
    for (const child of children) parents.set(child, [...(parents.get(child) ?? []), key]);
  const above = (key: string, seen: readonly string[] = []): readonly string[] =>
    seen.includes(key)
      ? seen
      : (parents.get(key) ?? []).reduce<readonly string[]>((all, one) => above(one, all), [...seen, key]);
  const hosts = new Map<
    string,
    { readonly vars: Record<string, unknown>; readonly groups: Set<string>; own: string | undefined }
  >();
  for (const key of groups.keys())
    for (const [host, vars] of groups.get(key)?.hosts ?? []) {
      const known = hosts.get(host) ?? { vars: {}, groups: new Set<string>(), own: undefined };
      const chain = above(key);
      for (const one of ['all', ...[...chain].reverse()])
        for (const [variable, value] of Object.entries(groups.get(one)?.vars ?? {}))
          if (READ.includes(variable)) known.vars[variable] = value;
      for (const one of chain) if (one !== 'all' && one !== 'ungrouped') known.groups.add(one);
      if (key !== 'all' && key !== 'ungrouped')
        known.own ??= [...chain]
          .reverse()
          .filter((one) => one !== 'all')
          .join('/');
      hosts.set(host, known);
      Object.assign(known.vars, vars);
    }
  return [...hosts].flatMap(([host, { vars, groups: members, own }]) => {
    const connection = textOf(vars['ansible_connection'])?.split('.').at(-1)?.toLowerCase() ?? '';
    if (LOCAL.has(connection)) return [];
    const address = textOf(vars['ansible_host']) ?? host;
    // A template needs Ansible to be filled in.
    if (address.includes('{{'))
      throw failed(
        name,
        `the address of ${host.slice(0, 80)} is a template; give it what ansible-inventory --list prints`,
      );
    const isWindows = WINDOWS.has(connection);
    return [
      entryOf({
        id: host,
        address,
        platform: isWindows ? 'windows' : 'linux',
        // The port of WinRM opens no desktop.
        port: isWindows ? undefined : portOf(vars['ansible_port']),
        group: own,
        tags: Object.fromEntries([...members].map((member) => [`group:${member}`, ''])),
      }),
    ];
  });
}
