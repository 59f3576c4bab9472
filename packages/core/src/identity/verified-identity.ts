import { Fault } from '../fault/index.ts';
import type { FactorProof } from './second-factor.ts';
import type { GroupId, User, UserId } from './user.ts';

export const LOGIN_METHODS = ['password', 'bootstrap', 'passkey', 'api-token', 'sso', 'directory', 'device'] as const;
/** `sso`: at a provider, by way of the browser. `directory`: with the password of a provider. `device`: of a program, approved in a browser. */
export type LoginMethod = (typeof LOGIN_METHODS)[number];

export const LOGIN_STAGES = ['complete', 'second-factor', 'enrolment'] as const;
/** `second-factor`: it is still due. `enrolment`: it is demanded, and there is none yet. Neither may do anything else. */
export type LoginStage = (typeof LOGIN_STAGES)[number];

/** A login session as stored: the cookie's value is never kept, only its SHA-256. */
export interface LoginRecord {
  /** Lower-case hex SHA-256 of the first cookie's value; the primary key. Sessions and tickets name it for as long as the login lives. */
  readonly digest: string;
  /** The same of the cookie's present value, which a step up replaces. */
  readonly cookieDigest: string;
  readonly userId: UserId;
  readonly method: LoginMethod;
  readonly stage: LoginStage;
  /** The factor that completed it, if one did. */
  readonly factor: FactorProof | undefined;
  /** When the person last proved who they are, by the strongest they have. */
  readonly provedAt: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** Absolute end; the idle end follows from `lastSeenAt`. */
  readonly expiresAt: number;
  readonly address: string;
  readonly userAgent: string;
  /** The sign-in password sealed under a key derived from the cookie, for the credential kind `login-password`; erased at sign-out. */
  readonly sealedPassword: Uint8Array | undefined;
}

declare const proof: unique symbol;
declare const claim: unique symbol;

interface Identified {
  readonly user: User;
  readonly groupIds: readonly GroupId[];
  readonly login: LoginRecord;
}

/** A person whose login was checked in this request and is complete, or a program with an API token of theirs. Made only by `identifyLogin` and `identifyToken`. */
export interface VerifiedIdentity extends Identified {
  readonly [proof]: 'identity';
  /** For an API token: the permissions that it carries, by name. Absent: all that the person holds. */
  readonly scope?: readonly string[];
}

/** Somebody whose login lives and may still lack its second factor: enough to give one, and for nothing else. Made only by `claimLogin`. */
export interface ClaimedIdentity extends Identified {
  readonly [claim]: 'identity';
}

export interface LoginLimits {
  readonly idleMs: number;
  readonly absoluteMs: number;
}

function isAlive({ login, user }: Identified, limits: LoginLimits, now: number): boolean {
  if (login.userId !== user.id || user.disabledAt !== undefined || user.isService === true) return false;
  if (now >= login.expiresAt || now - login.createdAt >= limits.absoluteMs) return false;
  return now - login.lastSeenAt < limits.idleMs;
}

/** The only maker of `VerifiedIdentity`. Undefined when the login is over or lacks its second factor, or the account is disabled. */
export function identifyLogin(found: Identified, limits: LoginLimits, now: number): VerifiedIdentity | undefined {
  if (found.login.stage !== 'complete' || !isAlive(found, limits, now)) return undefined;
  return { user: found.user, groupIds: found.groupIds, login: found.login } as VerifiedIdentity;
}

/** The only maker of `ClaimedIdentity`. Undefined when the login is over or the account disabled. */
export function claimLogin(found: Identified, limits: LoginLimits, now: number): ClaimedIdentity | undefined {
  if (!isAlive(found, limits, now)) return undefined;
  return { user: found.user, groupIds: found.groupIds, login: found.login } as ClaimedIdentity;
}

/** What a program was given by whoever approved it, and has not proved itself since. */
function isProofOfAnother({ method, provedAt, createdAt }: LoginRecord): boolean {
  return method === 'device' && provedAt < createdAt;
}

/**
 * Step up: the person proved themselves at most `withinMs` ago. `factor` asks for a second factor, whatever the person signs in with elsewhere; `itself`,
 * for a proof that was given in this login and not in the one that approved it.
 * @throws Fault STEP_UP_REQUIRED
 */
export function requireRecentProof(
  { login }: Pick<Identified, 'login'>,
  demand: { readonly withinMs: number; readonly factor: boolean; readonly itself?: boolean },
  now: number,
): void {
  if (demand.itself === true && isProofOfAnother(login))
    throw new Fault('STEP_UP_REQUIRED', 'this asks for a proof by the program itself, or is done in a browser', {
      facts: { factor: demand.factor },
    });
  if (demand.factor && login.factor === undefined)
    throw new Fault('STEP_UP_REQUIRED', 'this asks for a second factor', { facts: { factor: true } });
  if (now - login.provedAt > demand.withinMs) {
    const minutes = Math.round(demand.withinMs / 60_000);
    throw new Fault('STEP_UP_REQUIRED', `this asks for a proof at most ${minutes} minutes old`, {
      facts: { factor: demand.factor, minutes },
    });
  }
}
