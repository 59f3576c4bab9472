export type { AuthorityRepository } from './authority-repository.ts';
export type { DeviceLoginRepository } from './device-login-repository.ts';
export type { DiscoveryRepository, HintKey } from './discovery-repository.ts';
export type { SecretStoreRepository } from './secret-store-repository.ts';
export type { PolicyHistoryRepository, PolicyKind, PolicyStates } from './policy-history-repository.ts';
export type { MembershipChange, ProviderRepository } from './provider-repository.ts';
export type {
  ProvisionedGroupQuery,
  ProvisionedUserQuery,
  ProvisioningRepository,
  Slice,
  Sliced,
} from './provisioning-repository.ts';
export type { PersonalKeyRepository } from './personal-key-repository.ts';
export type { RefreshTokenRepository } from './refresh-token-repository.ts';
export type { SettlementRepository } from './settlement-repository.ts';
export type { Page, PageRequest, Store, StoreTransaction } from './store.ts';
export type { NotificationRepository } from './notification-repository.ts';
export { WRAPPED_KINDS } from './wrapped-key-repository.ts';
export type { WrappedKeyRepository, WrappedKind, WrappedRow } from './wrapped-key-repository.ts';
export type {
  AccessRequestRepository,
  RequestQuery,
  ApiTokenRepository,
  AuditQuery,
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
  NodeCommand,
  NodeRecord,
  NodeRepository,
  RecordingIndexRepository,
  RecordingRow,
  RecoveryLink,
  RecoveryRepository,
  SecondFactorRepository,
  SessionRepository,
  SettingRepository,
  ThrottleRepository,
  TicketRepository,
  UserRepository,
} from './repositories.ts';
