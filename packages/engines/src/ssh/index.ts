export { createSshCarrier } from './ssh-carrier.ts';
export { createSsh } from './ssh-engine.ts';
export type { SshOptions } from './ssh-engine.ts';
export { manifest as sshManifest } from './ssh-manifest.ts';
export { fingerprintPrivateKey } from './fingerprint.ts';
export { createTryItMachine } from './try-it/index.ts';
export type { TryItMachine, TryItMachineOptions } from './try-it/index.ts';
