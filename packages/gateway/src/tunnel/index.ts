export { attachTunnel } from './attach-tunnel.ts';
export type { TunnelCaller } from './attach-tunnel.ts';
export { Peers } from './peers.ts';
export { sessionHolders } from './session-holders.ts';
