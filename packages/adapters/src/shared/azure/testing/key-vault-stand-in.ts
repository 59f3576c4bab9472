import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';

const AUDIENCE = 'https://vault.azure.net';

interface KeyVersion {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/**
 * Keys and secrets of a Key Vault and a managed identity's endpoint on loopback, in the wire format of the documentation and strict: tokens and their
 * audience, api-version, permissions by operation, versions. It is no emulator: it refuses every other request.
 */
export class KeyVaultStandIn implements AsyncDisposable {
  readonly certificate = new LoopbackCertificate();
  /** Versions by name, the newest last. */
  readonly keys = new Map<string, Map<string, KeyVersion>>();
  /** Values by name and version, the newest last. */
  readonly secrets = new Map<string, Map<string, string>>();
  /** `keys/wrap`, `keys/unwrap`, `keys/read`, `secrets/read`. */
  readonly allowed = new Set(['keys/wrap', 'keys/unwrap', 'keys/read', 'secrets/read']);
  isThrottling = false;
  /** Answers nothing, ever. */
  isSilent = false;
  /** Answers with this instead. */
  raw: { readonly status: number; readonly body: string; readonly location?: string } | undefined;
  readonly calls: string[] = [];
  readonly #tokens = new Map<string, string>();
  readonly #secret = randomBytes(16).toString('hex');
  readonly #vault: Server;
  readonly #identity: Server;

  private constructor() {
    const { cert, key } = this.certificate;
    this.#vault = createServer({ cert, key }, (request, response) => void this.#serve(request, response));
    this.#identity = createHttpServer((request, response) => {
      this.#issue(request, response);
    });
  }

  static async start(): Promise<KeyVaultStandIn> {
    const standIn = new KeyVaultStandIn();
    for (const server of [standIn.#vault, standIn.#identity])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return standIn;
  }

  get url(): string {
    return `https://127.0.0.1:${portOf(this.#vault)}`;
  }

  /** What makes a process take its identity from here. */
  get environment(): Readonly<Record<string, string>> {
    return {
      IDENTITY_ENDPOINT: `http://127.0.0.1:${portOf(this.#identity)}/msi/token`,
      IDENTITY_HEADER: this.#secret,
      NODE_EXTRA_CA_CERTS: this.certificate.certFile,
    };
  }

  /** A new version of a key, which wraps from now on. */
  rotate(name: string): void {
    const versions = this.keys.get(name) ?? new Map<string, KeyVersion>();
    versions.set(randomBytes(16).toString('hex'), generateKeyPairSync('rsa', { modulusLength: 2_048 }));
    this.keys.set(name, versions);
  }

  put(name: string, value: string): string {
    const version = randomBytes(16).toString('hex');
    const versions = this.secrets.get(name) ?? new Map<string, string>();
    this.secrets.set(name, versions.set(version, value));
    return version;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#vault, this.#identity]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    this.certificate[Symbol.dispose]();
  }

  /** https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference */
  #issue(request: IncomingMessage, response: ServerResponse): void {
    const resource = new URL(request.url ?? '/', 'http://localhost').searchParams.get('resource') ?? '';
    if (request.headers['x-identity-header'] !== this.#secret) {
      answer(response, 401, {});
      return;
    }
    const exp = Math.floor(Date.now() / 1_000) + 3_600;
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'none', typ: 'JWT' })}.${part({ aud: resource, exp, jti: randomUUID() })}.stand-in`;
    this.#tokens.set(token, resource.replace(/\/$/u, ''));
    answer(response, 200, { access_token: token, expires_on: String(exp), resource, token_type: 'Bearer' });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', this.url);
    this.calls.push(`${request.method ?? ''} ${url.pathname}`);
    if (this.isSilent) return;
    const audience = this.#tokens.get((request.headers.authorization ?? '').replace(/^Bearer /u, ''));
    if (this.raw !== undefined) {
      const { status, body, location } = this.raw;
      response.writeHead(status, location === undefined ? {} : { location });
      response.end(body);
    } else if (audience !== AUDIENCE)
      refuse(response, 401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.');
    else if (url.searchParams.get('api-version') !== '7.4')
      refuse(response, 400, 'BadParameter', 'api-version must be specified');
    else if (this.isThrottling) {
      response.setHeader('retry-after', '0');
      refuse(response, 429, 'Throttled', 'Request was not processed because too many requests were received.');
    } else if (url.pathname.startsWith('/secrets/') && request.method === 'GET') this.#secretOf(url, response);
    else if (url.pathname.startsWith('/keys/'))
      this.#useKey({ method: request.method ?? '', url, body: Buffer.concat(chunks).toString() }, response);
    else refuse(response, 405, 'MethodNotAllowed', 'not known here');
  }

  #permitted(operation: string, response: ServerResponse): boolean {
    if (this.allowed.has(operation)) return true;
    refuse(
      response,
      403,
      'Forbidden',
      `Caller is not authorized to perform action on resource. Action: 'Microsoft.KeyVault/vaults/${operation}'`,
    );
    return false;
  }

  #secretOf(url: URL, response: ServerResponse): void {
    const [, , name = '', version] = decodeURIComponent(url.pathname).split('/');
    if (!this.#permitted('secrets/read', response)) return;
    const versions = this.secrets.get(name);
    const id = version ?? [...(versions?.keys() ?? [])].at(-1) ?? '';
    const value = versions?.get(id);
    if (value === undefined)
      refuse(response, 404, 'SecretNotFound', `A secret with (name/id) ${name} was not found in this key vault.`);
    else answer(response, 200, { value, id: `${this.url}/secrets/${name}/${id}`, attributes: { enabled: true } });
  }

  #useKey({ method, url, body }: { method: string; url: URL; body: string }, response: ServerResponse): void {
    const [, , name = '', version, action] = url.pathname.split('/');
    const versions = this.keys.get(name) ?? new Map<string, KeyVersion>();
    if (method === 'GET' && version === undefined) {
      if (!this.#permitted('keys/read', response)) return;
      const newest = [...versions.keys()].at(-1);
      if (newest === undefined) refuse(response, 404, 'KeyNotFound', `A key with (name/id) ${name} was not found`);
      else answer(response, 200, { key: { kid: `${this.url}/keys/${name}/${newest}`, kty: 'RSA' } });
      return;
    }
    const key = versions.get(version ?? '');
    if (method !== 'POST' || (action !== 'wrapkey' && action !== 'unwrapkey')) {
      refuse(response, 405, 'MethodNotAllowed', 'not known here');
      return;
    }
    if (!this.#permitted(action === 'wrapkey' ? 'keys/wrap' : 'keys/unwrap', response)) return;
    const { alg, value = '' } = JSON.parse(body) as { alg?: string; value?: string };
    const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    const given = Buffer.from(value, 'base64url');
    if (key === undefined || alg !== 'RSA-OAEP-256') {
      refuse(
        response,
        key === undefined ? 404 : 400,
        'KeyNotFound',
        `A key with (name/id) ${name}/${version ?? ''} was not found`,
      );
      return;
    }
    try {
      const done =
        action === 'wrapkey'
          ? publicEncrypt({ key: key.publicKey, ...padding }, given)
          : privateDecrypt({ key: key.privateKey, ...padding }, given);
      answer(response, 200, { kid: `${this.url}/keys/${name}/${version ?? ''}`, value: done.toString('base64url') });
    } catch {
      refuse(response, 400, 'BadParameter', 'The parameter is incorrect.');
    }
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  answer(response, status, { error: { code, message } });
}
