import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chainedLog } from '@enchilada/adapters/audit-log/chained';
import { stdoutSink } from '@enchilada/adapters/audit-sink/stdout';
import {
  bindingOfEnvelope,
  envelopeKeys,
  envelopeRows,
  envelopeVault,
} from '@enchilada/adapters/credential-vault/envelope';
import { ansible } from '@enchilada/adapters/discovery-source/ansible';
import { aws } from '@enchilada/adapters/discovery-source/aws';
import { azure } from '@enchilada/adapters/discovery-source/azure';
import { guacamole } from '@enchilada/adapters/discovery-source/guacamole';
import { inventoryEndpoint } from '@enchilada/adapters/discovery-source/inventory-endpoint';
import { inventoryFile } from '@enchilada/adapters/discovery-source/inventory-file';
import { ldap } from '@enchilada/adapters/identity-provider/ldap';
import { oidc } from '@enchilada/adapters/identity-provider/oidc';
import { forwardAuth } from '@enchilada/adapters/identity-provider/forward-auth';
import { radius } from '@enchilada/adapters/identity-provider/radius-pap';
import { saml } from '@enchilada/adapters/identity-provider/saml';
import { awsKms } from '@enchilada/adapters/key-encryption/aws-kms';
import { azureKeyVault } from '@enchilada/adapters/key-encryption/azure-key-vault';
import { openFileKeyEncryption } from '@enchilada/adapters/key-encryption/file';
import { vaultTransit } from '@enchilada/adapters/key-encryption/vault-transit';
import { email } from '@enchilada/adapters/notifier/email';
import { slack } from '@enchilada/adapters/notifier/slack';
import { teams } from '@enchilada/adapters/notifier/teams';
import { webhook } from '@enchilada/adapters/notifier/webhook';
import { webauthn } from '@enchilada/adapters/passkey-verifier/webauthn';
import { argon2 } from '@enchilada/adapters/password-hasher/argon2';
import { openJournalRecorder, openRecordingKeyFile, openRecordingReader } from '@enchilada/adapters/recorder/journal';
import { openFilesystemRecordingStore } from '@enchilada/adapters/recording-store/filesystem';
import { terminalHistories } from '@enchilada/adapters/screen-history/terminal';
import { awsParameterStore } from '@enchilada/adapters/secret-store/aws-parameter-store';
import { awsSecretsManager } from '@enchilada/adapters/secret-store/aws-secrets-manager';
import { keyVaultSecrets } from '@enchilada/adapters/secret-store/azure-key-vault';
import { hashicorpVault } from '@enchilada/adapters/secret-store/hashicorp-vault';
import { windowsLaps } from '@enchilada/adapters/secret-store/windows-laps';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { verifyChain } from '@enchilada/core/audit';
import type { AuditLog, AuditRecord, AuditSink } from '@enchilada/core/audit';
import type { Secret } from '@enchilada/core/credential';
import type { SourceType } from '@enchilada/core/discovery';
import type { AnyEngine } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { formatTrustFile, trustStoreOf } from '@enchilada/core/recording';
import type { RecordingStore } from '@enchilada/core/recording';
import { SessionBroker } from '@enchilada/core/session';
import type { RunningHash, SessionLimits } from '@enchilada/core/session';
import type { Store } from '@enchilada/core/store';
import { randomId } from '@enchilada/core/time';
import { createGuacd, parseServers, probesOf } from '@enchilada/engines/guacd';
import { createKubernetes } from '@enchilada/engines/kubernetes';
import { createRdp } from '@enchilada/engines/rdp';
import { createDialer } from '@enchilada/engines/shared';
import {
  createSsh,
  createSshCarrier,
  createTryItMachine,
  createUserAuthority,
  fingerprintPrivateKey,
  makeSessionKeyPair,
} from '@enchilada/engines/ssh';
import { createTelnet } from '@enchilada/engines/telnet';
import { createVnc } from '@enchilada/engines/vnc';
import type { Logger } from 'pino';
import { alarmSink } from './alarm-sink.ts';
import type { SettingsService } from './api/index.ts';
import { systemClock as clock, systemRandom as random } from './clock.ts';
import { readCertificates } from './config/index.ts';
import type { LoadedConfig } from './config/index.ts';
import { openKeyRing } from './credentials/key-ring.ts';
import { KeyRotation } from './credentials/key-rotation.ts';
import { SecretStores } from './credentials/secret-stores.ts';
import type { DatabaseCopy } from './control/index.ts';
import { startGateway } from './gateway.ts';
import type { Gateway } from './gateway.ts';
import { listOwnServices, type OwnServicesParts } from './own-services.ts';
import { recoverRecordings } from './recover-recordings.ts';
import { attachTunnel, Peers, sessionHolders } from './tunnel/index.ts';
import { withoutIncrementalMarking } from './without-incremental-marking.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const VERSION = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
const TRY_IT = 'try-it';
const RETENTION_EVERY_MS = 3_600_000;
const SCROLLBACK_LINES = 5_000;
const PROMPT_MS = 120_000;
const STALL_MS = 60_000;
const STALE_VIEW_MS = 5 * 60_000;
const UNWATCHED_BYTES = 64 * 1024 * 1024;

