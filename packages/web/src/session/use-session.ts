import type { Session, Tickets } from '@enchilada/contract';
import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import { api } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { SessionConnection, type SurfacePort } from './session-connection.ts';
import { toProof, toSignIn, type SessionSubject } from './session-document.tsx';
import { goesOn, sessionView, START, type SessionView } from './session-view.ts';

/** Refusals that a second factor answers. */
const PROOF = ['STEP_UP_REQUIRED', 'SECOND_FACTOR_DUE'];
const FINAL = new Set(['NOT_FOUND', 'FORBIDDEN', 'SESSION_ENDED', 'SESSION_REVOKED', 'UNAUTHENTICATED', ...PROOF]);

const LOOKS_AFTER_END = 30;
const LOOK_EVERY_MS = 400;
/** Of a recording that its store is slow to take. */
const LOOK_LATER_EVERY_MS = 5_000;

export interface LiveSession {
  /** Nothing of what the person does reaches the machine: they watch somebody, or look alone. */
  readonly watching: boolean;
  readonly own: boolean;
  readonly view: SessionView;
  readonly session: Session | undefined;
  readonly connection: SessionConnection | undefined;
  readonly attach: (surface: SurfacePort) => void;
  readonly answered: (id: string) => void;
  readonly noticeRead: () => void;
}

/** Opens or joins the session once the surface knows its size, and keeps the connection until the page goes. */
export function useSession(subject: SessionSubject): LiveSession {
  const [view, dispatch] = useReducer(sessionView, START);
  const [session, setSession] = useState(subject.kind === 'existing' ? subject.session : undefined);
  const [connection, setConnection] = useState<SessionConnection>();
  const current = useRef<SessionConnection>(undefined);

  const attach = useCallback(
    (surface: SurfacePort) => {
      const connect = (id: string, mode: Tickets['mode'], tickets?: Tickets): void => {
        const made = new SessionConnection(id, surface, {
          events: {
            onFrame: (frame) => dispatch({ type: 'frame', frame }),
            onLink: (state, error) => dispatch({ type: 'link', state, error }),
            onRoundTrip: (milliseconds) => dispatch({ type: 'round-trip', milliseconds }),
          },
          environment: {
            connect: (path, protocols) =>
              new WebSocket(path.replace(/^/u, location.origin.replace(/^http/u, 'ws')), [...protocols]),
            tickets: () => api('issueTickets', { params: { id }, body: { mode } }),
            now: () => performance.now(),
            isFinal: (error) => error instanceof ApiFault && FINAL.has(error.code),
          },
        });
        current.current?.close();
        current.current = made;
        setConnection(made);
        made.start(tickets);
      };
      if (subject.kind === 'existing') {
        connect(subject.session.id, subject.mode);
        return;
      }
      const { targetId, viewOnly } = subject;
      api('openSession', { body: { targetId, display: surface.size(), ...(viewOnly ? { viewOnly } : {}) } }).then(
        (opened) => {
          history.replaceState(null, '', `/s/${opened.session.id}`);
          setSession(opened.session);
          connect(opened.session.id, 'control', opened.tickets);
        },
        (error: unknown) => dispatch({ type: 'link', state: 'failed', error }),
      );
    },
    [subject],
  );

  useEffect(() => {
    const retry = (): void => {
      current.current?.retryNow();
      current.current?.probe();
    };
    const probe = (): void => current.current?.probe();
    // A laptop that slept finds out at once.
    const seen = (): void => {
      if (document.visibilityState === 'visible') retry();
    };
    window.addEventListener('online', retry);
    window.addEventListener('offline', probe);
    document.addEventListener('visibilitychange', seen);
    return () => {
      window.removeEventListener('online', retry);
      window.removeEventListener('offline', probe);
      document.removeEventListener('visibilitychange', seen);
      current.current?.close();
    };
  }, []);

  const over =
    (view.link === 'ended' && !goesOn(view)) ||
    (view.link === 'failed' && view.error instanceof ApiFault && view.error.code === 'SESSION_ENDED');
  const openedId = session?.id;
  // What the session became, for example that it was recorded, is written down shortly after its viewers were told.
  useEffect(() => {
    if (!over || openedId === undefined) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = LOOKS_AFTER_END;
    const look = (): void => {
      left -= 1;
      api('getSession', { params: { id: openedId } }, { background: true }).then(
        (found) => {
          setSession(found);
          if (found.state !== 'ended') timer = setTimeout(look, left > 0 ? LOOK_EVERY_MS : LOOK_LATER_EVERY_MS);
          else if (found.endReason !== undefined)
            dispatch({
              type: 'found-ended',
              reason: found.endReason,
              detail: found.endDetail,
              opened: found.openedAt !== undefined,
            });
        },
        () => undefined,
      );
    };
    look();
    return () => clearTimeout(timer);
  }, [over, openedId]);

  useEffect(() => {
    if (view.link !== 'failed' || !(view.error instanceof ApiFault)) return;
    if (view.error.code === 'UNAUTHENTICATED') toSignIn();
    if (PROOF.includes(view.error.code)) toProof(view.error);
  }, [view.link, view.error]);

  return {
    watching: (subject.kind === 'existing' && subject.mode === 'watch') || session?.viewOnly === true,
    own: subject.kind === 'new' || subject.mode === 'control',
    view,
    session,
    connection,
    attach,
    answered: useCallback((id: string) => dispatch({ type: 'answered', id }), []),
    noticeRead: useCallback(() => dispatch({ type: 'notice-read' }), []),
  };
}
