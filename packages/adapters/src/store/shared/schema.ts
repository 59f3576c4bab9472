/** Rows as they lie in the database; `CamelCasePlugin` makes `started_at` of `startedAt`. Table names avoid the reserved words of SQL. */
export interface Schema {
  userAccount: UserRow;
  userGroup: UserGroupRow;
  groupMember: { groupId: string; userId: string; providerId: string | null };
  identityProvider: IdentityProviderRow;
  externalIdentity: ExternalIdentityRow;
  pendingSignIn: PendingSignInRow;
  providedLogin: ProvidedLoginRow;
  refreshToken: RefreshTokenRow;
  personalKey: PersonalKeyRow;
  spentMessage: { digest: string; expiresAt: number };
  provisioningToken: ProvisioningTokenRow;
  provisionedUser: ProvisionedUserRow;
  provisionedGroup: ProvisionedGroupRow;
  provisionedMember: { groupId: string; userId: string };
  settlement: { id: string; dueAt: number; told: number; body: string };
  login: LoginRow;
  bootstrapLink: { nodeId: string; digest: string; expiresAt: number };
  recoveryLink: { userId: string; digest: string; issuedAt: number; expiresAt: number };
  deviceLogin: DeviceLoginRow;
  sessionInvitation: InvitationRow;
  secondFactor: SecondFactorRow;
  apiToken: ApiTokenRow;
  recoveryCode: { digest: string; userId: string; createdAt: number };
  challenge: { digest: string; purpose: string; userId: string | null; expiresAt: number };
  throttle: { keyDigest: string; windowStartedAt: number; attempts: number };
  counter: { name: string; value: number };
  setting: { name: string; value: string };
  credential: CredentialRow;
  authorityKey: AuthorityKeyRow;
  secretStore: SecretStoreRow;
  targetGroup: TargetGroupRow;
  target: TargetRow;
  accessGrant: GrantRow;
  policyHistory: { kind: string; objectId: string; version: number; at: number; body: string | null };
  accessRequest: AccessRequestRow;
  requestDecision: RequestDecisionRow;
  notificationEndpoint: NotificationEndpointRow;
  notificationQueue: { id: string; endpointId: string; body: string; attempts: number; nextAt: number };
  hostKey: HostKeyRow;
  session: SessionRow;
  ticket: TicketRow;
  recording: RecordingIndexRow;
  audit: AuditRow;
  node: {
    id: string;
    url: string;
    version: string;
    startedAt: number;
    heartbeatAt: number;
    keyIds: string | null;
  };
  command: { sequence: number; postedAt: number; body: string };
  discoverySource: DiscoverySourceRow;
  discoveryRules: { id: number; rules: string; version: number };
  discoveryScope: DiscoveryScopeRow;
  discoveryTrouble: DiscoveryTroubleRow;
  foundMachine: FoundMachineRow;
  discoveryEvent: { eventId: string; notedAt: number };
  discoveryChange: DiscoveryChangeRow;
  schemaStep: { name: string; appliedAt: number };
}

export interface UserRow {
  id: string;
  username: string;
  usernameKey: string;
  displayName: string;
  role: string;
  passwordHash: string | null;
  breakGlass: number;
  disabledAt: number | null;
  createdAt: number;
  lastLoginAt: number | null;
  preferences: string;
  version: number;
  service: number | null;
}

export interface UserGroupRow {
  id: string;
  name: string;
  nameKey: string;
  description: string;
  createdAt: number;
  requiresSecondFactor: number;
}

export interface IdentityProviderRow {
  id: string;
  kind: string;
  name: string;
  nameKey: string;
  parameters: string;
  secretKeyId: string | null;
  secret: Uint8Array | null;
  rules: string;
  admits: string;
  trustsFactor: number;
  enabled: number;
  version: number;
  createdAt: number;
  updatedAt: number;
}

export interface ExternalIdentityRow {
  providerId: string;
  subjectDigest: string;
  subject: string;
  userId: string;
  providerGroups: string;
  seenAt: number;
  suspended: number;
  attributes: string | null;
}

export interface ProvisioningTokenRow {
  providerId: string;
  digest: string;
  createdAt: number;
  createdBy: string;
  lastUsedAt: number | null;
}

export interface ProvisionedUserRow {
  providerId: string;
  userId: string;
  userName: string;
  /** Null of those who were deleted. */
  userNameKey: string | null;
  externalId: string | null;
  externalDigest: string | null;
  resource: string;
  active: number;
  deletedAt: number | null;
  version: number;
  createdAt: number;
  updatedAt: number;
}

