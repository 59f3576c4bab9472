export { ROLES } from './user.ts';
export type { GroupId, Role, SubjectName, User, UserGroup, UserId } from './user.ts';
export { claimLogin, identifyLogin, LOGIN_METHODS, LOGIN_STAGES, requireRecentProof } from './verified-identity.ts';
export type {
  ClaimedIdentity,
  LoginLimits,
  LoginMethod,
  LoginRecord,
  LoginStage,
  VerifiedIdentity,
} from './verified-identity.ts';
export {
  DEVICE_LOGIN_STATES,
  readUserCode,
  showUserCode,
  USER_CODE_ALPHABET,
  USER_CODE_LENGTH,
} from './device-login.ts';
export type { DeviceLogin, DeviceLoginState } from './device-login.ts';
export { identifyToken } from './api-token.ts';
export type { ApiToken, ApiTokenId } from './api-token.ts';
export { demandsFactor, FACTOR_DEMANDS, FACTOR_KINDS } from './second-factor.ts';
export type {
  Challenge,
  FactorDemand,
  FactorId,
  FactorKind,
  FactorProof,
  NewPasskey,
  PasskeyCeremony,
  PasskeyFactor,
  PasskeyVerifier,
  SecondFactor,
  TotpFactor,
} from './second-factor.ts';
export type { NewRefreshToken, RefreshHealth, RefreshToken, RefreshTokenId, RefreshVerdict } from './refresh-token.ts';
export { judgeByRules, weakerRole, PROVIDER_ADMISSIONS } from './identity-provider.ts';
export type {
  AssertedLogin,
  AssertedPerson,
  DoorAct,
  DoorMessage,
  ExternalIdentity,
  HeardLogout,
  IdentityProvider,
  PasswordAsker,
  PasswordProvider,
  PasswordVerdict,
  PendingSignIn,
  ProvidedLogin,
  ProviderAddresses,
  ProviderAdmission,
  ProviderDoor,
  ProviderId,
  ProviderKind,
  ProviderManifest,
  ProviderRecord,
  ProviderRule,
  ProviderSettings,
  ProviderType,
  ProviderVerdict,
  ProxiedRequest,
  ProxyProvider,
  QuestionAnswer,
  RedirectProvider,
  SignInFlow,
  SignInQuestion,
} from './identity-provider.ts';
export type {
  NamedMembership,
  ProvisionedGroup,
  ProvisionedGroupId,
  ProvisionedResource,
  ProvisionedUser,
  ProvisioningToken,
  Settlement,
} from './provisioning.ts';
export { passwordWeakness } from './password.ts';
export type { PasswordHasher, PasswordWeakness } from './password.ts';
