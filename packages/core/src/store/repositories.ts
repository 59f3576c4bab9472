import type { AccessRequest, Grant, GrantId, RequestDecision, RequestId, RequestState, Seat } from '../access/index.ts';
import type { AuditRecord } from '../audit/index.ts';
import type { CredentialId, CredentialRecord } from '../credential/index.ts';
import type {
  ApiToken,
  ApiTokenId,
  Challenge,
  FactorId,
  FactorProof,
  GroupId,
  LoginRecord,
  SecondFactor,
  SubjectName,
  User,
  UserGroup,
  UserId,
} from '../identity/index.ts';
import type { RecordingId } from '../recording/index.ts';
import type {
  Invitation,
  InvitationId,
  SessionId,
  SessionRecord,
  SessionTicket,
  TicketKind,
} from '../session/index.ts';
import type { HostKey, Target, TargetGroup, TargetGroupId, TargetId } from '../target/index.ts';
import type { Page, PageRequest } from './store.ts';

/** Inserts and renames throw Fault CONFLICT where a name is taken. Updates with a `version` throw CONFLICT when the row has moved on. */
export interface UserRepository {
  insert(user: User): Promise<void>;
  find(id: UserId): Promise<User | undefined>;
  findByUsername(username: string): Promise<User | undefined>;
  list(): Promise<readonly User[]>;
  /** Those of the ids who are there, in any order. */
  findMany(ids: readonly UserId[]): Promise<readonly User[]>;
  /** Of everybody, by name, and no more than that: cheap where there are many. */
  names(): Promise<readonly SubjectName[]>;
  /** Writes all columns where the stored version is `user.version`, and raises it. */
  update(user: User): Promise<User>;
  /** Sets `lastLoginAt` and leaves the version: signing in changes no right. */
  noteLogin(id: UserId, at: number): Promise<void>;
  delete(id: UserId): Promise<void>;
  countEnabledAdministrators(): Promise<number>;
}

export interface GroupRepository {
  insert(group: UserGroup): Promise<void>;
  find(id: GroupId): Promise<UserGroup | undefined>;
  list(): Promise<readonly (UserGroup & { readonly members: number })[]>;
  /** Of all, by name. */
  names(): Promise<readonly SubjectName[]>;
  update(group: UserGroup): Promise<void>;
  delete(id: GroupId): Promise<void>;
  /** Idempotent. */
  addMember(group: GroupId, user: UserId): Promise<void>;
  removeMember(group: GroupId, user: UserId): Promise<void>;
  members(group: GroupId): Promise<readonly UserId[]>;
  groupsOf(user: UserId): Promise<readonly GroupId[]>;
  /** The same of many, or of everybody; who is in none is not there. */
  memberships(of?: readonly UserId[]): Promise<ReadonlyMap<UserId, readonly GroupId[]>>;
}

export interface LoginRepository {
  insert(login: LoginRecord): Promise<void>;
  /** One query: login, its user and the user's groups. */
  findWithUser(
    digest: string,
  ): Promise<{ readonly login: LoginRecord; readonly user: User; readonly groupIds: readonly GroupId[] } | undefined>;
  /** The same by the present cookie. */
  findByCookie(cookieDigest: string): ReturnType<LoginRepository['findWithUser']>;
  touch(digest: string, lastSeenAt: number): Promise<void>;
  /** Completes or renews a login under a new cookie if it still has the old one; exactly one of many racing callers gets true. */
  stepUp(
    digest: string,
    oldCookieDigest: string,
    change: Pick<LoginRecord, 'cookieDigest' | 'provedAt' | 'expiresAt' | 'sealedPassword'> & {
      readonly factor: FactorProof | undefined;
    },
  ): Promise<boolean>;
  listOf(user: UserId): Promise<readonly LoginRecord[]>;
  /** True when a row was there. */
  delete(digest: string): Promise<boolean>;
  deleteOf(user: UserId, except?: string): Promise<readonly string[]>;
  deleteExpired(now: number): Promise<number>;
}

