import type { Secret } from '../credential/index.ts';

/** argon2id (RFC 9106). At most two hashes run at once, so that signing in never starves the recorder's file work. */
export interface PasswordHasher {
  hash(password: Secret): Promise<string>;
  /** Takes as long for an absent hash as for a wrong password. */
  verify(password: Secret, hash: string | undefined): Promise<boolean>;
}

const MINIMUM_LENGTH = 12;
const MAXIMUM_LENGTH = 256;
/** The commonest stems of leaked passwords at or above the minimum length; the length rule holds off the rest (ASVS 6.2.4, 6.2.11). */
const COMMON = [
  'password',
  'passwort',
  'qwerty',
  'qwertz',
  '123456',
  'letmein',
  'iloveyou',
  'welcome',
  'administrator',
  'guacadmin',
  'enchilada',
  'changeme',
  'abc123',
  'football',
  'monkey',
  'dragon',
  'sunshine',
  'princess',
  '111111',
  '000000',
  'asdfgh',
  'zxcvbn',
  'master',
  'superman',
  'trustno1',
];

export type PasswordWeakness = 'too-short' | 'too-long' | 'common' | 'contains-name' | 'repetitive';

/** Length first, no composition rules (NIST SP 800-63B section 5.1.1.2). Undefined when the password is acceptable. */
export function passwordWeakness(password: string, username: string): PasswordWeakness | undefined {
  const length = Array.from(password).length;
  if (length < MINIMUM_LENGTH) return 'too-short';
  if (length > MAXIMUM_LENGTH) return 'too-long';
  const lower = password.toLowerCase();
  if (new Set(lower).size < 5) return 'repetitive';
  const name = username.trim().toLowerCase();
  if (name.length >= 3 && lower.includes(name)) return 'contains-name';
  let rest = lower;
  for (const stem of COMMON) rest = rest.replaceAll(stem, '');
  if (rest.replaceAll(/[^\p{L}]/gu, '').length < 3 && rest.length < MINIMUM_LENGTH - 4) return 'common';
  return undefined;
}
