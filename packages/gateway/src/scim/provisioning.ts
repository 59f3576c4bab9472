import { createHash, timingSafeEqual } from 'node:crypto';
import { Fault } from '@enchilada/core/fault';
import type { ProviderRecord, ProvisioningToken } from '@enchilada/core/identity';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { noteUse } from '../auth/note-use.ts';

const VALUE_BYTES = 32;
const TOUCH_MS = 60_000;
/** Named, so that scanners for leaked secrets know it. */
const PREFIX = 'enchscim_';
const BEARER = /^Bearer (?<value>enchscim_[A-Za-z0-9_-]{43})$/iu;

export function scimPath(provider: string): string {
  return `/scim/v2/${provider}`;
}

/** INVARIANT: a provider that is switched off takes people and rights away and gives none. @throws Fault FORBIDDEN */
export async function requireSwitchedOn({ providers }: StoreTransaction, { id }: ProviderRecord): Promise<void> {
  if ((await providers.find(id))?.enabled !== true)
    throw new Fault('FORBIDDEN', 'the provider is switched off: it can take people and rights away, and give none');
}

export interface ProvisioningParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomSource;
}

function digestOf(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}

/** The tokens with which identity providers write here. 256 bits, so that guessing needs no counting. */
export class Provisioning {
  readonly #parts: ProvisioningParts;

  constructor(parts: ProvisioningParts) {
    this.#parts = parts;
  }

  /** In the place of the one there is, which ends at once. */
  async renewToken(
    providerId: string,
    createdBy: string,
  ): Promise<{ readonly token: ProvisioningToken; readonly value: string }> {
    const { store, clock, random } = this.#parts;
    const value = `${PREFIX}${Buffer.from(random.bytes(VALUE_BYTES)).toString('base64url')}`;
    const digest = digestOf(value).toString('hex');
    const token = { providerId, digest, createdAt: clock.now(), createdBy, lastUsedAt: undefined };
    await store.now.provisioning.setToken(token);
    return { token, value };
  }

  /** The provider whose token the Authorization header carries; undefined where it carries none of it. */
  async identify(providerId: string, authorization: string | undefined): Promise<ProviderRecord | undefined> {
    const { store, clock } = this.#parts;
    const value = BEARER.exec(authorization ?? '')?.groups?.['value'];
    if (value === undefined || !/^[a-z0-9_]{1,40}$/u.test(providerId)) return undefined;
    const token = await store.now.provisioning.findToken(providerId);
    if (token === undefined || !timingSafeEqual(Buffer.from(token.digest, 'hex'), digestOf(value))) return undefined;
    const now = clock.now();
    if (now - (token.lastUsedAt ?? 0) >= TOUCH_MS) await noteUse(store.now.provisioning.noteTokenUse(providerId, now));
    return store.now.providers.find(providerId);
  }
}
