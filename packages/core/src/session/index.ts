export type {
  EndReason,
  LiveState,
  SessionId,
  SessionRecord,
  SessionState,
  SessionTicket,
  TicketKind,
  ViewerMode,
} from './session.ts';
