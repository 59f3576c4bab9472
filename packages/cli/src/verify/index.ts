export { runVerify, VERIFY_USAGE } from './verify-command.ts';
export type { VerifyIo } from './verify-command.ts';
