export { createTelnet } from './telnet-engine.ts';
export type { TelnetOptions } from './telnet-engine.ts';
