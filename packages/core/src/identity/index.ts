export { ROLES } from './user.ts';
export type { GroupId, Role, User, UserGroup, UserId } from './user.ts';
export { identifyLogin } from './verified-identity.ts';
export type { LoginLimits, LoginMethod, LoginRecord, VerifiedIdentity } from './verified-identity.ts';
export { passwordWeakness } from './password.ts';
export type { PasswordHasher, PasswordWeakness } from './password.ts';
