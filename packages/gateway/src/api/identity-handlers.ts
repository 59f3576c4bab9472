import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { endLoginsOf } from '../auth/logins.ts';
import { requireStrong } from '../auth/password-rule.ts';
import { actorOf, type Handlers, type SignedInContext } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';
import { meOf, requireConsent, signedInOf } from './describe-me.ts';

type IdentityHandlers = Pick<
  Handlers,
  | 'getSignIn'
  | 'checkBootstrap'
  | 'completeBootstrap'
  | 'checkRecovery'
  | 'completeRecovery'
  | 'login'
  | 'logout'
  | 'getMe'
  | 'changePassword'
  | 'setPreferences'
  | 'listLogins'
  | 'endLogin'
>;

const PUBLIC_DIGEST_CHARACTERS = 32;

export function identityHandlers(parts: ApiParts): IdentityHandlers {
  const { store, audit, logins, bootstrap, recovery, hasher, settings, factors, signInAt, clock } = parts;

  return {
    getSignIn: async (context) => {
      const { bannerText, bannerConsent } = settings.current;
      return {
        product: 'Enchilada',
        bootstrapRequired: await bootstrap.required(),
        passkeys: factors.takesPasskeys,
        providers: (await signInAt.waysFor(context)).map(({ record, way }) => ({
          id: record.id,
          name: record.name,
          way,
        })),
        ...(bannerText === '' ? {} : { banner: { text: bannerText, consent: bannerConsent } }),
      };
    },

    checkBootstrap: async (context, { body }) => {
      await bootstrap.check(body.token, context);
      return undefined;
    },

    completeBootstrap: async (context, { body }) => {
      const password = new Secret(body.password);
      const user = await bootstrap.complete({ ...body, password }, context);
      const outcome = await logins.create(user, context, { method: 'bootstrap', password });
      if (outcome.stage !== 'complete') throw new Fault('INTERNAL', 'the first sign-in asks for a second factor');
      return meOf(parts, outcome.identity);
    },

    checkRecovery: async (context, { body }) => {
      const { user, expiresAt } = await recovery.check(body.token, context);
      return { username: user.username, displayName: user.displayName, expiresAt };
    },

    completeRecovery: async (context, { body }) => {
      await recovery.complete({ token: body.token, password: new Secret(body.password) }, context);
      return undefined;
    },

    login: async (context, { body }) => {
      requireConsent(settings, body.consent);
      const password = new Secret(body.password);
      if (body.providerId !== undefined) {
        const { ticket, text } = body.answer ?? {};
        const answer = ticket === undefined || text === undefined ? {} : { answer: { ticket, text: new Secret(text) } };
        const given = { providerId: body.providerId, username: body.username, password, ...answer };
        const outcome = await signInAt.verifyPassword(given, context);
        if ('question' in outcome) return { stage: 'question', question: outcome.question };
        return signedInOf(parts, await logins.create(outcome.user, context, outcome.proof));
      }
      const user = await logins.verifyPassword(body.username, password, context);
      return signedInOf(parts, await logins.create(user, context, { method: 'password', password }));
    },

    logout: async (context) => {
      const { digest } = context.identity.login;
      const next = await signInAt.endSession(digest);
      await logins.end(context, digest);
      context.clearCookie();
      return next === undefined ? {} : { next };
    },

    getMe: (context) => meOf(parts, context.identity),

    changePassword: async (context, { body }) => {
      const { user } = context.identity;
      const next = new Secret(body.next);
      // Through the same throttle as a sign-in: a stolen login must not be a way to guess the password.
      await logins.verifyPassword(user.username, new Secret(body.current), context);
      requireStrong(next, user.username);
      const current = await store.now.users.find(user.id);
      if (current === undefined) throw new Fault('UNAUTHENTICATED', 'the account is gone');
      const passwordHash = await hasher.hash(next);
      const changed = await store.transaction(async (tx) => {
        const updated = await tx.users.update({ ...current, passwordHash });
        await endLoginsOf(tx, user, clock.now());
        return updated;
      });
      await audit.append({
        action: 'user.password-changed',
        ...actorOf(context),
        object: { kind: 'user', id: user.id, name: user.username },
        outcome: 'success',
      });
      const { login } = context.identity;
      const carries = { login, provedAt: login.provedAt };
      const outcome = await logins.create(changed, context, { method: 'password', password: next, carries });
      if (outcome.stage !== 'complete')
        throw new Fault('INTERNAL', 'a complete login was replaced by an incomplete one');
      return meOf(parts, outcome.identity);
    },

    setPreferences: async (context, { body }) => {
      const user = await store.now.users.find(context.identity.user.id);
      if (user === undefined) throw new Fault('UNAUTHENTICATED', 'the account is gone');
      if (JSON.stringify(body.preferences).length > 16_000)
        throw new Fault('INVALID_REQUEST', 'preferences must be at most 16000 characters together');
      return { ...(await store.now.users.update({ ...user, preferences: body.preferences })).preferences };
    },

    listLogins: async (context) => {
      const { identity } = context;
      const now = clock.now();
      const all = (await store.now.logins.listOf(identity.user.id)).filter((login) => login.expiresAt > now);
      return {
        items: all.map((login) => ({
          id: login.digest.slice(0, PUBLIC_DIGEST_CHARACTERS),
          current: login.digest === identity.login.digest,
          method: login.method,
          ...(login.factor === undefined ? {} : { factor: login.factor }),
          createdAt: login.createdAt,
          lastSeenAt: login.lastSeenAt,
          expiresAt: login.expiresAt,
          address: login.address,
          userAgent: login.userAgent,
        })),
      };
    },

    endLogin: async (context, { params }) => {
      const own = await store.now.logins.listOf(context.identity.user.id);
      const found = own.find((login) => login.digest.startsWith(params.id));
      if (found === undefined) throw new Fault('NOT_FOUND', 'there is no such object');
      await logins.end(context, found.digest);
      clearOwn(context, found.digest);
      return undefined;
    },
  };
}

function clearOwn(context: SignedInContext, digest: string): void {
  if (digest === context.identity.login.digest) context.clearCookie();
}
