export { createDialer } from './dial.ts';
export type { BuiltInMachine, DialContext, Dialer, DialerOptions } from './dial.ts';
