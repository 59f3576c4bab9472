import type { Slice } from '@enchilada/core/store';
import type { FastifyRequest } from 'fastify';
import { parseFilter } from './scim-filter.ts';
import { outdated, scimFault } from './scim-message.ts';
import { type Json, member } from './scim-patch.ts';
import { etagOf } from './scim-resource.ts';
import { MOST_RESULTS } from './scim-schemas.ts';
import type { Precondition } from './scim-users.ts';

const USUAL_COUNT = 100;

function headerTags(value: string | undefined): readonly string[] {
  return (value ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
}

/** If-None-Match. RFC 7644 section 3.14 */
export function isUnchanged(request: FastifyRequest, record: { readonly version: number }): boolean {
  const tags = headerTags(request.headers['if-none-match']);
  return tags.includes(etagOf(record)) || tags.includes('*');
}

/** If-Match. */
export function preconditionOf(request: FastifyRequest): Precondition {
  const tags = headerTags(request.headers['if-match']);
  return (current) => {
    if (tags.length > 0 && !tags.includes('*') && !tags.includes(etagOf(current))) throw outdated();
  };
}

function queryText(request: FastifyRequest, name: string): string | undefined {
  const value = member(request.query as Json, name);
  return typeof value === 'string' ? value : undefined;
}

/** RFC 7644 section 3.4.2.4: below one is one, and less than nothing is nothing. */
export function sliceOf(request: FastifyRequest): { readonly slice: Slice; readonly startIndex: number } {
  const whole = (name: string, otherwise: number): number => {
    const text = queryText(request, name);
    if (text === undefined) return otherwise;
    if (!/^-?\d{1,9}$/u.test(text)) throw scimFault('invalidValue', `${name} must be a whole number`);
    return Number(text);
  };
  const startIndex = Math.max(1, whole('startIndex', 1));
  const limit = Math.min(MOST_RESULTS, Math.max(0, whole('count', USUAL_COUNT)));
  return { slice: { offset: startIndex - 1, limit }, startIndex };
}

/** @param known what may be filtered by, in small letters, and what it is called here. RFC 7644 section 3.4.2.2 */
export function queryOf(
  request: FastifyRequest,
  known: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const filter = queryText(request, 'filter');
  if (filter === undefined || filter.trim() === '') return {};
  return Object.fromEntries(
    parseFilter(filter).map(({ attribute, value }) => {
      const name = Object.hasOwn(known, attribute) ? known[attribute] : undefined;
      if (name === undefined || typeof value !== 'string')
        throw scimFault('invalidFilter', `filters are by ${Object.keys(known).join(', ')}, received ${attribute}`);
      return [name, value];
    }),
  );
}

/** RFC 7644 section 3.9: `attributes` and `excludedAttributes`, of the outermost names. */
export function shownOf(view: Json, request: FastifyRequest): Json {
  const names = (name: string): ReadonlySet<string> =>
    new Set(
      (queryText(request, name) ?? '')
        .toLowerCase()
        .split(',')
        .flatMap((one) => one.trim().split('.')[0] ?? []),
    );
  const [wanted, unwanted] = [names('attributes'), names('excludedAttributes')];
  const always = (name: string): boolean => name === 'id' || name === 'schemas';
  const isAsked = (name: string): boolean =>
    queryText(request, 'attributes') === undefined ? !unwanted.has(name.toLowerCase()) : wanted.has(name.toLowerCase());
  return Object.fromEntries(Object.entries(view).filter(([name]) => always(name) || isAsked(name)));
}

export function isExcluded(request: FastifyRequest, name: string): boolean {
  const excluded = (queryText(request, 'excludedAttributes') ?? '').toLowerCase().split(',');
  return excluded.some((one) => one.trim() === name);
}
