import type { Compilable, CompiledQuery, Kysely, QueryResult } from 'kysely';
import type { Schema } from './schema.ts';

/** In the place of a parameter while the query is compiled. */
class Blank {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

type Value = string | number;

/**
 * A query that a timer asks again and again. Kysely builds a tree of it, changes the names in it and writes it out each time, which costs more than
 * the database's answer; here that is done for the first question, and later ones only fill their parameters in.
 * INVARIANT: what `build` makes depends on the value of no parameter, and each of them stands where the database takes a value.
 */
export function prepared<P extends readonly Value[], Row>(
  db: Kysely<Schema>,
  build: (...parameters: P) => Compilable<Row>,
): (...parameters: P) => Promise<QueryResult<Row>> {
  let compiled: CompiledQuery<Row> | undefined;
  return async (...values) => {
    const blanks: unknown = Array.from({ length: build.length }, (_, index) => new Blank(index));
    compiled ??= build(...(blanks as P)).compile();
    const parameters = compiled.parameters.map((one) => (one instanceof Blank ? values[one.index] : one));
    return db.executeQuery({ ...compiled, parameters });
  };
}
