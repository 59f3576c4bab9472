export { attachTunnel } from './attach-tunnel.ts';
export type { TunnelCaller, TunnelOptions } from './attach-tunnel.ts';
