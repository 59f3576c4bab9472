import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { envelopeRows } from '@enchilada/adapters/credential-vault/envelope';
import { openFileKeyEncryption } from '@enchilada/adapters/key-encryption/file';
import { webauthn } from '@enchilada/adapters/passkey-verifier/webauthn';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { makeSessionKeyPair } from '@enchilada/engines/ssh';
import { API_PREFIX, CSRF_HEADER } from '@enchilada/contract';
import type { AuditEvent, AuditLog } from '@enchilada/core/audit';
import {
  type CertificateAuthority,
  Secret,
  SecretBytes,
  type SecretStoreType,
  type WrappedKey,
} from '@enchilada/core/credential';
import type { EngineManifest, ProtocolEngine } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { FactorDemand, PasswordHasher, Role, User } from '@enchilada/core/identity';
import type { Notification } from '@enchilada/core/notification';
import type { Recorder, RecordingReader } from '@enchilada/core/recording';
import { DEFAULT_SESSION_LIMITS, SessionBroker } from '@enchilada/core/session';
import type { Store } from '@enchilada/core/store';
import { randomId, type RandomSource } from '@enchilada/core/time';
import { CloudSimulator } from '@enchilada/core/testing/cloud-simulator';
import { runningSha256 } from '@enchilada/core/testing/running-sha256';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import type { FastifyInstance } from 'fastify';
import { CatalogView, createHandlers, SettingsService } from '../api/index.ts';
import { ApiTokens } from '../auth/api-tokens.ts';
import { Bootstrap } from '../auth/bootstrap.ts';
import { Logins } from '../auth/logins.ts';
import { DeviceLogins } from '../auth/device-logins.ts';
import { Recovery } from '../auth/recovery.ts';
import { Courier } from '../notifications/courier.ts';
import { NewsDesk } from '../notifications/news-desk.ts';
import { AccessRequests } from '../requests/access-requests.ts';
import { ProviderPeople } from '../providers/provider-people.ts';
import { ProviderRegistry } from '../providers/provider-registry.ts';
import { ProviderSignIn } from '../providers/provider-sign-in.ts';
import { SignInRefresh } from '../providers/sign-in-refresh.ts';
import { Settlements } from '../settlement/settlements.ts';
import { serveProviderDoor } from '../http/provider-door.ts';
import { serveScim } from '../scim/scim-door.ts';
import { exampleProviders } from './example-providers.ts';
import { RefusalTally } from '../auth/refusal-tally.ts';
import { SecondFactors } from '../auth/second-factors.ts';
import { loadConfig } from '../config/index.ts';
import { openKeyRing } from '../credentials/key-ring.ts';
import { KeyRotation } from '../credentials/key-rotation.ts';
import { PersonalKeys } from '../credentials/personal-keys.ts';
import { SecretStores } from '../credentials/secret-stores.ts';
import { type DiscoveryParts, DiscoveryService } from '../discovery/discovery-service.ts';
import { addressMatcher, clientAddress } from '../http/client-address.ts';
import { createApp } from '../http/app.ts';
import { createLog } from '../http/log.ts';

export const ORIGIN = 'https://bastion.test';
export const PASSWORD = 'a long enough phrase';

/** Counts how often a password reached it; cheap, so that tests can guess a thousand times. */
class CountingHasher implements PasswordHasher {
  verified = 0;
  hash(password: Secret): Promise<string> {
    return Promise.resolve(createHash('sha256').update(password.reveal()).digest('hex'));
  }
  async verify(password: Secret, hash: string | undefined): Promise<boolean> {
    this.verified += 1;
    return (await this.hash(password)) === hash;
  }
}

class ListedAudit implements AuditLog {
  readonly events: AuditEvent[] = [];
  append(event: AuditEvent) {
    this.events.push(event);
    const hash = '0'.repeat(64);
    return Promise.resolve({ ...event, node: 'node-1', sequence: this.events.length, at: 0, previous: hash, hash });
  }
}

const random: RandomSource = { bytes: (length) => new Uint8Array(randomBytes(length)) };
export const MANIFEST: EngineManifest = {
  id: 'proto',
  label: { en: 'Proto', de: 'Proto' },
  surface: 'terminal',
  defaultPort: 2200,
  parameters: [
    {
      kind: 'boolean',
      name: 'weak',
      default: false,
      weakens: true,
      label: { en: 'Weak', de: 'Schwach' },
      group: { en: 'G', de: 'G' },
    },
    {
      kind: 'text',
      name: 'command',
      maxLength: 20,
      label: { en: 'Command', de: 'Befehl' },
      group: { en: 'G', de: 'G' },
    },
  ],
  credentialKinds: ['password', 'ask'],
  jumpHosts: true,
  carries: true,
  hostKeys: true,
};

