export { createVnc } from './vnc-engine.ts';
