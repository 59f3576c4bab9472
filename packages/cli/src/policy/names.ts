import { nearestName } from '@enchilada/core/naming';
import type { Named } from './file-fields.ts';
import type { LivePolicy } from './live-policy.ts';
import { fold, type PolicyFile } from './policy-file.ts';
import type { FileProblem } from './yaml-place.ts';

type Kind = 'user' | 'group' | 'group of machines' | 'machine' | 'credential' | 'source';

interface Known {
  readonly id: string;
  readonly name: string;
}

/** The paths of all groups of machines, by id. A loop in the data ends the walk. */
export function pathsOf(groups: LivePolicy['targetGroups']): ReadonlyMap<string, string> {
  const byId = new Map(groups.map((group) => [group.id, group]));
  const paths = new Map<string, string>();
  for (const { id } of groups) {
    const path: string[] = [];
    const seen = new Set<string>();
    for (let next = byId.get(id); next !== undefined && !seen.has(next.id); next = byId.get(next.parentId ?? '')) {
      seen.add(next.id);
      path.unshift(next.name);
    }
    paths.set(id, path.join('/'));
  }
  return paths;
}

/** Stands for the id of what the file names and the gateway does not have yet. No name holds a control character. */
export function idToCome(kind: Kind, name: string): string {
  return `\u0000${kind}\u0000${name}`;
}

/** The path itself and all above it, from the root. */
export function pathAndAbove(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Ids of what the file names, there already or to come. A name that stands for nothing is noted with its line and the nearest one. */
export class Names {
  readonly problems: FileProblem[] = [];
  readonly #known: Readonly<Record<Kind, ReadonlyMap<string, readonly Known[]>>>;

  constructor(policy: PolicyFile, live: LivePolicy) {
    const paths = pathsOf(live.targetGroups);
    const toCome = (kind: Kind, names: readonly string[], there: readonly Known[]): readonly Known[] => {
      const keys = new Set(there.map(({ name }) => keyOf(kind, name)));
      const missing = [...new Set(names)].filter((name) => !keys.has(keyOf(kind, name)));
      return [...there, ...missing.map((name) => ({ id: idToCome(kind, name), name }))];
    };
    const named = (items: readonly { readonly name: string }[] | undefined) => (items ?? []).map(({ name }) => name);
    this.#known = {
      user: index(
        'user',
        live.users.map(({ id, username }) => ({ id, name: username })),
      ),
      group: index('group', toCome('group', named(policy.groups), live.groups)),
      'group of machines': index(
        'group of machines',
        toCome(
          'group of machines',
          named(policy.targetGroups).flatMap(pathAndAbove),
          [...paths].map(([id, name]) => ({ id, name })),
        ),
      ),
      machine: index('machine', toCome('machine', named(policy.targets), live.targets)),
      credential: index('credential', live.credentials),
      source: index('source', live.sources),
    };
  }

  /** Undefined, and a problem, where it names nothing or more than one. */
  id(kind: Kind, { name, line }: Named): string | undefined {
    const found = this.#known[kind].get(keyOf(kind, name)) ?? [];
    const [only] = found;
    if (only !== undefined && found.length === 1) return only.id;
    if (only !== undefined) {
      this.problems.push({ line, message: `${found.length} ${kind}s are named ${JSON.stringify(name)}` });
      return undefined;
    }
    const all = [...this.#known[kind].values()].flat().map((one) => one.name);
    const nearest = nearestName(name, all);
    const hint = nearest === undefined ? '' : `; the nearest name is ${JSON.stringify(nearest)}`;
    this.problems.push({ line, message: `there is no ${kind} ${JSON.stringify(name)}${hint}` });
    return undefined;
  }

  ids(kind: Kind, all: readonly Named[]): string[] {
    return all.flatMap((one) => this.id(kind, one) ?? []);
  }
}

/** People and groups are known whatever the case; machines and paths to the letter. */
function keyOf(kind: Kind, name: string): string {
  return kind === 'machine' || kind === 'group of machines' ? name : fold(name);
}

function index(kind: Kind, items: readonly Known[]): ReadonlyMap<string, readonly Known[]> {
  const map = new Map<string, Known[]>();
  for (const item of items) {
    const key = keyOf(kind, item.name);
    const list = map.get(key);
    if (list === undefined) map.set(key, [item]);
    else list.push(item);
  }
  return map;
}
