export { createSshCarrier } from './ssh-carrier.ts';
export { createSsh } from './ssh-engine.ts';
export { fingerprintPrivateKey } from './fingerprint.ts';
export { makeSessionKeyPair } from './session-key-pair.ts';
export { createTryItMachine } from './try-it/index.ts';
export { createUserAuthority } from './authority/index.ts';
