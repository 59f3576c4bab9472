export { ROLES } from './user.ts';
export type { GroupId, Role, User, UserGroup, UserId } from './user.ts';
export { identifyLogin } from './verified-identity.ts';
export type { LoginMethod, LoginRecord, VerifiedIdentity } from './verified-identity.ts';
export type { PasswordHasher } from './password.ts';
export { passwordWeakness } from './password.ts';
