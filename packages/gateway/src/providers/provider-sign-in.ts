import { createHash, hkdfSync } from 'node:crypto';
import { API_PREFIX } from '@enchilada/contract';
import type { AuditLog } from '@enchilada/core/audit';
import { type KeyEncryption, Secret, SecretBytes } from '@enchilada/core/credential';
import { Fault, isFault, toFault } from '@enchilada/core/fault';
import type {
  DoorMessage,
  HeardLogout,
  PasswordProvider,
  PasswordVerdict,
  ProviderAddresses,
  ProviderId,
  ProviderRecord,
  SignInFlow,
  User,
} from '@enchilada/core/identity';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import type { Clock, RandomSource } from '@enchilada/core/time';
import type { ProvidedProof, SignInProof } from '../auth/logins.ts';
import { digestOf, normaliseName } from '../auth/logins.ts';
import type { SignInRefresh } from './sign-in-refresh.ts';
import { eventBy } from './provider-events.ts';
import { SignInQuestions } from './sign-in-questions.ts';
import type { SignInThrottle } from '../auth/throttle.ts';
import { networkOf } from '../http/client-address.ts';
import type { OpenContext } from '../http/context.ts';
import type { ProviderPeople } from './provider-people.ts';
import type { ProviderRegistry } from './provider-registry.ts';

const MINUTE = 60_000;
/** How long somebody may be away at a provider. */
const AWAY_MS = 15 * MINUTE;
const VALUE_BYTES = 32;
/** Begins the state of an attempt for which the person must prove themselves anew. The state is known by its digest, so nobody adds or removes it. */
const FRESH = 'fresh.';
/** What one address may begin, and get wrong, in a minute (T06). */
const BEGUN_PER_MINUTE = 60;
const REFUSED_PER_MINUTE = 30;
/** What key management services wrap at once. */
const HINT_MAX = 3_500;

export interface ProviderSignInParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly keys: KeyEncryption;
  readonly registry: ProviderRegistry;
  readonly people: ProviderPeople;
  readonly refresh: SignInRefresh;
  readonly throttle: SignInThrottle;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Known once the port is. */
  readonly publicUrl: () => string;
}

export interface Proven {
  readonly user: User;
  readonly proof: SignInProof;
  /** The path to go on to. */
  readonly next: string;
}

export interface PasswordGiven {
  readonly providerId: ProviderId;
  readonly username: string;
  readonly password: Secret;
  /** To the question that name and password led to. */
  readonly answer?: { readonly ticket: string; readonly text: Secret };
}

/** The sign-in goes on with an answer, given together with the name, the password and the ticket. */
export interface QuestionAsked {
  readonly question: { readonly text: string; readonly hidden: boolean; readonly ticket: string };
}

/** Signing in through identity providers. Whatever they answer ends here, as a user and a proof, or not at all. */
export class ProviderSignIn {
  readonly #parts: ProviderSignInParts;
  readonly #questions: SignInQuestions;

  constructor(parts: ProviderSignInParts) {
    this.#parts = parts;
    this.#questions = new SignInQuestions(parts);
  }

  get publicUrl(): string {
    return this.#parts.publicUrl();
  }

  addresses(id: ProviderId): ProviderAddresses {
    const url = this.#parts.publicUrl();
    const door = `${url}${doorPath(id)}`;
    return {
      returnTo: `${url}/sign-in/back/${id}`,
      answerTo: `${door}/answer`,
      logoutTo: `${door}/logout`,
      metadata: `${door}/metadata`,
      signedOut: `${url}/sign-in`,
    };
  }

  /** Where the browser goes. Binds the attempt to this browser by a cookie. @throws Fault NOT_FOUND, THROTTLED, PROVIDER_UNAVAILABLE */
  async begin(
    id: ProviderId,
    { next, isFresh }: { readonly next: string; readonly isFresh: boolean },
    context: OpenContext,
  ): Promise<string> {
    const { store, registry, clock } = this.#parts;
    await this.#count('begun', context, BEGUN_PER_MINUTE);
    const { provider } = await registry.redirecting(id);
    // A browser with two tabs has two attempts and one cookie.
    const browser = context.browser ?? this.#newValue();
    const flow = this.#flowOf(id, { browser, state: `${isFresh ? FRESH : ''}${this.#newValue()}` });
    const url = await provider.begin(flow);
    await store.now.providers.begin({
      stateDigest: digestOf(flow.state),
      browserDigest: digestOf(browser),
      providerId: id,
      next,
      expiresAt: clock.now() + AWAY_MS,
    });
    context.setBrowser(browser);
    return url;
  }

