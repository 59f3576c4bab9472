import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { EngineManifest, ProtocolId } from '@enchilada/core/engine';
import { type Fault, isFault } from '@enchilada/core/fault';
import type { RecorderStats } from '@enchilada/core/recording';
import type { BrokerObservation } from '@enchilada/core/session';
import type { Logger } from 'pino';
import { type ApiParts, CatalogView, createHandlers, type SessionService, SettingsService } from './api/index.ts';
import { Bootstrap } from './auth/bootstrap.ts';
import { readCookie } from './auth/cookie.ts';
import { type LoginLimits, Logins } from './auth/logins.ts';
import { unsealLoginPassword } from './auth/login-password.ts';
import { Recovery } from './auth/recovery.ts';
import { type LoadedConfig, planListening } from './config/index.ts';
import { ControlFolder, createControlActs, type DatabaseCopy } from './control/index.ts';
import { createApp } from './http/app.ts';
import { clientAddress } from './http/client-address.ts';
import { type AnyServer, listen } from './http/listen.ts';
import { listenForMetrics, serveProbes } from './http/probes.ts';
import { readWebFiles, serveWeb } from './http/web.ts';
import { Metrics } from './metrics/metrics.ts';
import type { TunnelCaller } from './tunnel/index.ts';

/** What the sessions need of the gateway. */
export interface SessionSeam {
  readonly loginLimits: () => LoginLimits;
  readonly settings: SettingsService;
  readonly observe: (observation: BrokerObservation) => void;
}

/** What a WebSocket upgrade needs of the gateway. */
export interface TunnelDoor {
  readonly origins: ReadonlySet<string>;
  authenticate(request: IncomingMessage): Promise<TunnelCaller | undefined>;
  refused(request: IncomingMessage, fault: Fault): void;
  report(message: string, cause: unknown): void;
}

type OwnParts = 'logins' | 'bootstrap' | 'recovery' | 'settings' | 'catalog' | 'engines' | 'sessions';

/** The ports, joined by composition.ts. */
export interface GatewayParts extends Omit<ApiParts, OwnParts> {
  readonly config: LoadedConfig;
  readonly dataDir: string;
  readonly webFolder: string;
  /** Absent where the database is a server of its own. */
  readonly databaseCopy: DatabaseCopy | undefined;
  readonly manifests: readonly EngineManifest[];
  readonly recorderStats: () => RecorderStats | undefined;
  readonly openSessions: (seam: SessionSeam) => Promise<SessionService & AsyncDisposable>;
  readonly attachTunnel: (server: AnyServer, door: TunnelDoor, sessions: SessionService) => Disposable;
  readonly log: Logger;
}

export interface Gateway extends AsyncDisposable {
  readonly url: string;
  /** Undefined once an administrator exists. */
  readonly bootstrapUrl: string | undefined;
  /** No new sessions, `/readyz` says no; what runs goes on until disposal. */
  drain(): void;
}

const HEARTBEAT_MS = 5_000;
const SETTINGS_MS = 5_000;
const ABANDONED_CHECK_MS = 15_000;
/** A session whose tickets nobody used in time was never opened; it must not count against its person. */
const ABANDONED_MS = 60_000;
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
  const logins = new Logins({ store, audit, hasher: parts.hasher, clock, random, limits: loginLimits });
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
  });
  const broker = started.use(await parts.openSessions({ loginLimits, settings, observe: metrics.heardBroker }));
  sessions = broker;

  const engines = new Map<ProtocolId, EngineManifest>(parts.manifests.map((manifest) => [manifest.id, manifest]));
  const handlers = createHandlers({
    ...parts,
    logins,
    bootstrap,
    recovery,
    settings,
    engines,
    sessions: broker,
    catalog: new CatalogView(store),
  });
  const plan = planListening(values);
  const isTls = plan.tls !== undefined || values.publicUrl?.startsWith('https:') === true;
  const origins = new Set<string>(values.publicUrl === undefined ? [] : [values.publicUrl]);
  const addressOf = clientAddress(values.trustedProxies);
  const app = createApp({
    handlers,
    audit,
    random,
    isTls,
    log,
    clientAddress: addressOf,
    origins: () => origins,
    observe: metrics.heardRequest,
    gate: {
      identify: (cookie, options) => logins.identify(cookie, options),
      bootstrapRequired: () => bootstrap.required(),
    },
  });
  let draining = false;
  const ready = async (): Promise<boolean> => {
    if (draining) return false;
    await store.probe();
    return true;
  };
  serveProbes(app, { ready }, metrics);
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

  const report = (message: string, cause: unknown): void => {
    log.error({ err: cause }, message);
  };
  const door: TunnelDoor = {
    origins,
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
      log.warn({ code: fault.code, address }, 'an upgrade was refused');
      const denied = {
        action: 'access.denied',
        actor: { kind: 'anonymous' },
        address,
        object: { kind: 'route', id: 'upgrade' },
        outcome: 'denied',
        reason: fault.code,
      } as const;
      audit.append(denied).catch((cause: unknown) => {
        report('a refused upgrade could not be audited', cause);
      });
    },
  };
  for (const server of listening.servers) started.use(parts.attachTunnel(server, door, broker));
  if (values['metrics.listen'] !== undefined) {
    const server = await listenForMetrics(values['metrics.listen'], metrics);
    started.defer(() => void server.close());
  }

  const beat = () =>
    store.now.nodes.beat({ id: nodeId, url: values['node.url'] ?? url, version: parts.version, startedAt });
  const startedAt = clock.now();
  await beat();
  const repeatedly = (periodMs: number, what: string, work: () => Promise<unknown>): void => {
    started.use(
      clock.every(periodMs, () => {
        work().catch((cause: unknown) => {
          report(what, cause);
        });
      }),
    );
  };
  repeatedly(HEARTBEAT_MS, 'the heartbeat failed', beat);
  repeatedly(SETTINGS_MS, 'the settings could not be read again', () => settings.refresh());
  repeatedly(ABANDONED_CHECK_MS, 'abandoned sessions could not be ended', async () => {
    const now = clock.now();
    const { items } = await store.now.sessions.list({ live: true, limit: 500 });
    for (const session of items) {
      if (session.nodeId === '' && now - session.requestedAt > ABANDONED_MS)
        await store.now.sessions.update(session.id, { state: 'ended', endedAt: now, endReason: 'grace-expired' });
    }
  });
  repeatedly(MAINTENANCE_MS, 'the database could not be tidied', async () => {
    const now = clock.now();
    await store.now.logins.deleteExpired(now);
    await store.now.tickets.deleteExpired(now);
    await store.now.recovery.deleteExpired(now);
    await store.now.throttle.deleteOlderThan(now - THROTTLE_KEPT_MS);
    await store.now.commands.deleteOlderThan(now - COMMANDS_KEPT_MS);
  });

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
  const token = await bootstrap.issue();
  const bootstrapUrl = token === undefined ? undefined : `${url}/welcome#${token}`;
  if (bootstrapUrl !== undefined) await bootstrap.writeLink(bootstrapUrl);

  const owned = started.move();
  const drain = (): void => {
    draining = true;
    broker.drain();
  };
  return {
    url,
    bootstrapUrl,
    drain,
    [Symbol.asyncDispose]: async () => {
      drain();
      await audit
        .append({ action: 'node.stopped', actor: { kind: 'system', name: nodeId }, outcome: 'success' })
        .catch((failure: unknown) => {
          if (!isFault(failure, 'STORE_UNAVAILABLE')) throw failure;
        });
      await store.now.nodes.delete(nodeId).catch(() => undefined);
      await owned.disposeAsync();
    },
  };
}