const EXAMPLE_NOTIFIER = {
  kind: 'example',
  label: { en: 'Example', de: 'Beispiel' },
  parameters: [],
  secret: { label: { en: 'S', de: 'S' }, help: { en: 'S', de: 'S' }, required: false },
};

const recordings: RecordingReader = {
  describe: (id) =>
    Promise.resolve({
      id,
      description: {
        sessionId: 'ses_x',
        user: { id: 'usr_x', name: 'x', address: '192.0.2.1' },
        target: { id: 'tgt_x', name: 'x', address: 'x' },
        protocol: 'proto',
        surface: 'terminal',
        policy: { strict: true, input: 'off' },
        node: 'node-1',
        softwareVersion: '0',
        startedAt: 0,
      },
      state: 'COMPLETE',
      chunks: 1,
      durationMs: 1,
      storedBytes: 1,
      chunkTimesUs: [0],
    }),
  async *events() {
    yield await Promise.resolve({
      atUs: 0,
      chunk: 1,
      event: { kind: 'output' as const, bytes: new TextEncoder().encode('shown') },
    });
  },
  async *keyStrokes() {
    yield await Promise.resolve({
      ...{ atMs: 0, channel: 0, code: 'keysym' as const, value: 0x61, isDown: true },
    });
  },
  verify: (id) => Promise.resolve({ recording: id, code: 0, findings: [], chunks: 1, bytes: 1, durationUs: 1 }),
  async *objects() {
    yield await Promise.resolve({ name: 'head.json', bytes: new TextEncoder().encode('{}') });
  },
};

export interface Node {
  readonly app: FastifyInstance;
  readonly logins: Logins;
  readonly registry: ProviderRegistry;
  readonly providerPeople: ProviderPeople;
  readonly refresh: SignInRefresh;
  readonly bootstrap: Bootstrap;
  readonly recovery: Recovery;
  readonly broker: SessionBroker;
}

