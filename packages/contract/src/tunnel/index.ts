export { SUBPROTOCOL, TICKET_PREFIX, parseViewerMessage, ticketOf, tunnelPath, tunnelProtocols } from './tunnel.ts';
export type { ServerFrame, TunnelKind, TunnelLocation } from './tunnel.ts';
