import { ActionIcon } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api } from '../api/client.ts';
import { printable } from '../components/printable.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { keyLines } from './key-lines.ts';
import { clockText } from './playback-clock.ts';

/** What was typed on a desktop, asked for when it is opened: that is audited. */
export function KeysPanel(props: {
  readonly recordingId: string;
  readonly positionMs: number;
  readonly onJump: (atMs: number) => void;
  readonly onClose: () => void;
}) {
  const text = useText();
  const strokes = useQuery({
    queryKey: ['recording-keys', props.recordingId],
    queryFn: ({ signal }) => api('listKeyStrokes', { params: { id: props.recordingId } }, { signal }),
    refetchOnWindowFocus: false,
    staleTime: Infinity,
  });
  const lines = useMemo(() => keyLines(strokes.data?.items ?? []), [strokes.data]);
  const current = lines.findLastIndex(({ atMs }) => atMs <= props.positionMs);
  return (
    <aside className="player-find" aria-label={text('player.keys')}>
      <div className="player-find-field">
        <h2 className="player-find-title">{text('player.keys')}</h2>
        <ActionIcon onClick={props.onClose} aria-label={text('common.close')}>
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </div>
      <p className="sub player-found">{text('player.keys-help')}</p>
      {strokes.isPending && (
        <p className="sub player-found" role="status">
          {text('common.loading')}
        </p>
      )}
      {strokes.isError && (
        <div className="player-find-fault">
          <FaultNotice error={strokes.error} onRetry={() => void strokes.refetch()} />
        </div>
      )}
      {strokes.isSuccess && (
        <p className="sub player-found" role="status">
          {lines.length === 0 ? text('player.keys-none') : text.count('player.keys-lines', lines.length)}
          {strokes.data.isCut && ` · ${text('player.keys-cut')}`}
        </p>
      )}
      <ol className="player-hits">
        {lines.map((line, index) => (
          <li key={index}>
            <button
              type="button"
              aria-current={index === current ? 'time' : undefined}
              onClick={() => props.onJump(line.atMs)}
            >
              <span className="sub">{clockText(line.atMs)}</span>
              <span className="mono key-line">{printable(line.text)}</span>
            </button>
          </li>
        ))}
      </ol>
    </aside>
  );
}
