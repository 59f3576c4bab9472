export { createSsh } from './ssh-engine.ts';
export type { SshOptions } from './ssh-engine.ts';
export { manifest as sshManifest } from './ssh-manifest.ts';
