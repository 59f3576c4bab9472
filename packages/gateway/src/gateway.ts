import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { ProjectionParts, SourceType } from '@enchilada/core/discovery';
import type { CredentialIssuer, CredentialKind, KeyEncryption, RowSealer } from '@enchilada/core/credential';
import type { EngineManifest, ProtocolId } from '@enchilada/core/engine';
import { type Fault, isFault } from '@enchilada/core/fault';
import type { PasskeyVerifier, ProviderType } from '@enchilada/core/identity';
import type { NotifierType } from '@enchilada/core/notification';
import type { RecorderStats } from '@enchilada/core/recording';
import { type BrokerObservation, type BrokerParts, NodeLease } from '@enchilada/core/session';
import { recur } from '@enchilada/core/time';
import type { Logger } from 'pino';
import { type ApiParts, CatalogView, createHandlers, type SessionService, SettingsService } from './api/index.ts';
import { ApiTokens } from './auth/api-tokens.ts';
import { Bootstrap } from './auth/bootstrap.ts';
import { readCookie } from './auth/cookie.ts';
import { type LoginLimits, Logins } from './auth/logins.ts';
import { RefusalTally } from './auth/refusal-tally.ts';
import { unsealLoginPassword } from './auth/login-password.ts';
import { DeviceLogins } from './auth/device-logins.ts';
import { Recovery } from './auth/recovery.ts';
import { machineCredentials, type MachineCredentialsParts } from './discovery/machine-credentials.ts';
import { DiscoveryService } from './discovery/discovery-service.ts';
import { SecondFactors } from './auth/second-factors.ts';
import { type LoadedConfig, planListening } from './config/index.ts';
import { ControlFolder, createControlActs, type DatabaseCopy } from './control/index.ts';
import { createApp } from './http/app.ts';
import { addressMatcher, clientAddress } from './http/client-address.ts';
import { type AnyServer, listen } from './http/listen.ts';
import { listenForMetrics, serveProbes } from './http/probes.ts';
import { Readiness } from './http/readiness.ts';
import { serveProviderDoor } from './http/provider-door.ts';
import { serveScim } from './scim/scim-door.ts';
import type { SessionHolders } from './http/holder-door.ts';
import { readWebFiles, serveWeb } from './http/web.ts';
import { Metrics } from './metrics/metrics.ts';
import { PersonalKeys } from './credentials/personal-keys.ts';
import { Courier } from './notifications/courier.ts';
import { NewsDesk } from './notifications/news-desk.ts';
import { AccessRequests } from './requests/access-requests.ts';
import { DirectoryCheck } from './providers/directory-check.ts';
import { ProviderPeople } from './providers/provider-people.ts';
import { ProviderRegistry } from './providers/provider-registry.ts';
import { ProviderSignIn } from './providers/provider-sign-in.ts';
import { SignInRefresh } from './providers/sign-in-refresh.ts';
import { Settlements } from './settlement/settlements.ts';
import type { TunnelCaller } from './tunnel/index.ts';

/** What the sessions need of the gateway. */
export interface SessionSeam {
  readonly loginLimits: () => LoginLimits;
  readonly settings: SettingsService;
  readonly observe: (observation: BrokerObservation) => void;
  readonly issuers: ReadonlyMap<CredentialKind, CredentialIssuer>;
  /** Whether the other nodes may rely on this one. */
  readonly isMember: () => Promise<boolean>;
  readonly lookAgain: NonNullable<BrokerParts['lookAgain']>;
}

/** What a WebSocket upgrade needs of the gateway. */
export interface TunnelDoor {
  readonly origins: ReadonlySet<string>;
  readonly loginLimits: () => LoginLimits;
  authenticate(request: IncomingMessage): Promise<TunnelCaller | undefined>;
  refused(request: IncomingMessage, fault: Fault): void;
  report(message: string, cause: unknown): void;
}

type OwnParts =
  | 'discovery'
  | 'logins'
  | 'factors'
  | 'deviceLogins'
  | 'tokens'
  | 'personalKeys'
  | 'registry'
  | 'providerPeople'
  | 'settlements'
  | 'signInAt'
  | 'bootstrap'
  | 'recovery'
  | 'settings'
  | 'catalog'
  | 'requests'
  | 'courier'
  | 'engines'
  | 'sessions';

