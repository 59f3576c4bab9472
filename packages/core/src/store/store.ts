import type { AuthorityRepository } from './authority-repository.ts';
import type { DeviceLoginRepository } from './device-login-repository.ts';
import type { DiscoveryRepository } from './discovery-repository.ts';
import type { NotificationRepository } from './notification-repository.ts';
import type { SecretStoreRepository } from './secret-store-repository.ts';
import type { PolicyHistoryRepository } from './policy-history-repository.ts';
import type { ProviderRepository } from './provider-repository.ts';
import type { WrappedKeyRepository } from './wrapped-key-repository.ts';
import type { PersonalKeyRepository } from './personal-key-repository.ts';
import type { RefreshTokenRepository } from './refresh-token-repository.ts';
import type { ProvisioningRepository } from './provisioning-repository.ts';
import type { SettlementRepository } from './settlement-repository.ts';
import type {
  AccessRequestRepository,
  ApiTokenRepository,
  AuditRepository,
  BootstrapRepository,
  CatalogRepository,
  ChallengeRepository,
  CommandRepository,
  CredentialRepository,
  GrantRepository,
  InvitationRepository,
  GroupRepository,
  HostKeyRepository,
  LoginRepository,
  NodeRepository,
  RecordingIndexRepository,
  RecoveryRepository,
  SecondFactorRepository,
  SessionRepository,
  SettingRepository,
  ThrottleRepository,
  TicketRepository,
  UserRepository,
} from './repositories.ts';

export interface PageRequest {
  readonly limit: number;
  /** Opaque; from the page before. */
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly next?: string;
}

/**
 * The database. INVARIANT: every read-then-write that must not lose an update is one atomic statement or runs under a version check;
 * the repositories say which. Names compare by their normalised form (NFKC, lower case, trimmed), never by the database's collation.
 */
export interface Store extends AsyncDisposable {
  /** Brings the schema up to date; safe when several processes start at once. */
  migrate(): Promise<void>;
  /** Commits when `work` resolves. Work may run again after a serialisation failure and must have no other effect. */
  transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  /** Outside a transaction: each call stands alone. @throws Fault INTERNAL when used by the work of an open transaction. */
  readonly now: StoreTransaction;
  /** As `now`, past all who wait for it: signs of life, and what takes rights away, which no crowd of requests may hold up. */
  readonly urgent: StoreTransaction;
  /** Milliseconds since the Unix epoch by the database's own clock. Leases and tickets are judged by it. */
  clock(): Promise<number>;
  /** Cheap probe for readiness: reads and writes. @throws Fault STORE_UNAVAILABLE */
  probe(): Promise<void>;
}

export interface StoreTransaction {
  readonly users: UserRepository;
  readonly groups: GroupRepository;
  readonly logins: LoginRepository;
  readonly secondFactors: SecondFactorRepository;
  readonly challenges: ChallengeRepository;
  readonly tokens: ApiTokenRepository;
  readonly providers: ProviderRepository;
  readonly personalKeys: PersonalKeyRepository;
  readonly refreshTokens: RefreshTokenRepository;
  readonly provisioning: ProvisioningRepository;
  readonly settlements: SettlementRepository;
  readonly bootstrap: BootstrapRepository;
  readonly recovery: RecoveryRepository;
  readonly deviceLogins: DeviceLoginRepository;
  readonly throttle: ThrottleRepository;
  readonly catalog: CatalogRepository;
  readonly credentials: CredentialRepository;
  readonly authority: AuthorityRepository;
  readonly secretStores: SecretStoreRepository;
  readonly grants: GrantRepository;
  readonly policyHistory: PolicyHistoryRepository;
  readonly requests: AccessRequestRepository;
  readonly notifications: NotificationRepository;
  readonly hostKeys: HostKeyRepository;
  readonly sessions: SessionRepository;
  readonly invitations: InvitationRepository;
  readonly tickets: TicketRepository;
  readonly recordings: RecordingIndexRepository;
  readonly audit: AuditRepository;
  readonly nodes: NodeRepository;
  readonly commands: CommandRepository;
  readonly settings: SettingRepository;
  readonly discovery: DiscoveryRepository;
  readonly wrappedKeys: WrappedKeyRepository;
}
