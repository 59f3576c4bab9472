export { createUserAuthority } from './user-authority.ts';
