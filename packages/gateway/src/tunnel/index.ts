export { attachTunnel } from './attach-tunnel.ts';
export type { TunnelCaller, TunnelOptions } from './attach-tunnel.ts';
export { Peers } from './peers.ts';
export type { PeersOptions } from './peers.ts';