/** The only place that names an engine or an adapter: chooses them by the configuration and joins them. */
export async function compose(config: LoadedConfig, log: Logger): Promise<Gateway> {
  const { values } = config;
  const dataDir = resolve(values.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const keysDir = join(dataDir, 'keys');
  mkdirSync(keysDir, { recursive: true, mode: 0o700 });
  const report = (message: string, cause: unknown): void => {
    log.error({ err: cause }, message);
  };
  await using opened = new AsyncDisposableStack();

  const nodeId = values['node.id'] ?? keptNodeId(dataDir);
  const peerCa = readCertificates(values, 'node.ca');
  // INVARIANT: before the database is touched. Without its key nothing may be stored.
  const keys = await openKeyRing({
    ...{ key: values['keyEncryption.key'], alsoOpens: values['keyEncryption.alsoOpens'], random },
    types: [awsKms({ clock, random }), azureKeyVault({ clock, random }), vaultTransit({ clock, random })],
    openFile: (absent) =>
      openFileKeyEncryption({ path: values.keyFile ?? join(keysDir, 'key-encryption.key'), random, absent }),
  });
  const unheldRules: string[] = [];
  const { store, databaseCopy, databases } = await openStore(config, dataDir, unheldRules);
  opened.use(store);
  await store.migrate();

  const signer = await openRecordingKeyFile({ path: join(keysDir, 'recording.key') });
  const trust = trustStoreOf([signer]);
  writeFileSync(join(dataDir, 'recording-trust.json'), formatTrustFile(trust), { mode: 0o644 });

  let auditHead: string | undefined;
  const head: AuditSink = {
    delivery: 'best-effort',
    deliver: (record) => {
      auditHead = record.hash;
    },
  };
  const stdout = stdoutSink((line) => process.stdout.write(line));
  const onSinkFailure = (cause: unknown): void => {
    report('an audit sink failed', cause);
  };
  const audit = chainedLog({
    node: nodeId,
    store,
    clock,
    sha256,
    onSinkFailure,
    sinks: [head, alarmSink(log), ...(values['audit.stdout'] ? [stdout] : [])],
  });

  const recordingStore = await openFilesystemRecordingStore({
    directory: values['recording.directory'] ?? join(dataDir, 'recordings'),
  });
  const recorder = opened.use(
    await openJournalRecorder({
      directory: join(dataDir, 'journal'),
      store: recordingStore,
      keys,
      signer,
      clock,
      random,
      node: nodeId,
      auditHead: () => auditHead,
      report,
    }),
  );
  const recordings = openRecordingReader({ store: recordingStore, keys, trust });
  await recoverRecordings({ store, audit, nodeId, recorder, recordings });
  opened.use(retainRecordings(recordingStore, { store, audit, nodeId, keepMs: values['recording.retention'], report }));

  let confinedBy = 'not proven yet';
  const tryIt = opened.use(
    createTryItMachine({
      random,
      onReady: ({ confinement, isImitation }) => {
        confinedBy = confinement;
        if (isImitation)
          log.warn('no way was found to lock a shell in: the machine for trying things out imitates one; see doctor');
        else log.info({ confinement }, 'the machine for trying things out is locked in');
      },
    }),
  );
  const builtIns = new Map([[TRY_IT, tryIt]]);
  let listeningPort: number | undefined;
  const dialer = createDialer({
    policy: egressOf(config),
    builtIn: builtIns,
    ownServices: () => listOwnServices({ store, databases, values, port: () => listeningPort }),
  });
  const carrier = createSshCarrier({ dialer });
  const guacdServers = parseServers(values['guacd.servers']);
  const guacd = {
    servers: guacdServers,
    // What has no encryption is not asked of guacd either, unless it is permitted.
    protocols: ['rdp', 'vnc', 'ssh', ...(values['egress.allowCleartext'] ? ['telnet'] : [])],
    provesName: { rdp: ({ security }: Readonly<Record<string, string>>) => security !== 'rdp' },
    allowVulnerable: values['guacd.allowVulnerable'],
    authorities: readCertificates(values, 'guacd.ca'),
  };
  const engines: readonly AnyEngine[] = [
    createSsh({ dialer }),
    createTelnet({ dialer }),
    createKubernetes({ dialer, carrier }),
    ...(guacdServers.length === 0 ? [] : [createGuacd({ dialer, random, ...guacd })]),
    createVnc({ dialer, carrier }),
    createRdp({ dialer, carrier }),
  ];
  const rotation = new KeyRotation({ store, keys, clock, report, bindingOf: bindingOfEnvelope });
  await rotation.reportLost();
  const secretStoreTypes = [
    hashicorpVault,
    awsSecretsManager,
    awsParameterStore,
    keyVaultSecrets(),
    windowsLaps({ clock }),
  ];
  const secretStores = new SecretStores({ store, keys, clock, types: secretStoreTypes });
  const vault = secretStores.around(envelopeVault({ keyEncryption: keys, random }));
  const sealer = envelopeKeys({ keyEncryption: keys, random });
  const authority = createUserAuthority({ store, sealer, clock, random });

  let peers: Peers | undefined;
  const gateway = await startGateway({
    config: { ...config, weakenings: [...config.weakenings, ...unheldRules.map(weakeningOf)] },
    dataDir,
    webFolder: join(ROOT, 'packages', 'web', 'dist'),
    sourceTypes: sourceTypes(dataDir, config),
    platformProtocols: platformProtocols(engines),
    manifests: engines.map(({ manifest }) => manifest),
    advisoryProbes: probesOf(guacdServers, guacd.authorities),
    fileReaders: new Map(
      engines.flatMap(({ manifest, readFile }) => (readFile === undefined ? [] : [[manifest.id, readFile] as const])),
    ),
    databaseCopy,
    store,
    audit,
    vault,
    authority,
    secretStores,
    keys,
    rows: envelopeRows({ keyEncryption: keys, random }),
    rotation,
    makeSessionKey: makeSessionKeyPair,
    passkeys: webauthn(),
    notifierTypes: notifierTypes(config),
    providerTypes: [oidc, saml({ clock }), ldap, radius({ clock }), forwardAuth],
    hasher: argon2(),
    fingerprintPrivateKey: (privateKey: Secret, passphrase: Secret | undefined) =>
      Promise.resolve().then(() => fingerprintPrivateKey(privateKey, passphrase)),
    recordings,
    recorderStats: () => recorder.stats,
    probeRecorder: () => (values['recording.mode'] === 'off' ? Promise.resolve() : recorder.probe()),
    verifyAudit: () => verifyAllChains(store),
    tryIt: { protocol: 'ssh', builtIn: TRY_IT, name: 'Try it here', confinement: () => confinedBy },
    clock,
    random,
    nodeId,
    version: VERSION,
    log,
    openSessions: async ({ loginLimits, settings, issuers, observe, isMember, lookAgain }) => {
      const broker = new SessionBroker({
        nodeId,
        softwareVersion: VERSION,
        store,
        audit,
        vault,
        issuers,
        authority,
        engines: new Map(engines.map((engine) => [engine.manifest.id, engine])),
        builtIns,
        recorder,
        recording: {
          mode: values['recording.mode'],
          allowExempt: values['recording.allowExempt'],
          retentionMs: values['recording.retention'],
          get input() {
            return settings.current.inputRecording;
          },
          get desktopInput() {
            return settings.current.desktopInput;
          },
        },
        histories: terminalHistories({ folder: join(dataDir, 'spool'), scrollbackLines: SCROLLBACK_LINES }),
        limits: liveLimits(settings),
        allowCleartext: values['egress.allowCleartext'],
        get sessionsPerUser() {
          return settings.current.sessionsPerUser;
        },
        clock,
        random,
        hasher: runningSha256,
        passing: withoutIncrementalMarking,
        digest: (text) => createHash('sha256').update(text).digest('hex'),
        observe,
        report,
        loginLimits,
        isMember,
        lookAgain,
      });
      await broker.start();
      return broker;
    },
    openHolders: (loginLimits, sessions) => {
      if (values['node.url'] === undefined) return undefined;
      peers = new Peers({ nodeId, store, keyEncryption: keys, loginLimits });
      return sessionHolders({ peers, ca: peerCa, holder: (id) => (sessions as SessionBroker).holder(id) });
    },
    attachTunnel: (server, door, sessions) => {
      const others = { ...(peers === undefined ? {} : { peers }), ...(peerCa === undefined ? {} : { peerCa }) };
      return attachTunnel(server, { ...door, ...others, broker: sessions as SessionBroker });
    },
  });
  listeningPort = gateway.port;
  const below = opened.move();
  return {
    url: gateway.url,
    port: gateway.port,
    bootstrapUrl: gateway.bootstrapUrl,
    drain: (hurry) => gateway.drain(hurry),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await below.disposeAsync();
    },
  };
}