export interface BootstrapLink {
  /** The node that prints it. */
  readonly nodeId: string;
  /** Lower-case hex SHA-256 of the token. */
  readonly digest: string;
  readonly expiresAt: number;
}

/** The links of the first start: one a node, and all of them are spent with the first that is used. */
export interface BootstrapRepository {
  /** In place of the node's earlier link; false once there is an administrator. */
  issue(link: BootstrapLink, now: number): Promise<boolean>;
  /** Exactly one of many racing callers gets true, whichever links they hold; nobody does once there is an administrator. */
  spend(digest: string, now: number): Promise<boolean>;
  check(digest: string, now: number): Promise<boolean>;
}

export interface RecoveryLink {
  readonly userId: UserId;
  /** Lower-case hex SHA-256 of the token. */
  readonly digest: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface RecoveryRepository {
  /** In place of the person's earlier link. */
  issue(link: RecoveryLink): Promise<void>;
  find(digest: string, now: number): Promise<RecoveryLink | undefined>;
  /** Exactly one of many racing callers gets true. */
  spend(digest: string, now: number): Promise<boolean>;
  deleteExpired(now: number): Promise<void>;
}

export interface SecondFactorRepository {
  /** @throws Fault CONFLICT for a passkey that somebody has enrolled already. */
  insert(factor: SecondFactor): Promise<void>;
  find(id: FactorId): Promise<SecondFactor | undefined>;
  findPasskey(credentialId: string): Promise<SecondFactor | undefined>;
  /** How many confirmed ones each person has. */
  counts(): Promise<ReadonlyMap<UserId, number>>;
  /** Also those that are not confirmed yet. */
  listOf(user: UserId): Promise<readonly SecondFactor[]>;
  /** Exactly one of many racing callers gets true. */
  confirm(id: FactorId, name: string, at: number): Promise<boolean>;
  /** Accepts a time step (RFC 6238 section 5.2) once, and none before it; exactly one of many racing callers gets true. */
  useStep(id: FactorId, step: number, at: number): Promise<boolean>;
  /** Accepts a signature counter that rises, or stays 0 for ever. */
  useCounter(id: FactorId, counter: number, at: number): Promise<boolean>;
  delete(id: FactorId): Promise<boolean>;
  /** Factors and recovery codes. Answers the number of confirmed factors. */
  deleteOf(user: UserId): Promise<number>;
  replaceRecoveryCodes(user: UserId, digests: readonly string[], at: number): Promise<void>;
  /** Exactly one of many racing callers gets true. */
  spendRecoveryCode(user: UserId, digest: string): Promise<boolean>;
  countRecoveryCodes(user: UserId): Promise<number>;
}

export interface ApiTokenRepository {
  insert(token: ApiToken): Promise<void>;
  findWithUser(
    digest: string,
  ): Promise<{ readonly token: ApiToken; readonly user: User; readonly groupIds: readonly GroupId[] } | undefined>;
  listOf(user: UserId): Promise<readonly ApiToken[]>;
  noteUse(id: ApiTokenId, at: number, address: string): Promise<void>;
  delete(id: ApiTokenId): Promise<boolean>;
}

export interface ChallengeRepository {
  insert(challenge: Challenge): Promise<void>;
  /** Deletes and answers it if it is unexpired and of this purpose; exactly one of many racing callers gets it. */
  redeem(digest: string, purpose: Challenge['purpose'], now: number): Promise<Challenge | undefined>;
  deleteExpired(now: number): Promise<number>;
}

export interface ThrottleRepository {
  /** Counts one attempt atomically and answers the count within the window that began at most `windowMs` ago. */
  count(
    key: string,
    now: number,
    windowMs: number,
  ): Promise<{ readonly count: number; readonly windowStartedAt: number }>;
  peek(key: string, now: number, windowMs: number): Promise<number>;
  clear(key: string): Promise<void>;
  deleteOlderThan(time: number): Promise<void>;
}

export interface CatalogRepository {
  /** Rises with each change of what the policy looks at: targets, their groups, grants, memberships, people; cached views compare it. */
  version(): Promise<number>;
  /** The same, and what rises with each change of a target or target group alone. */
  versions(): Promise<{ readonly all: number; readonly targets: number }>;
  insertTarget(target: Target): Promise<void>;
  /** All or none, in far fewer statements than one by one. */
  insertTargets(targets: readonly Target[]): Promise<void>;
  findTarget(id: TargetId): Promise<Target | undefined>;
  /** Those of the ids that are there. */
  findTargets(ids: readonly TargetId[]): Promise<readonly Target[]>;
  /** Those that have one of the names, as names are compared. */
  findTargetsByName(names: readonly string[]): Promise<readonly Target[]>;
  /** In no promised order. */
  listTargets(): Promise<readonly Target[]>;
  /** @throws Fault CONFLICT, NOT_FOUND */
  updateTarget(target: Target): Promise<Target>;
  /** All or none, the versions of the catalog raised once. @throws Fault CONFLICT, NOT_FOUND */
  updateTargets(targets: readonly Target[]): Promise<void>;
  deleteTarget(id: TargetId): Promise<void>;
  insertGroup(group: TargetGroup): Promise<void>;
  findGroup(id: TargetGroupId): Promise<TargetGroup | undefined>;
  listGroups(): Promise<readonly TargetGroup[]>;
  updateGroup(group: TargetGroup): Promise<void>;
  /** Targets and groups inside move to the parent. */
  deleteGroup(id: TargetGroupId): Promise<void>;
}

export interface CredentialRepository {
  insert(credential: CredentialRecord): Promise<void>;
  find(id: CredentialId): Promise<CredentialRecord | undefined>;
  list(): Promise<readonly (CredentialRecord & { readonly targets: number })[]>;
  update(credential: CredentialRecord): Promise<CredentialRecord>;
  /** @throws Fault CONFLICT while a target uses it. */
  delete(id: CredentialId): Promise<void>;
}

export interface InvitationRepository {
  /** Whether there was room: a session has so many that stand, however many are asked for at once. Forgets those that are over by its time. */
  insertWithin(invitation: Invitation, most: number): Promise<boolean>;
  /** Those that stand, the oldest first. */
  listOf(session: SessionId, now: number): Promise<readonly Invitation[]>;
  /** The live sessions that somebody is invited to. */
  sessionsFor(guest: UserId, now: number): Promise<readonly SessionId[]>;
  /** Whether it was there. */
  delete(session: SessionId, id: InvitationId): Promise<boolean>;
}

export interface GrantRepository {
  insert(grant: Grant): Promise<void>;
  find(id: GrantId): Promise<Grant | undefined>;
  list(): Promise<readonly Grant[]>;
  /** Grants whose subject is the user or one of the groups. */
  listFor(user: UserId, groups: readonly GroupId[]): Promise<readonly Grant[]>;
  delete(id: GrantId): Promise<void>;
}

export interface RequestQuery extends PageRequest {
  readonly userId?: UserId;
  /** Asked under one of these. */
  readonly grantIds?: readonly GrantId[];
  readonly states?: readonly RequestState[];
  /** Whose time is not over then. */
  readonly openAt?: number;
}

export interface AccessRequestRepository {
  insert(request: AccessRequest): Promise<void>;
  find(id: RequestId): Promise<AccessRequest | undefined>;
  /** Newest first. */
  list(query: RequestQuery): Promise<Page<AccessRequest>>;
  /** Of one person: approved, not over, and good for at least one more session. */
  usableOf(user: UserId, now: number): Promise<readonly AccessRequest[]>;
  countOpenOf(user: UserId, now: number): Promise<number>;
  /** When the person asked since then, oldest first: the newest `limit` of them. */
  askedAt(
    user: UserId,
    query: { readonly since: number; readonly breakGlass: boolean; readonly limit: number },
  ): Promise<readonly number[]>;
  /** One a person; false where they have decided already. */
  addDecision(id: RequestId, decision: RequestDecision): Promise<boolean>;
  /** Exactly one of many racing callers gets true. */
  move(
    id: RequestId,
    change: { readonly from: readonly RequestState[]; readonly to: RequestState; readonly at: number },
  ): Promise<boolean>;
}

export interface HostKeyRepository {
  listOf(target: TargetId): Promise<readonly HostKey[]>;
  /** Pins the first key; of two racing different keys exactly one gets true. */
  pinFirst(key: HostKey): Promise<boolean>;
  insert(key: HostKey): Promise<void>;
  revoke(target: TargetId, fingerprint: string): Promise<void>;
  delete(target: TargetId, fingerprint: string): Promise<void>;
}

export interface SessionQuery extends PageRequest {
  readonly live?: boolean;
  readonly userId?: UserId;
  readonly targetId?: TargetId;
}

export interface SessionPlaces {
  readonly most: number;
  /** In one order for everybody; none: no seat is needed. */
  readonly seats: readonly Seat[];
}

export interface SessionRepository {
  insert(session: SessionRecord): Promise<void>;
  /**
   * Inserts unless its person has `most` live ones already, on the first of the seats that is free, where any is asked for.
   * The approval of such a seat is used up in the same transaction, or the session is not there.
   * Exact, however many callers on however many nodes ask at once.
   */
  insertWithin(session: SessionRecord, limits: SessionPlaces): Promise<'placed' | 'too-many' | 'no-seat'>;
  find(id: SessionId): Promise<SessionRecord | undefined>;
  list(query: SessionQuery): Promise<Page<SessionRecord>>;
  /** Gives a requested session to the node and makes it `opening`; exactly one of many racing nodes gets true. */
  claim(id: SessionId, nodeId: string): Promise<boolean>;
  /** Writes the fields unless the session has ended; false if it had. */
  update(
    id: SessionId,
    change: Partial<
      Pick<
        SessionRecord,
        'state' | 'openedAt' | 'endedAt' | 'endReason' | 'endDetail' | 'recordingId' | 'bytesIn' | 'bytesOut'
      >
    >,
  ): Promise<boolean>;
  countLiveOf(user: UserId): Promise<number>;
  listLiveOfNode(nodeId: string): Promise<readonly SessionRecord[]>;
  /** Claimed by a node that is no longer known, and not ended. */
  listLiveOfLostNodes(): Promise<readonly SessionRecord[]>;
  /** Requested at or before the time, and claimed by nobody since. */
  listUnclaimed(until: number): Promise<readonly SessionRecord[]>;
}

export interface TicketRepository {
  insert(tickets: readonly SessionTicket[]): Promise<void>;
  /** Deletes and answers it if it is unexpired, of this kind and of this login; exactly one of many racing callers gets it. */
  redeem(
    digest: string,
    expected: { readonly kind: TicketKind; readonly loginDigest: string; readonly now: number },
  ): Promise<SessionTicket | undefined>;
  deleteExpired(now: number): Promise<number>;
}

export interface RecordingRow {
  readonly id: RecordingId;
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly username: string;
  readonly targetId: TargetId;
  readonly targetName: string;
  readonly protocol: string;
  readonly surface: string;
  readonly nodeId: string;
  readonly state: 'recording' | 'complete' | 'incomplete' | 'gapped' | 'retired';
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly durationMs: number;
  readonly storedBytes: number;
  readonly chunks: number;
  readonly endReason: string | undefined;
}

export interface RecordingQuery extends PageRequest {
  readonly userId?: UserId;
  readonly targetId?: TargetId;
  readonly text?: string;
  readonly from?: number;
  readonly to?: number;
}

export interface RecordingIndexRepository {
  insert(row: RecordingRow): Promise<void>;
  find(id: RecordingId): Promise<RecordingRow | undefined>;
  list(query: RecordingQuery): Promise<Page<RecordingRow>>;
  update(id: RecordingId, change: Partial<Omit<RecordingRow, 'id' | 'sessionId'>>): Promise<void>;
  /** What the index still calls running becomes incomplete; what its own node has finalised stays. */
  abandonOf(session: SessionId, end: Required<Pick<RecordingRow, 'endedAt' | 'endReason'>>): Promise<void>;
}

export interface AuditQuery extends PageRequest {
  readonly action?: string;
  readonly actor?: string;
  readonly object?: string;
  readonly outcome?: string;
  readonly address?: string;
  readonly text?: string;
  readonly from?: number;
  readonly to?: number;
  /** Newest first unless `oldest`. */
  readonly order?: 'newest' | 'oldest';
}

/** Append only: there is neither update nor delete. */
export interface AuditRepository {
  append(record: AuditRecord): Promise<void>;
  /** All or none. */
  appendAll(records: readonly AuditRecord[]): Promise<void>;
  last(node: string): Promise<AuditRecord | undefined>;
  list(query: AuditQuery): Promise<Page<AuditRecord>>;
  nodes(): Promise<readonly string[]>;
  /** One chain in order, in pages. */
  chain(node: string, after: number, limit: number): Promise<readonly AuditRecord[]>;
}

export interface NodeRecord {
  readonly id: string;
  /** Where the other nodes reach it. */
  readonly url: string;
  readonly version: string;
  readonly startedAt: number;
  readonly heartbeatAt: number;
  /** The key-encryption keys that it opens; undefined for releases that do not tell. */
  readonly keyIds?: readonly string[];
}

export interface NodeRepository {
  /** Makes a node known, alive by the database's clock; replaces an earlier life of it. */
  join(node: Omit<NodeRecord, 'heartbeatAt'>): Promise<void>;
  /** The same, unless a node of this name is known. */
  joinIfAbsent(node: Omit<NodeRecord, 'heartbeatAt'>): Promise<boolean>;
  /** A sign of life. False where this life of the node is no longer known: the others have declared it lost, or a new one took its place. */
  beat(id: string, startedAt: number): Promise<boolean>;
  /** Forgets nodes that were silent for longer, by the database's clock; each is answered to exactly one of many racing callers. */
  declareLost(silentMs: number): Promise<readonly NodeRecord[]>;
  list(): Promise<readonly NodeRecord[]>;
  delete(id: string): Promise<void>;
}

/** A message to one node, or to all of them, polled from a table. */
export type NodeCommand =
  | { readonly kind: 'end-session'; readonly sessionId: SessionId; readonly reason: string; readonly detail: string }
  | { readonly kind: 'recheck-user'; readonly userId: UserId }
  | { readonly kind: 'recheck-all' }
  /** `isWithdrawn`: the identity provider no longer confirms it. */
  | { readonly kind: 'end-login'; readonly loginDigest: string; readonly isWithdrawn?: boolean };

export interface CommandRepository {
  post(command: NodeCommand, at: number): Promise<void>;
  /** Commands after a sequence number, in order; each node remembers how far it has read. */
  after(
    sequence: number,
    limit: number,
  ): Promise<readonly { readonly sequence: number; readonly command: NodeCommand }[]>;
  /** Whether there is anything to read: the number of the last command and the catalog's version. Asked often, and therefore one short question. */
  news(): Promise<{ readonly lastSequence: number; readonly catalogVersion: number }>;
  deleteOlderThan(time: number): Promise<void>;
}

export interface SettingRepository {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
  all(): Promise<Readonly<Record<string, string>>>;
}
