import { SURFACES } from '@enchilada/core/engine';
import { Type, type Static } from 'typebox';
import { closed, Count, Cursor, Id, Limit, list, text, Time, words } from '../schema.ts';

export const SESSION_STATES = ['requested', 'opening', 'live', 'grace', 'ended'] as const;
export const ViewerMode = words(['control', 'watch']);

export const Viewer = closed({ viewerId: Id, username: text(200), mode: ViewerMode });

export const Session = closed({
  id: Id,
  user: closed({ id: Id, username: text(200) }),
  target: closed({ id: Id, name: text(200) }),
  protocol: text(40),
  surface: words(SURFACES),
  state: words(SESSION_STATES),
  /** Whether the session is the caller's own. */
  own: Type.Boolean(),
  /** Whether the caller may watch it: somebody else's, with a grant to watch the machine. */
  mayWatch: Type.Boolean(),
  /** Opened to look alone: nothing of what its person does reaches the machine. */
  viewOnly: Type.Boolean(),
  /** Not recorded, by a grant that says so. */
  recordExempt: Type.Boolean(),
  /** Whether the caller may let others look on: their own, with a grant to share. */
  mayShare: Type.Boolean(),
  nodeId: text(100),
  address: text(64),
  recordingId: Type.Optional(Id),
  requestedAt: Time,
  openedAt: Type.Optional(Time),
  endedAt: Type.Optional(Time),
  endReason: Type.Optional(text(100)),
  endDetail: Type.Optional(text(1000)),
  bytesIn: Count,
  bytesOut: Count,
  /** Of a live session, where its node can be asked. */
  viewers: Type.Optional(list(Viewer, 100)),
});
export type Session = Static<typeof Session>;

export const Display = closed({
  columns: Type.Integer({ minimum: 1, maximum: 2000 }),
  rows: Type.Integer({ minimum: 1, maximum: 2000 }),
});
export const SessionRequest = closed({
  targetId: Id,
  display: Type.Optional(Display),
  /** To look alone, whatever else is granted. Absent: what the grants give. */
  viewOnly: Type.Optional(Type.Boolean()),
});

const Ticket = Type.String({ minLength: 20, maxLength: 100, pattern: '^[A-Za-z0-9_-]+$' });
/** Each for one WebSocket upgrade within 30 seconds. They travel in `Sec-WebSocket-Protocol`, never in a URL. */
export const Tickets = closed({ viewerId: Id, mode: ViewerMode, data: Ticket, control: Ticket, expiresAt: Time });
export type Tickets = Static<typeof Tickets>;
export const SessionOpened = closed({ session: Session, surface: words(SURFACES), tickets: Tickets });
export type SessionOpened = Static<typeof SessionOpened>;

export const InvitationRequest = closed({
  /** Of whom may look on. Whether there is such a person is not answered. */
  username: text(128, 1),
  minutes: Type.Integer({ minimum: 1, maximum: 720 }),
});
export const Invitation = closed({ id: Id, username: text(128), createdAt: Time, expiresAt: Time });
export type Invitation = Static<typeof Invitation>;
export const InvitationList = closed({ items: list(Invitation, 20) });
export const InvitationParams = closed({ id: Id, invitation: Id });

export const TicketRequest = closed({ mode: ViewerMode });
export const SessionEndRequest = closed({ reason: Type.Optional(text(500)) });
export const SessionQuery = closed({
  scope: Type.Optional(words(['own', 'watchable', 'all'])),
  live: Type.Optional(Type.Boolean()),
  userId: Type.Optional(Id),
  targetId: Type.Optional(Id),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const SessionPage = closed({ items: list(Session, 500), next: Type.Optional(Cursor) });
