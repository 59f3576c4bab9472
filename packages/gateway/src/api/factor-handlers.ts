import { permissionsOf } from '@enchilada/core/access';
import { Secret } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import { type ClaimedIdentity, type FactorProof, requireRecentProof } from '@enchilada/core/identity';
import { endLoginsOf } from '../auth/logins.ts';
import { actorOf, type ClaimContext, type Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { meOf, requireConsent, signedInOf } from './describe-me.ts';

type FactorHandlers = Pick<
  Handlers,
  | 'startPasskeySignIn'
  | 'loginWithPasskey'
  | 'listFactors'
  | 'startPasskeyProof'
  | 'prove'
  | 'startTotp'
  | 'confirmTotp'
  | 'startPasskey'
  | 'enrolPasskey'
  | 'removeFactor'
  | 'renewRecoveryCodes'
  | 'resetFactors'
>;

/** How recent the proof must be by which somebody changes what they prove themselves with. */
export const OWN_ACCOUNT_MS = 10 * 60_000;
const MOST_WRONG_ANSWERS = 10;

function passkeyRefused(): Fault {
  return new Fault('FACTOR_REFUSED', 'the passkey is not valid here');
}

export function factorHandlers(parts: ApiParts): FactorHandlers {
  const { store, audit, settlements, logins, factors, settings, clock } = parts;

  /** Enrolment is for a login that must get a factor, or for a complete one that was proved lately: a stolen cookie adds none. */
  async function requireMayEnrol({ claim }: ClaimContext): Promise<void> {
    if (claim.login.stage === 'enrolment') return;
    if (claim.login.stage !== 'complete')
      throw new Fault('SECOND_FACTOR_DUE', 'the login lacks its second factor', {
        facts: { stage: claim.login.stage },
      });
    await requireOwnProof(claim);
  }

  /** Whoever has a second factor proves themselves by it and not by the password. */
  async function requireOwnProof({ user, login }: Pick<ClaimedIdentity, 'user' | 'login'>): Promise<void> {
    const factor = (await factors.listOf(user.id)).length > 0;
    // INVARIANT: whoever got a program approved under a pretext does not stay for good: it adds no factor, token or further program.
    requireRecentProof({ login }, { withinMs: OWN_ACCOUNT_MS, factor, itself: true }, clock.now());
  }

  async function enrolled(context: ClaimContext, kind: 'totp' | 'passkey', factorId: string) {
    const { user } = context.claim;
    await audit.append({
      action: 'factor.enrolled',
      ...actorOf(context),
      object: { kind: 'factor', id: factorId },
      outcome: 'success',
      detail: { kind },
    });
    const isFirst = (await factors.listOf(user.id)).length === 1;
    const recoveryCodes = isFirst ? { recoveryCodes: await factors.newRecoveryCodes(user) } : {};
    const identity = await logins.stepUp(context, kind);
    return { me: await meOf(parts, identity), ...recoveryCodes };
  }

  async function refusedAnswer(context: ClaimContext, failure: unknown): Promise<never> {
    if (!isFault(failure, 'FACTOR_REFUSED') && !isFault(failure, 'LOGIN_REFUSED')) throw failure;
    const { login } = context.claim;
    await audit.append({ action: 'factor.refused', ...actorOf(context), outcome: 'failure', reason: failure.code });
    if (login.stage !== 'complete') {
      const { count } = await store.now.throttle.count(`factor-login ${login.digest}`, clock.now(), 60 * 60_000);
      if (count >= MOST_WRONG_ANSWERS) await logins.abandon(context);
    }
    throw failure;
  }

  return {
    startPasskeySignIn: (context) => factors.passkeyRequest({ address: context.address }),

    loginWithPasskey: async (context, { body }) => {
      requireConsent(settings, body.consent);
      const refuse = async (reason: string): Promise<never> => {
        await audit.append({
          action: 'login.refused',
          actor: { kind: 'anonymous' },
          address: context.address,
          outcome: 'failure',
          reason,
        });
        throw passkeyRefused();
      };
      const userId = await factors.proveByPasskey(body.passkey, undefined).catch((failure: unknown) => {
        if (!isFault(failure, 'FACTOR_REFUSED')) throw failure;
        // INVARIANT: a stranger needs nothing to come so far, and so is counted and not written down each time.
        logins.noteRefusal('passkey refused', context.address);
        throw passkeyRefused();
      });
      const user = await store.now.users.find(userId);
      if (user === undefined || user.disabledAt !== undefined) return refuse('account disabled');
      // INVARIANT: whose account a provider vouches for signs in by way of it: a passkey of ours is a second factor there and no way around it (T07).
      if (user.passwordHash === undefined && (await store.now.providers.identitiesOf(user.id)).length > 0)
        return refuse('the account signs in at its identity provider');
      return signedInOf(parts, await logins.create(user, context, { method: 'passkey', factor: 'passkey' }));
    },

    listFactors: async ({ claim }) => {
      const { user, login } = claim;
      const items = login.stage === 'enrolment' ? [] : await factors.listOf(user.id);
      return {
        username: user.username,
        stage: login.stage,
        items: items.map(({ id, kind, name, createdAt, lastUsedAt }) => ({
          id,
          kind,
          name,
          createdAt,
          ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
        })),
        recoveryCodes: await store.now.secondFactors.countRecoveryCodes(user.id),
        required: await logins.isDemandedOf(user),
        hasPassword: user.passwordHash !== undefined,
        passkeys: factors.takesPasskeys,
      };
    },

    startPasskeyProof: ({ claim }) => factors.passkeyRequest({ user: claim.user }),

    prove: async (context, { body }) => {
      const { user, login } = context.claim;
      const answers = [body.code, body.passkey, body.password].filter((answer) => answer !== undefined);
      if (answers.length !== 1)
        throw new Fault('INVALID_REQUEST', 'exactly one of code, passkey and password must be given');
      let factor: FactorProof | undefined;
      try {
        if (body.code !== undefined) factor = await factors.proveByCode(user, new Secret(body.code), context.address);
        else if (body.passkey !== undefined) {
          await factors.proveByPasskey(body.passkey, user);
          factor = 'passkey';
        } else {
          // The password proves the person anew only where it is all they have (T07).
          if (login.stage !== 'complete' || (await factors.listOf(user.id)).length > 0)
            throw new Fault('FACTOR_REFUSED', 'the password is no second factor');
          await logins.verifyPassword(user.username, new Secret(body.password ?? ''), context);
        }
      } catch (failure) {
        return refusedAnswer(context, failure);
      }
      const identity = await logins.stepUp(context, factor);
      return signedInOf(parts, { stage: 'complete', identity });
    },

    startTotp: async (context) => {
      await requireMayEnrol(context);
      return factors.startTotp(context.claim.user);
    },

    confirmTotp: async (context, { params, body }) => {
      await requireMayEnrol(context);
      const answer = { id: params.id, code: new Secret(body.code), name: body.name };
      await factors
        .confirmTotp(context.claim.user, answer, context.address)
        .catch((failure: unknown) => refusedAnswer(context, failure));
      return enrolled(context, 'totp', params.id);
    },

    startPasskey: async (context) => {
      await requireMayEnrol(context);
      return factors.passkeyCreation(context.claim.user);
    },

    enrolPasskey: async (context, { body }) => {
      await requireMayEnrol(context);
      const id = await factors
        .enrolPasskey(context.claim.user, body.passkey, body.name)
        .catch((failure: unknown) => refusedAnswer(context, failure));
      return enrolled(context, 'passkey', id);
    },

    removeFactor: async (context, { params }) => {
      const { user } = context.identity;
      const own = await factors.listOf(user.id);
      if (!own.some(({ id }) => id === params.id)) throw new Fault('NOT_FOUND', 'there is no such object');
      await requireOwnProof(context.identity);
      if (own.length === 1 && (await logins.isDemandedOf(user)))
        throw new Fault('CONFLICT', 'a second factor is demanded of you; add another before removing the last');
      await settlements.write(async (tx) => {
        await tx.secondFactors.delete(params.id);
        if (own.length === 1) await tx.secondFactors.deleteOf(user.id);
        const object = { kind: 'factor', id: params.id };
        const event = { action: 'factor.removed', ...actorOf(context), object, outcome: 'success' } as const;
        return { result: undefined, events: [event] };
      });
      return undefined;
    },

    renewRecoveryCodes: async (context) => {
      const { user } = context.identity;
      await requireOwnProof(context.identity);
      if ((await factors.listOf(user.id)).length === 0)
        throw new Fault('CONFLICT', 'recovery codes stand in for a second factor, and there is none');
      const recoveryCodes = await factors.newRecoveryCodes(user);
      await audit.append({ action: 'recovery-codes.created', ...actorOf(context), outcome: 'success' });
      return { recoveryCodes };
    },

    resetFactors: async (context, { params }) => {
      const user = await store.now.users.find(params.id);
      if (user === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      const missing = [...permissionsOf(user.role)].filter((permission) => !context.permissions.has(permission));
      if (missing.length > 0)
        throw new Fault('FORBIDDEN', `the person has permissions that you lack: ${missing.join(', ')}`);
      if (user.id === context.identity.user.id)
        throw new Fault('CONFLICT', 'the own second factors are removed one by one, on the page of the own account');
      await settlements.write(async (tx) => {
        const count = await tx.secondFactors.deleteOf(user.id);
        await endLoginsOf(tx, user, clock.now());
        const event = {
          action: 'factor.reset',
          ...actorOf(context),
          object: { kind: 'user', id: user.id, name: user.username },
          outcome: 'success',
          detail: { count },
        } as const;
        return { result: undefined, events: [event] };
      });
      return undefined;
    },
  };
}
