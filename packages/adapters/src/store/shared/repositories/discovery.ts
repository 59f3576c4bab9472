import { createHash } from 'node:crypto';
import type {
  CatalogEntry,
  ChangeCause,
  ChangeKind,
  DiscoveryChange,
  FoundMachine,
  Omission,
  Rule,
  Scope,
  SourceId,
  SourceRecord,
} from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { DiscoveryRepository, HintKey } from '@enchilada/core/store';
import type { Kysely } from 'kysely';
import { Cursor, pageSize } from '../page.ts';
import { prepared } from '../prepared-query.ts';
import type { DiscoveryChangeRow, DiscoverySourceRow, FoundMachineRow, Schema } from '../schema.ts';
import { changedOne, insertOnce, nameKey, nextVersion, partsOf, type Sql, storable } from '../sql.ts';
import { discoveryScopes } from './discovery-scopes.ts';

const NEWEST_FIRST = new Cursor(['at', 'id'], 'desc');

function toSource(row: DiscoverySourceRow): SourceRecord {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    parameters: JSON.parse(row.parameters) as SourceRecord['parameters'],
    protectedTags: JSON.parse(row.protectedTags) as readonly string[],
    enabled: row.enabled === 1,
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

function toSourceRow(source: SourceRecord): DiscoverySourceRow {
  return {
    ...source,
    nameKey: nameKey(source.name),
    parameters: JSON.stringify(source.parameters),
    protectedTags: JSON.stringify(source.protectedTags),
    enabled: source.enabled ? 1 : 0,
  };
}

function toFound(row: FoundMachineRow): FoundMachine {
  return {
    id: row.id,
    sourceId: row.sourceId,
    scope: { account: row.account, region: row.region },
    nativeId: row.nativeId,
    facts: JSON.parse(row.facts) as FoundMachine['facts'],
    observedAt: row.observedAt,
    missingSince: row.missingSince ?? undefined,
    goneAt: row.goneAt ?? undefined,
    targetId: row.targetId ?? undefined,
    projected: row.projected === null ? undefined : (JSON.parse(row.projected) as FoundMachine['projected']),
    omitted: (row.omitted ?? undefined) as Omission | undefined,
    trace: JSON.parse(row.trace) as FoundMachine['trace'],
    launchedBy: row.launchedBy ?? undefined,
    firstSeenAt: row.firstSeenAt,
    ...(row.further === null ? {} : { further: toEntry(row.furtherTargetId, row.further) }),
  };
}

function toEntry(targetId: string | null, text: string): CatalogEntry {
  const { projected, omitted, trace } = JSON.parse(text) as Omit<CatalogEntry, 'targetId'>;
  return { targetId: targetId ?? undefined, projected, omitted, trace };
}

function entryText({ projected, omitted, trace }: CatalogEntry): string {
  return JSON.stringify({ projected, omitted, trace });
}

function toFoundRow(machine: FoundMachine): FoundMachineRow {
  return {
    id: machine.id,
    sourceId: machine.sourceId,
    ...machine.scope,
    nativeId: storable(machine.nativeId),
    nativeKey: nativeKeyOf(machine.nativeId),
    facts: JSON.stringify(machine.facts),
    observedAt: machine.observedAt,
    missingSince: machine.missingSince ?? null,
    goneAt: machine.goneAt ?? null,
    targetId: machine.targetId ?? null,
    projected: machine.projected === undefined ? null : JSON.stringify(machine.projected),
    omitted: machine.omitted ?? null,
    trace: JSON.stringify(machine.trace),
    launchedBy: machine.launchedBy === undefined ? null : storable(machine.launchedBy),
    firstSeenAt: machine.firstSeenAt,
    furtherTargetId: machine.further?.targetId ?? null,
    further: machine.further === undefined ? null : entryText(machine.further),
  };
}

function toChange(row: DiscoveryChangeRow): DiscoveryChange {
  return {
    ...row,
    kind: row.kind as ChangeKind,
    cause: row.cause as ChangeCause,
    targetId: row.targetId ?? undefined,
  };
}

/** Ids of some clouds are paths of hundreds of characters. */
function nativeKeyOf(nativeId: string): string {
  return /^[\x21-\x7e]{1,60}$/u.test(nativeId) ? nativeId : createHash('sha256').update(nativeId).digest('hex');
}

/** The column `event_id`, of one length whatever the cloud calls its events and machines. */
function hintKeyOf(source: SourceId, { eventId, scope, nativeId }: HintKey): string {
  const parts = [source, scope.account, scope.region, eventId, nativeId];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function notedKeys(db: Kysely<Schema>, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const noted = new Set<string>();
  for (const part of partsOf(keys)) {
    const rows = await db.selectFrom('discoveryEvent').select('eventId').where('eventId', 'in', part).execute();
    for (const { eventId } of rows) noted.add(eventId);
  }
  return noted;
}

interface NamedKey {
  readonly scope: Scope;
  readonly key: string;
}

function keysByScope(named: readonly NamedKey[]): readonly { readonly scope: Scope; readonly keys: string[] }[] {
  const byScope = new Map<string, { readonly scope: Scope; readonly keys: string[] }>();
  for (const { scope, key } of named) {
    const name = `${scope.account} ${scope.region}`;
    const known = byScope.get(name);
    if (known === undefined) byScope.set(name, { scope, keys: [key] });
    else known.keys.push(key);
  }
  return [...byScope.values()];
}

export function discoveryRepository(sql: Sql): DiscoveryRepository {
  const { db, traits, atomic } = sql;
  const scopeOf = (source: string, { account, region }: Scope) => ({ sourceId: source, account, region });
  const saveFound = async (tx: Kysely<Schema>, machines: readonly FoundMachine[]): Promise<void> => {
    for (const part of partsOf(machines)) {
      await tx
        .deleteFrom('foundMachine')
        .where(
          'id',
          'in',
          part.map(({ id }) => id),
        )
        .execute();
      await tx.insertInto('foundMachine').values(part.map(toFoundRow)).execute();
    }
  };
  const sources = prepared(db, () => db.selectFrom('discoverySource').selectAll().orderBy('nameKey'));
  const savedRules = prepared(db, () => db.selectFrom('discoveryRules').selectAll().where('id', '=', 1));
  const findSource: DiscoveryRepository['findSource'] = async (id) => {
    const row = await db.selectFrom('discoverySource').selectAll().where('id', '=', id).executeTakeFirst();
    return row && toSource(row);
  };
  return {
    async listSources() {
      return (await sources()).rows.map(toSource);
    },
    findSource,
    async insertSource(source) {
      await db.insertInto('discoverySource').values(toSourceRow(source)).execute();
    },
    updateSource: (source) =>
      nextVersion(source, {
        kind: 'source',
        find: () => findSource(source.id),
        update: (next) => {
          const { id, ...columns } = toSourceRow(next);
          return db.updateTable('discoverySource').set(columns).where('id', '=', id);
        },
      }),
    async deleteSource(id) {
      await db.deleteFrom('discoverySource').where('id', '=', id).execute();
    },

    async rules() {
      const [row] = (await savedRules()).rows;
      return row === undefined
        ? { rules: [], version: 0 }
        : { rules: JSON.parse(row.rules) as readonly Rule[], version: row.version };
    },
    async saveRules(rules, version) {
      const next = { rules: JSON.stringify(rules), version: version + 1 };
      const saved =
        version === 0
          ? await insertOnce(traits, db.insertInto('discoveryRules').values({ id: 1, ...next }))
          : changedOne(
              await db
                .updateTable('discoveryRules')
                .set(next)
                .where('id', '=', 1)
                .where('version', '=', version)
                .executeTakeFirstOrThrow(),
            );
      if (!saved) throw new Fault('CONFLICT', 'the rules were changed by someone else in the meantime');
      return version + 1;
    },

    ...discoveryScopes(sql),

    async found(source, wanted) {
      const machines: FoundMachine[] = [];
      const named = wanted.flatMap(({ scope, nativeIds }) => nativeIds.map((id) => ({ scope, key: nativeKeyOf(id) })));
      for (const part of partsOf(named)) {
        const rows = await db
          .selectFrom('foundMachine')
          .selectAll()
          .where((eb) =>
            eb.or(
              keysByScope(part).map(({ scope, keys }) =>
                eb.and([eb.and(scopeOf(source, scope)), eb('nativeKey', 'in', keys)]),
              ),
            ),
          )
          .execute();
        machines.push(...rows.map(toFound));
      }
      return machines;
    },
    async listFound(source, scope) {
      const rows = await db
        .selectFrom('foundMachine')
        .selectAll()
        .where((eb) => eb.and(scopeOf(source, scope)))
        .where('goneAt', 'is', null)
        .execute();
      return rows.map(toFound);
    },
    async countFound(source) {
      const rows = await db
        .selectFrom('foundMachine')
        .select((eb) => [
          'account',
          'region',
          eb.fn.countAll<number>().as('present'),
          eb.fn.count<number>('missingSince').as('missing'),
        ])
        .where('sourceId', '=', source)
        .where('goneAt', 'is', null)
        .groupBy(['account', 'region'])
        .execute();
      return rows.map((row) => ({ ...row, present: Number(row.present), missing: Number(row.missing) }));
    },
    async findByTarget(target) {
      const row = await db
        .selectFrom('foundMachine')
        .selectAll()
        .where((eb) => eb.or([eb('targetId', '=', target), eb('furtherTargetId', '=', target)]))
        .executeTakeFirst();
      return row && toFound(row);
    },
    async goneBefore(time, limit) {
      const rows = await db
        .selectFrom('foundMachine')
        .selectAll()
        .where('goneAt', '<', time)
        .orderBy('goneAt')
        .limit(pageSize({ limit }))
        .execute();
      return rows.map(toFound);
    },
    saveFound: (machines) => atomic((tx) => saveFound(tx, machines)),
    async deleteFound(ids) {
      for (const part of partsOf(ids)) await db.deleteFrom('foundMachine').where('id', 'in', part).execute();
    },

    async notedHints(source, hints) {
      const noted = await notedKeys(db, [...new Set(hints.map((hint) => hintKeyOf(source, hint)))]);
      return new Set(hints.filter((hint) => noted.has(hintKeyOf(source, hint))));
    },
    noteHints: (source, hints, at) =>
      atomic(async (tx) => {
        const keys = [...new Set(hints.map((hint) => hintKeyOf(source, hint)))];
        const noted = await notedKeys(tx, keys);
        for (const part of partsOf(keys.filter((key) => !noted.has(key))))
          await tx
            .insertInto('discoveryEvent')
            .values(part.map((eventId) => ({ eventId, notedAt: at })))
            .execute();
      }),
    async deleteHintsOlderThan(time) {
      await db.deleteFrom('discoveryEvent').where('notedAt', '<', time).execute();
    },

    async appendChanges(changes) {
      for (const part of partsOf(changes))
        await db
          .insertInto('discoveryChange')
          .values(part.map((change) => ({ ...change, name: storable(change.name), targetId: change.targetId ?? null })))
          .execute();
    },
    async listChanges(query) {
      const behind = NEWEST_FIRST.condition(query);
      let select = db.selectFrom('discoveryChange').selectAll();
      if (query.sourceId !== undefined) select = select.where('sourceId', '=', query.sourceId);
      if (query.targetId !== undefined) select = select.where('targetId', '=', query.targetId);
      if (behind !== undefined) select = select.where(behind);
      const rows = await select
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(pageSize(query) + 1)
        .execute();
      return NEWEST_FIRST.page(rows, query, { position: (row) => [row.at, row.id], item: toChange });
    },
  };
}
