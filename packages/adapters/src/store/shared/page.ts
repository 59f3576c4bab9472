import { Fault } from '@enchilada/core/fault';
import type { Page, PageRequest } from '@enchilada/core/store';
import { sql, type Expression, type SqlBool } from 'kysely';

type Position = readonly (string | number)[];

/** A place in an order that rows written later do not shift: the sort key of the last row shown. */
export class Cursor {
  readonly #columns: readonly string[];
  readonly #direction: 'asc' | 'desc';

  constructor(columns: readonly string[], direction: 'asc' | 'desc') {
    this.#columns = columns;
    this.#direction = direction;
  }

  /** The rows behind the cursor, or undefined for the first page. */
  condition(request: PageRequest): Expression<SqlBool> | undefined {
    return request.cursor === undefined ? undefined : this.#behind(this.#columns, this.#decode(request.cursor));
  }

  /** From one row more than was asked for. */
  page<Row, T>(
    rows: readonly Row[],
    { limit }: PageRequest,
    map: { readonly position: (row: Row) => Position; readonly item: (row: Row) => T },
  ): Page<T> {
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const items = shown.map(map.item);
    return rows.length > limit && last !== undefined ? { items, next: encode(map.position(last)) } : { items };
  }

  /** `a <= x and (a < x or b < y)` is what every planner turns into one range of the index. */
  #behind(columns: readonly string[], position: Position): Expression<SqlBool> {
    const [column, ...others] = columns;
    const [value, ...values] = position;
    const reference = sql.ref(column ?? '');
    const sign = this.#direction === 'asc' ? '>' : '<';
    const strictly = sql<SqlBool>`${reference} ${sql.raw(sign)} ${value}`;
    if (others.length === 0) return strictly;
    return sql<SqlBool>`(${reference} ${sql.raw(sign)}= ${value} and (${strictly} or ${this.#behind(others, values)}))`;
  }

  #decode(cursor: string): Position {
    try {
      const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
      if (
        Array.isArray(position) &&
        position.length === this.#columns.length &&
        position.every((part) => typeof part === 'string' || Number.isSafeInteger(part))
      ) {
        return position as Position;
      }
    } catch {
      // Told below, like every other malformed cursor.
    }
    throw new Fault('INVALID_REQUEST', 'the cursor does not come from a page of this list');
  }
}

function encode(position: Position): string {
  return Buffer.from(JSON.stringify(position), 'utf8').toString('base64url');
}

/** @throws Fault INVALID_REQUEST */
export function pageSize({ limit }: PageRequest): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new Fault('INVALID_REQUEST', `a page has 1 to 10000 rows, received ${limit}`);
  return limit;
}
