import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';

/**
 * The part of Vault's HTTP interface that is used here, on loopback, in the wire format of its documentation and strict: tokens, policies by
 * path, namespaces, deleted versions, sealing. It is no emulator: it refuses every other request.
 */
export class VaultStandIn implements AsyncDisposable {
  readonly certificate = new LoopbackCertificate();
  /** By `mount/path`; `undefined` is a deleted version. */
  readonly secrets = new Map<string, Readonly<Record<string, unknown>> | undefined>();
  /** Of each token, the paths that it may read. */
  readonly policies = new Map<string, readonly string[]>();
  readonly appRole = { roleId: randomUUID(), secretId: randomUUID(), reads: [] as string[] };
  namespace: string | undefined;
  isSealed = false;
  isThrottling = false;
  /** Answers nothing, ever. */
  isSilent = false;
  /** Answers calls like this never. */
  ignores: RegExp | undefined;
  /** Answers with this instead. */
  raw: string | undefined;
  /** Of the transit engine, versions by name; the newest encrypts. */
  readonly transitKeys = new Map<string, Buffer[]>();
  /** Signs for the role `ssh/sign/people`, as the test has it signed; an error is the role's refusal. */
  signKey: ((asked: SigningBody) => Promise<string | Error>) | undefined;
  readonly calls: string[] = [];
  /** Calls whose asker still waits. */
  readonly unanswered = new Set<string>();
  readonly revoked: string[] = [];
  readonly #server: Server;

  private constructor() {
    const { cert, key } = this.certificate;
    this.#server = createServer({ cert, key }, (request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<VaultStandIn> {
    const standIn = new VaultStandIn();
    await new Promise<void>((resolve) => standIn.#server.listen(0, '127.0.0.1', resolve));
    return standIn;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.certificate[Symbol.dispose]();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = (request.url ?? '').replace(/^\/v1\//u, '');
    const call = `${request.method ?? ''} ${path}`;
    this.calls.push(call);
    this.unanswered.add(call);
    response.once('close', () => this.unanswered.delete(call));
    const token = String(request.headers['x-vault-token'] ?? '');
    const answer = (status: number, body?: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    if (this.isSilent || this.ignores?.test(call) === true) return;
    if (this.raw !== undefined) response.end(this.raw);
    else if (this.isSealed) answer(503, { errors: ['Vault is sealed'] });
    else if (this.isThrottling) answer(429, { errors: ['request path "x": rate limit quota exceeded'] });
    else if (request.headers['x-vault-request'] !== 'true') answer(412, { errors: ['required header is missing'] });
    else if (request.headers['x-vault-namespace'] !== this.namespace) answer(404, { errors: ['no handler for route'] });
    else if (call === 'POST auth/approle/login')
      this.#login(JSON.parse(Buffer.concat(chunks).toString()) as object, answer);
    else if (!this.policies.has(token))
      answer(403, { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] });
    else if (call === 'POST auth/token/revoke-self') {
      this.policies.delete(token);
      this.revoked.push(token);
      answer(204);
    } else if (/^POST transit\/(?:en|de)crypt\/[^/]+$/u.test(call))
      this.#transit({ path, token, body: JSON.parse(Buffer.concat(chunks).toString()) as TransitBody }, answer);
    else if (call === 'POST ssh/sign/people')
      await this.#sign(token, JSON.parse(Buffer.concat(chunks).toString()) as SigningBody, answer);
    else if (request.method === 'GET') this.#read(path, token, answer);
    else answer(405, { errors: ['unsupported operation'] });
  }

  #login(body: { role_id?: string; secret_id?: string }, answer: (status: number, body?: object) => void): void {
    if (body.role_id !== this.appRole.roleId || body.secret_id !== this.appRole.secretId) {
      answer(400, { errors: ['invalid role or secret ID'] });
      return;
    }
    const token = `hvs.${randomUUID()}`;
    this.policies.set(token, this.appRole.reads);
    answer(200, { auth: { client_token: token, lease_duration: 60, renewable: true, token_type: 'service' } });
  }

  /** https://developer.hashicorp.com/vault/api-docs/secret/ssh#sign-ssh-key */
  async #sign(token: string, asked: SigningBody, answer: Answer): Promise<void> {
    const isWhole = [asked.public_key, asked.key_id, asked.valid_principals].every((text) => text !== '');
    if (this.policies.get(token)?.includes('ssh/sign/people') !== true)
      answer(403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] });
    else if (this.signKey === undefined || !isWhole || asked.cert_type !== 'user' || !/^\d+s$/u.test(asked.ttl))
      answer(400, { errors: ['unknown role or bad request'] });
    else {
      const signed = await this.signKey(asked);
      if (signed instanceof Error) answer(400, { errors: [signed.message] });
      else answer(200, { data: { serial_number: 'c0ffee', signed_key: `${signed}\n` } });
    }
  }

  /** https://developer.hashicorp.com/vault/api-docs/secret/transit#encrypt-data */
  #transit({ path, token, body }: { path: string; token: string; body: TransitBody }, answer: Answer): void {
    const [, action, name = ''] = path.split('/');
    const versions = this.transitKeys.get(name);
    if (this.policies.get(token)?.includes(path) !== true) {
      answer(403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] });
      return;
    }
    if (versions === undefined) {
      answer(400, { errors: ['encryption key not found'] });
      return;
    }
    const aad = Buffer.from(body.associated_data ?? '', 'base64');
    if (action === 'encrypt') {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', versions.at(-1) ?? '', nonce).setAAD(aad);
      const plain = Buffer.from(body.plaintext ?? '', 'base64');
      const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
      const ciphertext = `vault:v${versions.length}:${sealed.toString('base64')}`;
      answer(200, { data: { ciphertext, key_version: versions.length } });
      return;
    }
    try {
      const [, version = '', text = ''] = /^vault:v(\d+):(.+)$/u.exec(body.ciphertext ?? '') ?? [];
      const sealed = Buffer.from(text, 'base64');
      const key = versions[Number(version) - 1] ?? Buffer.alloc(0);
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(aad);
      decipher.setAuthTag(sealed.subarray(-16));
      const plain = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
      answer(200, { data: { plaintext: plain.toString('base64') } });
    } catch {
      answer(400, { errors: ['invalid ciphertext: unable to decrypt'] });
    }
  }

  #read(path: string, token: string, answer: (status: number, body?: object) => void): void {
    const place = decodeURIComponent(path).replace('/data/', '/');
    if (this.policies.get(token)?.includes(place) !== true) {
      answer(403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] });
      return;
    }
    const data = this.secrets.get(place);
    const metadata = { version: 1, destroyed: false, deletion_time: data === undefined ? '2026-01-01T00:00:00Z' : '' };
    if (data !== undefined) answer(200, { data: { data, metadata } });
    else if (this.secrets.has(place)) answer(404, { data: { data: null, metadata } });
    else answer(404, { errors: [] });
  }
}

type Answer = (status: number, body?: object) => void;

interface TransitBody {
  readonly plaintext?: string;
  readonly ciphertext?: string;
  readonly associated_data?: string;
}

export interface SigningBody {
  readonly public_key: string;
  readonly cert_type: string;
  readonly key_id: string;
  readonly valid_principals: string;
  readonly ttl: string;
  readonly critical_options: Readonly<Record<string, string>>;
  readonly extensions: Readonly<Record<string, string>>;
}
