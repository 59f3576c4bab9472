export { abortFault, createDialer } from './dial.ts';
export type { BuiltInMachine, DialContext, Dialer, DialerOptions } from './dial.ts';
export { Patience } from './patience.ts';
export { PeerReader } from './peer-reader.ts';
export { peerText } from './peer-text.ts';
export { certificateFacts, upgradeToTls, verifyCertificate } from './tls.ts';
export type { PeerIdentity, TlsPeer } from './tls.ts';
