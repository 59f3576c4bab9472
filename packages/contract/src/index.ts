export { API_PREFIX, CSRF_HEADER, CSRF_VALUES } from './route.ts';
export type { ByteSource, ContentStream, RouteAccess, RouteDefinition, RouteMethod } from './route.ts';
export { ROUTES, ROUTE_LIST, successStatus } from './routes.ts';
export type {
  ClaimRouteId,
  OpenRouteId,
  RouteHandlers,
  RouteId,
  RouteInput,
  RouteOutput,
  Routes,
  StreamRouteId,
} from './routes.ts';
export { FAULT_CODES, Problem, PROBLEM_MEDIA_TYPE } from './problem.ts';
export { WRITE_ONLY } from './schema.ts';
export { RECORDING_STREAM_MEDIA_TYPE, RecordingStreamDecoder, RecordingStreamEncoder } from './recording-stream.ts';
export {
  BootstrapRequest,
  Group,
  GroupMembers,
  GroupWrite,
  Login,
  LoginRequest,
  Me,
  PasswordChange,
  PasswordSet,
  Preferences,
  RecoveryFacts,
  RecoveryRequest,
  SignedIn,
  SignInFacts,
  SignInQuestion,
  Subject,
  User,
  UserCreate,
  UserUpdate,
} from './models/identity.ts';
export type { DeviceLoginFacts } from './models/device-login.ts';
export type { AccessReport } from './models/access-report.ts';
export type { AccessExplanation, GrantConditions, TargetAccess } from './models/machine.ts';
export { AccessRequest, REQUEST_STATUSES, REQUEST_VIEWS, RequestTerms } from './models/request.ts';
export { Authority, AuthorityKey, CertificateTerms } from './models/authority.ts';
export { KeyEncryptionStatus, KeyRewrapping } from './models/key-encryption.ts';
export { SecretStore, SecretStoreKind } from './models/secret-store.ts';
export { NotificationEndpoint, NotifierKind } from './models/notification.ts';
export { ApiToken } from './models/api-token.ts';
export { PersonalKey } from './models/personal-key.ts';
export {
  Provider,
  ProviderCreate,
  ProviderKindManifest,
  ProviderRule,
  ProviderUpdate,
  Provisioning,
} from './models/provider.ts';
export {
  Factor,
  Factors,
  PasskeyAssertion,
  PasskeyCreation,
  PasskeyCreationOptions,
  PasskeyRequestOptions,
} from './models/second-factor.ts';
export {
  Credential,
  CredentialCreate,
  CredentialUpdate,
  Engine,
  Grant,
  GrantCreate,
  GrantScope,
  GrantSubject,
  HostKey,
  HostKeyPin,
  ImportResult,
  ImportRow,
  Machine,
  MachineGroup,
  MachinePage,
  MachineQuery,
  ParameterField,
  Target,
  TargetCreate,
  TargetGroup,
  TargetGroupWrite,
  TargetImport,
  TargetPage,
  TargetUpdate,
} from './models/machine.ts';
export {
  DiscoveryChange,
  DiscoveryPreview,
  Explanation,
  FoundExplanation,
  Rule,
  RuleSet,
  Source,
  SourceCreate,
  SourceKindManifest,
  SourceScope,
  SourceUpdate,
} from './models/discovery.ts';
export {
  Session,
  SESSION_STATES,
  SessionEndRequest,
  SessionOpened,
  Invitation,
  SessionPage,
  SessionQuery,
  SessionRequest,
  TicketRequest,
  Tickets,
  Viewer,
} from './models/session.ts';
export { FILE_KINDS, FileChange, FileEntry, FileListing } from './models/file.ts';
export {
  DESKTOP_INPUT,
  KeyStrokes,
  Recording,
  RecordingDetail,
  RecordingPage,
  RecordingQuery,
  Verification,
} from './models/recording.ts';
export {
  AuditExportQuery,
  AuditPage,
  AuditQuery,
  AuditRecord,
  AuditVerification,
  Node,
  SETTING_KEYS,
  SettingChange,
  Settings,
  SettingValues,
  TryItResult,
} from './models/system.ts';
export type { SettingKey } from './models/system.ts';
export {
  SUBPROTOCOL,
  TICKET_PREFIX,
  parseViewerMessage,
  ticketOf,
  tunnelPath,
  tunnelProtocols,
} from './tunnel/index.ts';
export type { ServerFrame, TunnelKind, TunnelLocation } from './tunnel/index.ts';
export { openApiDocument } from './openapi.ts';
export { EnchiladaClient } from './client.gen.ts';
export { ApiProblem, routeUrl, Transport } from './transport.ts';
export type { ApiRequest, ApiResponse, CallOptions, TransportOptions } from './transport.ts';
export { unlistedIn, wholePreview } from './whole-preview.ts';
