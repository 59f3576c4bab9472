import type { PolicyKind, PolicyStates } from '@enchilada/core/store';
import type { Role } from '@enchilada/core/identity';
import type { Kysely } from 'kysely';
import { toGrant } from './grant-row.ts';
import type { Schema, TargetRow } from './schema.ts';
import { partsOf } from './sql.ts';

/** What of a machine's row the policy looks at. */
export const TARGET_COLUMNS = ['id', 'name', 'protocol', 'groupId', 'labels', 'goneAt'] as const;
export type TargetColumns = Pick<TargetRow, (typeof TARGET_COLUMNS)[number]>;

export type State = PolicyStates[PolicyKind];

export function targetState({ id, name, protocol, groupId, labels, goneAt }: TargetColumns): PolicyStates['target'] {
  const sorted = Object.entries(JSON.parse(labels) as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...{ id, name, protocol, groupId: groupId ?? undefined },
    ...{ labels: Object.fromEntries(sorted), goneAt: goneAt ?? undefined },
  };
}

type Read<K extends PolicyKind> = (
  db: Kysely<Schema>,
  ids: readonly string[] | undefined,
) => Promise<readonly PolicyStates[K][]>;

/** How each kind lies in its tables: all there is, or what has one of the ids. */
const READ: { readonly [K in PolicyKind]: Read<K> } = {
  async user(db, ids) {
    const select = db.selectFrom('userAccount').select(['id', 'username', 'displayName', 'role', 'disabledAt']);
    const rows = await (ids === undefined ? select : select.where('id', 'in', ids)).execute();
    return rows.map(({ role, disabledAt, ...row }) => ({
      ...row,
      role: role as Role,
      disabledAt: disabledAt ?? undefined,
    }));
  },
  async group(db, ids) {
    const select = db.selectFrom('userGroup').select(['id', 'name']);
    return (ids === undefined ? select : select.where('id', 'in', ids)).execute();
  },
  async membership(db, ids) {
    const select = db.selectFrom('groupMember').select(['userId', 'groupId']).orderBy('userId').orderBy('groupId');
    const rows = await (ids === undefined ? select : select.where('userId', 'in', ids)).execute();
    const groups = new Map<string, string[]>();
    for (const { userId, groupId } of rows) groups.set(userId, [...(groups.get(userId) ?? []), groupId]);
    return [...groups].map(([id, all]) => ({ id, groups: all }));
  },
  async target(db, ids) {
    const select = db.selectFrom('target').select(TARGET_COLUMNS);
    return (await (ids === undefined ? select : select.where('id', 'in', ids)).execute()).map(targetState);
  },
  async 'target-group'(db, ids) {
    const select = db.selectFrom('targetGroup').select(['id', 'parentId', 'name']);
    const rows = await (ids === undefined ? select : select.where('id', 'in', ids)).execute();
    return rows.map(({ id, parentId, name }) => ({ id, parentId: parentId ?? undefined, name }));
  },
  async grant(db, ids) {
    const select = db.selectFrom('accessGrant').selectAll();
    return (await (ids === undefined ? select : select.where('id', 'in', ids)).execute()).map(toGrant);
  },
};

/** In the order in which one refers to the other. */
export const POLICY_KINDS = Object.keys(READ) as readonly PolicyKind[];

/** As it is now, by id. */
export async function presentStates(
  db: Kysely<Schema>,
  kind: PolicyKind,
  ids?: readonly string[],
): Promise<ReadonlyMap<string, State>> {
  const parts = ids === undefined ? [undefined] : partsOf(ids);
  const states = new Map<string, State>();
  for (const part of parts) for (const state of await READ[kind](db, part)) states.set(state.id, state);
  return states;
}
