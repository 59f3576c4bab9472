import { createHash } from 'node:crypto';
import { type ApiToken, identifyToken, type VerifiedIdentity } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { type Clock, type RandomSource, randomId } from '@enchilada/core/time';
import { noteUse } from './note-use.ts';

const VALUE_BYTES = 32;
const TOUCH_MS = 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** Named, so that scanners for leaked secrets know it. */
const PREFIX = 'ench_';
const BEARER = /^Bearer (?<value>ench_[A-Za-z0-9_-]{43})$/u;

export interface ApiTokenParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomSource;
}

function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

/** Tokens for programs: made, identified, touched (RFC 6750). 256 bits, so that guessing needs no counting. */
export class ApiTokens {
  readonly #parts: ApiTokenParts;

  constructor(parts: ApiTokenParts) {
    this.#parts = parts;
  }

  async create(
    userId: string,
    wanted: { readonly name: string; readonly scope: readonly string[]; readonly days: number },
  ): Promise<{ readonly token: ApiToken; readonly value: string }> {
    const { store, clock, random } = this.#parts;
    const value = `${PREFIX}${Buffer.from(random.bytes(VALUE_BYTES)).toString('base64url')}`;
    const now = clock.now();
    const token: ApiToken = {
      id: `tok_${randomId(random)}`,
      digest: digestOf(value),
      userId,
      name: wanted.name,
      scope: wanted.scope,
      createdAt: now,
      expiresAt: now + wanted.days * DAY_MS,
      lastUsedAt: undefined,
      lastUsedAddress: undefined,
    };
    await store.now.tokens.insert(token);
    return { token, value };
  }

  /** Whose token an Authorization header carries; undefined where it carries none that is valid. */
  async identify(authorization: string, address: string): Promise<VerifiedIdentity | undefined> {
    const { store, clock } = this.#parts;
    const value = BEARER.exec(authorization)?.groups?.['value'];
    const found = value === undefined ? undefined : await store.now.tokens.findWithUser(digestOf(value));
    if (found === undefined) return undefined;
    const now = clock.now();
    const identity = identifyToken(found, address, now);
    if (identity !== undefined && now - (found.token.lastUsedAt ?? 0) >= TOUCH_MS)
      await noteUse(store.now.tokens.noteUse(found.token.id, now, address));
    return identity;
  }
}
