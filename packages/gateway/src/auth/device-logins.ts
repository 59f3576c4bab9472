import { createHash } from 'node:crypto';
import type { AuditLog } from '@enchilada/core/audit';
import { Fault, isFault } from '@enchilada/core/fault';
import {
  type DeviceLogin,
  readUserCode,
  showUserCode,
  USER_CODE_ALPHABET,
  USER_CODE_LENGTH,
} from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { networkOf } from '../http/client-address.ts';
import { actorOf, type OpenContext, type SignedInContext } from '../http/context.ts';
import type { Logins, SignInOutcome } from './logins.ts';
import { LinkThrottle, newToken, tokenDigest } from './one-time-token.ts';
import type { RefusalTally } from './refusal-tally.ts';

const MINUTE = 60_000;
/** As long as it takes to find a browser and sign in. */
const LIFE_MS = 10 * MINUTE;
/** As long as a program takes to ask again: nobody keeps an approval for when the person looks no more. */
const APPROVED_MS = 2 * MINUTE;
/** The interval that is assumed where none is given, and by how much it grows. RFC 8628 sections 3.2 and 3.5. */
const INTERVAL_MS = 5_000;
const SLOW_DOWN_MS = 5_000;
/** What one address may ask for in a minute, how many codes one person may enter, right or wrong, and how many may be kept of all. */
const ASKED_PER_MINUTE = 10;
const ENTERED_PER_MINUTE = 30;
const MOST_KEPT = 10_000;

export interface DeviceLoginParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly logins: Logins;
  readonly refusals: Pick<RefusalTally, 'note'>;
  /** As the database has them now: what one node switched off is off at all. */
  readonly settings: () => Promise<{ readonly deviceSignIn: boolean }>;
  readonly clock: Clock;
  readonly random: RandomSource;
}

export interface DeviceCodes {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly expiresIn: number;
  readonly interval: number;
}

/** The words of RFC 8628 section 3.5, or what a sign-in comes to. An unknown code, a used and an expired one are answered alike. */
export type DevicePoll =
  | { readonly error: 'authorization_pending' | 'access_denied' | 'expired_token' }
  | { readonly error: 'slow_down'; readonly interval: number }
  | SignInOutcome;

/** Signing in a program that has no browser by somebody who has one: the OAuth 2.0 device authorization grant (RFC 8628). */
export class DeviceLogins {
  readonly #parts: DeviceLoginParts;
  readonly #guesses: LinkThrottle;

  constructor(parts: DeviceLoginParts) {
    this.#parts = parts;
    this.#guesses = new LinkThrottle(parts, 'device-login');
  }

  /** @throws Fault DEVICE_SIGN_IN_OFF, THROTTLED */
  async ask({ address, userAgent }: OpenContext): Promise<DeviceCodes> {
    await this.#requireOn(address);
    const { store, audit, clock, random } = this.#parts;
    const askedAt = clock.now();
    const from = `device-asked:${createHash('sha256').update(networkOf(address)).digest('hex').slice(0, 40)}`;
    if ((await store.now.throttle.count(from, askedAt, MINUTE)).count > ASKED_PER_MINUTE)
      throw this.#tooMany('asked too often', address);
    const deviceCode = newToken(random);
    const userCode = newUserCode(random);
    const login: DeviceLogin = {
      ...{ deviceDigest: tokenDigest(deviceCode), userDigest: tokenDigest(userCode), address, userAgent, askedAt },
      ...{ expiresAt: askedAt + LIFE_MS, state: 'asked', loginDigest: undefined },
      ...{ intervalMs: INTERVAL_MS, polledAt: askedAt },
    };
    if (!(await store.now.deviceLogins.insert(login, MOST_KEPT)))
      throw this.#tooMany('too many wait for an approval', address);
    await audit.append({
      action: 'device-login.asked',
      actor: { kind: 'anonymous' },
      address,
      object: objectOf(login),
      outcome: 'success',
      detail: { userAgent },
    });
    const [expiresIn, interval] = [LIFE_MS / 1000, INTERVAL_MS / 1000];
    return { deviceCode, userCode: showUserCode(userCode), expiresIn, interval };
  }

  /** Who asks under this code. @throws Fault DEVICE_SIGN_IN_OFF, NOT_FOUND, THROTTLED */
  async check(typed: string, context: SignedInContext): Promise<DeviceLogin> {
    await this.#requireOn(context.address);
    const { store, clock } = this.#parts;
    const { id } = context.identity.user;
    // Counted before it is looked at, so that guesses made at once cannot all be the first ones.
    const entered = await store.now.throttle.count(`device-entered:${id}`, clock.now(), MINUTE);
    if (entered.count > ENTERED_PER_MINUTE) throw this.#tooMany('too many codes were entered', context.address);
    await this.#guesses.pass(id);
    const code = readUserCode(typed);
    const found =
      code === undefined ? undefined : await store.now.deviceLogins.findAsked(tokenDigest(code), clock.now());
    if (found === undefined) throw await this.#wrongCode(context);
    return found;
  }

