import type { UserId } from '../identity/index.ts';
import type { SessionId } from './session.ts';

export type InvitationId = string;

/** Leave of a session's owner for somebody to look on, until a time. */
export interface Invitation {
  readonly id: InvitationId;
  readonly sessionId: SessionId;
  /** As the owner wrote it. */
  readonly username: string;
  /** Undefined where nobody is called so: the owner is not told. */
  readonly guestId: UserId | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
}
