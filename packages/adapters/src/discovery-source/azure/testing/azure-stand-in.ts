import { randomBytes, randomUUID } from 'node:crypto';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { NetworkInterface, PublicAddress, VirtualMachine } from '../machine-facts.ts';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';

const MANAGEMENT = 'https://management.azure.com';
const LONGEST_QUERY_PAGE = 1_000;

interface ScaleSet {
  readonly id: string;
  readonly mode: 'Uniform' | 'Flexible';
}

/**
 * Resource Manager, Resource Graph and a managed identity's endpoint on loopback, in the wire format that the SDK speaks. It is no emulator: it
 * knows the reads that discovery makes and refuses every other, checks tokens and their audience, pages, throttles with Retry-After, and
 * hides subscriptions that the identity may not see. It does not evaluate queries: it knows the five by the type they select.
 */
export class AzureStandIn implements AsyncDisposable {
  readonly certificate = new LoopbackCertificate();
  readonly subscriptions = new Map<string, string>();
  readonly machines = new Map<string, VirtualMachine>();
  readonly interfaces = new Map<string, NetworkInterface>();
  readonly publicAddresses = new Map<string, PublicAddress>();
  readonly scaleSets = new Map<string, ScaleSet>();
  /** Machines that Resource Graph does not know yet, or still knows. */
  readonly graphLacks = new Set<string>();
  readonly graphKeeps = new Map<string, VirtualMachine>();
  /** Subscriptions that the identity may not see. */
  readonly hidden = new Set<string>();
  /** 403 for every read by id. */
  denied = false;
  /** Of 1,000 calls of one path, evenly: whoever waits as told gets through. */
  throttledPerMille = 0;
  pageSize = LONGEST_QUERY_PAGE;
  /** The next answers of Resource Graph say so. */
  truncated = false;
  limitHit = false;
  /** Queries of Resource Graph in so many seconds; those beyond are refused and not told when to come again, but by the answers before. */
  quota: { readonly queries: number; readonly seconds: number } | undefined;
  /** Queries of Resource Graph are refused: the identity may not ask. */
  graphDenied = false;
  /** The service principal's secret, where one signs in. */
  readonly principal = { tenant: randomUUID(), clientId: randomUUID(), secret: randomBytes(16).toString('hex') };
  readonly calls: string[] = [];
  #quotaFrom = -Infinity;
  #queries = 0;
  readonly #tokens = new Map<string, string>();
  readonly #secret = randomBytes(16).toString('hex');
  readonly #manager: Server;
  readonly #identity: Server;
  readonly #throttle = new Map<string, number>();

