export { webauthn } from './webauthn-verifier.ts';
