import type {
  IssuedTickets,
  OpeningWish,
  PersonalFiles,
  RequestedSession,
  SessionState,
  Sharing,
  ViewerMode,
} from '@enchilada/core/session';
import type { VerifiedIdentity } from '@enchilada/core/identity';

export interface LiveSessionView {
  readonly id: string;
  readonly state: SessionState;
  readonly bytes: { readonly in: number; readonly out: number };
  readonly viewers: readonly {
    readonly identity: { readonly id: string; readonly username: string; readonly mode: ViewerMode };
  }[];
}

/** What the interface asks of the sessions; the broker is one. */
export interface SessionService {
  /** @throws Fault NOT_FOUND, SESSION_LIMIT, NODE_DRAINING */
  request(identity: VerifiedIdentity, wish: OpeningWish, address: string): Promise<RequestedSession>;
  /** @throws Fault NOT_FOUND, SESSION_ENDED */
  issueTickets(
    identity: VerifiedIdentity,
    sessionId: string,
    view: { readonly mode: ViewerMode; readonly address: string },
  ): Promise<IssuedTickets>;
  /** Ends a session wherever it lives. The caller has checked that `by` may. @throws Fault NOT_FOUND */
  end(sessionId: string, by: VerifiedIdentity, words: string): Promise<void>;
  /** @throws Fault NOT_FOUND, SESSION_*, FILES_UNAVAILABLE */
  files(identity: VerifiedIdentity, sessionId: string, address: string): Promise<PersonalFiles>;
  readonly sharing: Pick<Sharing, 'invite' | 'invitations' | 'withdraw' | 'invitedTo'>;
  /** Those of this node. */
  readonly live: readonly LiveSessionView[];
  /** No new sessions; those that run are told how long they have. */
  drain(graceMs: number): void;
  /** Resolves once no session is left. */
  emptied(): Promise<void>;
  /** Ends all sessions of this node, which the other nodes have given up. */
  giveUp(): Promise<void>;
}
