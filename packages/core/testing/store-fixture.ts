import { randomBytes } from 'node:crypto';
import type { Grant, GrantSubject } from '@enchilada/core/access';
import type { AuditRecord } from '@enchilada/core/audit';
import type { CredentialRecord } from '@enchilada/core/credential';
import type { LoginRecord, User } from '@enchilada/core/identity';
import type { SessionRecord, SessionTicket } from '@enchilada/core/session';
import type { RecordingRow, Store } from '@enchilada/core/store';
import type { HostKey, Target } from '@enchilada/core/target';

/** One empty database of the kind under test. Disposing closes every store that was opened, and removes it. */
export interface StoreUnderTest extends AsyncDisposable {
  /** A further client of the same database, with connections of its own. */
  open(): Store;
  /** The names of its tables, as the database itself lists them. */
  tables(): Promise<readonly string[]>;
  /** Text of an ES module that exports `open(onMigrationStep): Store`, for other processes. */
  readonly childModule: string;
}

/** Keeps what `open` made, so that disposing leaves no connection behind. */
export function storeUnderTest(parts: {
  readonly open: () => Store;
  readonly tables: () => Promise<readonly string[]>;
  readonly childModule: string;
  readonly remove: () => Promise<void>;
}): StoreUnderTest {
  const opened: Store[] = [];
  return {
    childModule: parts.childModule,
    tables: parts.tables,
    open() {
      const store = parts.open();
      opened.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((store) => store[Symbol.asyncDispose]()));
      await parts.remove();
    },
  };
}

/** A migrated database with two clients, as two nodes have. */
export async function openedTwice(create: () => Promise<StoreUnderTest>): Promise<{
  readonly database: StoreUnderTest;
  readonly store: Store;
  readonly second: Store;
}> {
  const database = await create();
  const store = database.open();
  await store.migrate();
  return { database, store, second: database.open() };
}

/** The same work twenty times at once, by turns at each client. */
export function twentyAtOnce<T>(
  stores: readonly [Store, Store],
  work: (at: Store) => Promise<T>,
): Promise<readonly T[]> {
  const [store, second] = stores;
  return Promise.all(Array.from({ length: 20 }, (_unused, index) => work(index % 2 === 0 ? store : second)));
}

export function anId(prefix: string): string {
  return `${prefix}_${randomBytes(8).toString('hex')}`;
}

export function aDigest(): string {
  return randomBytes(32).toString('hex');
}

export function aUser(fields: Partial<User> = {}): User {
  const id = anId('usr');
  return {
    id,
    username: id,
    displayName: 'Somebody',
    role: 'user',
    passwordHash: '$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA',
    breakGlass: false,
    disabledAt: undefined,
    createdAt: 1_760_000_000_123,
    lastLoginAt: undefined,
    preferences: { language: 'en', fontSize: 14, webgl: true },
    version: 1,
    ...fields,
  };
}

export function aLogin(userId: string, fields: Partial<LoginRecord> = {}): LoginRecord {
  const digest = aDigest();
  return {
    digest,
    cookieDigest: digest,
    userId,
    method: 'password',
    stage: 'complete',
    factor: undefined,
    provedAt: 1_000,
    createdAt: 1_000,
    lastSeenAt: 1_000,
    expiresAt: 9_000,
    address: '2001:db8::1',
    userAgent: 'test',
    sealedPassword: new Uint8Array([0, 1, 255, 0]),
    ...fields,
  };
}

export function aTarget(fields: Partial<Target> = {}): Target {
  const id = anId('tgt');
  return {
    id,
    name: id,
    protocol: 'ssh',
    host: 'machine.example',
    port: 22,
    groupId: undefined,
    labels: { env: 'prod', team: 'büro' },
    description: '',
    parameters: { columns: 80 },
    credentialId: undefined,
    jumpTargetId: undefined,
    hostKeyPolicy: 'ask',
    builtIn: undefined,
    goneAt: undefined,
    version: 1,
    createdAt: 1_000,
    updatedAt: 1_000,
    ...fields,
  };
}

/** To connect to every machine, where nothing else is said. */
export function aGrant(subject: GrantSubject, fields: Partial<Grant> = {}): Grant {
  return {
    id: anId('gra'),
    subject,
    scope: { kind: 'all' },
    actions: ['connect'],
    createdAt: 1,
    createdBy: 'usr_root',
    ...fields,
  };
}

export function aCredential(fields: Partial<CredentialRecord> = {}): CredentialRecord {
  const id = anId('crd');
  return {
    id,
    name: id,
    kind: 'password',
    username: 'root',
    sealed: {
      keyId: 'kek-1',
      version: 1,
      wrappedKey: randomBytes32(),
      nonce: randomBytes32().slice(0, 12),
      ciphertext: randomBytes32(),
    },
    publicFingerprint: undefined,
    version: 1,
    createdAt: 1_000,
    updatedAt: 1_000,
    ...fields,
  };
}

export function aHostKey(targetId: string, fields: Partial<HostKey> = {}): HostKey {
  const key = randomBytes32();
  return {
    targetId,
    keyType: 'ssh-ed25519',
    key,
    fingerprint: `SHA256:${Buffer.from(key).toString('base64url')}`,
    state: 'pinned',
    pinnedAt: 1_000,
    pinnedBy: 'trust-first',
    ...fields,
  };
}

export function aSession(fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: anId('ses'),
    userId: 'usr_1',
    username: 'alice',
    targetId: 'tgt_1',
    targetName: 'machine',
    protocol: 'ssh',
    surface: 'terminal',
    state: 'requested',
    nodeId: '',
    loginDigest: aDigest(),
    address: '192.0.2.1',
    viewOnly: false,
    recordExempt: false,
    grantId: undefined,
    recordingId: undefined,
    requestedAt: 1_000,
    openedAt: undefined,
    endedAt: undefined,
    endReason: undefined,
    endDetail: undefined,
    bytesIn: 0,
    bytesOut: 0,
    ...fields,
  };
}

export function aTicket(fields: Partial<SessionTicket> = {}): SessionTicket {
  return {
    digest: aDigest(),
    kind: 'data',
    mode: 'control',
    sessionId: anId('ses'),
    viewerId: anId('vwr'),
    loginDigest: aDigest(),
    expiresAt: 30_000,
    ...fields,
  };
}

export function aRecording(fields: Partial<RecordingRow> = {}): RecordingRow {
  return {
    id: anId('rec'),
    sessionId: anId('ses'),
    userId: 'usr_1',
    username: 'alice',
    targetId: 'tgt_1',
    targetName: 'machine',
    protocol: 'ssh',
    surface: 'terminal',
    nodeId: 'node-1',
    state: 'recording',
    startedAt: 1_000,
    endedAt: undefined,
    durationMs: 0,
    storedBytes: 0,
    chunks: 0,
    endReason: undefined,
    ...fields,
  };
}

/** A stored record; the hash is not checked by the store. */
export function anAuditRecord(node: string, sequence: number, fields: Partial<AuditRecord> = {}): AuditRecord {
  return {
    node,
    sequence,
    at: 1_000 + sequence,
    action: 'login.succeeded',
    actor: { kind: 'user', id: 'usr_1', name: 'alice' },
    address: '192.0.2.1',
    outcome: 'success',
    previous: '0'.repeat(64),
    hash: aDigest(),
    ...fields,
  };
}

function randomBytes32(): Uint8Array {
  return Uint8Array.from(randomBytes(32));
}