export interface ProvisionedGroupRow {
  id: string;
  providerId: string;
  displayName: string;
  nameDigest: string;
  externalId: string | null;
  externalDigest: string | null;
  resource: string;
  version: number;
  createdAt: number;
  updatedAt: number;
}

export interface PendingSignInRow {
  stateDigest: string;
  browserDigest: string;
  providerId: string;
  nextPath: string;
  expiresAt: number;
  answer: string | null;
}

export interface ProvidedLoginRow {
  loginDigest: string;
  providerId: string;
  subjectDigest: string;
  subject: string;
  sessionDigest: string | null;
  sessionId: string | null;
  hintKeyId: string | null;
  hint: Uint8Array | null;
  endsAt: number | null;
}

export interface PersonalKeyRow {
  id: string;
  userId: string;
  name: string;
  publicKey: string;
  fingerprint: string;
  keyId: string;
  wrappedKey: Uint8Array;
  nonce: Uint8Array;
  ciphertext: Uint8Array;
  createdAt: number;
  lastUsedAt: number | null;
}

export interface RefreshTokenRow {
  id: string;
  loginDigest: string;
  providerId: string;
  subjectDigest: string;
  subject: string;
  keyId: string;
  wrappedKey: Uint8Array;
  nonce: Uint8Array;
  ciphertext: Uint8Array;
  version: number;
  answeredAt: number;
  dueAt: number;
  failures: number;
  reason: string | null;
  inDoubt: number;
}

export interface ApiTokenRow {
  id: string;
  digest: string;
  userId: string;
  name: string;
  scope: string;
  createdAt: number;
  expiresAt: number;
  lastUsedAt: number | null;
  lastUsedAddress: string | null;
}

export interface InvitationRow {
  id: string;
  sessionId: string;
  username: string;
  guestId: string | null;
  createdAt: number;
  expiresAt: number;
}

export interface DeviceLoginRow {
  deviceDigest: string;
  userDigest: string;
  address: string;
  userAgent: string;
  askedAt: number;
  expiresAt: number;
  state: string;
  loginDigest: string | null;
  intervalMs: number;
  polledAt: number;
}

export interface SecondFactorRow {
  id: string;
  userId: string;
  kind: string;
  name: string;
  createdAt: number;
  confirmedAt: number | null;
  lastUsedAt: number | null;
  keyId: string | null;
  seed: Uint8Array | null;
  lastStep: number;
  credentialKey: string | null;
  credentialId: string | null;
  publicKey: Uint8Array | null;
  counter: number;
  transports: string;
}

export interface LoginRow {
  digest: string;
  cookieDigest: string | null;
  stage: string;
  factor: string | null;
  provedAt: number | null;
  userId: string;
  method: string;
  createdAt: number;
  lastSeenAt: number;
  expiresAt: number;
  address: string;
  userAgent: string;
  sealedPassword: Uint8Array | null;
}

export interface CredentialRow {
  id: string;
  name: string;
  nameKey: string;
  kind: string;
  username: string;
  keyId: string | null;
  wrappedKey: Uint8Array | null;
  nonce: Uint8Array | null;
  ciphertext: Uint8Array | null;
  sealedVersion: number | null;
  publicFingerprint: string | null;
  terms: string | null;
  secretStoreId: string | null;
  reference: string | null;
  version: number;
  createdAt: number;
  updatedAt: number;
}

export interface AuthorityKeyRow {
  id: string;
  state: string;
  publicKey: string;
  fingerprint: string;
  keyId: string;
  wrappedKey: Uint8Array;
  nonce: Uint8Array;
  ciphertext: Uint8Array;
  createdAt: number;
}

export interface SecretStoreRow {
  id: string;
  kind: string;
  name: string;
  nameKey: string;
  parameters: string;
  secretKeyId: string | null;
  secret: Uint8Array | null;
  version: number;
  createdAt: number;
  updatedAt: number;
}

export interface TargetGroupRow {
  id: string;
  parentId: string | null;
  /** `parentId`, or empty at the root: NULLs are distinct in a unique index. */
  parentKey: string;
  name: string;
  nameKey: string;
}

export interface TargetRow {
  id: string;
  name: string;
  nameKey: string;
  protocol: string;
  host: string;
  port: number;
  groupId: string | null;
  labels: string;
  description: string;
  parameters: string;
  credentialId: string | null;
  jumpTargetId: string | null;
  filesTargetId: string | null;
  hostKeyPolicy: string;
  proofMinutes: number | null;
  builtIn: string | null;
  goneAt: number | null;
  version: number;
  createdAt: number;
  updatedAt: number;
}

