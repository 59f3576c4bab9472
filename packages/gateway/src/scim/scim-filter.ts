import { scimFault } from './scim-message.ts';

/** `userName eq "ann"` */
export interface Comparison {
  /** In lower case: names of attributes are the same whatever their case (RFC 7643 section 2.1). */
  readonly attribute: string;
  readonly value: string | boolean;
}

const ONE = /^\s*(?:urn:[\w.:-]+:)?([A-Za-z][\w.$-]*)\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*/iu;
const AND = /^and\s+/iu;
const LONGEST = 2_000;

/** What providers ask by: comparisons with `eq`, joined by `and` (RFC 7644 section 3.4.2.2). @throws Fault INVALID_REQUEST */
export function parseFilter(text: string): readonly Comparison[] {
  const comparisons: Comparison[] = [];
  if (text.length > LONGEST) throw unreadable(text);
  for (let rest = text; ;) {
    const match = ONE.exec(rest);
    if (match === null) throw unreadable(text);
    const [whole, attribute = '', value = ''] = match;
    comparisons.push({ attribute: attribute.toLowerCase(), value: valueOf(value, text) });
    rest = rest.slice(whole.length);
    if (rest === '') return comparisons;
    const and = AND.exec(rest);
    if (and === null) throw unreadable(text);
    rest = rest.slice(and[0].length);
  }
}

function valueOf(text: string, whole: string): string | boolean {
  if (!text.startsWith('"')) return text.toLowerCase() === 'true';
  try {
    return JSON.parse(text) as string;
  } catch {
    throw unreadable(whole);
  }
}

function unreadable(text: string): Error {
  return scimFault(
    'invalidFilter',
    `the filter must be like userName eq "ann@example.org", several joined by and, received ${JSON.stringify(text.slice(0, 200))}`,
  );
}
