import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** What one sign-in of the hostile provider does otherwise than its standard says. */
export interface Lies {
  /** Changes the ID token's claims. */
  readonly claims?: (claims: JWTPayload) => JWTPayload;
  /** Makes the whole ID token by itself. */
  readonly idToken?: (claims: JWTPayload, honest: HonestParts) => Promise<string> | string;
  /** Changes the token endpoint's answer. */
  readonly tokens?: (answer: Record<string, unknown>) => Record<string, unknown>;
  readonly userinfo?: Record<string, unknown>;
  readonly metadata?: (metadata: Record<string, unknown>) => Record<string, unknown>;
}

export interface HonestParts {
  readonly issuer: string;
  readonly sign: (claims: JWTPayload, header?: Record<string, unknown>) => Promise<string>;
  readonly publicKey: CryptoKey;
}

/** An OpenID provider of our own that obeys a test: what a real one never says, it says. */
export class HostileIssuer implements AsyncDisposable {
  lies: Lies = {};
  /** The nonce that the next ID token carries, as a provider remembers it from the authorization request. */
  nonce = '';
  readonly requests: URLSearchParams[] = [];
  readonly #server: Server;
  readonly honest: HonestParts;

  private constructor(server: Server, honest: HonestParts) {
    this.#server = server;
    this.honest = honest;
  }

  static async start(): Promise<HostileIssuer> {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
    let self: HostileIssuer | undefined;
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        void self?.answer(request.url ?? '', Buffer.concat(chunks).toString(), jwk).then((body) => {
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    self = new HostileIssuer(server, {
      issuer,
      publicKey,
      sign: (claims, header = {}) =>
        new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header }).sign(privateKey),
    });
    return self;
  }

  get issuer(): string {
    return this.honest.issuer;
  }

  async answer(path: string, body: string, jwk: Record<string, unknown>): Promise<unknown> {
    const { issuer } = this;
    if (path === '/.well-known/openid-configuration') {
      const metadata = {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        userinfo_endpoint: `${issuer}/me`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        authorization_response_iss_parameter_supported: true,
      };
      return this.lies.metadata?.(metadata) ?? metadata;
    }
    if (path === '/jwks') return { keys: [jwk] };
    if (path === '/me') return this.lies.userinfo ?? { sub: 'mallory' };
    this.requests.push(new URLSearchParams(body));
    const now = Math.floor(Date.now() / 1000);
    const honest = {
      ...{ iss: issuer, sub: 'mallory', aud: 'bastion', iat: now, exp: now + 300, nonce: this.nonce },
      ...{ preferred_username: 'mallory', groups: ['ops'] },
    };
    const claims = this.lies.claims?.(honest) ?? honest;
    const idToken = await (this.lies.idToken?.(claims, this.honest) ?? this.honest.sign(claims));
    const answer = { access_token: 'at', token_type: 'Bearer', expires_in: 60, id_token: idToken };
    return this.lies.tokens?.(answer) ?? answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
