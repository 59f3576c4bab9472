import { ActionIcon, Button, Progress, useComputedColorScheme } from '@mantine/core';
import { IconKeyboard, IconListSearch, type Icon } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useCallback, useEffect, useRef, useState } from 'react';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { useTerminalChoices } from '../surfaces/terminal/settings.ts';
import { terminalTheme } from '../surfaces/terminal/terminal-themes.ts';
import { desktopStages } from './desktop-stages.ts';
import { FindPanel } from './find-panel.tsx';
import { KeysPanel } from './keys-panel.tsx';
import type { Pace } from './playback-clock.ts';
import { PlayerControls } from './player-controls.tsx';
import { UndrawnNotice } from './undrawn-notice.tsx';
import { usePlayback } from './use-playback.ts';
import { usePlayerKeys } from './use-player-keys.ts';

/** Around a desktop, in every theme. */
const DESKTOP_GROUND = '#16181c';

/** The screen, the panels beside it and the controls below. */
export function PlayerStage(props: {
  readonly detail: RouteOutput<'getRecording'>;
  readonly mayReadKeys: boolean;
  readonly mayDownload: boolean;
}) {
  const text = useText();
  const { recording, policy } = props.detail;
  const scheme = useComputedColorScheme('dark');
  const [choices] = useTerminalChoices();
  const theme = terminalTheme(choices.theme, scheme);
  const host = useRef<HTMLDivElement>(null);
  const played = usePlayback(host, props.detail, theme);
  const { playback, state } = played;
  const [pace, setPace] = useState<Pace>({ speed: 1, skipIdle: true });
  const [searching, setSearching] = useState(false);
  const [readingKeys, setReadingKeys] = useState(false);
  const hasKeys = props.mayReadKeys && policy.desktopInput === 'keys';
  const isText = desktopStages[recording.surface] === undefined;
  const toggle = (): void => (state.playing ? playback?.pause() : playback?.play());
  const find = useCallback((words: string) => playback?.find(words), [playback]);
  useEffect(() => playback?.setPace(pace), [playback, pace]);
  usePlayerKeys(played, { toggle, search: isText ? () => setSearching(true) : undefined });

  return (
    <main className="player-main">
      <div className="player-body">
        <div className="player-screen" style={{ background: isText ? theme.background : DESKTOP_GROUND }}>
          <div
            ref={host}
            className={isText ? 'player-host' : 'player-desktop'}
            role="region"
            aria-busy={state.seeking}
            aria-label={text('player.screen')}
          />
          {state.seeking && state.sought > 0 && (
            <div className="player-seeking panel" role="status">
              <Progress value={state.sought * 100} aria-label={text('player.seeking')} w={180} />
              <Button size="compact-sm" variant="default" onClick={() => playback?.stopSeeking()}>
                {text('player.seeking-stop')}
              </Button>
            </div>
          )}
          {state.loading === 'failed' && (
            <div className="session-cover">
              <FaultNotice error={state.error} />
            </div>
          )}
          {state.undrawn !== undefined && state.loading !== 'failed' && (
            <div className="session-cover" data-opaque>
              <UndrawnNotice
                failure={state.undrawn}
                atMs={state.positionMs}
                downloadedFrom={props.mayDownload ? recording.id : undefined}
              />
            </div>
          )}
        </div>
        {searching && (
          <FindPanel
            found={state.found}
            onFind={find}
            onJump={(atMs) => playback?.seek(atMs)}
            onClose={() => setSearching(false)}
          />
        )}
        {readingKeys && (
          <KeysPanel
            recordingId={recording.id}
            positionMs={state.positionMs}
            onJump={(atMs) => playback?.seek(atMs)}
            onClose={() => setReadingKeys(false)}
          />
        )}
      </div>
      {state.loading === 'cut' && (
        <p className="player-cut" role="alert">
          {text('player.cut')}
        </p>
      )}
      <PlayerControls state={state} pace={pace} onPace={setPace} onSeek={(to) => playback?.seek(to)} onToggle={toggle}>
        {hasKeys && (
          <PanelToggle icon={IconKeyboard} label={text('player.keys')} opened={readingKeys} onChange={setReadingKeys} />
        )}
        {isText && (
          <PanelToggle icon={IconListSearch} label={text('player.find')} opened={searching} onChange={setSearching} />
        )}
      </PlayerControls>
    </main>
  );
}

function PanelToggle(props: {
  readonly icon: Icon;
  readonly label: string;
  readonly opened: boolean;
  readonly onChange: (opened: boolean) => void;
}) {
  return (
    <ActionIcon
      size="lg"
      onClick={() => props.onChange(!props.opened)}
      aria-pressed={props.opened}
      aria-label={props.label}
      title={props.label}
    >
      <props.icon size={18} aria-hidden />
    </ActionIcon>
  );
}
