import { Container } from '@mantine/core';
import type { Session, Tickets } from '@enchilada/contract';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo, type ComponentType } from 'react';
import type { SurfaceKind } from '@enchilada/core/engine';
import './session.css';
import { FollowPreferences } from '../app/follow-preferences.ts';
import { api } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import type { DesktopKind } from './desktop/desktop-surface.ts';

export interface SurfaceSessionProps {
  readonly subject: SessionSubject;
  readonly title: string;
}

/** What the address asks for: a new session with a machine, or one that exists, to use or to watch. */
export type SessionSubject =
  | { readonly kind: 'new'; readonly targetId: string; readonly viewOnly: boolean }
  | { readonly kind: 'existing'; readonly session: Session; readonly mode: Tickets['mode'] };

/** A desktop's frame with the decoder that its surface needs. */
function desktop(load: () => Promise<DesktopKind>): ComponentType<SurfaceSessionProps> {
  return lazy(async () => {
    const [{ DesktopSession }, kind] = await Promise.all([import('./desktop/desktop-session.tsx'), load()]);
    return { default: (props: SurfaceSessionProps) => <DesktopSession {...props} kind={kind} /> };
  });
}

/** One folder per surface; each loads when a session needs it. */
const SURFACES: Readonly<Partial<Record<SurfaceKind, ComponentType<SurfaceSessionProps>>>> = {
  terminal: lazy(async () => ({ default: (await import('./terminal-session.tsx')).TerminalSession })),
  rfb: desktop(async () => (await import('../surfaces/rfb/index.ts')).rfbDesktop),
  guacamole: desktop(async () => (await import('../surfaces/guacamole/index.ts')).guacamoleDesktop),
  rdp: desktop(async () => (await import('../surfaces/rdp/index.ts')).rdpDesktop),
};

/** Nobody is signed in: the door, and back here afterwards. */
export function toSignIn(): void {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** The machine asks for a fresh second factor, or for a passkey and nothing else: to the door, and back here afterwards. */
export function toProof(error: ApiFault): void {
  const step = error.facts['passkey'] === true ? 'passkey' : 'factor';
  location.assign(`/sign-in?step=${step}&next=${encodeURIComponent(location.pathname + location.search)}`);
}

export function SessionDocument() {
  const text = useText();
  const wanted = useMemo(() => {
    const id = decodeURIComponent(location.pathname.replace(/^\/s\//u, ''));
    const query = new URLSearchParams(location.search);
    return {
      id,
      targetId: query.get('target') ?? '',
      viewOnly: query.get('view-only') === '1',
      mode: query.get('watch') === '1' ? ('watch' as const) : ('control' as const),
    };
  }, []);
  const found = useQuery({
    queryKey: ['session-subject', wanted],
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    queryFn: async ({ signal }) => {
      if (wanted.id === 'new') {
        const machine = await api('getMachine', { params: { id: wanted.targetId } }, { signal });
        return {
          surface: machine.surface,
          title: printable(machine.name),
          subject: { kind: 'new', targetId: machine.id, viewOnly: wanted.viewOnly } satisfies SessionSubject,
        };
      }
      const session = await api('getSession', { params: { id: wanted.id } }, { signal });
      return {
        surface: session.surface,
        title: printable(session.target.name),
        subject: { kind: 'existing', session, mode: wanted.mode } satisfies SessionSubject,
      };
    },
  });
  if (found.error instanceof ApiFault && found.error.code === 'UNAUTHENTICATED') {
    toSignIn();
    return null;
  }
  if (found.error instanceof ApiFault && found.error.code === 'SECOND_FACTOR_DUE') {
    toProof(found.error);
    return null;
  }
  const Surface = found.data === undefined ? undefined : SURFACES[found.data.surface];
  return (
    <div className="session">
      <FollowPreferences />
      <title>{found.data === undefined ? text('session.document') : `${found.data.title} · Enchilada`}</title>
      {found.isError && (
        <Container size="xs" py="xl" component="main">
          <h1 className="visually-hidden">{text('session.document')}</h1>
          <FaultNotice error={found.error} onRetry={() => void found.refetch()} />
        </Container>
      )}
      {found.data !== undefined && Surface === undefined && (
        <Container size="xs" py="xl" component="main">
          <h1>{text('session.no-surface')}</h1>
        </Container>
      )}
      {found.data !== undefined && Surface !== undefined && (
        <Suspense>
          <Surface subject={found.data.subject} title={found.data.title} />
        </Suspense>
      )}
    </div>
  );
}