  private constructor() {
    const { cert, key } = this.certificate;
    this.#manager = createServer(
      { cert, key },
      this.#listener((request, response) => this.#serve(request, response)),
    );
    this.#identity = createHttpServer(this.#listener((request, response) => this.#issue(request, response)));
  }

  static async start(): Promise<AzureStandIn> {
    const standIn = new AzureStandIn();
    for (const server of [standIn.#manager, standIn.#identity])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return standIn;
  }

  get url(): string {
    return `https://127.0.0.1:${portOf(this.#manager)}`;
  }

  /** What makes a process take its identity from here. */
  get environment(): Readonly<Record<string, string>> {
    return {
      IDENTITY_ENDPOINT: `http://127.0.0.1:${portOf(this.#identity)}/msi/token`,
      IDENTITY_HEADER: this.#secret,
      NODE_EXTRA_CA_CERTS: this.certificate.certFile,
    };
  }

  put(machine: VirtualMachine, address: string): void {
    const id = machine.id.toLowerCase();
    const nic = `${id.split('/providers/')[0] ?? ''}/providers/microsoft.network/networkinterfaces/${id.split('/').at(-1) ?? ''}-nic`;
    const subnet = {
      id: `${id.split('/providers/')[0] ?? ''}/providers/Microsoft.Network/virtualNetworks/hub/subnets/app`,
    };
    this.interfaces.set(nic, {
      id: nic,
      properties: {
        primary: true,
        virtualMachine: { id: machine.id },
        ipConfigurations: [{ properties: { primary: true, privateIPAddress: address, subnet } }],
      },
    });
    const networkProfile = { networkInterfaces: [{ id: nic }] };
    this.machines.set(id, { ...machine, properties: { vmId: randomUUID(), ...machine.properties, networkProfile } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#manager, this.#identity]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    this.certificate[Symbol.dispose]();
  }

  #listener(serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>): RequestListener {
    return (request, response) => {
      serve(request, response).catch((cause: unknown) => {
        answer(response, 500, { error: { code: 'StandIn', message: String(cause) } });
      });
    };
  }

  /** https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference */
  #issue(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const resource = new URL(request.url ?? '/', 'http://localhost').searchParams.get('resource') ?? '';
    if (request.headers['x-identity-header'] !== this.#secret) {
      answer(response, 401, {});
      return Promise.resolve();
    }
    const { token, expires } = this.#tokenFor(resource);
    answer(response, 200, { access_token: token, expires_on: String(expires), resource, token_type: 'Bearer' });
    return Promise.resolve();
  }

  /** https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow */
  #signIn(url: URL, form: URLSearchParams, response: ServerResponse): void {
    const { tenant, clientId, secret } = this.principal;
    const base = `${this.url}/${tenant}`;
    if (url.pathname === `/${tenant}/v2.0/.well-known/openid-configuration`)
      answer(response, 200, {
        ...{ issuer: `${base}/v2.0`, token_endpoint: `${base}/oauth2/v2.0/token`, jwks_uri: `${base}/keys` },
        ...{ authorization_endpoint: `${base}/oauth2/v2.0/authorize`, end_session_endpoint: `${base}/logout` },
      });
    else if (form.get('client_id') !== clientId || form.get('client_secret') !== secret)
      answer(response, 401, {
        error: 'invalid_client',
        error_description: 'AADSTS7000215: Invalid client secret provided.',
      });
    else {
      const scope = (form.get('scope') ?? '').split(' ').find((one) => one.endsWith('/.default')) ?? '';
      const { token } = this.#tokenFor(scope.replace(/\/\.default$/u, ''));
      answer(response, 200, { token_type: 'Bearer', expires_in: 3_600, access_token: token });
    }
  }

  #tokenFor(resource: string): { readonly token: string; readonly expires: number } {
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      aud: resource,
      iss: 'https://sts.windows.net/stand-in/',
      iat: now,
      nbf: now,
      exp: now + 3_600,
      jti: randomUUID(),
    };
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.stand-in`;
    this.#tokens.set(token, resource.replace(/\/$/u, ''));
    return { token, expires: claims.exp };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', this.url);
    if (url.pathname.startsWith(`/${this.principal.tenant}/`)) {
      this.#signIn(url, new URLSearchParams(Buffer.concat(chunks).toString()), response);
      return;
    }
    this.calls.push(`${request.method ?? ''} ${url.pathname}`);
    const audience = this.#tokens.get((request.headers.authorization ?? '').replace(/^Bearer /u, ''));
    if (audience !== MANAGEMENT) {
      answer(response, 401, { error: { code: 'InvalidAuthenticationToken', message: 'The access token is invalid.' } });
      return;
    }
    if (!/^\d{4}-\d{2}-\d{2}/u.test(url.searchParams.get('api-version') ?? '')) {
      answer(response, 400, { error: { code: 'MissingApiVersionParameter', message: 'The api-version is required.' } });
      return;
    }
    const throttle = (this.#throttle.get(url.pathname) ?? 0) + this.throttledPerMille;
    this.#throttle.set(url.pathname, throttle % 1_000);
    if (throttle >= 1_000) {
      response.setHeader('retry-after', '0');
      answer(response, 429, {
        error: { code: 'RateLimiting', message: 'Please provide below info when asking for support' },
      });
      return;
    }
    if (request.method === 'POST' && url.pathname === '/providers/Microsoft.ResourceGraph/resources')
      this.#query(JSON.parse(Buffer.concat(chunks).toString()) as GraphRequest, response);
    else if (request.method === 'GET') this.#read(url, response);
    else answer(response, 405, { error: { code: 'MethodNotAllowed', message: 'not known here' } });
  }

  #query({ query, subscriptions, managementGroups, options = {} }: GraphRequest, response: ServerResponse): void {
    const top = options.$top ?? 100;
    if (
      (subscriptions === undefined) === (managementGroups === undefined) ||
      top > LONGEST_QUERY_PAGE ||
      !/order by id asc$/u.test(query)
    ) {
      answer(response, 400, { error: { code: 'BadRequest', message: 'scope, page size or order' } });
      return;
    }
    if (this.graphDenied) {
      answer(response, 403, { error: { code: 'AuthorizationFailed', message: 'no authorization to query' } });
      return;
    }
    if (this.#isOverQuota(response)) return;
    const sees = (subscription: string): boolean =>
      !this.hidden.has(subscription) && (subscriptions === undefined || subscriptions.includes(subscription));
    const rows = this.#rows(/type =~ '([^']+)'/u.exec(query)?.[1] ?? '')
      .filter((row) => sees(row.id.startsWith('/') ? (row.id.split('/')[2] ?? '') : row.id))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const offset = Number(Buffer.from(options.$skipToken ?? '', 'base64').toString() || 0);
    const data = rows.slice(offset, offset + Math.min(top, this.pageSize));
    const end = offset + data.length;
    const next =
      end < rows.length && !this.truncated ? { $skipToken: Buffer.from(String(end)).toString('base64') } : {};
    if (this.limitHit) response.setHeader('x-ms-tenant-subscription-limit-hit', 'true');
    const resultTruncated = this.truncated ? 'true' : 'false';
    answer(response, 200, {
      totalRecords: rows.length,
      count: data.length,
      data,
      facets: [],
      resultTruncated,
      ...next,
    });
  }

  #isOverQuota(response: ServerResponse): boolean {
    const { queries, seconds } = this.quota ?? { queries: Infinity, seconds: 1 };
    const now = performance.now();
    if (now - this.#quotaFrom >= seconds * 1_000) {
      this.#quotaFrom = now;
      this.#queries = 0;
    }
    const isOver = this.#queries >= queries;
    if (!isOver) this.#queries++;
    const rest = Math.ceil(seconds - (now - this.#quotaFrom) / 1_000);
    response.setHeader('x-ms-user-quota-remaining', String(Math.min(14, queries - this.#queries)));
    response.setHeader('x-ms-user-quota-resets-after', new Date(rest * 1_000).toISOString().slice(11, 19));
    if (isOver) answer(response, 429, { error: { code: 'RateLimiting', message: 'the quota is used up' } });
    return isOver;
  }

  #rows(type: string): { readonly id: string }[] {
    switch (type) {
      case 'microsoft.resources/subscriptions':
        return [...this.subscriptions].map(([id, name]) => ({ id, name, state: 'Enabled' }));
      case 'microsoft.compute/virtualmachines':
        return [
          ...[...this.machines].filter(([id]) => !this.graphLacks.has(id) && !id.includes('scalesets')),
          ...this.graphKeeps,
        ].map(([id, machine]) => ({ ...machine, id, properties: graphed(machine) }));
      case 'microsoft.network/networkinterfaces':
        return [...this.interfaces].filter(([id]) => !id.includes('scalesets')).map(([id, one]) => ({ ...one, id }));
      case 'microsoft.network/publicipaddresses':
        return [...this.publicAddresses].map(([id, one]) => ({ ...one, id }));
      case 'microsoft.compute/virtualmachinescalesets':
        return [...this.scaleSets.values()].filter(({ mode }) => mode !== 'Flexible').map(({ id }) => ({ id }));
      default:
        throw new Error(`the stand-in knows no query of ${type}`);
    }
  }

  #read(url: URL, response: ServerResponse): void {
    const id = decodeURIComponent(url.pathname).toLowerCase();
    const subscription = id.split('/')[2] ?? '';
    if (this.denied || this.hidden.has(subscription)) {
      answer(response, 403, { error: { code: 'AuthorizationFailed', message: `no authorization to read ${id}` } });
      return;
    }
    const list = /^(.*\/virtualmachinescalesets\/[^/]+)\/(virtualmachines|networkinterfaces)$/u.exec(id);
    if (list !== null) {
      const [, set = '', what] = list;
      const all = [...(what === 'virtualmachines' ? this.machines : this.interfaces)].filter(([key]) =>
        key.startsWith(`${set}/`),
      );
      const offset = Number(url.searchParams.get('$skiptoken') ?? 0);
      const end = offset + Math.min(this.pageSize, 100);
      url.searchParams.set('$skiptoken', String(end));
      const more = end < all.length ? { nextLink: url.href } : {};
      answer(response, 200, { value: all.slice(offset, end).map(([, one]) => one), ...more });
      return;
    }
    const found = this.machines.get(id) ?? this.interfaces.get(id) ?? this.publicAddresses.get(id);
    if (found === undefined)
      answer(response, 404, { error: { code: 'ResourceNotFound', message: `${id} was not found` } });
    else answer(response, 200, found);
  }
}

interface GraphRequest {
  readonly query: string;
  readonly subscriptions?: readonly string[];
  readonly managementGroups?: readonly string[];
  readonly options?: { readonly $top?: number; readonly $skipToken?: string };
}

/** Resource Graph tells the power state in another place. */
function graphed({ properties = {} }: VirtualMachine): object {
  const { instanceView, networkProfile: _networkProfile, ...rest } = properties;
  const code = instanceView?.statuses?.find((status) => status.code?.startsWith('PowerState/'))?.code;
  return { ...rest, extended: { instanceView: { powerState: { code } } } };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}
