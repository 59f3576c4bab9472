import { createHash } from 'node:crypto';
import type {
  PasskeyAssertion,
  PasskeyCreation,
  PasskeyCreationOptions,
  PasskeyRequestOptions,
} from '@enchilada/contract';
import type { AuditLog } from '@enchilada/core/audit';
import { type KeyEncryption, type Secret, SecretBytes } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type {
  Challenge,
  FactorProof,
  PasskeyCeremony,
  PasskeyFactor,
  PasskeyVerifier,
  SecondFactor,
  TotpFactor,
  User,
} from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { type Clock, type RandomSource, randomId } from '@enchilada/core/time';
import { networkOf } from '../http/client-address.ts';
import type { SignInThrottle } from './throttle.ts';
import { matchingSteps, toBase32, totpUri } from './totp.ts';

const MINUTE = 60_000;
const CHALLENGE_MS = 5 * MINUTE;
const UNCONFIRMED_MS = 15 * MINUTE;
const CHALLENGE_BYTES = 32;
/** RFC 4226 section 4 recommends 160 bits. */
const SEED_BYTES = 20;
const MOST_FACTORS = 20;
const RECOVERY_CODES = 10;
const RECOVERY_BYTES = 10;
/** Challenges that one address may ask for in a minute before anybody has said who they are. */
const STRANGERS_CHALLENGES = 60;
/** ES256, EdDSA, RS256 (COSE algorithm registry). */
const ALGORITHMS = [-7, -8, -257];
const ISSUER = 'Enchilada';

/** The name that passkeys are bound to, and the origins that may use them. */
export interface RelyingParty {
  readonly id: string;
  readonly origins: readonly string[];
}

export interface SecondFactorParts {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly keys: KeyEncryption;
  readonly passkeys: PasskeyVerifier;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly throttle: SignInThrottle;
  /** Known once the port is. */
  readonly relyingParty: () => RelyingParty;
}

