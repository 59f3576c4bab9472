import { rm, writeFile } from 'node:fs/promises';
import type { AuditLog } from '@enchilada/core/audit';
import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { PasswordHasher, User } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { type Clock, type RandomSource, randomId } from '@enchilada/core/time';
import type { OpenContext } from '../http/context.ts';
import { LinkThrottle, newToken, tokenDigest } from './one-time-token.ts';
import { requireStrong } from './password-rule.ts';

const TOKEN_LIFE_MS = 60 * 60_000;

export interface BootstrapParts {
  readonly nodeId: string;
  readonly store: Store;
  readonly audit: AuditLog;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Where the link is also written, mode 0600. */
  readonly linkFile: string;
}

/** The way in before anybody can sign in (T35): a token of 256 bits for an hour. Each node prints one of its own, and the first that is used spends them all. */
export class Bootstrap {
  readonly #parts: BootstrapParts;
  readonly #throttle: LinkThrottle;
  #done = false;

  constructor(parts: BootstrapParts) {
    this.#parts = parts;
    this.#throttle = new LinkThrottle(parts, 'bootstrap');
  }

  /** True until the first administrator exists; then false for ever. */
  async required(): Promise<boolean> {
    if (!this.#done && (await this.#parts.store.now.users.countEnabledAdministrators()) > 0) {
      this.#done = true;
      // Another node's link may have been the one that was used.
      await rm(this.#parts.linkFile, { force: true });
    }
    return !this.#done;
  }

  /** A new token at each start, until one is spent. Undefined where nothing needs it. */
  async issue(): Promise<string | undefined> {
    const { nodeId, store, audit, clock, random } = this.#parts;
    if (!(await this.required())) return undefined;
    const token = newToken(random);
    const now = clock.now();
    const link = { nodeId, digest: tokenDigest(token), expiresAt: now + TOKEN_LIFE_MS };
    if (!(await store.now.bootstrap.issue(link, now))) return undefined;
    await audit.append({
      action: 'bootstrap.issued',
      actor: { kind: 'system', name: nodeId },
      outcome: 'success',
    });
    return token;
  }

  async writeLink(url: string): Promise<void> {
    await rm(this.#parts.linkFile, { force: true });
    await writeFile(this.#parts.linkFile, `${url}\n`, { mode: 0o600, flag: 'wx' });
  }

  /** @throws Fault BOOTSTRAP_TOKEN_REFUSED, THROTTLED */
  async check(token: string, context: OpenContext): Promise<void> {
    await this.#throttle.pass(context.address);
    if (!(await this.#parts.store.now.bootstrap.check(tokenDigest(token), this.#parts.clock.now())))
      throw await this.#refusal(context);
  }

  /** Makes the first administrator, who is also the one of last resort. @throws Fault BOOTSTRAP_TOKEN_REFUSED, THROTTLED, PASSWORD_TOO_WEAK */
  async complete(
    request: {
      readonly token: string;
      readonly username: string;
      readonly displayName: string;
      readonly password: Secret;
    },
    context: OpenContext,
  ): Promise<User> {
    const { store, audit, hasher, clock, random } = this.#parts;
    await this.check(request.token, context);
    requireStrong(request.password, request.username);
    const user: User = {
      id: `usr_${randomId(random)}`,
      username: request.username,
      displayName: request.displayName,
      role: 'administrator',
      passwordHash: await hasher.hash(request.password),
      breakGlass: true,
      disabledAt: undefined,
      createdAt: clock.now(),
      lastLoginAt: undefined,
      preferences: {},
      version: 1,
    };
    const isFirst = await store.transaction(async (tx) => {
      if (!(await tx.bootstrap.spend(tokenDigest(request.token), clock.now()))) return false;
      await tx.users.insert(user);
      return true;
    });
    if (!isFirst) throw await this.#refusal(context);
    const actor = { kind: 'user', id: user.id, name: user.username } as const;
    await audit.append({ action: 'bootstrap.used', actor, address: context.address, outcome: 'success' });
    await audit.append({
      action: 'user.created',
      actor,
      address: context.address,
      object: { kind: 'user', id: user.id, name: user.username },
      outcome: 'success',
      detail: { role: user.role, breakGlass: true },
    });
    await rm(this.#parts.linkFile, { force: true });
    return user;
  }

  async #refusal({ address }: OpenContext): Promise<Fault> {
    await this.#throttle.wrong(address, async () => {
      const actor = { kind: 'anonymous' } as const;
      await this.#parts.audit.append({ action: 'bootstrap.refused', actor, address, outcome: 'denied' });
    });
    return new Fault('BOOTSTRAP_TOKEN_REFUSED', 'the bootstrap token is wrong, used or expired');
  }
}
