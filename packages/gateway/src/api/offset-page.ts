export interface PageRequest {
  readonly cursor?: string;
  readonly limit?: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly next?: string;
}

/** A page by offset; the cursor is opaque to callers. */
export function pageOf<T>(
  found: readonly number[],
  { cursor = '', limit = 100 }: PageRequest,
  at: (position: number) => T | undefined,
): Page<T> {
  const start = /^\d{1,9}$/u.test(cursor) ? Number(cursor) : 0;
  const end = start + limit;
  return {
    items: found.slice(start, end).flatMap((position) => at(position) ?? []),
    total: found.length,
    ...(end < found.length ? { next: String(end) } : {}),
  };
}
