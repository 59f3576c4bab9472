import type { MachineGroup } from '@enchilada/contract';

export type GroupRow = Pick<MachineGroup, 'id' | 'parentId' | 'name' | 'machines'>;

export interface GroupNode {
  readonly group: GroupRow;
  readonly children: readonly GroupNode[];
}

/** The groups as a tree by name; one whose parent is not among them stands at the top, and a loop ends where it closes. */
export function groupTree(groups: readonly GroupRow[]): readonly GroupNode[] {
  const ids = new Set(groups.map((group) => group.id));
  const byParent = Map.groupBy(groups, (group) =>
    group.parentId !== undefined && ids.has(group.parentId) ? group.parentId : '',
  );
  const below = (parent: string, path: readonly string[]): readonly GroupNode[] =>
    (byParent.get(parent) ?? [])
      .filter((group) => !path.includes(group.id))
      .toSorted((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }))
      .map((group) => ({ group, children: below(group.id, [...path, group.id]) }));
  return below('', []);
}

/** The names from the top to the group. */
export function groupPath(groups: ReadonlyMap<string, GroupRow>, start: string | undefined): readonly string[] {
  const ids: string[] = [];
  const names: string[] = [];
  for (let id = start; id !== undefined && !ids.includes(id); id = groups.get(id)?.parentId) {
    ids.push(id);
    const name = groups.get(id)?.name;
    if (name !== undefined) names.unshift(name);
  }
  return names;
}

/** The words of a search; `key:value` matches inside a label. */
export function searchWords(query: string): readonly string[] {
  return query
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== '');
}

export interface Searched {
  readonly name: string;
  readonly host: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly protocolLabel: { readonly en: string; readonly de: string };
}

/** Narrows what is on the screen already, until the gateway's answer to the same words is there. */
export function matches(machine: Searched, words: readonly string[], path: readonly string[]): boolean {
  if (words.length === 0) return true;
  const labels = Object.entries(machine.labels).map(([key, value]) => `${key}:${value}`);
  const hay = [
    machine.name,
    machine.host,
    machine.description,
    machine.protocolLabel.en,
    machine.protocolLabel.de,
    ...path,
    ...labels,
  ]
    .join('\n')
    .toLowerCase();
  return words.every((word) => hay.includes(word));
}
