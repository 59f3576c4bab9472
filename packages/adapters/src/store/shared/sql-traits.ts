import type { Kysely } from 'kysely';

/**
 * What a driver's error means to the product. `retry`: the database gave up a transaction that would have succeeded alone;
 * `busy`: another process has the only write lock.
 */
export type SqlFailure =
  | 'unique'
  | 'reference'
  | 'too-long'
  | 'retry'
  | 'busy'
  | 'unavailable'
  | 'no-tls'
  | 'already-there'
  | 'not-permitted'
  | 'other';

export interface ColumnTypes {
  /** An id, digest or permanent word: at most 64 characters, compared byte by byte. */
  readonly id: string;
  /** An indexed text of at most 190 characters, compared byte by byte. */
  readonly key: string;
  readonly text: string;
  readonly time: string;
  readonly integer: string;
  /** 0 or 1. */
  readonly flag: string;
  readonly binary: string;
}

/** A row-level refusal held by the database itself. `when` may name OLD and NEW; absent, every such change is refused. */
export interface RowRule {
  readonly name: string;
  readonly table: string;
  readonly on: 'update' | 'delete';
  readonly when?: string;
  readonly message: string;
}

/** The ways in which databases differ. The shared code asks for a property and never for a name. */
export interface SqlTraits {
  readonly columns: ColumnTypes;
  /** Follows the closing bracket of CREATE TABLE. */
  readonly tableOptions: string;
  readonly indexIfNotExists: boolean;
  readonly conflictClause: boolean;
  /** Milliseconds since the Unix epoch by the database's clock. */
  readonly clock: string;
  statementsOf(rule: RowRule): readonly string[];
  classify(error: unknown): SqlFailure;
  /** Runs work on one connection while no other process migrates the same database; all of it or nothing, where the database can. */
  migrating(db: Kysely<unknown>, work: () => Promise<void>): Promise<void>;
}
