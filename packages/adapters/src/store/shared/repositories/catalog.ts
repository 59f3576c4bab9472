import { Fault } from '@enchilada/core/fault';
import type { CatalogRepository } from '@enchilada/core/store';
import type { HostKeyPolicy, Target, TargetGroup } from '@enchilada/core/target';
import type { Kysely } from 'kysely';
import type { Schema, TargetGroupRow, TargetRow } from '../schema.ts';
import {
  changedOne,
  lookupKey,
  movedOn,
  nameKey,
  nextVersion,
  partsOf,
  raiseCatalogVersion,
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

/** Many rows in two statements. INVARIANT: the catalog's version was raised before, so that no row changes between them. */
async function overwrite(tx: Kysely<Schema>, targets: readonly Target[]): Promise<void> {
  const ids = targets.map(({ id }) => id);
  const rows = await tx.selectFrom('target').select(['id', 'version']).where('id', 'in', ids).execute();
  const versions = new Map(rows.map(({ id, version }) => [id, version]));
  for (const { id, version } of targets) if (versions.get(id) !== version) throw movedOn('target', versions.has(id));
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
  const { db, atomic } = sql;
  const change = (work: (tx: Kysely<Schema>) => Promise<unknown>): Promise<void> =>
    atomic(async (tx) => {
      await raiseCatalogVersion(sql, tx);
      await raiseCounter(sql, tx, 'targets');
      await work(tx);
    });
  return {
    version: () => readCounter(db, 'catalog'),
    async versions() {
      const rows = await db.selectFrom('counter').selectAll().where('name', 'in', ['catalog', 'targets']).execute();
      const of = (name: string): number => rows.find((row) => row.name === name)?.value ?? 0;
      return { all: of('catalog'), targets: of('targets') };
    },
    insertTarget: (target) => change((tx) => tx.insertInto('target').values(toTargetRow(target)).execute()),
    insertTargets: (targets) =>
      change(async (tx) => {
        for (const part of partsOf(targets)) {
          await tx.insertInto('target').values(part.map(toTargetRow)).execute();
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
      await change((tx) => updateTarget(tx, target));
      return { ...target, version: target.version + 1 };
    },
    updateTargets: (targets) =>
      change(async (tx) => {
        if (!sql.traits.conflictClause) {
          for (const target of targets) await updateTarget(tx, target);
          return;
        }
        for (const part of partsOf(targets)) {
          await overwrite(tx, part);
          await new Promise(setImmediate);
        }
      }),
    deleteTarget: (id) => change((tx) => tx.deleteFrom('target').where('id', '=', id).execute()),
    insertGroup: (group) => change((tx) => tx.insertInto('targetGroup').values(toGroupRow(group)).execute()),
    async findGroup(id) {
      const row = await db.selectFrom('targetGroup').selectAll().where('id', '=', id).executeTakeFirst();
      return row && toGroup(row);
    },
    async listGroups() {
      return (await db.selectFrom('targetGroup').selectAll().orderBy('nameKey').orderBy('id').execute()).map(toGroup);
    },
    updateGroup: (group) =>
      change(async (tx) => {
        await refuseCycle(tx, group);
        const { id, ...columns } = toGroupRow(group);
        const result = await tx.updateTable('targetGroup').set(columns).where('id', '=', id).executeTakeFirstOrThrow();
        if (!changedOne(result)) throw movedOn('target group', false);
      }),
    deleteGroup: (id) =>
      change(async (tx) => {
        const group = await tx.selectFrom('targetGroup').select('parentId').where('id', '=', id).executeTakeFirst();
        if (group === undefined) return;
        const { parentId } = group;
        await tx.updateTable('target').set({ groupId: parentId }).where('groupId', '=', id).execute();
        await tx
          .updateTable('targetGroup')
          .set({ parentId, parentKey: parentId ?? '' })
          .where('parentId', '=', id)
          .execute();
        await tx.deleteFrom('targetGroup').where('id', '=', id).execute();
      }),
  };
}