/** The ports, joined by composition.ts. */
export interface GatewayParts extends Omit<ApiParts, OwnParts> {
  readonly config: LoadedConfig;
  readonly dataDir: string;
  readonly webFolder: string;
  /** Absent where the database is a server of its own. */
  readonly databaseCopy: DatabaseCopy | undefined;
  readonly manifests: readonly EngineManifest[];
  /** What only some machines need; `/readyz` says how it is. */
  readonly advisoryProbes?: Readonly<Record<string, () => Promise<void>>>;
  readonly sourceTypes: readonly SourceType[];
  /** What machines of a platform are opened with unless a rule says otherwise. */
  readonly platformProtocols: ProjectionParts['protocols'];
  readonly keys: KeyEncryption;
  readonly rows: RowSealer;
  readonly makeSessionKey: MachineCredentialsParts['makeSessionKey'];
  readonly passkeys: PasskeyVerifier;
  readonly providerTypes: readonly ProviderType[];
  readonly notifierTypes: readonly NotifierType[];
  readonly recorderStats: () => RecorderStats | undefined;
  /** Rejects while the recorder would refuse a session. */
  readonly probeRecorder: () => Promise<void>;
  readonly openSessions: (seam: SessionSeam) => Promise<SessionService & AsyncDisposable>;
  /** Undefined where there is one node. */
  readonly openHolders: (loginLimits: () => LoginLimits, sessions: SessionService) => SessionHolders | undefined;
  readonly attachTunnel: (server: AnyServer, door: TunnelDoor, sessions: SessionService) => Disposable;
  readonly log: Logger;
}

export interface Gateway extends AsyncDisposable {
  readonly url: string;
  /** On which it listens itself. */
  readonly port: number;
  /** Undefined once an administrator exists. */
  readonly bootstrapUrl: string | undefined;
  /**
   * No new sessions, `/readyz` says no at once, viewers are told. Resolves once no session is left, `shutdown.grace` is over, or somebody is in a hurry;
   * disposal ends what is left.
   */
  drain(hurry?: AbortSignal): Promise<void>;
}

const UPGRADE = { kind: 'route', id: 'upgrade' };
const SETTINGS_MS = 5_000;
const NEWS_MS = 5_000;
const SETTLE_MS = 1_000;
const REFRESH_MS = 5_000;
const MAINTENANCE_MS = 10 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
const THROTTLE_KEPT_MS = 31 * DAY_MS;
const COMMANDS_KEPT_MS = 60 * 60_000;

