import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type {
  AssertedLogin,
  AssertedPerson,
  HeardLogout,
  ProviderAddresses,
  ProviderSettings,
  RedirectProvider,
  RefreshVerdict,
  SignInFlow,
} from '@enchilada/core/identity';
import { createRemoteJWKSet, customFetch as joseFetch, decodeProtectedHeader, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { ALGORITHMS, believed, wordsOf } from '../shared/believed.ts';
import { boundedFetch } from '../shared/bounded-fetch.ts';
import { isLoopback } from '../shared/loopback.ts';
import { type Claims, claimOf, holds, listOf, textOf, tokenHash } from './claims.ts';
import { type OidcConfig, readConfig } from './oidc-config.ts';
import { askedAgain, heard, keepingNext, requireCalm } from './oidc-refresh.ts';
import { attributesOf } from '../shared/name-attributes.ts';

const TIMEOUT_SECONDS = 10;
const KNOWN_MS = 60 * 60_000;
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const MESSAGE_AGE = '5 minutes';
const MESSAGE_AGE_MS = 5 * 60_000;

/** OpenID Connect: authorization code with PKCE, state, nonce, issuer and signature (Core 1.0, RFC 9700, RFC 9207). */
export class OidcProvider implements RedirectProvider {
  readonly way = 'redirect';
  readonly #config: OidcConfig;
  readonly #secret: Secret | undefined;
  #known: { readonly since: number; readonly configuration: Promise<client.Configuration> } | undefined;
  #keys: { readonly uri: string; readonly set: ReturnType<typeof createRemoteJWKSet> } | undefined;

  constructor({ parameters, secret }: ProviderSettings) {
    this.#config = readConfig(parameters);
    this.#secret = secret;
  }

  async begin({ state, nonce, verifier, at, isFresh }: SignInFlow): Promise<string> {
    const configuration = await this.#discover();
    return client.buildAuthorizationUrl(configuration, {
      redirect_uri: at.returnTo,
      scope: scopesOf(this.#config).join(' '),
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      // OpenID Connect Core section 3.1.2.1; `max_age` makes the provider say when.
      ...(isFresh ? { max_age: '0' } : {}),
      ...this.#promptOf(isFresh),
      ...(this.#config.offline === 'access-type' ? { access_type: 'offline' } : {}),
    }).href;
  }

  async complete(answer: string, flow: SignInFlow): Promise<AssertedLogin> {
    const configuration = await this.#discover();
    const given = new URLSearchParams(answer);
    if (given.has('error')) {
      const error = textOf(given.get('error'))
        .replaceAll(/[^\x21-\x7e]/gu, '')
        .slice(0, 60);
      throw new Fault('PROVIDER_REFUSED', `the provider answered ${error}`, { facts: { error } });
    }
    const tokens = await believed(
      client.authorizationCodeGrant(configuration, new URL(`${flow.at.returnTo}?${answer}`), {
        expectedState: flow.state,
        expectedNonce: flow.nonce,
        pkceCodeVerifier: flow.verifier,
        idTokenExpected: true,
      }),
    );
    const claims: Claims = tokens.claims() ?? {};
    const idToken = tokens.id_token ?? '';
    this.#require(claims, { idToken, accessToken: tokens.access_token });
    const subject = textOf(claims['sub']);
    const more = this.#isWhole(claims, configuration)
      ? {}
      : await believed(client.fetchUserInfo(configuration, tokens.access_token, subject));
    const authenticatedAt = claims['auth_time'];
    const { factorMethods } = this.#config;
    return {
      person: this.#personOf(claims, more, subject),
      provedAt: typeof authenticatedAt === 'number' ? authenticatedAt * 1_000 : undefined,
      gaveSecondFactor: listOf(claims['amr']).some((method) => factorMethods.includes(method)),
      session: textOf(claims['sid']) || undefined,
      logoutHint: new Secret(idToken),
      ...(tokens.refresh_token === undefined ? {} : { refreshToken: new Secret(tokens.refresh_token) }),
    };
  }

  /** OpenID Connect Core section 12. An answer without an ID token speaks through the UserInfo endpoint, or of nothing but that the login stands. */
  async refresh(token: Secret, subject: string, keep: (next: Secret) => Promise<void>): Promise<RefreshVerdict> {
    const metadata = (await this.#discover()).serverMetadata();
    const kept = keepingNext(metadata.token_endpoint, keep);
    const configuration = this.#configured(metadata, async (address, init) => {
      const response = await boundedFetch(address, init);
      requireCalm(response);
      return kept(address, response);
    });
    const answer = await askedAgain(configuration, token);
    if ('error' in answer) return { outcome: 'withdrawn', error: answer.error };
    const { tokens } = answer;
    const claims: Claims = tokens.claims() ?? {};
    if (tokens.id_token !== undefined) {
      if (claims['sub'] !== subject) throw new Fault('PROVIDER_REFUSED', 'the ID token is of another person');
      this.#require(claims, { idToken: tokens.id_token, accessToken: tokens.access_token });
    }
    const isWhole = tokens.id_token !== undefined && this.#isWhole(claims, configuration);
    // With the subject that it must be of.
    const more: Claims | undefined =
      isWhole || metadata.userinfo_endpoint === undefined
        ? undefined
        : await heard(client.fetchUserInfo(configuration, tokens.access_token, subject));
    if (tokens.id_token === undefined && more === undefined) return { outcome: 'stands', person: undefined };
    return { outcome: 'stands', person: this.#personOf(claims, more ?? {}, subject) };
  }

  /** RFC 7009, where the provider offers it. */
  async revoke(token: Secret): Promise<void> {
    const configuration = await this.#discover();
    if (configuration.serverMetadata().revocation_endpoint === undefined) return;
    await heard(client.tokenRevocation(configuration, token.reveal(), { token_type_hint: 'refresh_token' }));
  }

  async endSession(hint: Secret | undefined, { signedOut }: ProviderAddresses): Promise<string | undefined> {
    if (!this.#config.signOutThere) return undefined;
    const configuration = await this.#discover();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    return client.buildEndSessionUrl(configuration, {
      post_logout_redirect_uri: signedOut,
      ...(hint === undefined ? {} : { id_token_hint: hint.reveal() }),
    }).href;
  }

  /** OpenID Connect Back-Channel Logout 1.0 section 2.6. */
  async hearLogout(fields: Readonly<Record<string, string>>): Promise<HeardLogout> {
    const configuration = await this.#discover();
    const token = fields['logout_token'] ?? '';
    const { payload } = await believed(
      jwtVerify(token, this.#keySet(configuration), {
        issuer: this.#config.issuerText,
        audience: this.#config.clientId,
        algorithms: ALGORITHMS,
        maxTokenAge: MESSAGE_AGE,
        clockTolerance: '30 seconds',
        requiredClaims: ['iat', 'jti', 'events'],
      }),
    );
    const { events, sub, sid, jti = '', iat = 0, nonce } = payload as Claims & typeof payload;
    const isLogout = typeof events === 'object' && events !== null && Object.hasOwn(events, LOGOUT_EVENT);
    const isType = ['', 'logout+jwt', 'jwt'].includes((decodeProtectedHeader(token).typ ?? '').toLowerCase());
    if (!isLogout || !isType || nonce !== undefined || jti === '')
      throw new Fault('PROVIDER_REFUSED', 'the message is no logout token');
    return {
      id: jti,
      subject: textOf(sub) || undefined,
      session: textOf(sid) || undefined,
      expiresAt: iat * 1_000 + MESSAGE_AGE_MS,
    };
  }

  #promptOf(isFresh: boolean): { readonly prompt?: string } {
    const isAsked = ['consent', 'access-type'].includes(this.#config.offline);
    const prompts = [...(isFresh ? ['login'] : []), ...(isAsked ? ['consent'] : [])];
    return prompts.length === 0 ? {} : { prompt: prompts.join(' ') };
  }

  /** Whether the ID token says all that is read, or there is nobody else to ask. */
  #isWhole(claims: Claims, configuration: client.Configuration): boolean {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return true;
    const { usernameClaim, groupsClaim, nameAttributes } = this.#config;
    return [usernameClaim, groupsClaim, ...nameAttributes].every((name) => claimOf(claims, name) !== undefined);
  }

  #personOf(claims: Claims, more: Claims, subject: string): AssertedPerson {
    const { usernameClaim, groupsClaim, nameAttributes } = this.#config;
    const read = (name: string): unknown => claimOf(claims, name) ?? claimOf(more, name);
    return {
      subject,
      username: textOf(read(usernameClaim)) || textOf(read('email')) || textOf(read('name')),
      displayName: textOf(read('name')),
      // An address that the person merely claims makes nobody of them.
      email: read('email_verified') === false ? undefined : textOf(read('email')) || undefined,
      groups: listOf(read(groupsClaim)),
      attributes: attributesOf(nameAttributes, (name) => listOf(read(name))),
    };
  }

  /** What the library leaves to its caller. @throws Fault PROVIDER_REFUSED */
  #require(claims: Claims, tokens: { readonly idToken: string; readonly accessToken: string }): void {
    const { issuerText, required } = this.#config;
    if (claims['iss'] !== issuerText) throw new Fault('PROVIDER_REFUSED', 'the ID token is of another issuer');
    const { alg = '' } = decodeProtectedHeader(tokens.idToken);
    const hash = claims['at_hash'];
    if (!ALGORITHMS.includes(alg) || (hash !== undefined && hash !== tokenHash(tokens.accessToken, alg)))
      throw new Fault('PROVIDER_REFUSED', 'the access token is not the one that the ID token names');
    const missing = required.find(([name, value]) => !holds(claims, name, value));
    if (missing !== undefined) throw new Fault('NOT_ADMITTED', `the claim ${missing[0]} does not say what is required`);
  }

  #keySet(configuration: client.Configuration): ReturnType<typeof createRemoteJWKSet> {
    const uri = configuration.serverMetadata().jwks_uri ?? '';
    if (this.#keys?.uri === uri) return this.#keys.set;
    if (!URL.canParse(uri)) throw new Fault('PROVIDER_UNAVAILABLE', 'the provider names no keys');
    const set = createRemoteJWKSet(new URL(uri), {
      timeoutDuration: TIMEOUT_SECONDS * 1_000,
      [joseFetch]: (address, init) => boundedFetch(address, init),
    });
    this.#keys = { uri, set };
    return set;
  }

  /** What the provider says of itself, kept for an hour; a failure is not kept. */
  async #discover(): Promise<client.Configuration> {
    const now = performance.now();
    if (this.#known !== undefined && now - this.#known.since < KNOWN_MS) return this.#known.configuration;
    const known = { since: now, configuration: this.#ask() };
    this.#known = known;
    try {
      return await known.configuration;
    } catch (failure) {
      if (this.#known === known) this.#known = undefined;
      throw failure;
    }
  }

  async #ask(): Promise<client.Configuration> {
    const { issuer, issuerText, clientId } = this.#config;
    let configuration: client.Configuration;
    try {
      configuration = await client.discovery(issuer, clientId, undefined, client.None(), {
        timeout: TIMEOUT_SECONDS,
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked to stand out; for this machine's own addresses alone
        execute: isLoopback(issuer) ? [client.allowInsecureRequests] : [],
        [client.customFetch]: (address, init) => boundedFetch(address, init as RequestInit),
      });
    } catch (cause) {
      throw new Fault('PROVIDER_UNAVAILABLE', `the provider does not say how it is used: ${wordsOf(cause)}`, { cause });
    }
    const metadata = configuration.serverMetadata();
    // INVARIANT: the issuer to the letter. A template for any tenant would let anybody's tenant sign in.
    if (metadata.issuer !== issuerText)
      throw new Fault('PROVIDER_UNAVAILABLE', `the provider calls itself ${metadata.issuer}, not ${issuerText}`);
    return this.#configured(metadata, boundedFetch);
  }

  #configured(
    metadata: ReturnType<client.Configuration['serverMetadata']>,
    fetchBounded: typeof boundedFetch,
  ): client.Configuration {
    const { issuer, clientId } = this.#config;
    const secret = this.#secret?.reveal();
    const how = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const authentication =
      secret === undefined
        ? client.None()
        : how.includes('client_secret_post')
          ? client.ClientSecretPost(secret)
          : client.ClientSecretBasic(secret);
    const known = new client.Configuration(metadata, clientId, { [client.clockTolerance]: 30 }, authentication);
    known.timeout = TIMEOUT_SECONDS;
    known[client.customFetch] = (address, init) => fetchBounded(address, init as RequestInit);
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- as above
    if (isLoopback(issuer)) client.allowInsecureRequests(known);
    client.enableNonRepudiationChecks(known);
    return known;
  }
}

function scopesOf({ scopes, offline }: OidcConfig): readonly string[] {
  const isMissing = ['scope', 'consent'].includes(offline) && !scopes.includes('offline_access');
  return isMissing ? [...scopes, 'offline_access'] : scopes;
}