function egressOf({ values }: LoadedConfig) {
  return {
    allowLoopback: values['egress.allowLoopback'],
    allow: values['egress.allow'],
    deny: values['egress.deny'],
    allowOwnServices: values['egress.allowOwnServices'],
  };
}

function notifierTypes(config: LoadedConfig) {
  const egress = egressOf(config);
  return [webhook({ egress, clock }), slack({ egress }), teams({ egress }), email({ egress })];
}

function sourceTypes(dataDir: string, config: LoadedConfig): readonly SourceType[] {
  const folder = config.values['discovery.inventories'] ?? join(dataDir, 'inventories');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return [
    aws({ clock }),
    azure({ clock }),
    inventoryFile({ clock, folder }),
    ansible({ clock, folder }),
    guacamole({ clock, folder }),
    inventoryEndpoint({ clock, folder, egress: egressOf(config) }),
  ];
}

/** Windows is found and waits outside the catalog while no engine opens it. */
function platformProtocols(engines: readonly AnyEngine[]) {
  const has = (id: string): boolean => engines.some(({ manifest }) => manifest.id === id);
  return { linux: 'ssh', ...(has('rdp') ? { windows: 'rdp' } : {}) };
}

/** Limits that administrators may change while sessions run. */
function liveLimits(settings: SettingsService): SessionLimits {
  return {
    get idleMs() {
      return settings.current.sessionIdleMinutes * 60_000;
    },
    get maximumMs() {
      return settings.current.sessionMaxMinutes * 60_000;
    },
    get graceMs() {
      return settings.current.sessionGraceSeconds * 1_000;
    },
    promptMs: PROMPT_MS,
    stallMs: STALL_MS,
    unwatchedBytes: UNWATCHED_BYTES,
    staleViewMs: STALE_VIEW_MS,
    get watchers() {
      return settings.current.watchersPerSession;
    },
  };
}

