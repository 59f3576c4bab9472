import type { PolicyKind } from '@enchilada/core/store';
import type { Kysely } from 'kysely';
import { POLICY_KINDS, presentStates, type State } from './policy-states.ts';
import type { Schema } from './schema.ts';
import { clockOf, partsOf, raiseCatalogVersion, type Sql } from './sql.ts';

/** The kind of the one row that says since when the history is known. */
export const BEGINNING = 'beginning';

/** A change of what the policy looks at, in its transaction. */
export interface PolicyChange {
  readonly tx: Kysely<Schema>;
  /** Of the catalog, from now on. */
  readonly version: number;
  /** Notes how things are from now on; undefined: gone. */
  note(kind: PolicyKind, states: Iterable<readonly [string, State | undefined]>): Promise<void>;
  /** Notes how those are that have one of the ids, by looking. */
  noteNow(kind: PolicyKind, ids: readonly string[]): Promise<void>;
}

/**
 * Runs a change of what the policy looks at: people, their groups and memberships, targets, their groups, grants. INVARIANT: whatever
 * writes these rows does it in here, with the catalog's version raised first, and notes what became of them in the same transaction.
 */
export function changePolicy<T>(sql: Sql, work: (change: PolicyChange) => Promise<T>): Promise<T> {
  return sql.atomic(async (tx) => work(await beginChange(sql, tx)));
}

/** The same inside an open transaction that may turn out to change nothing. */
export async function beginChange({ traits }: Pick<Sql, 'traits'>, tx: Kysely<Schema>): Promise<PolicyChange> {
  const version = await raiseCatalogVersion({ traits }, tx);
  const at = clockOf(traits);
  const note: PolicyChange['note'] = async (kind, states) => {
    for (const part of partsOf([...states])) {
      const rows = part.map(([objectId, state]) => ({ kind, objectId, version, at, body: bodyOf(state) }));
      await tx.insertInto('policyHistory').values(rows).execute();
    }
  };
  return {
    ...{ tx, version, note },
    async noteNow(kind, ids) {
      const states = await presentStates(tx, kind, ids);
      await note(
        kind,
        ids.map((id) => [id, states.get(id)]),
      );
    },
  };
}

export function bodyOf(state: State | undefined): string | null {
  return state === undefined ? null : JSON.stringify(state);
}

/** How things were at a version of the catalog, or as they were noted last. */
export async function notedBodies(
  db: Kysely<Schema>,
  kind: PolicyKind,
  { version, ids }: { readonly version?: number; readonly ids?: readonly string[] } = {},
): Promise<ReadonlyMap<string, string>> {
  const bodies = new Map<string, string>();
  for (const part of ids === undefined ? [undefined] : partsOf(ids)) {
    let select = db
      .selectFrom('policyHistory as noted')
      .select(['objectId', 'body'])
      .where('kind', '=', kind)
      .where('noted.version', '=', (eb) => {
        const last = eb
          .selectFrom('policyHistory as other')
          .select(({ fn }) => fn.max('other.version').as('last'))
          .where('other.kind', '=', kind)
          .whereRef('other.objectId', '=', 'noted.objectId');
        return version === undefined ? last : last.where('other.version', '<=', version);
      });
    if (part !== undefined) select = select.where('objectId', 'in', part);
    for (const { objectId, body } of await select.execute()) if (body !== null) bodies.set(objectId, body);
  }
  return bodies;
}

async function hasBeginning(db: Kysely<Schema>): Promise<boolean> {
  const row = await db.selectFrom('policyHistory').select('at').where('kind', '=', BEGINNING).executeTakeFirst();
  return row !== undefined;
}

/** What is otherwise than it was noted last. */
async function unnoted(
  db: Kysely<Schema>,
  kind: PolicyKind,
): Promise<readonly (readonly [string, State | undefined])[]> {
  const [present, noted] = [await presentStates(db, kind), await notedBodies(db, kind)];
  const changed = [...present].filter(([id, state]) => noted.get(id) !== bodyOf(state));
  const gone = [...noted.keys()].filter((id) => !present.has(id)).map((id) => [id, undefined] as const);
  return [...changed, ...gone];
}

/**
 * Notes what there is and is not noted yet: everything when the history begins, and later what a release wrote that kept none, or
 * somebody by hand. Locks nothing where there is no such thing.
 */
export async function noteUnnoted(sql: Sql): Promise<void> {
  let isWhole = await hasBeginning(sql.db);
  for (const kind of POLICY_KINDS) isWhole &&= (await unnoted(sql.db, kind)).length === 0;
  if (isWhole) return;
  await sql.atomic(async (tx) => {
    const { note, version } = await beginChange(sql, tx);
    if (!(await hasBeginning(tx))) {
      const row = { kind: BEGINNING, objectId: BEGINNING, version, at: clockOf(sql.traits), body: null };
      await tx.insertInto('policyHistory').values(row).execute();
    }
    for (const kind of POLICY_KINDS) await note(kind, await unnoted(tx, kind));
  });
}
