export { argon2 } from './argon2-hasher.ts';
