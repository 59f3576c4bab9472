import type { AuditLog } from '@enchilada/core/audit';
import type { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { PasswordHasher, User } from '@enchilada/core/identity';
import type { RecoveryLink, Store } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import type { OpenContext } from '../http/context.ts';
import { Settlements } from '../settlement/settlements.ts';
import { endLoginsOf, type Logins } from './logins.ts';
import { LinkThrottle, newToken, tokenDigest } from './one-time-token.ts';
import { requireStrong } from './password-rule.ts';

/** As long as it takes to hand somebody a link (T08). */
const LINK_LIFE_MS = 15 * 60_000;

export interface RecoveryParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly hasher: PasswordHasher;
  readonly logins: Logins;
  readonly clock: Clock;
  readonly random: RandomSource;
}

export interface RecoveryRequest {
  readonly username: string;
  /** A disabled account is enabled, and its old password forgotten, so that only the link opens it. */
  readonly enable: boolean;
  /** Second factors are removed, and the old password forgotten, so that it never stands alone. */
  readonly resetFactors: boolean;
  /** Who asked, as they say themselves. */
  readonly claimedBy: string | undefined;
}

/**
 * The way back in when nobody can sign in: a link that lets one person set a password. INVARIANT: only the control folder asks for one, and a link never
 * signs anybody in: whoever used it goes through the sign-in like everybody else, with all that it demands.
 */
export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #throttle: LinkThrottle;
  readonly #settlements: Settlements;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#settlements = new Settlements(parts);
    this.#throttle = new LinkThrottle(parts, 'recovery');
  }

  /** @throws Fault NOT_FOUND, CONFLICT where the account is disabled and is not to be enabled */
  async issue({
    username,
    enable,
    resetFactors,
    claimedBy,
  }: RecoveryRequest): Promise<{ readonly token: string; readonly expiresAt: number }> {
    const { store, audit, clock, random } = this.#parts;
    const user = await store.now.users.findByUsername(username);
    const by = claimedBy === undefined ? {} : { claimedBy };
    if (user === undefined) {
      const reason = 'there is no such person';
      await audit.append({
        action: 'recovery.refused',
        actor: OPERATOR,
        object: { kind: 'user', id: '', name: username },
        outcome: 'failure',
        reason,
        detail: by,
      });
      throw new Fault('NOT_FOUND', `there is no person named ${JSON.stringify(username)}`);
    }
    if (user.isService === true)
      throw new Fault('CONFLICT', `${user.username} is a service account, which has no password to recover`);
    const wasDisabled = user.disabledAt !== undefined;
    if (wasDisabled && !enable)
      throw new Fault('CONFLICT', `the account ${user.username} is disabled; add --enable to enable it as well`);
    const token = newToken(random);
    const issuedAt = clock.now();
    const expiresAt = issuedAt + LINK_LIFE_MS;
    await audit.append({
      action: 'recovery.issued',
      actor: OPERATOR,
      object: objectOf(user),
      outcome: 'success',
      reason: "a link to set a new password was asked for on the gateway's machine",
      detail: { role: user.role, breakGlass: user.breakGlass, enabled: wasDisabled, ...by },
    });
    await this.#settlements.write(async (tx) => {
      if (wasDisabled || resetFactors)
        await tx.users.update({ ...user, disabledAt: undefined, passwordHash: undefined });
      await tx.recovery.issue({ userId: user.id, digest: tokenDigest(token), issuedAt, expiresAt });
      if (!resetFactors) return { result: undefined, events: [] };
      const event = {
        action: 'factor.reset',
        actor: OPERATOR,
        object: objectOf(user),
        outcome: 'success',
        reason: "asked for on the gateway's machine",
        detail: { count: await tx.secondFactors.deleteOf(user.id), ...by },
      } as const;
      return { result: undefined, events: [event] };
    });
    return { token, expiresAt };
  }

  /** Whose link it is, and until when. @throws Fault RECOVERY_TOKEN_REFUSED, THROTTLED */
  async check(token: string, context: OpenContext): Promise<{ readonly user: User; readonly expiresAt: number }> {
    await this.#throttle.pass(context.address);
    const { user, link } = await this.#find(token, context);
    return { user, expiresAt: link.expiresAt };
  }

  /** Sets the password and ends every login of the person. @throws Fault RECOVERY_TOKEN_REFUSED, THROTTLED, PASSWORD_TOO_WEAK */
  async complete(
    { token, password }: { readonly token: string; readonly password: Secret },
    context: OpenContext,
  ): Promise<void> {
    const { hasher, logins, clock } = this.#parts;
    await this.#throttle.pass(context.address);
    const { user } = await this.#find(token, context);
    requireStrong(password, user.username);
    const passwordHash = await hasher.hash(password);
    const isChanged = await this.#settlements.write(async (tx) => {
      const current = await tx.users.find(user.id);
      const isSpent = await tx.recovery.spend(tokenDigest(token), clock.now());
      if (!isSpent || current === undefined || current.disabledAt !== undefined) return { result: false, events: [] };
      await tx.users.update({ ...current, passwordHash });
      await endLoginsOf(tx, user, clock.now());
      const event = {
        action: 'user.recovered',
        actor: { kind: 'user', id: user.id, name: user.username },
        address: context.address,
        object: objectOf(user),
        outcome: 'success',
        reason: 'a new password was set with a recovery link; all logins were ended',
        detail: { role: user.role, breakGlass: user.breakGlass },
      } as const;
      return { result: true, events: [event] };
    });
    if (!isChanged) throw await this.#refusal(context);
    await logins.forgive(user.username, context.address);
  }

  async #find(token: string, context: OpenContext): Promise<{ readonly user: User; readonly link: RecoveryLink }> {
    const { store, clock } = this.#parts;
    const link = await store.now.recovery.find(tokenDigest(token), clock.now());
    const user = link === undefined ? undefined : await store.now.users.find(link.userId);
    if (link === undefined || user === undefined || user.disabledAt !== undefined) throw await this.#refusal(context);
    return { user, link };
  }

  async #refusal({ address }: OpenContext): Promise<Fault> {
    await this.#throttle.wrong(address, async (isLast) => {
      const reason = isLast ? 'wrong link; the address is refused for a while' : 'wrong link';
      const actor = { kind: 'anonymous' } as const;
      await this.#parts.audit.append({ action: 'recovery.refused', actor, address, outcome: 'denied', reason });
    });
    return new Fault('RECOVERY_TOKEN_REFUSED', 'the recovery link is wrong, used or expired');
  }
}

/** Whoever may write the control folder; the operating system knows who that was, the gateway does not. */
const OPERATOR = { kind: 'system', name: 'control folder' } as const;

function objectOf({ id, username }: User) {
  return { kind: 'user', id, name: username };
}
