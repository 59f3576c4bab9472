import { nearestName } from '@enchilada/core/naming';
import { CommandFailure } from '../frame/exit-code.ts';
import type { Api } from '../login/client.ts';

interface Named {
  readonly id: string;
}

/** The one item with this id or name. @throws CommandFailure naming what comes nearest */
export function pick<T extends Named>(
  items: readonly T[],
  wanted: string,
  how: { readonly kind: string; readonly name: (item: T) => string },
): T {
  const byId = items.find(({ id }) => id === wanted);
  if (byId !== undefined) return byId;
  const fold = (text: string): string => text.normalize('NFKC').trim().toLowerCase();
  const found = items.filter((item) => fold(how.name(item)) === fold(wanted));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (first !== undefined)
    throw new CommandFailure(
      1,
      `${found.length} ${how.kind}s are named ${JSON.stringify(wanted)}; use an id: ${found.map(({ id }) => id).join(', ')}`,
    );
  const nearest = nearestName(wanted, items.map(how.name));
  throw new CommandFailure(
    1,
    `there is no ${how.kind} ${JSON.stringify(wanted)}${nearest === undefined ? '' : `; the nearest name is ${JSON.stringify(nearest)}`}`,
  );
}

export interface CursorPage<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

/** All pages, up to `most` items where that is given. */
export async function allPages<T>(
  page: (cursor: { readonly cursor?: string }) => Promise<CursorPage<T>>,
  most = Infinity,
): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const { items: more, next } = await page(cursor === undefined ? {} : { cursor });
    items.push(...more);
    cursor = next;
  } while (cursor !== undefined && items.length < most);
  return items.slice(0, most);
}

export async function findTarget(api: Api, wanted: string) {
  const items = await allPages(async ({ cursor }) =>
    api.listTargets({ query: { limit: 500, ...(cursor === undefined ? {} : { cursor }) } }),
  );
  return pick(items, wanted, { kind: 'machine', name: ({ name }) => name });
}

export async function findUser(api: Api, wanted: string) {
  return pick((await api.listUsers()).items, wanted, { kind: 'user', name: ({ username }) => username });
}

export async function findGroup(api: Api, wanted: string) {
  return pick((await api.listGroups()).items, wanted, { kind: 'group', name: ({ name }) => name });
}

interface TreeNode extends Named {
  readonly name: string;
  readonly parentId?: string | undefined;
}

/** `Production/Databases`, from the root. A loop in the data ends the walk. */
export function groupPath(groups: readonly TreeNode[], id: string | undefined): string {
  const path: string[] = [];
  const seen = new Set<string>();
  for (
    let group = groups.find((one) => one.id === id);
    group !== undefined && !seen.has(group.id);
    group = groups.find((one) => one.id === group?.parentId)
  ) {
    seen.add(group.id);
    path.unshift(group.name);
  }
  return path.join('/');
}

/** By id, by path from the root, or by a name that only one group has. */
export async function findTargetGroup(api: Api, wanted: string) {
  const { items } = await api.listTargetGroups();
  const byPath = items.find(({ id }) => groupPath(items, id) === wanted);
  return byPath ?? pick(items, wanted, { kind: 'machine group', name: ({ name }) => name });
}
