import { createHash } from 'node:crypto';

export type Claims = Readonly<Record<string, unknown>>;

/** A claim by its name, or by a path into objects. Names hold dots and colons too, so the name as a whole is tried first. */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Claims)[part];
  }
  return value;
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Groups as a list, or a single one as text. Anything else is no group. */
export function listOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** Whether a claim says this, as text or as one of several. */
export function holds(claims: Claims, name: string, wanted: string): boolean {
  const value = claimOf(claims, name);
  if (typeof value === 'boolean' || typeof value === 'number') return String(value) === wanted;
  return listOf(value).includes(wanted);
}

const HASHES: Readonly<Record<string, string>> = { '256': 'sha256', '384': 'sha384', '512': 'sha512' };

/** OpenID Connect Core section 3.1.3.6: half of the hash that the signature's algorithm names. */
export function tokenHash(token: string, algorithm: string): string | undefined {
  const hash = HASHES[algorithm.slice(-3)] ?? (algorithm === 'EdDSA' || algorithm === 'Ed25519' ? 'sha512' : undefined);
  if (hash === undefined) return undefined;
  const digest = createHash(hash).update(token, 'ascii').digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
