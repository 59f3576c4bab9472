import { createHash } from 'node:crypto';
import type { AuditActor, AuditLog } from '@enchilada/core/audit';
import type { Secret } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import {
  type ClaimedIdentity,
  claimLogin,
  demandsFactor,
  type FactorDemand,
  type FactorProof,
  identifyLogin,
  type LoginMethod,
  type LoginRecord,
  type LoginStage,
  type NewRefreshToken,
  type PasswordHasher,
  type ProvidedLogin,
  type User,
  type UserGroup,
  type VerifiedIdentity,
} from '@enchilada/core/identity';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import type { ClaimContext, OpenContext, SignedInContext } from '../http/context.ts';
import { actorOf } from '../http/context.ts';
import { sealLoginPassword, unsealLoginPassword } from './login-password.ts';
import { noteUse } from './note-use.ts';
import type { RefusalTally } from './refusal-tally.ts';
import { SignInThrottle } from './throttle.ts';

const TOUCH_MS = 30_000;
const COOKIE_BYTES = 32;
/** How long somebody may take to find their second factor. */
const INCOMPLETE_MS = 15 * 60_000;

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
  /** Of whom a second factor is demanded; a group may demand it besides. */
  readonly demand: () => FactorDemand;
  /** Where it is not asked for: an explicit weakening. */
  readonly isTrustedNetwork: (address: string) => boolean;
}

/** The login at a provider that one here rests on. */
export type ProvidedProof = Omit<ProvidedLogin, 'loginDigest'>;

/** How somebody has shown who they are so far. */
export interface SignInProof {
  readonly method: LoginMethod;
  readonly password?: Secret;
  /** Given together with the method: a passkey that needs no password. */
  readonly factor?: FactorProof;
  /** When they proved it elsewhere; absent: now. */
  readonly provedAt?: number;
  readonly provided?: ProvidedProof;
  /** By what the provider is asked again about this login. */
  readonly refreshToken?: NewRefreshToken & { readonly dueInMs: number };
  /** The login that approved this one. */
  readonly approvedBy?: string;
  /** The complete login that this one replaces: what it proved holds on. */
  readonly carries?: { readonly login: LoginRecord; readonly provedAt: number };
}

/** INVARIANT: an identity comes with the stage `complete` alone. */
export type SignInOutcome =
  | { readonly stage: 'complete'; readonly identity: VerifiedIdentity }
  | { readonly stage: 'second-factor' | 'enrolment' };

export function digestOf(cookie: string): string {
  return createHash('sha256').update(cookie).digest('hex');
}

/** The name as two spellings of it compare: NFKC, lower case, trimmed. */
export function normaliseName(name: string): string {
  return name.normalize('NFKC').toLowerCase().trim();
}

/** All logins of a person and, through every node, the sessions that were opened with them. */
export async function endLoginsOf(tx: StoreTransaction, { id }: Pick<User, 'id'>, now: number): Promise<void> {
  for (const loginDigest of await tx.logins.deleteOf(id))
    await tx.commands.post({ kind: 'end-login', loginDigest }, now);
}

/** What somebody proved and what has ended since. */
async function goneMeanwhile(tx: StoreTransaction, user: User, how: SignInProof): Promise<string | undefined> {
  if (how.method === 'password' && (await tx.users.find(user.id))?.passwordHash !== user.passwordHash)
    return 'the password was changed meanwhile';
  if (how.approvedBy !== undefined && (await tx.logins.findWithUser(how.approvedBy)) === undefined)
    return 'the login that approved it ended meanwhile';
  if (how.provided !== undefined && (await tx.providers.find(how.provided.providerId))?.enabled !== true)
    return 'the provider was switched off meanwhile';
  return undefined;
}