/** Browsers bind passkeys to names: at a bare address there are none (WebAuthn section 5.1.2: a valid domain). */
function takesPasskeys({ id }: RelyingParty): boolean {
  return !/^[\d.]+$|:/u.test(id);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function refused(): Fault {
  return new Fault('FACTOR_REFUSED', 'the second factor is not valid');
}

/** What people have beside their password: authenticator apps, passkeys, recovery codes. */
export class SecondFactors {
  readonly #parts: SecondFactorParts;

  constructor(parts: SecondFactorParts) {
    this.#parts = parts;
  }

  get takesPasskeys(): boolean {
    return takesPasskeys(this.#parts.relyingParty());
  }

  /** Those that the person has shown to hold. */
  async listOf(userId: string): Promise<readonly SecondFactor[]> {
    return (await this.#parts.store.now.secondFactors.listOf(userId)).filter(
      ({ confirmedAt }) => confirmedAt !== undefined,
    );
  }

  /** A code of an app, or a recovery code. Counted like passwords, apart from them. @throws Fault FACTOR_REFUSED, THROTTLED */
  async proveByCode(user: User, typed: Secret, address: string): Promise<FactorProof> {
    const { throttle } = this.#parts;
    const attempt = await throttle.begin(`factor ${user.id}`, address);
    let proof: FactorProof | undefined;
    try {
      const code = typed.reveal().replaceAll(/[\s-]/gu, '').toLowerCase();
      if (/^\d{6}$/u.test(code)) proof = (await this.#matchTotp(user, code)) ? 'totp' : undefined;
      else if (await this.#spendRecoveryCode(user, code, address)) proof = 'recovery-code';
    } catch (failure) {
      await attempt.failed();
      throw failure;
    }
    if (proof === undefined) {
      await attempt.failed();
      throw refused();
    }
    await attempt.succeeded();
    return proof;
  }

  /** What a browser is asked: for one person's passkeys, or, before sign-in, for any that it has. */
  async passkeyRequest(whose: { readonly user: User } | { readonly address: string }): Promise<PasskeyRequestOptions> {
    const { store, clock } = this.#parts;
    if ('address' in whose) {
      const { count } = await store.now.throttle.count(
        `passkey-options ${networkOf(whose.address)}`,
        clock.now(),
        MINUTE,
      );
      if (count > STRANGERS_CHALLENGES)
        throw new Fault('THROTTLED', 'too many attempts, try again in 60 seconds', {
          facts: { retryAfterSeconds: 60 },
        });
    }
    const user = 'user' in whose ? whose.user : undefined;
    const factors = user === undefined ? [] : await this.listOf(user.id);
    return {
      challenge: await this.#challenge(user === undefined ? 'passkey-sign-in' : 'passkey-verify', user?.id),
      rpId: this.#relyingParty().id,
      timeout: CHALLENGE_MS,
      allowCredentials: factors.filter(isPasskey).map(descriptor),
      userVerification: 'required',
    };
  }

  /** Whose passkey answered. @throws Fault FACTOR_REFUSED */
  async proveByPasskey(assertion: PasskeyAssertion, user: User | undefined): Promise<string> {
    const { store, clock, passkeys } = this.#parts;
    const ceremony = await this.#redeem(
      assertion.clientDataJSON,
      user === undefined ? 'passkey-sign-in' : 'passkey-verify',
      user?.id,
    );
    const factor = await store.now.secondFactors.findPasskey(assertion.credentialId);
    if (factor?.kind !== 'passkey' || factor.confirmedAt === undefined) throw refused();
    if (user !== undefined && factor.userId !== user.id) throw refused();
    if (assertion.userHandle !== undefined && assertion.userHandle !== handleOf(factor.userId)) throw refused();
    const counter = await passkeys.verifyAssertion(assertion, ceremony, factor);
    if (!(await store.now.secondFactors.useCounter(factor.id, counter, clock.now()))) throw refused();
    return factor.userId;
  }

  async startTotp(user: User): Promise<{ readonly id: string; readonly secret: string; readonly uri: string }> {
    const { store, keys, clock, random } = this.#parts;
    await this.#makeRoom(user);
    const id = `fac_${randomId(random)}`;
    using seed = new SecretBytes(random.bytes(SEED_BYTES));
    const factor: TotpFactor = {
      id,
      kind: 'totp',
      userId: user.id,
      name: '',
      createdAt: clock.now(),
      confirmedAt: undefined,
      lastUsedAt: undefined,
      seed: await keys.wrap(seed, seedContext(id, user.id)),
    };
    await store.now.secondFactors.insert(factor);
    return { id, secret: toBase32(seed.reveal()), uri: totpUri(seed.reveal(), ISSUER, user.username) };
  }

  /** @throws Fault NOT_FOUND, FACTOR_REFUSED, THROTTLED */
  async confirmTotp(
    user: User,
    answer: { readonly id: string; readonly code: Secret; readonly name: string },
    address: string,
  ): Promise<void> {
    const { store, clock, throttle } = this.#parts;
    const factor = await store.now.secondFactors.find(answer.id);
    const now = clock.now();
    if (
      factor?.kind !== 'totp' ||
      factor.userId !== user.id ||
      factor.confirmedAt !== undefined ||
      now - factor.createdAt > UNCONFIRMED_MS
    )
      throw new Fault('NOT_FOUND', 'there is no such object');
    const attempt = await throttle.begin(`factor ${user.id}`, address);
    const code = answer.code.reveal().replaceAll(/\s/gu, '');
    if (!(await this.#useTotp(factor, code)) || !(await store.now.secondFactors.confirm(factor.id, answer.name, now))) {
      await attempt.failed();
      throw refused();
    }
    await attempt.succeeded();
  }

  async passkeyCreation(user: User): Promise<PasskeyCreationOptions> {
    await this.#makeRoom(user);
    const { id } = this.#relyingParty();
    return {
      rp: { id, name: ISSUER },
      user: { id: handleOf(user.id), name: user.username, displayName: user.displayName },
      challenge: await this.#challenge('passkey-enrol', user.id),
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      timeout: CHALLENGE_MS,
      excludeCredentials: (await this.listOf(user.id)).filter(isPasskey).map(descriptor),
      authenticatorSelection: { residentKey: 'preferred', requireResidentKey: false, userVerification: 'required' },
      attestation: 'none',
    };
  }

  /** @throws Fault FACTOR_REFUSED, CONFLICT */
  async enrolPasskey(user: User, creation: PasskeyCreation, name: string): Promise<string> {
    const { store, clock, random, passkeys } = this.#parts;
    const ceremony = await this.#redeem(creation.clientDataJSON, 'passkey-enrol', user.id);
    const made = await passkeys.verifyCreation(creation, ceremony);
    const at = clock.now();
    const id = `fac_${randomId(random)}`;
    await store.now.secondFactors.insert({
      id,
      kind: 'passkey',
      userId: user.id,
      name,
      createdAt: at,
      confirmedAt: at,
      lastUsedAt: at,
      ...made,
    });
    return id;
  }

  /** Shown once: only digests are kept. */
  async newRecoveryCodes(user: User): Promise<string[]> {
    const { store, clock, random } = this.#parts;
    const codes = Array.from({ length: RECOVERY_CODES }, () => toBase32(random.bytes(RECOVERY_BYTES)).toLowerCase());
    await store.now.secondFactors.replaceRecoveryCodes(
      user.id,
      codes.map((code) => recoveryDigest(user.id, code)),
      clock.now(),
    );
    return codes.map((code) => code.replaceAll(/(.{4})(?=.)/gu, '$1-'));
  }

  async #matchTotp(user: User, code: string): Promise<boolean> {
    for (const factor of await this.listOf(user.id))
      if (factor.kind === 'totp' && (await this.#useTotp(factor, code))) return true;
    return false;
  }

  /** INVARIANT: of all attempts with the code of one step, over all nodes, one is accepted (RFC 6238 section 5.2). */
  async #useTotp(factor: TotpFactor, code: string): Promise<boolean> {
    const { store, keys, clock } = this.#parts;
    using seed = await keys.unwrap(factor.seed, seedContext(factor.id, factor.userId));
    const now = clock.now();
    for (const step of matchingSteps(seed, code, now))
      if (await store.now.secondFactors.useStep(factor.id, step, now)) return true;
    return false;
  }

  async #spendRecoveryCode(user: User, code: string, address: string): Promise<boolean> {
    const { store, audit } = this.#parts;
    if (!/^[a-z2-7]{16}$/u.test(code)) return false;
    if (!(await store.now.secondFactors.spendRecoveryCode(user.id, recoveryDigest(user.id, code)))) return false;
    await audit.append({
      action: 'recovery-code.used',
      actor: { kind: 'user', id: user.id, name: user.username },
      address,
      outcome: 'success',
      detail: { left: await store.now.secondFactors.countRecoveryCodes(user.id) },
    });
    return true;
  }

  #relyingParty(): RelyingParty {
    const party = this.#parts.relyingParty();
    if (!takesPasskeys(party))
      throw new Fault('CONFLICT', `passkeys need a host name, and this is served at ${party.id}`, {
        facts: { host: party.id },
      });
    return party;
  }

  /** Forgets what was begun and never confirmed. @throws Fault CONFLICT */
  async #makeRoom(user: User): Promise<void> {
    const { secondFactors } = this.#parts.store.now;
    const all = await secondFactors.listOf(user.id);
    for (const factor of all) if (factor.confirmedAt === undefined) await secondFactors.delete(factor.id);
    if (all.filter(({ confirmedAt }) => confirmedAt !== undefined).length >= MOST_FACTORS)
      throw new Fault('CONFLICT', `nobody may have more than ${MOST_FACTORS} second factors`);
  }

  async #challenge(purpose: Challenge['purpose'], userId: string | undefined): Promise<string> {
    const { store, clock, random } = this.#parts;
    const challenge = Buffer.from(random.bytes(CHALLENGE_BYTES)).toString('base64url');
    const expiresAt = clock.now() + CHALLENGE_MS;
    await store.now.challenges.insert({ digest: sha256(challenge), purpose, userId, expiresAt });
    return challenge;
  }

  /** INVARIANT: a challenge is answered once, over all nodes. */
  async #redeem(
    clientDataJSON: string,
    purpose: Challenge['purpose'],
    userId: string | undefined,
  ): Promise<PasskeyCeremony> {
    const { store, clock } = this.#parts;
    const challenge = challengeIn(clientDataJSON);
    const found =
      challenge === undefined ? undefined : await store.now.challenges.redeem(sha256(challenge), purpose, clock.now());
    if (challenge === undefined || found === undefined || found.userId !== userId) throw refused();
    const { id, origins } = this.#relyingParty();
    return { challenge, origins, relyingPartyId: id };
  }
}

/** Read to find the row only; the verifier compares it again. */
function challengeIn(clientDataJSON: string): string | undefined {
  try {
    const { challenge } = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8')) as {
      challenge?: unknown;
    };
    return typeof challenge === 'string' ? challenge : undefined;
  } catch {
    return undefined;
  }
}

function isPasskey(factor: SecondFactor): factor is PasskeyFactor {
  return factor.kind === 'passkey';
}

function descriptor({ credentialId, transports }: PasskeyFactor) {
  return { id: credentialId, type: 'public-key' as const, transports: [...transports] };
}

/** The user handle (WebAuthn section 5.4.3): says nothing about the person. */
function handleOf(userId: string): string {
  return Buffer.from(userId).toString('base64url');
}

export function seedContext(factorId: string, userId: string): string {
  return `second_factor:${factorId}:${userId}:seed`;
}

function recoveryDigest(userId: string, code: string): string {
  return sha256(`${userId}:${code}`);
}