interface OpenedStore {
  readonly store: Store;
  readonly databases: OwnServicesParts['databases'];
  readonly databaseCopy: DatabaseCopy | undefined;
}

/** @param unheldRules takes the rules that the role may not make the database hold */
async function openStore(config: LoadedConfig, dataDir: string, unheldRules: string[]): Promise<OpenedStore> {
  const url = config.values['database.url'];
  if (url !== undefined) {
    const urls = [url, config.values['database.migrationUrl'] ?? url];
    const defaultPort = DATABASE_PORTS[schemeOf(url)] ?? 0;
    const databases = urls.map((one) => ({ url: one, defaultPort }));
    return { store: await openServer(config, url, unheldRules), databaseCopy: undefined, databases };
  }
  const file = 'enchilada.db';
  const store = sqlite({ file: join(dataDir, file) });
  return { store, databaseCopy: { file, copyTo: (path) => store.copyTo(path) }, databases: [] };
}

const DATABASE_PORTS: Readonly<Record<string, number>> = {
  postgres: 5432,
  postgresql: 5432,
  mysql: 3306,
  mariadb: 3306,
};

function schemeOf(url: Secret): string {
  return url.reveal().split(':', 1)[0] ?? '';
}

/** A driver is loaded where it is used: each is a tenth of a start. */
async function openServer({ values }: LoadedConfig, url: Secret, unheldRules: string[]): Promise<Store> {
  const { 'database.migrationUrl': migrationUrl } = values;
  const ca = readCertificates(values, 'database.ca');
  const server = {
    url,
    allowPlaintext: values['database.allowPlaintext'],
    ...(migrationUrl === undefined ? {} : { migrationUrl }),
    ...(ca === undefined ? {} : { ca }),
    onMigrationStep: (step: string, event: 'begins' | 'not-permitted') => {
      if (event === 'not-permitted') unheldRules.push(step);
    },
  };
  const scheme = schemeOf(url);
  switch (scheme) {
    case 'postgres':
    case 'postgresql':
      return (await import('@enchilada/adapters/store/postgres')).postgres(server);
    case 'mysql':
    case 'mariadb':
      return (await import('@enchilada/adapters/store/mysql')).mysql(server);
    default:
      throw new Fault(
        'CONFIGURATION_INVALID',
        `database.url must begin with postgres:, mysql: or mariadb:, received ${scheme}:`,
        { facts: { key: 'database.url' } },
      );
  }
}

