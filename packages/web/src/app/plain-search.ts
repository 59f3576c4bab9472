import { useSearch } from '@tanstack/react-router';

/** Filters live in the address as plain strings; a page reads those it knows. */
export type PlainSearch = Readonly<Partial<Record<string, string>>>;

export function plainSearch(search: Record<string, unknown>): PlainSearch {
  return Object.fromEntries(
    Object.entries(search).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
    ),
  );
}

/** What the root route made of the address; which page asks makes no difference. */
export function usePlainSearch(): PlainSearch {
  return useSearch({ strict: false, select: (search: PlainSearch) => search });
}
