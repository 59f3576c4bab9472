import type { AuditEvent } from '@enchilada/core/audit';
import { type RowSealer, Secret, SecretBytes } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import type {
  NewRefreshToken,
  ProviderId,
  ProviderRecord,
  RefreshToken,
  RefreshVerdict,
} from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { type Clock, type RandomSource, randomId } from '@enchilada/core/time';
import type { Settlements } from '../settlement/settlements.ts';
import { bounded } from './asserted-person.ts';
import { eventBy } from './provider-events.ts';
import type { ProviderPeople } from './provider-people.ts';
import type { ProviderRegistry } from './provider-registry.ts';

/** Of one provider. */
const AT_ONCE = 8;
/** After this the rest of a provider's waits for the next run: however slow it is, the others are not kept waiting for all of it. */
const STINT_MS = 10_000;
/** Far beyond what the questions to a provider may take together, each of which ends after ten seconds. */
const LEASE_MS = 180_000;
/** A token is shown to the provider within this of being taken, or not at all. */
const SHOWN_WITHIN_MS = 60_000;
const FIRST_RETRY_MS = 15_000;
const KEEP_TRIES = 20;
const KEEP_PAUSE_MS = 1_000;
const MOST_REASON = 300;

export interface SignInRefreshParts {
  readonly store: Store;
  readonly registry: ProviderRegistry;
  readonly people: ProviderPeople;
  readonly settlements: Settlements;
  readonly rows: RowSealer;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly everyMs: number;
  /** Logins end that were without an answer for so long; absent: never by this. */
  readonly unansweredMs: number | undefined;
  readonly report: (message: string, cause: unknown) => void;
}

interface Asking {
  readonly record: ProviderRecord;
  readonly token: RefreshToken;
  /** What the provider gave that nobody is signed in with any more. */
  readonly left: Secret[];
}

/** One provider, asked about all who are due. */
interface Stint {
  /** Why it cannot be asked: the rest is not tried. */
  silence: Fault | undefined;
}

/**
 * Asks OpenID providers on a timer about the logins that rest on them, with the refresh tokens that they gave.
 * INVARIANT: a token is shown to its provider by one node at a time, and what the provider gives in its place is kept before the answer is judged:
 * one that is shown twice ends, at providers that rotate, all that came of the sign-in.
 */
export class SignInRefresh {
  readonly #parts: SignInRefreshParts;

  constructor(parts: SignInRefreshParts) {
    this.#parts = parts;
  }

  async sealed(token: Secret): Promise<NewRefreshToken> {
    const id = `rft_${randomId(this.#parts.random)}`;
    return { id, sealed: await this.#seal({ id, version: 1 }, token) };
  }

  /** When it is asked next: not at the moment at which all the others are. */
  get nextMs(): number {
    return this.#about(this.#parts.everyMs);
  }

  async run(): Promise<void> {
    const providers = await this.#parts.store.now.refreshTokens.due();
    await Promise.all(providers.map((id) => this.#ask(id)));
  }

  async #ask(id: ProviderId): Promise<void> {
    const { store, clock } = this.#parts;
    const stint: Stint = { silence: undefined };
    const begunAtMs = clock.monotonicMs();
    do {
      const takenAtMs = clock.monotonicMs();
      const taken = await store.now.refreshTokens.take(id, { leaseMs: LEASE_MS, limit: AT_ONCE });
      if (taken.length === 0) return;
      await Promise.all(taken.map((token) => this.#check(token, { stint, takenAtMs })));
    } while (clock.monotonicMs() - begunAtMs < STINT_MS);
  }

  /** The person signs out here: the provider hears that the token is used no more, or not. */
  async forget(loginDigest: string): Promise<void> {
    const token = await this.#parts.store.now.refreshTokens.release(loginDigest);
    if (token !== undefined) await this.#giveBack(token.providerId, () => this.#open(token));
  }

  async #giveBack(id: ProviderId, token: () => Promise<Secret>): Promise<void> {
    const { registry, report } = this.#parts;
    try {
      const { provider } = await registry.redirecting(id);
      await provider.revoke?.(await token());
    } catch (failure) {
      if (!isFault(failure)) throw failure;
      report('a refresh token could not be given back to its provider', failure);
    }
  }

  async #check(
    token: RefreshToken,
    { stint, takenAtMs }: { readonly stint: Stint; readonly takenAtMs: number },
  ): Promise<void> {
    const { store, registry, clock } = this.#parts;
    const record = await store.now.providers.find(token.providerId);
    if (record === undefined) return;
    const asking: Asking = { record, token, left: [] };
    const { silence } = stint;
    if (silence !== undefined) return this.#unanswered(asking, { fault: silence, isInDoubt: token.isInDoubt });
    let isShown = false;
    try {
      const { provider } = await registry.redirecting(record.id);
      if (provider.refresh === undefined) throw new Fault('PROVIDER_UNAVAILABLE', 'the provider cannot be asked');
      const plain = await this.#open(token);
      if (clock.monotonicMs() - takenAtMs > SHOWN_WITHIN_MS) {
        const reason = 'the gateway was too slow to ask';
        await store.now.refreshTokens.failed(token.id, {
          ...{ reason, isInDoubt: token.isInDoubt, dueInMs: FIRST_RETRY_MS },
        });
        return;
      }
      isShown = true;
      await this.#judge(asking, await provider.refresh(plain, token.subject, (next) => this.#keep(asking, next)));
    } catch (failure) {
      if (isFault(failure, 'NOT_FOUND')) return;
      if (isFault(failure, 'NOT_ADMITTED')) return await this.#notAdmitted(asking, failure.message);
      if (isFault(failure, 'PROVIDER_REFUSED'))
        return await this.#end(asking, `what the provider says of the person cannot be believed: ${failure.message}`);
      const isElsewhere = isFault(failure, 'KEY_UNAVAILABLE') || isFault(failure, 'CREDENTIAL_UNAVAILABLE');
      if (!isElsewhere && !isFault(failure, 'PROVIDER_UNAVAILABLE')) throw failure;
      if (!isElsewhere) stint.silence = failure;
      await this.#unanswered(asking, { fault: failure, isInDoubt: isShown || token.isInDoubt });
    } finally {
      for (const left of asking.left) await this.#giveBack(token.providerId, () => Promise.resolve(left));
    }
  }

  async #judge(asking: Asking, verdict: RefreshVerdict): Promise<void> {
    const { store, people, clock } = this.#parts;
    const { record, token } = asking;
    if (verdict.outcome === 'withdrawn') {
      const doubt = token.isInDoubt ? '; an earlier answer was lost, which may be the cause' : '';
      return this.#end(asking, `the provider no longer confirms the sign-in (${verdict.error}${doubt})`);
    }
    if (verdict.person !== undefined) {
      const judged = await people.renew(record, bounded(verdict.person));
      if (judged?.verdict.isAdmitted === false)
        return this.#notAdmitted(asking, 'no rule of the provider admits the person any more');
    }
    await store.now.refreshTokens.answered(token.id, { at: clock.now(), dueInMs: this.nextMs });
  }

  /** INVARIANT: nobody goes on by what a provider does not say, and nobody is out by its silence, but for the end that the configuration names. */
  async #unanswered(
    asking: Asking,
    { fault, isInDoubt }: { readonly fault: Fault; readonly isInDoubt: boolean },
  ): Promise<void> {
    const { store, clock, everyMs, unansweredMs, report } = this.#parts;
    const { record, token } = asking;
    if (unansweredMs !== undefined && clock.now() - token.answeredAt >= unansweredMs)
      return this.#end(asking, `the provider ${record.name} has not answered for too long: ${fault.message}`);
    const dueInMs = this.#about(Math.min(everyMs, FIRST_RETRY_MS * 2 ** Math.min(token.failures, 10)));
    const reason = `${fault.code}: ${fault.message}`.slice(0, MOST_REASON);
    await store.now.refreshTokens.failed(token.id, { reason, isInDoubt, dueInMs });
    if (token.failures === 0)
      report(`the provider ${record.name} could not be asked about a person who is signed in`, fault);
  }

