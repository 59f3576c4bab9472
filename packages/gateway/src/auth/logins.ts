import { createHash } from 'node:crypto';
import type { AuditActor, AuditLog } from '@enchilada/core/audit';
import type { Secret } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import {
  identifyLogin,
  type LoginMethod,
  type LoginRecord,
  type PasswordHasher,
  type User,
  type VerifiedIdentity,
} from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import type { OpenContext, SignedInContext } from '../http/context.ts';
import { actorOf } from '../http/context.ts';
import { sealLoginPassword } from './login-password.ts';
import type { RefusalTally } from './refusal-tally.ts';
import { SignInThrottle } from './throttle.ts';

const TOUCH_MS = 30_000;
const COOKIE_BYTES = 32;

export interface LoginLimits {
  readonly idleMs: number;
  readonly absoluteMs: number;
}

export interface LoginParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly hasher: PasswordHasher;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Asked each time: the settings may change them. */
  readonly limits: () => LoginLimits;
  readonly refusals: Pick<RefusalTally, 'note'>;
}

export function digestOf(cookie: string): string {
  return createHash('sha256').update(cookie).digest('hex');
}

/** The name as two spellings of it compare: NFKC, lower case, trimmed. */
export function normaliseName(name: string): string {
  return name.normalize('NFKC').toLowerCase().trim();
}

/** Logins: made, identified, touched, ended. Only the SHA-256 of a cookie is ever stored (T03). */
export class Logins {
  readonly #parts: LoginParts;
  readonly #throttle: SignInThrottle;

  constructor(parts: LoginParts) {
    this.#parts = parts;
    this.#throttle = new SignInThrottle(parts.store, parts.clock);
  }

  /** Whose login the cookie is, if it still is one. A request of a person, not of a timer, keeps it alive. */
  async identify(
    cookie: string | undefined,
    options: { readonly background: boolean },
  ): Promise<VerifiedIdentity | undefined> {
    if (cookie === undefined) return undefined;
    const { store, clock, limits } = this.#parts;
    const found = await store.now.logins.findWithUser(digestOf(cookie));
    if (found === undefined) return undefined;
    const now = clock.now();
    const identity = identifyLogin(found, limits(), now);
    if (identity !== undefined && !options.background && now - identity.login.lastSeenAt >= TOUCH_MS)
      await store.now.logins.touch(identity.login.digest, now);
    return identity;
  }

  /** Checks name and password; an unknown name costs the same hash as a wrong password. @throws Fault LOGIN_REFUSED, THROTTLED */
  async verifyPassword(username: string, password: Secret, context: OpenContext): Promise<User> {
    const { store, audit, hasher, refusals } = this.#parts;
    const actor: AuditActor = { kind: 'anonymous', name: username };
    const account = normaliseName(username);
    const attempt = await this.#throttle.begin(account, context.address).catch(async (refusal: unknown) => {
      // The first of a delay says whose name was tried; the rest is counted.
      if (isFault(refusal, 'THROTTLED')) {
        const event = { action: 'login.throttled', address: context.address } as const;
        if (refusal.facts['first'] === true) await audit.append({ ...event, actor, outcome: 'denied' });
        else refusals.note({ ...event, reason: 'too many attempts' });
      }
      throw refusal;
    });
    let user: User | undefined;
    let matches: boolean;
    try {
      user = await store.now.users.findByUsername(username);
      matches = await hasher.verify(password, user?.passwordHash);
    } catch (failure) {
      await attempt.failed();
      throw failure;
    }
    if (!matches || user === undefined || user.disabledAt !== undefined) {
      await attempt.failed();
      const reason = user === undefined ? 'unknown name' : matches ? 'account disabled' : 'wrong password';
      await audit.append({ action: 'login.refused', actor, address: context.address, outcome: 'failure', reason });
      throw new Fault('LOGIN_REFUSED', 'the name or the password is wrong');
    }
    await attempt.succeeded();
    return user;
  }

  /** A new login under a new id. Whatever cookie the browser brought is ended and replaced (T03). */
  async create(
    user: User,
    context: OpenContext,
    how: { readonly method: LoginMethod; readonly password?: Secret },
  ): Promise<VerifiedIdentity> {
    const { store, audit, clock, random, limits } = this.#parts;
    const cookie = Buffer.from(random.bytes(COOKIE_BYTES)).toString('base64url');
    const digest = digestOf(cookie);
    const now = clock.now();
    const login: LoginRecord = {
      digest,
      userId: user.id,
      method: how.method,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + limits().absoluteMs,
      address: context.address,
      userAgent: context.userAgent,
      sealedPassword: how.password === undefined ? undefined : sealLoginPassword(how.password, cookie, digest),
    };
    if (context.cookie !== undefined) await this.#remove(digestOf(context.cookie));
    await store.now.logins.insert(login);
    const actor: AuditActor = { kind: 'user', id: user.id, name: user.username };
    await audit.append({
      action: 'login.succeeded',
      actor,
      address: context.address,
      outcome: 'success',
      detail: { method: how.method },
    });
    if (user.breakGlass) {
      await audit.append({
        action: 'login.break-glass',
        actor,
        address: context.address,
        outcome: 'success',
        reason: 'the administrator of last resort signed in',
      });
    }
    await store.now.users.update({ ...user, lastLoginAt: now }).catch((failure: unknown) => {
      // Somebody changed the person in this very moment; the time of sign-in is in the audit log anyway.
      if (!isFault(failure, 'CONFLICT')) throw failure;
    });
    const found = await store.now.logins.findWithUser(digest);
    const identity = found === undefined ? undefined : identifyLogin(found, limits(), now);
    if (identity === undefined) throw new Fault('LOGIN_REFUSED', 'the account was disabled while it signed in');
    context.setCookie(cookie);
    return identity;
  }

  /** Ends one login and, through every node, the sessions that were opened with it. */
  async end(context: SignedInContext, digest: string): Promise<void> {
    if (await this.#remove(digest)) {
      await this.#parts.audit.append({
        action: 'login.ended',
        ...actorOf(context),
        object: { kind: 'login', id: digest.slice(0, 32) },
        outcome: 'success',
      });
    }
  }

  /** Ends all logins of a person, but one if it is named. */
  async endAllOf(userId: string, except?: string): Promise<void> {
    const { store, clock } = this.#parts;
    const ended = await store.now.logins.deleteOf(userId, except);
    for (const loginDigest of ended) await store.now.commands.post({ kind: 'end-login', loginDigest }, clock.now());
  }

  /** @see SignInThrottle.forgive */
  async forgive(username: string, address: string): Promise<void> {
    await this.#throttle.forgive(normaliseName(username), address);
  }

  async #remove(digest: string): Promise<boolean> {
    const { store, clock } = this.#parts;
    const existed = await store.now.logins.delete(digest);
    if (existed) await store.now.commands.post({ kind: 'end-login', loginDigest: digest }, clock.now());
    return existed;
  }
}
