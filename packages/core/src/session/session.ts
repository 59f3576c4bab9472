import type { GrantId } from '../access/index.ts';
import type { LoginRecord, UserId } from '../identity/index.ts';
import type { RecordingId } from '../recording/index.ts';
import type { TargetId } from '../target/index.ts';

export type SessionId = string;

/**
 * requested → opening → live ⇄ grace → ended; any state → ended.
 * `grace`: the target's socket is held and no viewer is attached.
 */
export type SessionState = 'requested' | 'opening' | 'live' | 'grace' | 'ended';
export type LiveState = Exclude<SessionState, 'ended'>;

/** Permanent words for why a session ended; a fault code where something failed. */
export type EndReason = 'closed-by-user' | 'closed-by-target' | 'grace-expired' | 'node-lost' | (string & {});

export type ViewerMode = 'control' | 'watch';

/** A session as stored; it belongs to the node that holds the target's socket. */
export interface SessionRecord {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly username: string;
  readonly targetId: TargetId;
  readonly targetName: string;
  readonly protocol: string;
  readonly surface: string;
  readonly state: SessionState;
  /** Empty until a node claims it. */
  readonly nodeId: string;
  readonly loginDigest: LoginRecord['digest'];
  readonly address: string;
  /** Opened to look alone, for as long as it lasts: nothing of what its person does reaches the machine. */
  readonly viewOnly: boolean;
  /** Opened under a grant by which it is not recorded; it ends with that leave. */
  readonly recordExempt: boolean;
  /** The grant whose seat it has, where the grants on the machine count their sessions. */
  readonly grantId: GrantId | undefined;
  readonly recordingId: RecordingId | undefined;
  readonly requestedAt: number;
  readonly openedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly endReason: EndReason | undefined;
  readonly endDetail: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export type TicketKind = 'data' | 'control';

/** Leave for one WebSocket upgrade: single use, 30 seconds, bound to kind, session, mode and login. Only the digest is stored. */
export interface SessionTicket {
  readonly digest: string;
  readonly kind: TicketKind;
  readonly mode: ViewerMode;
  readonly sessionId: SessionId;
  /** Joins the two sockets of one viewer. */
  readonly viewerId: string;
  readonly loginDigest: string;
  readonly expiresAt: number;
}
