import { ActionIcon, Select, Switch } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconPlayerSkipBack } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text.tsx';
import { clockText, SPEEDS, type Pace } from './playback-clock.ts';
import type { PlaybackState } from './playback.ts';
import { Timeline } from './timeline.tsx';

/** The time line, and below it what moves along it. */
export function PlayerControls(props: {
  readonly state: PlaybackState;
  readonly pace: Pace;
  readonly onPace: (pace: Pace) => void;
  readonly onSeek: (toMs: number) => void;
  readonly onToggle: () => void;
  /** What opens the panels beside the screen. */
  readonly children: ReactNode;
}) {
  const text = useText();
  const { state, pace } = props;
  return (
    <footer className="player-controls">
      <Timeline
        activity={state.activity}
        marks={state.marks}
        positionMs={state.positionMs}
        durationMs={state.durationMs}
        onSeek={props.onSeek}
      />
      <div className="player-row">
        <ActionIcon size="lg" onClick={() => props.onSeek(0)} aria-label={text('player.restart')}>
          <IconPlayerSkipBack size={18} aria-hidden />
        </ActionIcon>
        <ActionIcon
          size="xl"
          variant="filled"
          color="chilli"
          radius={99}
          onClick={props.onToggle}
          aria-label={text(state.playing ? 'player.pause' : 'player.play')}
        >
          {state.playing ? <IconPlayerPause size={20} aria-hidden /> : <IconPlayerPlay size={20} aria-hidden />}
        </ActionIcon>
        <span className="player-clock">
          {clockText(state.positionMs)} <span className="sub">/ {clockText(state.durationMs)}</span>
        </span>
        <span className="sub player-loading" role="status">
          {state.exact ? (state.loading === 'going' ? text('player.loading') : '') : text('player.inexact')}
        </span>
        <span className="bar-space" />
        <Switch
          size="xs"
          label={text('player.skip-idle')}
          checked={pace.skipIdle}
          onChange={(event) => props.onPace({ ...pace, skipIdle: event.currentTarget.checked })}
        />
        <Select
          size="xs"
          w={86}
          aria-label={text('player.speed')}
          allowDeselect={false}
          value={String(pace.speed)}
          data={SPEEDS.map((value) => ({ value: String(value), label: `${text.number(value)}×` }))}
          onChange={(value) => props.onPace({ ...pace, speed: Number(value ?? 1) })}
          comboboxProps={{ position: 'top' }}
        />
        {props.children}
      </div>
    </footer>
  );
}
