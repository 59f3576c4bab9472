import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OpenIdPerson {
  readonly name: string;
  readonly email?: string;
  readonly groups: readonly string[];
}

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** What is used of the package, which brings no types. */
type ProviderClass = new (
  issuer: string,
  configuration: Readonly<Record<string, unknown>>,
) => { callback(): Serve; on(event: string, heard: (context: unknown, error: unknown) => void): void };
interface TokenContext {
  readonly oidc: { readonly params?: { readonly grant_type?: string } };
}
const PACKAGE: string = 'oidc-provider';
const { default: Provider } = (await import(PACKAGE)) as { readonly default: ProviderClass };

/** A certified OpenID provider in this process. It takes any password: who somebody is there is not what is under test. */
export class OpenIdServer implements AsyncDisposable {
  readonly people = new Map<string, OpenIdPerson>();
  readonly clientId = 'bastion';
  readonly clientSecret = randomBytes(24).toString('hex');
  readonly issuer: string;
  /** Who is disabled there. */
  readonly disabled = new Set<string>();
  /** Every token request: what was asked for, and the answer's status. */
  readonly asked: { readonly grant: string; readonly status: number }[] = [];
  /** Every refresh token that it gave. */
  readonly given: string[] = [];
  /** Answers this in place of the token endpoint, while it is set. */
  trouble: number | undefined;
  /** Failures of messages to our server. */
  readonly failures: unknown[] = [];
  readonly #server: Server;
  #serve: Serve = (_request, response) => void response.writeHead(503).end();

  private constructor(server: Server) {
    this.#server = server;
    this.issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      if (request.url === '/token' && this.trouble !== undefined) response.writeHead(this.trouble).end();
      else this.#serve(request, response);
    });
  }

  static async start(): Promise<OpenIdServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const started = new OpenIdServer(server);
    started.register({
      returnTo: 'http://localhost/none',
      logoutTo: 'http://localhost/none',
      signedOut: 'http://localhost/none',
    });
    return started;
  }

  /** Makes our bastion known, in place of what it was known by before. */
  register(client: { readonly returnTo: string; readonly logoutTo: string; readonly signedOut: string }): void {
    const { people, disabled, asked, given } = this;
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: this.clientId,
          client_secret: this.clientSecret,
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: [client.returnTo],
          post_logout_redirect_uris: [client.signedOut],
          backchannel_logout_uri: client.logoutTo,
          backchannel_logout_session_required: true,
        },
      ],
      pkce: { required: () => true },
      claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email'] },
      features: { backchannelLogout: { enabled: true }, revocation: { enabled: true } },
      // Each token once: one that is shown again ends all that came of its sign-in (RFC 9700 section 4.14.2).
      rotateRefreshToken: true,
      cookies: { keys: [randomBytes(16).toString('hex')] },
      findAccount: (_context: unknown, id: string) =>
        disabled.has(id)
          ? undefined
          : {
              accountId: id,
              claims: () => {
                const person = people.get(id);
                return {
                  sub: id,
                  preferred_username: id,
                  name: person?.name ?? id,
                  groups: person?.groups ?? [],
                  email: person?.email,
                };
              },
            },
      // Its own refuses loopback addresses, and whoever has not heard of a sign-out within 2.5 s, as on a busy machine.
      fetch: (address: string, init: RequestInit & { dispatcher?: unknown }) => {
        const { dispatcher: _dispatcher, signal: _signal, ...rest } = init;
        return fetch(address, rest);
      },
    });
    const grantOf = (context: TokenContext): string => context.oidc.params?.grant_type ?? '';
    provider.on('grant.success', (context) => asked.push({ grant: grantOf(context as TokenContext), status: 200 }));
    provider.on('grant.error', (context) => asked.push({ grant: grantOf(context as TokenContext), status: 400 }));
    provider.on('refresh_token.saved', (token) => given.push((token as { readonly jti: string }).jti));
    provider.on('backchannel.error', (_context, error) => this.failures.push(error));
    provider.on('server_error', (_context, error) => this.failures.push(error));
    this.#serve = provider.callback();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