  /** As a directory that has disabled somebody: the account is out until the provider, or a rule, lets it in again. */
  async #notAdmitted(asking: Asking, reason: string): Promise<void> {
    const { store, people } = this.#parts;
    const { record, token } = asking;
    const identity = await store.now.providers.findIdentity(record.id, token.subject);
    if (identity !== undefined) await people.suspend(record, identity);
    await this.#end(asking, reason);
  }

  /**
   * This login, and those of the person that cannot be asked about, end. The others of theirs are asked about at once: a token may end with one login
   * there, and then the person has not lost the rest.
   */
  async #end({ record, token }: Asking, reason: string): Promise<void> {
    const { settlements, clock } = this.#parts;
    const { providerId, subject } = token;
    await settlements.write(async (tx) => {
      // Before any login ends that would leave it to another.
      await tx.refreshTokens.remove(token.id);
      const askable = new Set(await tx.refreshTokens.loginsOf(providerId, subject));
      const all = await tx.providers.loginsOf(providerId, { subject, session: undefined });
      const events: AuditEvent[] = [];
      for (const loginDigest of all) {
        if (askable.has(loginDigest)) continue;
        const user = (await tx.logins.findWithUser(loginDigest))?.user;
        if (!(await tx.logins.delete(loginDigest))) continue;
        await tx.commands.post({ kind: 'end-login', loginDigest, isWithdrawn: true }, clock.now());
        const whose = user === undefined ? {} : { detail: { userId: user.id, username: user.username } };
        const object = { kind: 'login', id: loginDigest.slice(0, 32) } as const;
        events.push(eventBy(record, { action: 'login.ended', object, reason, ...whose }));
      }
      await tx.refreshTokens.hurry(providerId, subject);
      return { result: undefined, events };
    });
  }

  /** The token that was shown may be spent: this one is not given up because the database is away for a moment. */
  async #keep({ token, left }: Asking, next: Secret): Promise<void> {
    const { store, clock } = this.#parts;
    const version = token.version + 1;
    const sealed = await this.#seal({ id: token.id, version }, next);
    for (let tries = 1; ; tries++)
      try {
        // The login has ended meanwhile, and its token with it: the provider gave this one to nobody.
        if (!(await store.now.refreshTokens.replace(token, sealed))) left.push(next);
        return;
      } catch (failure) {
        if (!isFault(failure, 'STORE_UNAVAILABLE') || tries >= KEEP_TRIES) throw failure;
        await new Promise<void>((resolve) => {
          clock.after(KEEP_PAUSE_MS, resolve);
        });
      }
  }

  async #seal({ id, version }: Pick<RefreshToken, 'id' | 'version'>, token: Secret) {
    using plain = new SecretBytes(new TextEncoder().encode(token.reveal()));
    return await this.#parts.rows.seal({ kind: 'refresh-token', id, version }, plain);
  }

  async #open({ id, version, sealed }: RefreshToken): Promise<Secret> {
    using plain = await this.#parts.rows.open({ kind: 'refresh-token', id, version }, sealed);
    return new Secret(new TextDecoder().decode(plain.reveal()));
  }

  /** Up to a tenth earlier or later. */
  #about(ms: number): number {
    const [first = 0, second = 0] = this.#parts.random.bytes(2);
    return Math.round(ms * (0.9 + (0.2 * (first * 256 + second)) / 65_535));
  }
}