  /** INVARIANT: what is approved ends with the login that approved it, until it is redeemed. @throws Fault DEVICE_SIGN_IN_OFF, NOT_FOUND, THROTTLED */
  async decide(typed: string, verdict: 'approve' | 'deny', context: SignedInContext): Promise<void> {
    const { store, audit, clock } = this.#parts;
    const login = await this.check(typed, context);
    const now = clock.now();
    const { expiresAt } = login;
    const decision =
      verdict === 'approve'
        ? ({
            state: 'approved',
            loginDigest: context.identity.login.digest,
            expiresAt: Math.min(expiresAt, now + APPROVED_MS),
          } as const)
        : ({ state: 'denied', loginDigest: undefined, expiresAt } as const);
    if (!(await store.now.deviceLogins.decide(login.userDigest, decision, now))) throw await this.#wrongCode(context);
    await audit.append({
      action: `device-login.${decision.state}`,
      ...actorOf(context),
      object: objectOf(login),
      outcome: 'success',
      detail: { askedFrom: login.address, userAgent: login.userAgent },
    });
  }

  /** An approval of before it was switched off is worth nothing. @throws Fault DEVICE_SIGN_IN_OFF */
  async poll(deviceCode: string, context: OpenContext): Promise<DevicePoll> {
    await this.#requireOn(context.address);
    const { store, clock } = this.#parts;
    const digest = tokenDigest(deviceCode);
    const found = await store.now.deviceLogins.poll(digest, SLOW_DOWN_MS, clock.now());
    if (found === undefined) return { error: 'expired_token' };
    const { login, isTooSoon } = found;
    if (isTooSoon) return { error: 'slow_down', interval: login.intervalMs / 1000 };
    if (login.state === 'asked') return { error: 'authorization_pending' };
    if (login.state === 'denied') return { error: 'access_denied' };
    if (!(await store.now.deviceLogins.redeem(digest, clock.now()))) return { error: 'expired_token' };
    return this.#redeemed(login, context);
  }

  async #redeemed(login: DeviceLogin, context: OpenContext): Promise<DevicePoll> {
    const { audit, logins } = this.#parts;
    const { address } = context;
    const object = objectOf(login);
    const signedIn = await logins.createApproved(login.loginDigest ?? '', context).catch((failure: unknown) => {
      if (isFault(failure, 'LOGIN_REFUSED')) return undefined;
      throw failure;
    });
    if (signedIn === undefined) {
      const reason = 'the login that approved it has ended';
      const actor = { kind: 'anonymous' } as const;
      await audit.append({ action: 'device-login.refused', actor, address, object, outcome: 'denied', reason });
      return { error: 'access_denied' };
    }
    const { user, outcome } = signedIn;
    await audit.append({
      action: 'device-login.redeemed',
      actor: { kind: 'user', id: user.id, name: user.username },
      ...{ address, object, outcome: 'success', detail: { askedFrom: login.address, stage: outcome.stage } },
    });
    return outcome;
  }

  async #requireOn(address: string): Promise<void> {
    if ((await this.#parts.settings()).deviceSignIn) return;
    const reason = 'switched off in the settings';
    this.#parts.refusals.note({ action: 'device-login.refused', address, reason });
    throw new Fault('DEVICE_SIGN_IN_OFF', `sign-in of command lines is ${reason}`);
  }

  #tooMany(reason: string, address: string): Fault {
    this.#parts.refusals.note({ action: 'device-login.refused', address, reason });
    return new Fault('THROTTLED', `${reason}, try again in 60 seconds`, { facts: { retryAfterSeconds: 60 } });
  }

  async #wrongCode(context: SignedInContext): Promise<Fault> {
    await this.#guesses.wrong(context.identity.user.id, async (isLast) => {
      const reason = isLast ? 'wrong code; the person is refused for a while' : 'wrong code';
      await this.#parts.audit.append({
        action: 'device-login.refused',
        ...actorOf(context),
        outcome: 'denied',
        reason,
      });
    });
    return new Fault('NOT_FOUND', 'the code is wrong, used or expired');
  }
}

/** Each sign alike likely: bytes beyond the last whole alphabet are thrown away. */
function newUserCode(random: RandomSource): string {
  const fair = 256 - (256 % USER_CODE_ALPHABET.length);
  let code = '';
  while (code.length < USER_CODE_LENGTH)
    for (const byte of random.bytes(USER_CODE_LENGTH - code.length))
      if (byte < fair) code += USER_CODE_ALPHABET.charAt(byte % USER_CODE_ALPHABET.length);
  return code;
}

/** The same in all that is audited of one code; the digest of 256 random bits says nothing of them. */
function objectOf({ deviceDigest }: DeviceLogin) {
  return { kind: 'device-login', id: deviceDigest.slice(0, 32) };
}