/** One store, and as many gateway applications on it as a test wants. */
export class GatewayFixture implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'enchilada-gateway-'));
  readonly store: Store = sqlite({ file: join(this.folder, 'store.db') });
  readonly clock = new StandingClock(1_800_000_000_000);
  readonly hasher = new CountingHasher();
  readonly audit = new ListedAudit();
  readonly logged: string[] = [];
  readonly cloud = new CloudSimulator([{ account: '111111111111', region: 'eu-west-1', accountName: 'One' }], () =>
    this.clock.now(),
  );
  /** Of whom the nodes demand a second factor; the product demands it of administrators. */
  demand: FactorDemand = 'nobody';
  /** What an endpoint of the kind `example` does with news. */
  deliver: (news: Notification) => Promise<void> = () => Promise.resolve();
  courier: Courier | undefined;
  readonly #nodes: Node[] = [];

  async start(
    options: {
      readonly trustedProxies?: readonly string[];
      readonly trustedNetworks?: readonly string[];
      /** Another look at the same database, and another log. */
      readonly store?: Store;
      readonly audit?: AuditLog;
    } = {},
  ): Promise<Node> {
    const { clock, hasher } = this;
    const { store = this.store, audit = this.audit } = options;
    if (this.#nodes.length === 0) await store.migrate();
    const config = loadConfig({ environment: {}, flags: {}, readFile: () => '' });
    const settings = new SettingsService(store, config);
    const limits = () => ({
      idleMs: settings.current.loginIdleMinutes * 60_000,
      absoluteMs: settings.current.loginAbsoluteMinutes * 60_000,
    });
    const refusals = new RefusalTally({ audit, clock, report: () => undefined });
    const logins = new Logins({
      ...{ store, audit, hasher, clock, random, limits, refusals },
      demand: () => this.demand,
      isTrustedNetwork: addressMatcher(options.trustedNetworks ?? []),
    });
    const keys = await openKeyRing({
      ...{ key: undefined, alsoOpens: '', types: [], random },
      openFile: () => openFileKeyEncryption({ path: join(this.folder, 'key'), random }),
    });
    const factors = new SecondFactors({
      ...{ store, audit, clock, random, keys, passkeys: webauthn(), throttle: logins.throttle },
      relyingParty: () => ({ id: new URL(ORIGIN).hostname, origins: [ORIGIN] }),
    });
    const registry = new ProviderRegistry({ store, keys, types: exampleProviders });
    const providerPeople = new ProviderPeople({ store, audit, clock, random });
    const settlements = new Settlements({ store, audit, clock, random });
    const refresh = new SignInRefresh({
      ...{ store, registry, people: providerPeople, settlements, clock, random },
      ...{ rows: envelopeRows({ keyEncryption: keys, random }), everyMs: 15 * 60_000, unansweredMs: 2 * 60 * 60_000 },
      report: (message) => void this.logged.push(message),
    });
    const signInAt = new ProviderSignIn({
      ...{ store, audit, keys, registry, people: providerPeople, refresh, throttle: logins.throttle, clock, random },
      publicUrl: () => ORIGIN,
    });
    const nodeId = `node-${this.#nodes.length + 1}`;
    const tokens = new ApiTokens({ store, clock, random });
    const personalKeys = new PersonalKeys({
      ...{ store, clock, random, rows: envelopeRows({ keyEncryption: keys, random }), report: () => undefined },
      makeKey: makeSessionKeyPair,
    });
    const recovery = new Recovery({ store, audit, hasher, logins, clock, random });
    const bootstrap = new Bootstrap({
      nodeId,
      store,
      audit,
      hasher,
      clock,
      random,
      linkFile: join(this.folder, 'link'),
    });
    const engine: ProtocolEngine = {
      manifest: MANIFEST,
      open: () => Promise.reject(new Fault('TARGET_REFUSED', 'nothing is opened here')),
    };
    const vault = {
      seal: () =>
        Promise.resolve({
          keyId: 'k',
          version: 1,
          wrappedKey: new Uint8Array(1),
          nonce: new Uint8Array(1),
          ciphertext: new Uint8Array(1),
        }),
      unseal: () => Promise.reject(new Fault('CREDENTIAL_UNAVAILABLE', 'nothing is unsealed here')),
    };
    const authority = standInAuthority();
    const broker = new SessionBroker({
      nodeId: 'node-1',
      softwareVersion: '0',
      store,
      audit,
      vault,
      authority,
      engines: new Map([['proto', engine]]),
      issuers: new Map(),
      builtIns: new Map(),
      recorder: {} as Recorder,
      recording: {
        mode: 'strict',
        allowExempt: false,
        input: 'off',
        desktopInput: 'off',
        retentionMs: 400 * 86_400_000,
      },
      histories: () => undefined,
      limits: DEFAULT_SESSION_LIMITS,
      sessionsPerUser: 5,
      allowCleartext: false,
      clock,
      random,
      hasher: runningSha256,
      passing: () => new DisposableStack(),
      digest: (text) => createHash('sha256').update(text).digest('hex'),
      observe: () => undefined,
      report: () => undefined,
      loginLimits: limits,
      isMember: () => Promise.resolve(true),
    });
    const catalog = new CatalogView(store, clock);
    const courier = new Courier({
      ...{ store, audit, keys, clock, nodeId: 'node-1', publicUrl: () => ORIGIN },
      types: [{ manifest: EXAMPLE_NOTIFIER, open: () => ({ deliver: (news) => this.deliver(news) }) }],
    });
    this.courier = courier;
    const news = new NewsDesk({ clock, random, publicUrl: () => ORIGIN, wake: () => undefined });
    const handlers = createHandlers({
      courier,
      requests: new AccessRequests({ store, audit, catalog, news, clock, random }),
      store,
      audit,
      logins,
      factors,
      deviceLogins: new DeviceLogins({
        ...{ store, audit, logins, refusals, clock, random },
        settings: () => settings.refresh(),
      }),
      tokens,
      personalKeys,
      registry,
      providerPeople,
      settlements,
      signInAt,
      bootstrap,
      recovery,
      hasher,
      vault,
      authority,
      rotation: new KeyRotation({
        ...{ store, keys, clock, report: () => undefined },
        bindingOf: (kind, id, version) => `${kind} ${id} ${version}`,
      }),
      secretStores: new SecretStores({ store, keys, clock, types: [exampleSecretStore] }),
      settings,
      clock,
      random,
      recordings,
      sessions: broker,
      nodeId: 'node-1',
      version: '0',
      catalog,
      engines: new Map([['proto', MANIFEST]]),
      // Each line is a machine with its password: `name host password`.
      fileReaders: new Map([
        [
          'proto',
          (text) =>
            text.split('\n').map((line, index) => {
              const [name = '', host = '', secret = ''] = line.split(' ');
              const credential = { kind: 'password', username: 'root', secret: new Secret(secret) } as const;
              return { line: index + 1, name, host, port: 22, parameters: {}, credential, problems: [] };
            }),
        ],
      ]),
      fingerprintPrivateKey: () => Promise.resolve('SHA256:x'),
      verifyAudit: () => Promise.resolve({ intact: true, chains: [] }),
      discovery: this.#discovery({ nodeId, store, audit }),
      tryIt: { protocol: 'proto', builtIn: 'shell', name: 'Try it', confinement: () => 'none' },
    });
    const app = createApp({
      handlers,
      audit,
      random,
      isTls: true,
      origins: () => new Set([ORIGIN]),
      clientAddress: clientAddress(options.trustedProxies ?? []),
      observe: () => undefined,
      gate: {
        claim: (cookie, how) => logins.claim(cookie, how),
        identifyToken: (authorization, address) => tokens.identify(authorization, address),
        bootstrapRequired: () => bootstrap.required(),
      },
      log: createLog('trace', { write: (line) => void this.logged.push(line) }),
    });
    serveProviderDoor(app, { signInAt, refusals });
    serveScim(app, { store, people: providerPeople, clock, random, refusals, publicUrl: () => ORIGIN });
    await app.ready();
    const node = { app, registry, providerPeople, refresh, logins, bootstrap, recovery, broker };
    this.#nodes.push(node);
    return node;
  }

  /** Sources of the kind `example`, which hold what the test puts into `cloud`. */
  #discovery({ nodeId, store, audit }: Pick<DiscoveryParts, 'nodeId' | 'store' | 'audit'>): DiscoveryService {
    const { clock, cloud } = this;
    const manifest = { kind: 'example', label: { en: 'Example', de: 'Beispiel' }, parameters: [] };
    return new DiscoveryService({
      store,
      audit,
      clock,
      random,
      nodeId,
      types: [{ manifest, open: () => Promise.resolve(cloud) }],
      protocols: { linux: 'proto' },
      portOf: () => MANIFEST.defaultPort,
      report: () => undefined,
    });
  }

  async addUser(username: string, role: Role, change: Partial<User> = {}): Promise<User> {
    const user: User = {
      id: `usr_${username}`,
      username,
      displayName: username,
      role,
      passwordHash: await this.hasher.hash(new Secret(PASSWORD)),
      breakGlass: false,
      disabledAt: undefined,
      createdAt: this.clock.now(),
      lastLoginAt: undefined,
      preferences: {},
      version: 1,
      ...change,
    };
    await this.store.now.users.insert(user);
    return user;
  }

  /** The seed of an authenticator app, wrapped as the product wraps it. */
  async wrapSeed(context: string, seed = Buffer.from('12345678901234567890')): Promise<WrappedKey> {
    const keys = await openFileKeyEncryption({ path: join(this.folder, 'key'), random });
    return keys.wrap(new SecretBytes(new Uint8Array(seed)), context);
  }

  /** @returns the Cookie header of a new login */
  async signIn(node: Node, username: string): Promise<string> {
    const response = await call(node, 'POST', '/login', { body: { username, password: PASSWORD } });
    if (response.statusCode !== 200)
      throw new Error(`sign-in of ${username} answered ${response.statusCode}: ${response.body}`);
    return cookieOf(response.headers['set-cookie']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { app } of this.#nodes) await app.close();
    await this.store[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function cookieOf(header: string | readonly string[] | number | undefined): string {
  return String([header].flat()[0]).split(';')[0] ?? '';
}

export interface CallOptions {
  readonly body?: unknown;
  readonly cookie?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly address?: string;
}

/** A request as the web makes it. */
export function call(
  { app }: Node,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  options: CallOptions = {},
) {
  return app.inject({
    method,
    url: `${API_PREFIX}${path}`,
    remoteAddress: options.address ?? '192.0.2.7',
    headers: {
      [CSRF_HEADER]: '1',
      origin: ORIGIN,
      ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { payload: options.body as object }),
  });
}

/** Makes keys that sign nothing. */
function standInAuthority(): CertificateAuthority {
  return {
    issue: () => Promise.reject(new Fault('CREDENTIAL_UNAVAILABLE', 'nothing is signed here')),
    makeKey: (state) => {
      const id = `cak_${randomId(random)}`;
      const sealed = {
        keyId: 'k',
        wrappedKey: new Uint8Array(1),
        nonce: new Uint8Array(1),
        ciphertext: new Uint8Array(1),
      };
      return Promise.resolve({ id, state, publicKey: `key ${id}`, fingerprint: id, sealed, createdAt: 0 });
    },
    trust: (keys) => ({ file: keys.map(({ publicKey }) => `${publicKey}\n`).join(''), steps: { en: 'en', de: 'de' } }),
  };
}

/** Holds at each path what the path says. */
const exampleSecretStore: SecretStoreType = {
  manifest: {
    kind: 'example',
    label: { en: 'Example', de: 'Beispiel' },
    parameters: [],
    secret: { en: 'Key', de: 'Schlüssel' },
  },
  open: () => ({ read: (path, fields) => Promise.resolve(fields.map((field) => new Secret(`${path}.${field}`))) }),
};