/** The node's name outlives restarts, because its audit chain does. */
function keptNodeId(dataDir: string): string {
  const file = join(dataDir, 'node-id');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const id = `node-${randomId(random).slice(0, 8)}`;
  writeFileSync(file, `${id}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(file, 0o600);
  return id;
}

/** Without the rule, only the code keeps what it says; a role that may change the schema would have made it. */
function weakeningOf(rule: string): string {
  return `database rule not held: ${rule}`;
}

interface RecordKeeping {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly nodeId: string;
}

/** Recordings leave by their age and by nothing else. */
function retainRecordings(
  recordings: RecordingStore,
  keeping: RecordKeeping & { readonly keepMs: number; readonly report: (message: string, cause: unknown) => void },
): Disposable {
  const { store, audit, nodeId, keepMs, report } = keeping;
  const retire = async (): Promise<void> => {
    for (const id of await recordings.retire(clock.now() - keepMs)) {
      await store.now.recordings.update(id, { state: 'retired' });
      await audit.append({
        action: 'recording.retired',
        actor: { kind: 'system', name: nodeId },
        object: { kind: 'recording', id },
        outcome: 'success',
        detail: { recordingId: id },
      });
    }
  };
  return clock.every(RETENTION_EVERY_MS, () => {
    retire().catch((cause: unknown) => {
      report('recordings could not be retired', cause);
    });
  });
}

const CHAIN_PAGE = 1_000;

function runningSha256(hash = createHash('sha256')): RunningHash {
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.copy().digest(),
    copy: () => runningSha256(hash.copy()),
  };
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

async function* chainOf(store: Store, node: string): AsyncIterable<AuditRecord> {
  for (let after = 0; ;) {
    const page = await store.now.audit.chain(node, after, CHAIN_PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < CHAIN_PAGE) return;
    after = last.sequence;
  }
}

async function verifyAllChains(store: Store) {
  const chains = [];
  for (const node of await store.now.audit.nodes()) {
    const { records, broken } = await verifyChain(chainOf(store, node), { node }, sha256);
    chains.push({
      node,
      records,
      intact: broken === undefined,
      ...(broken === undefined ? {} : { brokenAt: broken.sequence, problem: broken.problem }),
    });
  }
  return { intact: chains.every(({ intact }) => intact), chains };
}