export interface GrantRow {
  id: string;
  userId: string | null;
  groupId: string | null;
  scopeKind: string;
  targetId: string | null;
  targetGroupId: string | null;
  selector: string | null;
  effect: string;
  conditions: string | null;
  actions: string;
  createdAt: number;
  createdBy: string;
}

export interface AccessRequestRow {
  id: string;
  userId: string;
  username: string;
  grantId: string;
  scope: string;
  scopeName: string;
  actions: string;
  fromAt: number;
  untilAt: number;
  reason: string;
  sessions: number;
  breakGlass: number;
  askedHash: string;
  state: string;
  uses: number;
  createdAt: number;
  decidedAt: number | null;
}

export interface RequestDecisionRow {
  requestId: string;
  userId: string;
  username: string;
  verdict: string;
  words: string;
  askedHash: string;
  decidedAt: number;
}

export interface NotificationEndpointRow {
  id: string;
  kind: string;
  name: string;
  nameKey: string;
  parameters: string;
  secretKeyId: string | null;
  secret: Uint8Array | null;
  enabled: number;
  version: number;
  createdAt: number;
  updatedAt: number;
  deliveredAt: number | null;
  problem: string | null;
}

export interface HostKeyRow {
  targetId: string;
  keyType: string;
  fingerprint: string;
  keyBytes: Uint8Array;
  state: string;
  pinnedAt: number;
  pinnedBy: string;
}

export interface SessionRow {
  id: string;
  userId: string;
  username: string;
  targetId: string;
  targetName: string;
  protocol: string;
  surface: string;
  state: string;
  nodeId: string;
  loginDigest: string;
  address: string;
  viewOnly: number;
  recordExempt: number;
  grantId: string | null;
  recordingId: string | null;
  requestedAt: number;
  openedAt: number | null;
  endedAt: number | null;
  endReason: string | null;
  endDetail: string | null;
  bytesIn: number;
  bytesOut: number;
}

export interface TicketRow {
  digest: string;
  kind: string;
  mode: string;
  sessionId: string;
  viewerId: string;
  loginDigest: string;
  expiresAt: number;
}

export interface RecordingIndexRow {
  id: string;
  sessionId: string;
  userId: string;
  username: string;
  targetId: string;
  targetName: string;
  protocol: string;
  surface: string;
  nodeId: string;
  state: string;
  startedAt: number;
  endedAt: number | null;
  durationMs: number;
  storedBytes: number;
  chunks: number;
  endReason: string | null;
  searchText: string;
}

/** `payload` is the canonical JSON that the hash covers, and the only column that is read back; the others are there to be searched. */
export interface AuditRow {
  node: string;
  sequence: number;
  at: number;
  action: string;
  outcome: string;
  actorId: string;
  actorKey: string;
  objectId: string;
  objectKey: string;
  address: string;
  searchText: string;
  payload: string;
  previous: string;
  hash: string;
}

export interface DiscoverySourceRow {
  id: string;
  kind: string;
  name: string;
  nameKey: string;
  parameters: string;
  protectedTags: string;
  enabled: number;
  version: number;
  createdAt: number;
  updatedAt: number;
}

export interface DiscoveryScopeRow {
  sourceId: string;
  account: string;
  region: string;
  accountName: string;
  leaseHolder: string | null;
  leaseUntil: number;
  lastEventAt: number | null;
  lastSweepAt: number | null;
  staleSince: number | null;
  problem: string | null;
  heldSince: number | null;
  held: string;
  judgedBy: string | null;
  retiredAt: number | null;
  eventLagMs: number | null;
  unannouncedAt: number | null;
}

export interface DiscoveryTroubleRow {
  sourceId: string;
  part: string;
  account: string;
  since: number;
  seenAt: number;
  problem: string;
}

export interface FoundMachineRow {
  id: string;
  sourceId: string;
  account: string;
  region: string;
  nativeId: string;
  /** The native id where it fits, else its digest. */
  nativeKey: string;
  facts: string;
  observedAt: number;
  missingSince: number | null;
  goneAt: number | null;
  targetId: string | null;
  projected: string | null;
  omitted: string | null;
  trace: string;
  launchedBy: string | null;
  firstSeenAt: number;
  furtherTargetId: string | null;
  further: string | null;
}

export interface DiscoveryChangeRow {
  id: string;
  at: number;
  sourceId: string;
  account: string;
  region: string;
  nativeId: string;
  name: string;
  kind: string;
  cause: string;
  targetId: string | null;
}