async function noteProvided(
  tx: StoreTransaction,
  { provided, refreshToken }: SignInProof & { readonly provided: ProvidedProof },
  { digest: loginDigest, createdAt: answeredAt }: LoginRecord,
): Promise<void> {
  await tx.providers.noteLogin({ ...provided, loginDigest });
  if (refreshToken === undefined) return;
  const { dueInMs, ...token } = refreshToken;
  const { providerId, subject } = provided;
  await tx.refreshTokens.insert({ ...token, loginDigest, providerId, subject, answeredAt }, dueInMs);
}

/** Logins: made, identified, touched, ended. Only the SHA-256 of a cookie is ever stored (T03). */
export class Logins {
  readonly #parts: LoginParts;
  /** Counts every kind of guess. */
  readonly throttle: SignInThrottle;

  constructor(parts: LoginParts) {
    this.#parts = parts;
    this.throttle = new SignInThrottle(parts.store, parts.clock);
  }

  /** Whose login the cookie is, if it still is one. A request of a person, not of a timer, keeps it alive. */
  async claim(
    cookie: string | undefined,
    options: { readonly background: boolean },
  ): Promise<{ readonly claim: ClaimedIdentity; readonly identity: VerifiedIdentity | undefined } | undefined> {
    if (cookie === undefined) return undefined;
    const { store, clock, limits } = this.#parts;
    const found = await store.now.logins.findByCookie(digestOf(cookie));
    if (found === undefined) return undefined;
    const now = clock.now();
    const claim = claimLogin(found, limits(), now);
    if (claim === undefined) return undefined;
    if (!options.background && now - claim.login.lastSeenAt >= TOUCH_MS)
      await noteUse(store.now.logins.touch(claim.login.digest, now));
    return { claim, identity: identifyLogin(found, limits(), now) };
  }

  /** The same for what needs a complete login. */
  async identify(
    cookie: string | undefined,
    options: { readonly background: boolean },
  ): Promise<VerifiedIdentity | undefined> {
    return (await this.claim(cookie, options))?.identity;
  }