  /** @param answer the query that the browser came back with. @throws Fault SIGN_IN_LOST, PROVIDER_REFUSED, PROVIDER_UNAVAILABLE, NOT_ADMITTED, LOGIN_REFUSED, THROTTLED */
  async complete(id: ProviderId, answer: string, context: OpenContext): Promise<Proven> {
    const { store, clock, registry, people, refresh } = this.#parts;
    await this.#peek('refused', context, REFUSED_PER_MINUTE);
    try {
      const states = new URLSearchParams(answer).getAll('state');
      const [state = ''] = states;
      const { browser } = context;
      const pending =
        browser === undefined || states.length !== 1
          ? undefined
          : await store.now.providers.redeem(digestOf(state), digestOf(browser), clock.now());
      // INVARIANT: the provider that is asked is the one that the attempt began with (mix-up, RFC 9700 section 4.4).
      if (browser === undefined || pending === undefined || pending.providerId !== id)
        throw new Fault('SIGN_IN_LOST', 'the sign-in was begun in another browser, too long ago, or completed already');
      const { record, provider } = await registry.redirecting(id);
      const asserted = await provider.complete(pending.answer ?? answer, this.#flowOf(id, { browser, state }));
      const { message } = asserted;
      if (message !== undefined && !(await store.now.providers.spend(id, message.id, message.expiresAt)))
        throw new Fault('PROVIDER_REFUSED', 'the message was heard before');
      const user = await people.admit(record, asserted.person);
      const { subject } = asserted.person;
      const hint = asserted.logoutHint;
      const isKept = hint !== undefined && hint.reveal().length <= HINT_MAX;
      const provided: ProvidedProof = {
        providerId: record.id,
        subject,
        session: asserted.session,
        hint: isKept ? await this.#wrap(hint, record.id) : undefined,
        ...(asserted.endsAt === undefined ? {} : { endsAt: asserted.endsAt }),
      };
      const { refreshToken: token } = asserted;
      const refreshToken = token && { ...(await refresh.sealed(token)), dueInMs: refresh.nextMs };
      return {
        user,
        next: pending.next,
        proof: {
          method: 'sso',
          provided,
          ...(refreshToken === undefined ? {} : { refreshToken }),
          ...(asserted.provedAt === undefined ? {} : { provedAt: Math.min(asserted.provedAt, clock.now()) }),
          ...(record.trustsFactor && asserted.gaveSecondFactor ? { factor: 'provider' } : {}),
        },
      };
    } catch (failure) {
      throw await this.#refused(failure, { id, context });
    }
  }

  /** By what the proxy before us says of this request. @throws Fault NOT_FOUND, PROVIDER_REFUSED, PROVIDER_UNAVAILABLE, NOT_ADMITTED, THROTTLED */
  async readProxied(id: ProviderId, context: OpenContext): Promise<Proven> {
    const { registry, people, clock } = this.#parts;
    await this.#peek('refused', context, REFUSED_PER_MINUTE);
    const { record, provider } = await registry.behind(id);
    try {
      const { person, provedAt } = await provider.read(context);
      const user = await people.admit(record, person);
      const provided: ProvidedProof = { providerId: id, subject: person.subject, session: undefined, hint: undefined };
      const proved = provedAt === undefined ? {} : { provedAt: Math.min(provedAt, clock.now()) };
      return { user, next: '', proof: { method: 'sso', provided, ...proved } };
    } catch (failure) {
      throw await this.#refused(failure, { id, context });
    }
  }

  /** The ways that are open to this request: a proxy that it did not come through is none. */
  async waysFor(context: OpenContext) {
    const { registry } = this.#parts;
    const ways = await registry.offered();
    const open = await Promise.all(
      ways.map(async ({ record, way }) => {
        if (way !== 'proxy') return [{ record, way }];
        // One that was removed meanwhile, or cannot be opened, does not keep the others shut.
        const behind = await registry.behind(record.id).catch(() => undefined);
        return behind?.provider.isBefore(context) === true ? [{ record, way }] : [];
      }),
    );
    return open.flat();
  }

  /** With a password that the provider judges, which may ask a question first. @throws Fault LOGIN_REFUSED, PASSWORD_EXPIRED, PROVIDER_UNAVAILABLE, NOT_ADMITTED, SIGN_IN_LOST, THROTTLED */
  async verifyPassword(given: PasswordGiven, context: OpenContext): Promise<Proven | QuestionAsked> {
    const { registry, people, throttle } = this.#parts;
    const { providerId: id, username, password } = given;
    const { record, provider } = await registry.asking(id);
    const attempt = await throttle.begin(`${id} ${normaliseName(username)}`, context.address);
    try {
      const verdict = await this.#judge(provider, given, context);
      if ('question' in verdict) {
        const ticket = await this.#questions.seal(given, verdict.question);
        attempt.undecided();
        const { text, isHidden } = verdict.question;
        return { question: { text, hidden: isHidden, ticket } };
      }
      const { person, gaveSecondFactor = false } = verdict;
      const user = await people.admit(record, person);
      await attempt.succeeded();
      const provided: ProvidedProof = { providerId: id, subject: person.subject, session: undefined, hint: undefined };
      const factor = record.trustsFactor && gaveSecondFactor ? ({ factor: 'provider' } as const) : {};
      return { user, next: '', proof: { method: 'directory', password, provided, ...factor } };
    } catch (failure) {
      await attempt.failed();
      throw await this.#refused(failure, { id, context, username });
    }
  }

  async #judge(provider: PasswordProvider, given: PasswordGiven, { address }: OpenContext): Promise<PasswordVerdict> {
    const { username, password, answer } = given;
    if (answer === undefined) return provider.verify(username, password, { address });
    if (provider.answer === undefined) throw new Fault('SIGN_IN_LOST', 'the provider asks no questions');
    const state = await this.#questions.open(answer.ticket, given);
    return provider.answer({ username, state, answer: answer.text }, { address });
  }

