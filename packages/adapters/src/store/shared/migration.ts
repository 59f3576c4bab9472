import { Fault } from '@enchilada/core/fault';
import { CompiledQuery, sql, type Kysely } from 'kysely';
import type { ColumnTypes, RowRule, SqlTraits } from './sql-traits.ts';

export type MigrationStep =
  | { readonly table: string; readonly body: string }
  /** A further column; `type` must let existing rows be: nullable, or with a default. */
  | { readonly column: string; readonly of: string; readonly type: string }
  /** A table that no code names any more. */
  | { readonly drop: string }
  | { readonly index: string; readonly on: string; readonly unique?: true }
  | { readonly rule: RowRule };

export interface Migration {
  /** `0007-recording-seal` */
  readonly name: string;
  /**
   * INVARIANT: each step may be run again after it has run in part or in full. Where DDL is not transactional a killed migrator
   * leaves a step done and unrecorded.
   */
  readonly steps: (columns: ColumnTypes) => readonly MigrationStep[];
}

export interface MigrationRun {
  readonly migrations: readonly Migration[];
  readonly traits: SqlTraits;
  /** Hears the name of each step before it runs, and of each that the role may not do. */
  readonly onStep: (step: string, event: 'begins' | 'not-permitted') => void;
}

const STEP_TABLE = 'schema_step';

/** Runs what is missing. A step is recorded as `migration/step`. */
export async function runMigrations(db: Kysely<unknown>, run: MigrationRun): Promise<void> {
  const { traits } = run;
  const steps = run.migrations.flatMap((migration) =>
    migration.steps(traits.columns).map((step) => ({ step, name: `${migration.name}/${nameOf(step)}` })),
  );
  // A new database has no such table; one that cannot be asked says so at the next statement.
  if (isComplete(steps, await appliedSteps(db).catch(() => undefined))) return;
  await db.connection().execute((connection) =>
    traits.migrating(connection, async () => {
      await execute(
        connection,
        `create table if not exists ${STEP_TABLE} (name ${traits.columns.key} not null primary key, applied_at ${traits.columns.time} not null)${traits.tableOptions}`,
      );
      const applied = await appliedSteps(connection);
      if (isComplete(steps, applied)) return;
      for (const { step, name } of steps) {
        if (applied.has(name)) continue;
        run.onStep(name, 'begins');
        if (await apply(connection, step, traits))
          await sql`insert into schema_step (name, applied_at) values (${name}, ${sql.raw(traits.clock)})`.execute(
            connection,
          );
        else run.onStep(name, 'not-permitted');
      }
    }),
  );
}

function isComplete(steps: readonly { readonly name: string }[], applied: ReadonlySet<string> | undefined): boolean {
  if (applied === undefined) return false;
  const known = new Set(steps.map(({ name }) => name));
  const foreign = [...applied].find((name) => !known.has(name));
  if (foreign !== undefined)
    throw new Fault('STORE_UNAVAILABLE', `the database was migrated by a newer release, which added ${foreign}`);
  return steps.every(({ name }) => applied.has(name));
}

async function appliedSteps(db: Kysely<unknown>): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`select name from schema_step`.execute(db);
  return new Set(rows.map((row) => row.name));
}

function nameOf(step: MigrationStep): string {
  if ('table' in step) return step.table;
  if ('column' in step) return `${step.of}.${step.column}`;
  if ('drop' in step) return `drop-${step.drop}`;
  return 'index' in step ? step.index : step.rule.name;
}

/** False where the role may not do it, which is allowed of rules only: they guard what the code already keeps. */
async function apply(db: Kysely<unknown>, step: MigrationStep, traits: SqlTraits): Promise<boolean> {
  if ('table' in step) {
    await execute(db, `create table if not exists ${step.table} (${step.body})${traits.tableOptions}`);
    return true;
  }
  if ('column' in step) {
    await execute(db, `alter table ${step.of} add column ${step.column} ${step.type}`).catch(
      unless(traits, 'already-there'),
    );
    return true;
  }
  if ('drop' in step) {
    // Left behind by a role that may not drop it, it holds nothing and hinders nobody.
    await execute(db, `drop table if exists ${step.drop}`).catch(unless(traits, 'not-permitted'));
    return true;
  }
  if ('index' in step) {
    const statement = `create ${step.unique === true ? 'unique ' : ''}index ${traits.indexIfNotExists ? 'if not exists ' : ''}${step.index} on ${step.on}`;
    await execute(db, statement).catch(unless(traits, 'already-there'));
    return true;
  }
  let permitted = true;
  for (const statement of traits.statementsOf(step.rule)) {
    await execute(db, statement).catch((error: unknown) => {
      if (traits.classify(error) !== 'not-permitted') return unless(traits, 'already-there')(error);
      permitted = false;
    });
  }
  return permitted;
}

function unless(traits: SqlTraits, expected: 'already-there' | 'not-permitted'): (error: unknown) => void {
  return (error) => {
    if (traits.classify(error) !== expected) throw error;
  };
}

async function execute(db: Kysely<unknown>, statement: string): Promise<void> {
  await db.executeQuery(CompiledQuery.raw(statement));
}