  /** Checks name and password; an unknown name costs the same hash as a wrong password. @throws Fault LOGIN_REFUSED, THROTTLED */
  async verifyPassword(username: string, password: Secret, context: OpenContext): Promise<User> {
    const { store, audit, hasher, refusals } = this.#parts;
    const actor: AuditActor = { kind: 'anonymous', name: username };
    const account = normaliseName(username);
    const attempt = await this.throttle.begin(account, context.address).catch(async (refusal: unknown) => {
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
  async create(user: User, context: OpenContext, how: SignInProof): Promise<SignInOutcome> {
    const { audit, clock, random, limits } = this.#parts;
    // INVARIANT: whatever way leads here, a service account has no login.
    if (user.isService === true) throw new Fault('LOGIN_REFUSED', 'a service account does not sign in');
    const cookie = Buffer.from(random.bytes(COOKIE_BYTES)).toString('base64url');
    const digest = digestOf(cookie);
    const now = clock.now();
    const { stage, factor } = await this.#stageOf(user, context, how);
    const login: LoginRecord = {
      digest,
      cookieDigest: digest,
      userId: user.id,
      method: how.method,
      stage,
      factor,
      provedAt: how.carries?.provedAt ?? how.provedAt ?? now,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: Math.min(
        now + (stage === 'complete' ? limits().absoluteMs : Math.min(INCOMPLETE_MS, limits().absoluteMs)),
        how.provided?.endsAt ?? Infinity,
      ),
      address: context.address,
      userAgent: context.userAgent,
      sealedPassword: how.password === undefined ? undefined : sealLoginPassword(how.password, cookie, digest),
    };
    await this.#insert(login, { user, how });
    if (context.cookie !== undefined) await this.#removeByCookie(context.cookie);
    if (stage !== 'complete') {
      await audit.append({
        action: 'login.awaits-factor',
        actor: { kind: 'user', id: user.id, name: user.username },
        address: context.address,
        outcome: 'success',
        detail: { method: how.method, stage },
      });
      context.setCookie(cookie);
      return { stage };
    }
    const identity = await this.#completed(login, context);
    context.setCookie(cookie);
    return { stage, identity };
  }

  /**
   * For a program that the person approved with a login of theirs. INVARIANT: that login must live, and the new one is worth what it is, judged by the
   * program's own address. Undefined where it does not live any more.
   */
  async createApproved(
    loginDigest: string,
    context: OpenContext,
  ): Promise<{ readonly user: User; readonly outcome: SignInOutcome } | undefined> {
    const { store, clock, limits } = this.#parts;
    const found = await store.now.logins.findWithUser(loginDigest);
    const approver = found && identifyLogin(found, limits(), clock.now());
    if (approver === undefined) return undefined;
    const { user, login } = approver;
    const provided = await store.now.providers.findLogin(loginDigest);
    const outcome = await this.create(user, context, {
      ...{ method: 'device', approvedBy: loginDigest },
      // Before it was made: what the person proved, this login has not.
      provedAt: Math.min(login.provedAt, clock.now() - 1),
      ...(login.factor === undefined ? {} : { factor: login.factor }),
      // It ends with the login at the provider, and is no way to end that.
      ...(provided === undefined ? {} : { provided: { ...provided, hint: undefined } }),
    });
    return { user, outcome };
  }

  /**
   * The person gave a second factor, or proved themselves anew: the login is complete from now on, under a new cookie (ASVS 7.2.4).
   * Its sessions stay, for they name the login and not the cookie.
   */
  async stepUp(context: ClaimContext, factor: FactorProof | undefined): Promise<VerifiedIdentity> {
    const { store, audit, clock, random, limits } = this.#parts;
    const { login, user } = context.claim;
    const cookie = Buffer.from(random.bytes(COOKIE_BYTES)).toString('base64url');
    const password = context.cookie === undefined ? undefined : unsealLoginPassword(login, context.cookie);
    const provedAt = clock.now();
    const provided = await store.now.providers.findLogin(login.digest);
    const change = {
      cookieDigest: digestOf(cookie),
      provedAt,
      factor,
      expiresAt: Math.min(login.createdAt + limits().absoluteMs, provided?.endsAt ?? Infinity),
      sealedPassword: password === undefined ? undefined : sealLoginPassword(password, cookie, login.digest),
    };
    if (!(await store.now.logins.stepUp(login.digest, login.cookieDigest, change)))
      throw new Fault('UNAUTHENTICATED', 'the login was renewed or ended in the meantime');
    const detail = { method: login.method, factor: factor ?? 'password' };
    let identity: VerifiedIdentity;
    if (login.stage === 'complete') {
      await audit.append({
        action: 'login.stepped-up',
        actor: { kind: 'user', id: user.id, name: user.username },
        address: context.address,
        outcome: 'success',
        detail,
      });
      identity = await this.#identified(login.digest);
    } else identity = await this.#completed({ ...login, factor: factor ?? login.factor }, context);
    context.setCookie(cookie);
    return identity;
  }

  /** Too many wrong answers: the login must begin again. */
  async abandon(context: ClaimContext): Promise<void> {
    await this.#remove(context.claim.login.digest);
    context.clearCookie();
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

  /** Of somebody who showed nothing at all. */
  noteRefusal(reason: string, address: string): void {
    this.#parts.refusals.note({ action: 'login.refused', address, reason });
  }

  /** @see SignInThrottle.forgive */
  async forgive(username: string, address: string): Promise<void> {
    await this.throttle.forgive(normaliseName(username), address);
  }

  /** INVARIANT: the one place that decides what a way of signing in is worth (T07). Bootstrap alone goes without: nobody can have a factor yet. */
  async #stageOf(
    user: User,
    { address }: OpenContext,
    how: SignInProof,
  ): Promise<{ readonly stage: LoginStage; readonly factor: FactorProof | undefined }> {
    const { store, demand, isTrustedNetwork } = this.#parts;
    if (how.carries !== undefined) return { stage: 'complete', factor: how.carries.login.factor };
    if (how.factor !== undefined || how.method === 'bootstrap') return { stage: 'complete', factor: how.factor };
    if (isTrustedNetwork(address)) return { stage: 'complete', factor: undefined };
    const factors = await store.now.secondFactors.listOf(user.id);
    if (factors.some(({ confirmedAt }) => confirmedAt !== undefined))
      return { stage: 'second-factor', factor: undefined };
    const isDemanded = demandsFactor(demand(), user.role, await this.groupsOf(user.id));
    return { stage: isDemanded ? 'enrolment' : 'complete', factor: undefined };
  }

  async groupsOf(userId: string): Promise<readonly UserGroup[]> {
    const { groups } = this.#parts.store.now;
    const ids = await groups.groupsOf(userId);
    return ids.length === 0 ? [] : (await groups.list()).filter(({ id }) => ids.includes(id));
  }

  /** Whether the person must have a second factor, wherever they sign in. */
  async isDemandedOf(user: User): Promise<boolean> {
    return demandsFactor(this.#parts.demand(), user.role, await this.groupsOf(user.id));
  }

  async #completed(login: LoginRecord, { address }: OpenContext): Promise<VerifiedIdentity> {
    const { store, audit } = this.#parts;
    const identity = await this.#identified(login.digest);
    const { user } = identity;
    const actor: AuditActor = { kind: 'user', id: user.id, name: user.username };
    const { method, factor } = login;
    await audit.append({
      action: 'login.succeeded',
      actor,
      address,
      outcome: 'success',
      detail: { method, ...(factor === undefined ? {} : { factor }) },
    });
    if (user.breakGlass) {
      await audit.append({
        action: 'login.break-glass',
        actor,
        address,
        outcome: 'success',
        reason: 'the administrator of last resort signed in',
      });
    }
    await store.now.users.noteLogin(user.id, login.lastSeenAt);
    return identity;
  }

  async #identified(digest: string): Promise<VerifiedIdentity> {
    const { store, clock, limits } = this.#parts;
    const found = await store.now.logins.findWithUser(digest);
    const identity = found === undefined ? undefined : identifyLogin(found, limits(), clock.now());
    if (identity === undefined) throw new Fault('LOGIN_REFUSED', 'the account was disabled while it signed in');
    return identity;
  }

  /**
   * INVARIANT: what a login rests on is looked at again in the transaction that writes it. Whoever ends all logins of a person, a provider or an approver
   * while one more is on its way ends that too. @throws Fault LOGIN_REFUSED
   */
  async #insert(login: LoginRecord, { user, how }: { readonly user: User; readonly how: SignInProof }): Promise<void> {
    const { store, audit } = this.#parts;
    const reason = await store.transaction(async (tx) => {
      const gone = await goneMeanwhile(tx, user, how);
      if (gone !== undefined) return gone;
      await tx.logins.insert(login);
      if (how.provided !== undefined) await noteProvided(tx, { ...how, provided: how.provided }, login);
      return undefined;
    });
    if (reason === undefined) return;
    const actor: AuditActor = { kind: 'user', id: user.id, name: user.username };
    await audit.append({ action: 'login.refused', actor, address: login.address, outcome: 'failure', reason });
    throw new Fault('LOGIN_REFUSED', 'the name or the password is wrong');
  }

  async #removeByCookie(cookie: string): Promise<void> {
    const found = await this.#parts.store.now.logins.findByCookie(digestOf(cookie));
    if (found !== undefined) await this.#remove(found.login.digest);
  }

  async #remove(digest: string): Promise<boolean> {
    const { store, clock } = this.#parts;
    const existed = await store.now.logins.delete(digest);
    if (existed) await store.now.commands.post({ kind: 'end-login', loginDigest: digest }, clock.now());
    return existed;
  }
}
