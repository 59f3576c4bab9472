export interface NameForm {
  /** `plain`: without a domain, or with one of `domains`, which says nothing. `full`: with the domain, always. */
  readonly names: 'plain' | 'full';
  readonly domains: readonly string[];
}

const BEFORE = /^([^\\@]+)\\([^\\@]+)$/u;
const BEHIND = /^([^\\@]+)@([^\\@]+)$/u;

/**
 * The one spelling of a name that a server may take in several: `alice`, `CORP\alice`, `alice@corp.example`.
 * INVARIANT: two names that a server may take for one person never become two, nor two people one; what cannot be told is undefined.
 */
export function personName(typed: string, { names, domains }: NameForm): string | undefined {
  const text = typed.trim();
  // Look-alikes that a server may fold.
  if (text === '' || text !== text.normalize('NFKC') || /[\p{C}/%]/u.test(text)) return undefined;
  const [, domain, name] = BEFORE.exec(text) ?? [];
  const [, ownName, ownDomain] = BEHIND.exec(text) ?? [];
  if (names === 'full') return ownName === undefined ? undefined : text;
  const place = domain ?? ownDomain;
  if (place === undefined) return /[\\@]/u.test(text) ? undefined : text;
  const isOurs = domains.some((one) => one.toLowerCase() === place.toLowerCase());
  return isOurs ? (name ?? ownName)?.trim() : undefined;
}
