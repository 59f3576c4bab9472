export { ControlFolder } from './control-folder.ts';
export { createControlActs } from './control-acts.ts';
export type { DatabaseCopy } from './control-acts.ts';
