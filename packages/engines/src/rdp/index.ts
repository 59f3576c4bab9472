export { createRdp } from './rdp-engine.ts';
