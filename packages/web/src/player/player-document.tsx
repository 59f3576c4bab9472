import '@xterm/xterm/css/xterm.css';
import './player.css';
import { Container } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { FollowPreferences } from '../app/follow-preferences.ts';
import { api } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { can, meQuery } from '../api/me.ts';
import { Mark } from '../app/mark.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import { ExportMenu } from './export-menu.tsx';
import { PlayerStage } from './player-stage.tsx';
import { VerificationBadge } from './verification-badge.tsx';

/** A recording in a tab of its own: whose it is, whether it is whole, and its player. */
export function PlayerDocument() {
  const text = useText();
  const id = useMemo(() => decodeURIComponent(location.pathname.replace(/^\/r\//u, '')), []);
  const detail = useQuery({
    queryKey: ['recording', id],
    queryFn: ({ signal }) => api('getRecording', { params: { id } }, { signal }),
    refetchOnWindowFocus: false,
  });
  const me = useQuery(meQuery);
  if (detail.error instanceof ApiFault && detail.error.code === 'UNAUTHENTICATED')
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  const recording = detail.data?.recording;
  const mayExport = me.data !== undefined && can(me.data, 'recording.read');
  return (
    <div className="player">
      <FollowPreferences />
      <title>
        {recording === undefined ? text('player.document') : `${recording.target.name} · ${text('player.document')}`}
      </title>
      <header className="player-head">
        <a href="/recordings" className="bar-mark" aria-label={text('player.to-recordings')}>
          <Mark size={18} />
        </a>
        <div className="player-title">
          <h1 className="truncate">
            {recording === undefined ? text('player.document') : printable(recording.target.name)}
          </h1>
          {recording !== undefined && (
            <span className="sub truncate">
              {recording.user.username} · {text.dateTime(recording.startedAt)}
            </span>
          )}
        </div>
        <VerificationBadge recordingId={id} nodeId={recording?.nodeId} ready={recording !== undefined} />
        {mayExport && <ExportMenu id={id} recording={recording} />}
      </header>
      {detail.isError ? (
        <Container size="xs" py="xl" component="main">
          <FaultNotice error={detail.error} onRetry={() => void detail.refetch()} />
        </Container>
      ) : (
        detail.data !== undefined && (
          <PlayerStage
            detail={detail.data}
            mayReadKeys={me.data !== undefined && can(me.data, 'recording.keys')}
            mayDownload={mayExport}
          />
        )
      )}
    </div>
  );
}
