import { type ConfigEntry, type ConfigValue, entries } from './entry.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Every key of `enchilada.yaml`, of the environment and of the flags. The reference page and the schema are generated from here. */
export const CONFIG_KEYS = entries({
  publicUrl: {
    kind: 'url',
    says: 'The address people use, for example https://bastion.example.org; needed for every listen address that is not loopback.',
  },
  listen: {
    kind: 'list',
    item: 'address',
    default: ['localhost'],
    says: 'Addresses to listen on; anything but loopback needs tls.cert, tls.key and publicUrl.',
  },
  port: {
    kind: 'integer',
    default: 8080,
    minimum: 0,
    maximum: 65_535,
    says: 'The port to listen on; 0 lets the system choose one.',
  },
  'tls.cert': {
    kind: 'path',
    says: 'PEM file with the certificate chain; read again when it changes, without dropping a connection.',
  },
  'tls.key': { kind: 'path', says: 'PEM file with the private key of tls.cert.' },
  trustedProxies: {
    kind: 'list',
    item: 'cidr',
    default: [],
    says: 'Proxies whose X-Forwarded-For is believed; the right-most address that is none of them is the client.',
  },
  dataDir: { kind: 'path', default: 'data', says: 'Where keys, the embedded database, recordings and the spool live.' },
  keyFile: {
    kind: 'path',
    says: 'The key-encryption key, a file of mode 0600; made at first start. Absent: keys/key-encryption.key in dataDir.',
  },
  'keyEncryption.key': {
    kind: 'text',
    maxLength: 1_000,
    says: 'The key-encryption key in a key management service, written as docs/operating.md shows. Absent: keyFile.',
  },
  'keyEncryption.alsoOpens': {
    kind: 'text',
    maxLength: 4_000,
    default: '',
    says: 'Key-encryption keys that only open what they sealed before, or will seal next, in the form of keyEncryption.key, separated by spaces; file is keyFile.',
  },
  'node.id': {
    kind: 'text',
    pattern: /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/u,
    says: 'The name of this node in sessions, audit and recordings. Absent: made at first start and kept in dataDir.',
  },
  'node.url': { kind: 'url', says: 'Where the other nodes reach this one. Absent: this node alone.' },
  'node.ca': {
    kind: 'path',
    says: 'PEM file of the authorities that may vouch for the other nodes, where node.url is https. Absent: those of the system.',
  },
  'guacd.servers': {
    kind: 'text',
    maxLength: 4_000,
    says: 'Addresses of guacd, for example tls://guacd-1.example.net:4822 weight=2, tcp://localhost; without tls:// only on this machine. Absent: no machine is opened through guacd.',
  },
  'guacd.ca': {
    kind: 'path',
    says: 'PEM file of the authorities that may vouch for guacd. Absent: those of the system.',
  },
  'guacd.allowVulnerable': {
    kind: 'boolean',
    default: false,
    weakens: (value) => value === true,
    says: 'Use a guacd that speaks a protocol older than 1.5.0, whose memory errors are public.',
  },
  'database.url': {
    kind: 'secret-url',
    says: 'The database for more than one node. Absent: an embedded file in dataDir.',
  },
  'database.migrationUrl': {
    kind: 'secret-url',
    says: 'The same database under a role that may change the schema. Absent: database.url.',
  },
  'database.ca': {
    kind: 'path',
    says: 'PEM file of the authorities that may vouch for the database server. Absent: those of the system.',
  },
  'database.allowPlaintext': {
    kind: 'boolean',
    default: false,
    weakens: (value) => value === true,
    says: 'Lets the connection to a database on another machine go without TLS.',
  },
  'egress.allowLoopback': {
    kind: 'boolean',
    default: false,
    weakens: (value) => value === true,
    says: 'Lets machines be at loopback addresses, for tests and single-machine use.',
  },
  'egress.allowCleartext': {
    kind: 'boolean',
    default: false,
    weakens: (value) => value === true,
    says: 'Lets machines be opened by protocols without encryption: who controls the network reads and alters everything, passwords too.',
  },
  'egress.allowOwnServices': {
    kind: 'boolean',
    default: false,
    weakens: (value) => value === true,
    says: 'Lets machines be where the database, another node or a listener of the gateway is. Absent: nobody opens those.',
  },
  'egress.allow': {
    kind: 'list',
    item: 'cidr',
    default: [],
    says: 'Networks that machines may be in; empty means all that are not denied.',
  },
  'egress.deny': {
    kind: 'list',
    item: 'cidr',
    default: [],
    says: 'Networks that machines may not be in, on top of the built-in list (metadata services, link-local, multicast, the database and the nodes).',
  },
  'recording.mode': {
    kind: 'choice',
    default: 'strict',
    options: ['strict', 'off'],
    weakens: (value) => value === 'off',
    says: 'strict: nothing is shown that is not recorded, and a recorder failure ends the session. off: no recording.',
  },
  'recording.allowExempt': {
    kind: 'boolean',
    default: false,
    weakens: (value) => value === true,
    says: 'Lets grants of record-exempt take effect: who has one for a machine is not recorded there. Absent: everybody is.',
  },
  'recording.input': {
    kind: 'choice',
    default: 'off',
    options: ['off', 'length', 'echoed'],
    says: 'What is kept of keystrokes: nothing, their number, or those whose echo was seen.',
  },
  'recording.desktopInput': {
    kind: 'choice',
    default: 'off',
    options: ['off', 'pointer', 'keys'],
    says: 'What is kept of input to desktops: nothing, the pointer, or the pointer and what is typed, sealed under a key of its own.',
  },
  'recording.retention': {
    kind: 'duration',
    default: '400d',
    minimumMs: DAY,
    maximumMs: 36_500 * DAY,
    says: 'How long recordings are kept; they leave by this alone.',
  },
  'recording.directory': { kind: 'path', says: 'Where sealed recordings are stored. Absent: recordings in dataDir.' },
  'discovery.inventories': {
    kind: 'path',
    says: 'The only folder from which sources read files: inventories, and tokens for them. Absent: inventories in dataDir.',
  },
  'sessions.idle': {
    kind: 'duration',
    default: '60m',
    minimumMs: MINUTE,
    maximumMs: 365 * DAY,
    says: 'A session without input ends after this.',
  },
  'sessions.maximum': {
    kind: 'duration',
    default: '12h',
    minimumMs: MINUTE,
    maximumMs: 365 * DAY,
    says: 'A session ends after this, whatever happens in it.',
  },
  'sessions.grace': {
    kind: 'duration',
    default: '5m',
    minimumMs: 0,
    maximumMs: DAY,
    says: 'How long a session waits for its person to come back.',
  },
  'sessions.perUser': {
    kind: 'integer',
    default: 20,
    minimum: 1,
    maximum: 10_000,
    says: 'How many live sessions one person may have.',
  },
  'sessions.watchers': {
    kind: 'integer',
    default: 50,
    minimum: 1,
    maximum: 1_000,
    says: 'How many may look on at one session at once, besides whoever controls it.',
  },
  'shutdown.grace': {
    kind: 'duration',
    default: '20s',
    minimumMs: 0,
    maximumMs: DAY,
    says: 'How long sessions may go on after the node was told to stop; whoever stops it must wait some seconds longer before killing it.',
  },
  'login.idle': {
    kind: 'duration',
    default: '15m',
    minimumMs: MINUTE,
    maximumMs: DAY,
    says: 'A login without activity ends after this.',
  },
  'login.absolute': {
    kind: 'duration',
    default: '12h',
    minimumMs: MINUTE,
    maximumMs: 30 * DAY,
    says: 'A login ends after this, whatever happens in it.',
  },
  'secondFactor.required': {
    kind: 'choice',
    default: 'administrators',
    options: ['nobody', 'administrators', 'everyone'],
    weakens: (value) => value === 'nobody',
    says: 'Who must sign in with a second factor; who has none yet gets one at the next sign-in. A group may demand it of its members besides.',
  },
  'secondFactor.trustedNetworks': {
    kind: 'list',
    item: 'cidr',
    default: [],
    weakens: (value) => Array.isArray(value) && value.length > 0,
    says: 'Networks from which sign-in asks for no second factor; machines that ask for one still do.',
  },
  'directory.check': {
    kind: 'duration',
    default: '60s',
    minimumMs: 1_000,
    maximumMs: DAY,
    says: 'How often directories are asked whether the people they brought are still there, enabled, and in which groups.',
  },
  'provider.refresh': {
    kind: 'duration',
    default: '15m',
    minimumMs: 1_000,
    maximumMs: DAY,
    says: 'How often OpenID providers that gave a refresh token are asked whether a sign-in still stands, and in which groups the person is.',
  },
  'provider.unanswered': {
    kind: 'duration',
    default: '0s',
    minimumMs: 0,
    maximumMs: 30 * DAY,
    says: 'Sign-ins that such a provider was asked about and has not confirmed for so long end, and their sessions. 0s: a provider that does not answer ends nothing, and the longest time of sign-ins holds.',
  },
  'banner.text': { kind: 'text', maxLength: 8000, default: '', says: 'Text shown before sign-in.' },
  'banner.consent': { kind: 'boolean', default: false, says: 'Whether a person must agree to the banner to sign in.' },
  'metrics.listen': {
    kind: 'text',
    pattern: /^(?:\[[0-9A-Fa-f:.]+\]|[0-9.]+|localhost):\d{1,5}$/u,
    says: 'ADDRESS:PORT of a listener of its own for /metrics, without sign-in. Absent: /api/v1/metrics serves those with the permission metrics.read.',
  },
  'audit.stdout': {
    kind: 'boolean',
    default: false,
    says: 'Writes each audit record as a JSON line to standard output.',
  },
  'log.level': {
    kind: 'choice',
    default: 'info',
    options: ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    says: 'The least important log line that is written, to standard error.',
  },
});

export type ConfigKey = keyof typeof CONFIG_KEYS;
export type Config = { readonly [K in ConfigKey]: ConfigValue<(typeof CONFIG_KEYS)[K]> };

export const CONFIG_KEY_LIST = Object.keys(CONFIG_KEYS) as readonly ConfigKey[];

export function entryOf(key: ConfigKey): ConfigEntry {
  return CONFIG_KEYS[key];
}

/** `database.migrationUrl` → `ENCHILADA_DATABASE_MIGRATION_URL`. */
export function environmentName(key: ConfigKey): string {
  return `ENCHILADA_${key
    .replaceAll('.', '_')
    .replaceAll(/([a-z])([A-Z])/gu, '$1_$2')
    .toUpperCase()}`;
}
