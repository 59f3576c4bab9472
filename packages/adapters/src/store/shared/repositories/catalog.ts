import { Fault } from '@enchilada/core/fault';
import type { CatalogRepository } from '@enchilada/core/store';
import type { HostKeyPolicy, Target, TargetGroup } from '@enchilada/core/target';
import type { Kysely } from 'kysely';
import { bodyOf, changePolicy, type PolicyChange } from '../policy-history.ts';
import { TARGET_COLUMNS, type TargetColumns, targetState } from '../policy-states.ts';
import type { Schema, TargetGroupRow, TargetRow } from '../schema.ts';
import {
  changedOne,
  lookupKey,
  movedOn,
  nameKey,
  nextVersion,
  partsOf,
  raiseCounter,
  readCounter,
  type Sql,
} from '../sql.ts';

/** Rows are fetched and mapped this many at a time, so that a large catalog never holds up the event loop. */
const BATCH_ROWS = 2_000;

function toTarget(row: TargetRow): Target {
  return {
    id: row.id,
    name: row.name,
    protocol: row.protocol,
    host: row.host,
    port: row.port,
    groupId: row.groupId ?? undefined,
    labels: JSON.parse(row.labels) as Target['labels'],
    description: row.description,
    parameters: JSON.parse(row.parameters) as Target['parameters'],
    credentialId: row.credentialId ?? undefined,
    jumpTargetId: row.jumpTargetId ?? undefined,
    ...(row.filesTargetId === null ? {} : { filesTargetId: row.filesTargetId }),
    hostKeyPolicy: row.hostKeyPolicy as HostKeyPolicy,
    ...(row.proofMinutes === null ? {} : { proofMinutes: row.proofMinutes }),
    builtIn: row.builtIn ?? undefined,
    goneAt: row.goneAt ?? undefined,
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

function toTargetRow(target: Target): TargetRow {
  return {
    id: target.id,
    name: target.name,
    nameKey: nameKey(target.name),
    protocol: target.protocol,
    host: target.host,
    port: target.port,
    groupId: target.groupId ?? null,
    labels: JSON.stringify(target.labels),
    description: target.description,
    parameters: JSON.stringify(target.parameters),
    credentialId: target.credentialId ?? null,
    jumpTargetId: target.jumpTargetId ?? null,
    filesTargetId: target.filesTargetId ?? null,
    hostKeyPolicy: target.hostKeyPolicy,
    proofMinutes: target.proofMinutes ?? null,
    builtIn: target.builtIn ?? null,
    goneAt: target.goneAt ?? null,
    version: target.version,
    createdAt: target.createdAt,
    updatedAt: target.updatedAt,
  };
}

function toGroup({ id, parentId, name }: TargetGroupRow): TargetGroup {
  return { id, parentId: parentId ?? undefined, name };
}

function toGroupRow({ id, parentId, name }: TargetGroup): TargetGroupRow {
  return { id, parentId: parentId ?? null, parentKey: parentId ?? '', name, nameKey: nameKey(name) };
}

async function refuseCycle(db: Kysely<Schema>, group: TargetGroup): Promise<void> {
  const visited = new Set<string>();
  for (let parentId = group.parentId ?? null; parentId !== null && !visited.has(parentId);) {
    if (parentId === group.id) throw new Fault('INVALID_REQUEST', 'a group must not lie inside itself');
    visited.add(parentId);
    parentId =
      (await db.selectFrom('targetGroup').select('parentId').where('id', '=', parentId).executeTakeFirst())?.parentId ??
      null;
  }
}

async function updateTarget(tx: Kysely<Schema>, target: Target): Promise<void> {
  await nextVersion(target, {
    kind: 'target',
    find: () => tx.selectFrom('target').select('id').where('id', '=', target.id).executeTakeFirst(),
    update: (next) => {
      const { id, ...columns } = toTargetRow(next);
      return tx.updateTable('target').set(columns).where('id', '=', id);
    },
  });
}

type Before = ReadonlyMap<string, TargetColumns & Pick<TargetRow, 'version'>>;

async function rowsBefore(tx: Kysely<Schema>, targets: readonly Target[]): Promise<Before> {
  const ids = targets.map(({ id }) => id);
  const rows = await tx
    .selectFrom('target')
    .select([...TARGET_COLUMNS, 'version'])
    .where('id', 'in', ids)
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** Notes those in which the policy sees another machine than before. */
async function noteTargets({ note }: PolicyChange, targets: readonly Target[], before: Before): Promise<void> {
  const changed = targets.map(toTargetRow).filter((row) => {
    const old = before.get(row.id);
    if (old === undefined) return true;
    if (TARGET_COLUMNS.every((column) => old[column] === row[column])) return false;
    return bodyOf(targetState(old)) !== bodyOf(targetState(row));
  });
  await note(
    'target',
    changed.map((row) => [row.id, targetState(row)]),
  );
}

/** Many rows in one statement. INVARIANT: the catalog's version was raised before, so that no row has changed since it was read. */
async function overwrite(tx: Kysely<Schema>, targets: readonly Target[], before: Before): Promise<void> {
  for (const { id, version } of targets)
    if (before.get(id)?.version !== version) throw movedOn('target', before.has(id));
  const written = targets.map((target) => toTargetRow({ ...target, version: target.version + 1 }));
  const columns = Object.keys(written[0] ?? {}).filter((name): name is Exclude<keyof TargetRow, 'id'> => name !== 'id');
  await tx
    .insertInto('target')
    .values(written)
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet((eb) => Object.fromEntries(columns.map((column) => [column, eb.ref(`excluded.${column}`)]))),
    )
    .execute();
}

export function catalogRepository(sql: Sql): CatalogRepository {
  const { db } = sql;
  const change = (work: (change: PolicyChange) => Promise<unknown>): Promise<void> =>
    changePolicy(sql, async (policy) => {
      await raiseCounter(sql, policy.tx, 'targets');
      await work(policy);
    });
  const idsOf = (rows: readonly { readonly id: string }[]): readonly string[] => rows.map(({ id }) => id);
  return {
    version: () => readCounter(db, 'catalog'),
    async versions() {
      const rows = await db.selectFrom('counter').selectAll().where('name', 'in', ['catalog', 'targets']).execute();
      const of = (name: string): number => rows.find((row) => row.name === name)?.value ?? 0;
      return { all: of('catalog'), targets: of('targets') };
    },
    insertTarget: (target) =>
      change(async (policy) => {
        await policy.tx.insertInto('target').values(toTargetRow(target)).execute();
        await noteTargets(policy, [target], new Map());
      }),
    insertTargets: (targets) =>
      change(async (policy) => {
        for (const part of partsOf(targets)) {
          await policy.tx.insertInto('target').values(part.map(toTargetRow)).execute();
          await noteTargets(policy, part, new Map());
          await new Promise(setImmediate);
        }
      }),
    async findTarget(id) {
      const row = await db.selectFrom('target').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toTarget(row);
    },
    async findTargets(ids) {
      const targets: Target[] = [];
      for (const part of partsOf(ids)) {
        const rows = await db.selectFrom('target').selectAll().where('id', 'in', part).execute();
        for (const row of rows) targets.push(toTarget(row));
      }
      return targets;
    },
    async findTargetsByName(names) {
      const targets: Target[] = [];
      const keys = [...new Set(names.flatMap((name) => lookupKey(name) ?? []))];
      for (const part of partsOf(keys)) {
        const rows = await db.selectFrom('target').selectAll().where('nameKey', 'in', part).execute();
        for (const row of rows) targets.push(toTarget(row));
      }
      return targets;
    },
    async listTargets() {
      const targets: Target[] = [];
      for (let after = ''; ;) {
        const rows = await db
          .selectFrom('target')
          .selectAll()
          .where('id', '>', after)
          .orderBy('id')
          .limit(BATCH_ROWS)
          .execute();
        for (const row of rows) targets.push(toTarget(row));
        if (rows.length < BATCH_ROWS) return targets;
        after = rows.at(-1)?.id ?? after;
        await new Promise(setImmediate);
      }
    },
    async updateTarget(target) {
      await change(async (policy) => {
        const before = await rowsBefore(policy.tx, [target]);
        await updateTarget(policy.tx, target);
        await noteTargets(policy, [target], before);
      });
      return { ...target, version: target.version + 1 };
    },
    updateTargets: (targets) =>
      change(async (policy) => {
        const { tx } = policy;
        for (const part of partsOf(targets)) {
          const before = await rowsBefore(tx, part);
          if (sql.traits.conflictClause) await overwrite(tx, part, before);
          else for (const target of part) await updateTarget(tx, target);
          await noteTargets(policy, part, before);
          await new Promise(setImmediate);
        }
      }),
    deleteTarget: (id) =>
      change(async ({ tx, noteNow }) => {
        const grants = await tx.selectFrom('accessGrant').select('id').where('targetId', '=', id).execute();
        const { numDeletedRows } = await tx.deleteFrom('target').where('id', '=', id).executeTakeFirstOrThrow();
        if (numDeletedRows === 0n) return;
        await noteNow('target', [id]);
        await noteNow('grant', idsOf(grants));
      }),
    insertGroup: (group) =>
      change(async ({ tx, noteNow }) => {
        await tx.insertInto('targetGroup').values(toGroupRow(group)).execute();
        await noteNow('target-group', [group.id]);
      }),
    async findGroup(id) {
      const row = await db.selectFrom('targetGroup').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toGroup(row);
    },
    async listGroups() {
      return (await db.selectFrom('targetGroup').selectAll().orderBy('nameKey').orderBy('id').execute()).map(toGroup);
    },
    updateGroup: (group) =>
      change(async ({ tx, noteNow }) => {
        await refuseCycle(tx, group);
        const { id, ...columns } = toGroupRow(group);
        const result = await tx.updateTable('targetGroup').set(columns).where('id', '=', id).executeTakeFirstOrThrow();
        if (!changedOne(result)) throw movedOn('target group', false);
        await noteNow('target-group', [id]);
      }),
    deleteGroup: (id) =>
      change(async ({ tx, noteNow }) => {
        const group = await tx.selectFrom('targetGroup').select('parentId').where('id', '=', id).executeTakeFirst();
        if (group === undefined) return;
        const { parentId } = group;
        const targets = await tx.selectFrom('target').select('id').where('groupId', '=', id).execute();
        const groups = await tx.selectFrom('targetGroup').select('id').where('parentId', '=', id).execute();
        const grants = await tx.selectFrom('accessGrant').select('id').where('targetGroupId', '=', id).execute();
        await tx.updateTable('target').set({ groupId: parentId }).where('groupId', '=', id).execute();
        await tx
          .updateTable('targetGroup')
          .set({ parentId, parentKey: parentId ?? '' })
          .where('parentId', '=', id)
          .execute();
        await tx.deleteFrom('targetGroup').where('id', '=', id).execute();
        await noteNow('target', idsOf(targets));
        await noteNow('target-group', [id, ...idsOf(groups)]);
        await noteNow('grant', idsOf(grants));
      }),
  };
}
