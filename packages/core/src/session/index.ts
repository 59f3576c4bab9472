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
export { mayBecome, transition } from './session-state.ts';
export type { SessionEvent, SessionNotice, ViewerMessage } from './session-event.ts';
export type { ScreenHistories, ScreenHistory } from './screen-history.ts';
export { Viewer } from './viewer.ts';
export type { ControlPort, DataPort, ViewerIdentity } from './viewer.ts';
export { DEFAULT_SESSION_LIMITS, PAUSE_ABOVE_BYTES, RESUME_BELOW_BYTES } from './limits.ts';
export type { SessionLimits } from './limits.ts';
export { InputRecording } from './input-recording.ts';
export type { InputPolicy } from './input-recording.ts';
export { LiveSession } from './live-session.ts';
export type { LiveSessionParts } from './live-session.ts';
export { StreamRelay } from './stream-relay.ts';
export type { StreamRelayParts } from './stream-relay.ts';
export type { Relay } from './relay.ts';
export { HostedSession } from './hosted-session.ts';
export type { EndCause } from './end-cause.ts';
export type { SessionFacts } from './hosted-session.ts';
export type { BrokerObservation, BrokerParts, BuiltInIdentity, RecordingPolicy } from './broker-parts.ts';
export { SessionBroker } from './session-broker.ts';
export { fileVersion } from './file-change.ts';
export type { FileChange } from './file-change.ts';
export type { RunningHash, TransferRequest } from './file-transfers.ts';
export { SessionFiles } from './session-files.ts';
export type {
  Download,
  FileCaller,
  FileListing,
  FileRights,
  SessionFilesParts,
  UploadRequest,
} from './session-files.ts';
export type { Attached, ControlAttachment, PersonalFiles, RequestedSession } from './session-broker.ts';
export type { IssuedTickets, Redeemed } from './session-tickets.ts';
export { LEASE_MS, NodeLease } from './node-lease.ts';
export type { NodeLeaseParts } from './node-lease.ts';
