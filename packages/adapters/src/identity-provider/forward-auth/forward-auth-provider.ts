import { parseAddress } from '@enchilada/core/access';
import { Fault } from '@enchilada/core/fault';
import type { AssertedLogin, ProviderSettings, ProxiedRequest, ProxyProvider } from '@enchilada/core/identity';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { ALGORITHMS, believed } from '../shared/believed.ts';
import { boundedFetch } from '../shared/bounded-fetch.ts';
import { type ProxyConfig, readConfig } from './forward-auth-config.ts';

const TIMEOUT_MS = 10_000;
const MOST_TOKEN = 16_000;
/** A proxy before us has signed people in and says in each request who it is (T12). */
export class TrustedProxy implements ProxyProvider {
  readonly way = 'proxy';
  readonly #config: ProxyConfig;
  readonly #keys: ReturnType<typeof createRemoteJWKSet> | undefined;

  constructor({ parameters }: ProviderSettings) {
    this.#config = readConfig(parameters);
    const { token } = this.#config;
    this.#keys =
      token &&
      createRemoteJWKSet(token.keysUrl, {
        timeoutDuration: TIMEOUT_MS,
        [customFetch]: (address, init) => boundedFetch(address, init),
      });
  }

  /** INVARIANT: by the address of the connection itself, which no header changes. */
  isBefore({ peer }: Pick<ProxiedRequest, 'peer'>): boolean {
    const bytes = parseAddress(peer);
    return bytes !== undefined && this.#config.peers.some((block) => isWithin(bytes, block));
  }

  async read(request: ProxiedRequest): Promise<AssertedLogin> {
    if (!this.isBefore(request))
      throw new Fault('PROVIDER_REFUSED', `the request came from ${request.peer}, which is not the proxy`);
    const { token, userHeader, nameHeader, groupsHeader } = this.#config;
    if (token !== undefined) return this.#readToken(request, token);
    const subject = only(request, userHeader);
    return asserted({
      subject,
      username: atMostOne(request, nameHeader) ?? subject,
      groups: (atMostOne(request, groupsHeader) ?? '')
        .split(',')
        .map((group) => group.trim())
        .filter((group) => group !== ''),
    });
  }

  async #readToken(request: ProxiedRequest, token: NonNullable<ProxyConfig['token']>): Promise<AssertedLogin> {
    const value = only(request, token.header).replace(/^bearer /iu, '');
    if (value.length > MOST_TOKEN || this.#keys === undefined)
      throw new Fault('PROVIDER_REFUSED', 'the token is too long');
    const { payload } = await believed(
      jwtVerify(value, this.#keys, {
        ...{
          issuer: token.issuer,
          audience: token.audience,
          algorithms: ALGORITHMS,
          clockTolerance: '30 seconds',
        },
        requiredClaims: ['sub', 'exp'],
      }),
    );
    const { sub = '', iat } = payload;
    if (sub === '') throw new Fault('PROVIDER_REFUSED', 'the token names nobody');
    const groups = payload[token.groupsClaim];
    const name = payload[token.usernameClaim];
    return asserted({
      subject: sub,
      username: typeof name === 'string' ? name : sub,
      groups: Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [],
      ...(typeof payload['name'] === 'string' ? { displayName: payload['name'] } : {}),
      ...(iat === undefined ? {} : { provedAt: iat * 1_000 }),
    });
  }
}

/** @throws Fault PROVIDER_REFUSED */
function only(request: ProxiedRequest, name: string): string {
  const value = atMostOne(request, name);
  if (value === undefined) throw new Fault('PROVIDER_REFUSED', `the header ${name} is missing or empty`);
  return value;
}

/** @throws Fault PROVIDER_REFUSED where the header comes twice: then somebody before the proxy has set it */
function atMostOne(request: ProxiedRequest, name: string): string | undefined {
  const values = request.headers(name);
  if (values.length > 1)
    throw new Fault('PROVIDER_REFUSED', `the header ${name} must come once, it came ${values.length} times`);
  return values[0]?.trim() || undefined;
}

function asserted(said: {
  readonly subject: string;
  readonly username: string;
  readonly displayName?: string;
  readonly groups: readonly string[];
  readonly provedAt?: number;
}): AssertedLogin {
  const { subject, username, groups, displayName = '', provedAt } = said;
  return {
    person: { subject, username, displayName, email: undefined, groups },
    ...{ provedAt, gaveSecondFactor: false, session: undefined, logoutHint: undefined },
  };
}

function isWithin(address: Uint8Array, block: ProxyConfig['peers'][number]): boolean {
  for (let bit = 0; bit < block.bits; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((address[bit >> 3] ?? 0) & mask) !== ((block.bytes[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}