/** Serves until it is disposed of. The store is migrated and the recorder has recovered before. */
export async function startGateway(parts: GatewayParts): Promise<Gateway> {
  const { config, store, audit, clock, random, log, nodeId } = parts;
  const { values } = config;
  await using started = new AsyncDisposableStack();

  const settings = new SettingsService(store, config);
  await settings.refresh();
  const loginLimits = (): LoginLimits => ({
    idleMs: settings.current.loginIdleMinutes * 60_000,
    absoluteMs: settings.current.loginAbsoluteMinutes * 60_000,
  });
  const report = (message: string, cause: unknown): void => {
    log.error({ err: cause }, message);
  };
  const refusals = started.use(new RefusalTally({ audit, clock, report }));
  const logins = new Logins({
    store,
    audit,
    hasher: parts.hasher,
    clock,
    random,
    limits: loginLimits,
    refusals,
    demand: () => settings.current.secondFactor,
    isTrustedNetwork: addressMatcher(values['secondFactor.trustedNetworks']),
  });
  const origins = new Set<string>(values.publicUrl === undefined ? [] : [values.publicUrl]);
  const host = values.publicUrl === undefined ? 'localhost' : new URL(values.publicUrl).hostname;
  const factors = new SecondFactors({
    ...{ store, audit, clock, random, keys: parts.keys, passkeys: parts.passkeys, throttle: logins.throttle },
    relyingParty: () => ({ id: host, origins: [...origins] }),
  });
  const tokens = new ApiTokens({ store, clock, random });
  const { rows, makeSessionKey } = parts;
  const personalKeys = new PersonalKeys({ store, rows, clock, random, makeKey: makeSessionKey, report });
  let publicUrl = '';
  const registry = new ProviderRegistry({ store, keys: parts.keys, types: parts.providerTypes });
  const providerPeople = new ProviderPeople({ store, audit, clock, random });
  const settlements = new Settlements({ store, audit, clock, random });
  const refresh = new SignInRefresh({
    ...{ store, registry, people: providerPeople, settlements, rows, clock, random, report },
    everyMs: values['provider.refresh'],
    unansweredMs: values['provider.unanswered'] === 0 ? undefined : values['provider.unanswered'],
  });
  const signInAt = new ProviderSignIn({
    ...{ store, audit, keys: parts.keys, registry, people: providerPeople, refresh },
    ...{ throttle: logins.throttle, clock, random },
    publicUrl: () => publicUrl,
  });
  const recovery = new Recovery({ store, audit, hasher: parts.hasher, logins, clock, random });
  const bootstrap = new Bootstrap({
    nodeId,
    store,
    audit,
    hasher: parts.hasher,
    clock,
    random,
    linkFile: join(parts.dataDir, 'bootstrap-link'),
  });
  let sessions: SessionService | undefined;
  const liveBytes = () =>
    (sessions?.live ?? []).reduce((sum, { bytes }) => ({ in: sum.in + bytes.in, out: sum.out + bytes.out }), {
      in: 0,
      out: 0,
    });
  const metrics = new Metrics({
    liveSessions: () => sessions?.live.length ?? 0,
    sessionBytes: liveBytes,
    recorder: parts.recorderStats,
    discovery: () => discovery.numbers,
  });
  let lease: NodeLease | undefined;
  const broker = started.use(
    await parts.openSessions({
      loginLimits,
      settings,
      issuers: new Map<CredentialKind, CredentialIssuer>([
        ...machineCredentials({
          ...{ store, vault: parts.vault, makeSessionKey },
          accessOf: (source) => discovery.accessOf(source),
        }),
        ['personal-key', personalKeys],
      ]),
      observe: metrics.heardBroker,
      isMember: async () => (await lease?.hold()) ?? false,
      lookAgain: (target, signal) => discovery.lookAgain(target, signal),
    }),
  );
  sessions = broker;

  const engines = new Map<ProtocolId, EngineManifest>(parts.manifests.map((manifest) => [manifest.id, manifest]));
  const discovery = started.use(
    new DiscoveryService({
      store,
      audit,
      clock,
      random,
      nodeId,
      types: parts.sourceTypes,
      protocols: parts.platformProtocols,
      portOf: (protocol) => engines.get(protocol)?.defaultPort,
      report: (message, cause) => {
        log.error({ err: cause }, message);
      },
    }),
  );
  const catalog = new CatalogView(store, clock);
  const courier = new Courier({
    ...{ store, audit, keys: parts.keys, types: parts.notifierTypes, clock, nodeId, publicUrl: () => publicUrl },
  });
  const wake = (): void => {
    courier.run().catch((cause: unknown) => {
      report('notifications could not be delivered', cause);
    });
  };
  const news = new NewsDesk({ clock, random, publicUrl: () => publicUrl, wake });
  const handlers = createHandlers({
    ...parts,
    requests: new AccessRequests({ store, audit, catalog, news, clock, random }),
    courier,
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
    settings,
    engines,
    sessions: broker,
    discovery,
    catalog,
  });
  const plan = planListening(values);
  const isTls = plan.tls !== undefined || values.publicUrl?.startsWith('https:') === true;
  const addressOf = clientAddress(values.trustedProxies);
  const holders = parts.openHolders(loginLimits, broker);
  const app = createApp({
    handlers,
    ...(holders === undefined ? {} : { holders }),
    audit,
    random,
    isTls,
    log,
    clientAddress: addressOf,
    origins: () => origins,
    observe: metrics.heardRequest,
    gate: {
      claim: (cookie, options) => logins.claim(cookie, options),
      identifyToken: (authorization, address) => tokens.identify(authorization, address),
      bootstrapRequired: () => bootstrap.required(),
    },
  });
  let draining = false;
  const readiness = new Readiness({
    clock,
    isMember: () => lease?.held ?? false,
    isDraining: () => draining,
    probes: { database: () => store.probe(), recorder: parts.probeRecorder },
    ...(parts.advisoryProbes === undefined ? {} : { advisory: parts.advisoryProbes }),
  });
  serveProbes(app, readiness, metrics);
  serveProviderDoor(app, { signInAt, refusals });
  serveScim(app, {
    store,
    people: providerPeople,
    clock,
    random,
    refusals,
    publicUrl: () => signInAt.publicUrl,
  });
  const web = await readWebFiles(parts.webFolder);
  if (web === undefined) log.warn({ file: parts.webFolder }, 'the web interface is not built, the API serves alone');
  else serveWeb(app, web, isTls);
  await app.ready();
  started.defer(() => app.close());

  const listening = started.use(
    await listen(
      (request, response) => {
        app.routing(request, response);
      },
      { plan, port: values.port, clock, log },
    ),
  );
  const scheme = plan.tls === undefined ? 'http' : 'https';
  if (values.publicUrl === undefined)
    for (const host of ['localhost', '127.0.0.1', '[::1]']) origins.add(`${scheme}://${host}:${listening.port}`);
  const url = values.publicUrl ?? `${scheme}://localhost:${listening.port}`;
  publicUrl = url;

  const door: TunnelDoor = {
    origins,
    loginLimits,
    report,
    authenticate: async (request) => {
      const cookie = readCookie(request.headers.cookie);
      const identity = await logins.identify(cookie, { background: false });
      if (cookie === undefined || identity === undefined) return undefined;
      const address = addressOf(request.socket.remoteAddress, request.headers['x-forwarded-for']);
      return { identity, address, loginPassword: () => Promise.resolve(unsealLoginPassword(identity.login, cookie)) };
    },
    refused: (request, fault) => {
      const address = addressOf(request.socket.remoteAddress, request.headers['x-forwarded-for']);
      const refusal = { action: 'access.denied', address, reason: fault.code, object: UPGRADE } as const;
      if (refusals.note(refusal)) log.warn({ code: fault.code, address }, 'an upgrade was refused');
    },
  };
  if (values['metrics.listen'] !== undefined) {
    const server = await listenForMetrics(values['metrics.listen'], metrics);
    started.defer(() => void server.close());
  }

  lease = started.use(
    new NodeLease({
      ...{ nodeId, store, audit, clock, report, version: parts.version, keyIds: parts.rotation.keys.opens },
      url: values['node.url'] ?? url,
      giveUp: () => broker.giveUp(),
    }),
  );
  await lease.join();
  for (const server of listening.servers) started.use(parts.attachTunnel(server, door, broker));

  const repeatedly = (periodMs: number, what: string, work: () => Promise<unknown>): void => {
    const failed = (cause: unknown): void => {
      report(what, cause);
    };
    started.use(recur(clock, { periodMs, work, failed }));
  };
  repeatedly(SETTINGS_MS, 'the settings could not be read again', () => settings.refresh());
  repeatedly(NEWS_MS, 'notifications could not be delivered', () => courier.run());
  repeatedly(MAINTENANCE_MS, 'the database could not be tidied', async () => {
    const now = clock.now();
    await store.now.logins.deleteExpired(now);
    await store.now.tickets.deleteExpired(now);
    await store.now.recovery.deleteExpired(now);
    await store.now.deviceLogins.deleteExpired(now);
    await store.now.challenges.deleteExpired(now);
    await store.now.providers.deleteExpired(now);
    await store.now.throttle.deleteOlderThan(now - THROTTLE_KEPT_MS);
    await store.now.commands.deleteOlderThan(now - COMMANDS_KEPT_MS);
  });

  const everyMs = values['directory.check'];
  const directories = new DirectoryCheck({ store, registry, people: providerPeople, clock, everyMs, report });
  repeatedly(everyMs, 'the directories could not be asked about their people', () => directories.run());

  repeatedly(Math.min(REFRESH_MS, values['provider.refresh']), 'sign-ins could not be asked about', () =>
    refresh.run(),
  );

  repeatedly(SETTLE_MS, 'what follows from what was written could not be done', () => providerPeople.settleLeftOver());

  await audit.append({
    action: 'node.started',
    actor: { kind: 'system', name: nodeId },
    outcome: 'success',
    detail: { version: parts.version },
  });
  for (const weakening of config.weakenings) {
    log.warn({ weakening }, 'the configuration weakens safety');
    await audit.append({
      action: 'weakening.enabled',
      actor: { kind: 'system', name: nodeId },
      outcome: 'success',
      detail: { weakening },
    });
  }
  const acts = createControlActs({ dataDir: parts.dataDir, url, recovery, audit, database: parts.databaseCopy });
  started.use(await ControlFolder.open({ dataDir: parts.dataDir, url, audit, acts, clock, report }));
  await discovery.start();
  const token = await bootstrap.issue();
  const bootstrapUrl = token === undefined ? undefined : `${url}/welcome#${token}`;
  if (bootstrapUrl !== undefined) await bootstrap.writeLink(bootstrapUrl);

  const owned = started.move();
  const drain = async (hurry?: AbortSignal): Promise<void> => {
    const graceMs = values['shutdown.grace'];
    const left = broker.live.length;
    draining = true;
    broker.drain(graceMs);
    if (left === 0) return;
    log.info({ sessions: left, seconds: Math.round(graceMs / 1_000) }, 'waiting for the sessions of this node');
    const over = Promise.withResolvers<void>();
    hurry?.addEventListener('abort', () => {
      over.resolve();
    });
    if (hurry?.aborted === true) over.resolve();
    using _timer = clock.after(graceMs, over.resolve);
    await Promise.race([broker.emptied(), over.promise]);
  };
  return {
    url,
    port: listening.port,
    bootstrapUrl,
    drain,
    [Symbol.asyncDispose]: async () => {
      draining = true;
      broker.drain(0);
      // The sessions end while their viewers' sockets are open, so that everybody reads why.
      await broker[Symbol.asyncDispose]();
      await audit
        .append({ action: 'node.stopped', actor: { kind: 'system', name: nodeId }, outcome: 'success' })
        .catch((failure: unknown) => {
          if (!isFault(failure, 'STORE_UNAVAILABLE')) throw failure;
        });
      await owned.disposeAsync();
    },
  };
}
