export { createTelnet } from './telnet-engine.ts';