  /** In the place where the password lives. @throws Fault LOGIN_REFUSED, PASSWORD_TOO_WEAK, CONFLICT, THROTTLED */
  async changePassword(
    given: {
      readonly providerId: ProviderId;
      readonly username: string;
      readonly password: Secret;
      readonly next: Secret;
    },
    context: OpenContext,
  ): Promise<void> {
    const { registry, throttle } = this.#parts;
    const { providerId: id, username, password, next } = given;
    const { provider } = await registry.asking(id);
    const attempt = await throttle.begin(`${id} ${normaliseName(username)}`, context.address);
    try {
      await provider.changePassword(username, password, next);
      await attempt.succeeded();
      await this.#parts.audit.append({
        action: 'user.password-changed',
        actor: { kind: 'anonymous', name: username },
        address: context.address,
        object: { kind: 'provider', id },
        outcome: 'success',
        reason: 'changed in the directory with the old password',
      });
    } catch (failure) {
      await attempt.failed();
      throw await this.#refused(failure, { id, context, username });
    }
  }

  /** Where the browser goes to sign out at the provider too. */
  async endSession(loginDigest: string): Promise<string | undefined> {
    const { store, registry, keys, refresh } = this.#parts;
    const login = await store.now.providers.findLogin(loginDigest);
    if (login === undefined) return undefined;
    await refresh.forget(loginDigest);
    try {
      const { provider } = await registry.redirecting(login.providerId);
      using bytes = login.hint && (await keys.unwrap(login.hint, hintContext(login.providerId)));
      const hint = bytes && new Secret(new TextDecoder().decode(bytes.reveal()));
      return await provider.endSession(hint, this.addresses(login.providerId));
    } catch (failure) {
      // Signing out here never waits for what is elsewhere.
      if (isFault(failure)) return undefined;
      throw failure;
    }
  }

  /** The provider's server says that somebody has signed out. Their logins here, and the sessions of these, end. @throws Fault NOT_FOUND, PROVIDER_REFUSED */
  async hearLogout(id: ProviderId, fields: Readonly<Record<string, string>>, address: string): Promise<void> {
    const { record, provider } = await this.#parts.registry.redirecting(id);
    await this.#endHeard(record, await provider.hearLogout(fields), address);
  }

  /** What a browser brings straight from the provider. Answers where it goes on to. @throws Fault NOT_FOUND, PROVIDER_REFUSED, PROVIDER_UNAVAILABLE */
  async hearAtDoor(id: ProviderId, message: DoorMessage, address: string): Promise<string> {
    const { store, registry, clock } = this.#parts;
    const { record, provider } = await registry.redirecting(id);
    if (provider.door === undefined) throw new Fault('NOT_FOUND', 'there is no such way to sign in');
    const at = this.addresses(id);
    const act = await provider.door.read(message, at);
    switch (act.act) {
      case 'complete': {
        // An answer that nobody asked for, or that comes twice, is not kept: the page says that the sign-in is lost.
        const given = { stateDigest: digestOf(act.state), providerId: id, answer: act.answer };
        const isKept = await store.now.providers.keepAnswer(given, clock.now());
        return isKept ? `${at.returnTo}?${new URLSearchParams({ state: act.state }).toString()}` : at.returnTo;
      }
      case 'logout':
        await this.#endHeard(record, act.logout, address);
        return act.goTo ?? at.signedOut;
      case 'signed-out':
        return at.signedOut;
    }
  }

  /** What the provider's administrator needs of us. @throws Fault NOT_FOUND */
  async metadata(id: ProviderId): Promise<{ readonly type: string; readonly text: string }> {
    const { provider } = await this.#parts.registry.known(id);
    if (provider.way !== 'redirect' || provider.door === undefined)
      throw new Fault('NOT_FOUND', 'there is no such way to sign in');
    return provider.door.metadata(this.addresses(id));
  }

  async #endHeard(record: ProviderRecord, heard: HeardLogout, address: string): Promise<void> {
    const { store, audit, clock } = this.#parts;
    const { id } = record;
    if (heard.subject === undefined && heard.session === undefined)
      throw new Fault('PROVIDER_REFUSED', 'the message names nobody');
    if (!(await store.now.providers.spend(id, heard.id, heard.expiresAt + MINUTE)))
      throw new Fault('PROVIDER_REFUSED', 'the message was heard before');
    for (const loginDigest of await store.now.providers.loginsOf(id, heard)) {
      if (!(await store.now.logins.delete(loginDigest))) continue;
      await store.now.commands.post({ kind: 'end-login', loginDigest }, clock.now());
      const object = { kind: 'login', id: loginDigest.slice(0, 32) } as const;
      const ended = eventBy(record, { action: 'login.ended', object, reason: 'signed out at the provider' });
      await audit.append({ ...ended, address });
    }
  }

  /** A provider that is switched off or removed holds nobody's login. */
  async endAllOf({ providers, logins, commands }: StoreTransaction, id: ProviderId): Promise<void> {
    for (const loginDigest of await providers.loginsOf(id))
      if (await logins.delete(loginDigest))
        await commands.post({ kind: 'end-login', loginDigest }, this.#parts.clock.now());
  }

  #newValue(): string {
    return Buffer.from(this.#parts.random.bytes(VALUE_BYTES)).toString('base64url');
  }

  /** INVARIANT: what proves the attempt is made from the browser's cookie; the database alone is worth nothing to a thief. */
  #flowOf(id: ProviderId, { browser, state }: { readonly browser: string; readonly state: string }): SignInFlow {
    const derive = (use: string): string =>
      Buffer.from(hkdfSync('sha256', browser, state, `enchilada sign-in ${use} v1`, VALUE_BYTES)).toString('base64url');
    return {
      ...{ state, nonce: derive('nonce'), verifier: derive('verifier') },
      ...{ at: this.addresses(id), isFresh: state.startsWith(FRESH) },
    };
  }

  #wrap(hint: Secret, id: ProviderId) {
    return this.#parts.keys.wrap(new SecretBytes(new TextEncoder().encode(hint.reveal())), hintContext(id));
  }

  async #refused(
    failure: unknown,
    { id, context, username }: { readonly id: ProviderId; readonly context: OpenContext; readonly username?: string },
  ): Promise<Fault> {
    const { store, audit, clock } = this.#parts;
    const fault = toFault(failure);
    const { count } = await store.now.throttle.count(keyOf('refused', context), clock.now(), MINUTE);
    // A flood is audited up to its bound and then only refused.
    if (count <= REFUSED_PER_MINUTE)
      await audit.append({
        action: 'login.refused',
        actor: { kind: 'anonymous', ...(username === undefined ? {} : { name: username }) },
        address: context.address,
        object: { kind: 'provider', id },
        outcome: 'failure',
        reason: `${fault.code}: ${fault.message}`.slice(0, 500),
      });
    return fault;
  }

  async #count(what: string, context: OpenContext, most: number): Promise<void> {
    const { count } = await this.#parts.store.now.throttle.count(keyOf(what, context), this.#parts.clock.now(), MINUTE);
    if (count > most) throw tooMany();
  }

  async #peek(what: string, context: OpenContext, most: number): Promise<void> {
    const { store, clock } = this.#parts;
    if ((await store.now.throttle.peek(keyOf(what, context), clock.now(), MINUTE)) >= most) throw tooMany();
  }
}

/** Below which a provider finds us without a browser's cookie. */
export function doorPath(id: string): string {
  return `${API_PREFIX}/login/providers/${id}`;
}

function keyOf(what: string, { address }: OpenContext): string {
  return `provider-${what}:${createHash('sha256').update(networkOf(address)).digest('hex').slice(0, 40)}`;
}

function hintContext(id: ProviderId): string {
  return `provider logout hint ${id}`;
}

function tooMany(): Fault {
  return new Fault('THROTTLED', 'too many attempts, try again in 60 seconds', { facts: { retryAfterSeconds: 60 } });
}
