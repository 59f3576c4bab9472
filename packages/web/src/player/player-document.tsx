import '@xterm/xterm/css/xterm.css';
import './player.css';
import {
  ActionIcon,
  Button,
  Container,
  Menu,
  Progress,
  Select,
  Switch,
  TextInput,
  useComputedColorScheme,
} from '@mantine/core';
import {
  IconDownload,
  IconFileText,
  IconKeyboard,
  IconListSearch,
  IconMovie,
  IconPackage,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerSkipBack,
  IconSearch,
  IconX,
} from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { FollowPreferences } from '../app/follow-preferences.ts';
import { api, hrefOf, stream } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { can, meQuery } from '../api/me.ts';
import { Mark } from '../app/mark.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import { useTerminalChoices } from '../surfaces/terminal/settings.ts';
import { terminalTheme } from '../surfaces/terminal/terminal-themes.ts';
import { BEGINNING, Playback, type PlaybackState } from './playback.ts';
import { KeysPanel } from './keys-panel.tsx';
import { clockText, SPEEDS } from './playback-clock.ts';
import { PlaybackScreen } from './playback-screen.ts';
import { desktopStages } from './desktop-stages.ts';
import type { Stage } from './stage.ts';
import { Timeline } from './timeline.tsx';
import { canExportVideo } from './video-export.ts';
import { VideoExportDialog, type VideoSubject } from './video-export-dialog.tsx';
import { VerificationBadge } from './verification-badge.tsx';

/** Around a desktop, in every theme. */
const DESKTOP_GROUND = '#16181c';

export function PlayerDocument() {
  const text = useText();
  const id = useMemo(() => decodeURIComponent(location.pathname.replace(/^\/r\//u, '')), []);
  const detail = useQuery({
    queryKey: ['recording', id],
    queryFn: ({ signal }) => api('getRecording', { params: { id } }, { signal }),
    refetchOnWindowFocus: false,
  });
  const me = useQuery(meQuery);
  const [filmed, setFilmed] = useState<VideoSubject>();
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
        {mayExport && (
          <Menu width={240}>
            <Menu.Target>
              <ActionIcon aria-label={text('player.export')} title={text('player.export')}>
                <IconDownload size={18} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {recording?.surface === 'terminal' && (
                <>
                  <Menu.Item
                    component="a"
                    leftSection={<IconMovie size={16} aria-hidden />}
                    href={hrefOf('exportRecording', { params: { id }, query: { format: 'asciicast' } })}
                    download
                  >
                    {text('player.export-asciicast')}
                  </Menu.Item>
                  <Menu.Item
                    component="a"
                    leftSection={<IconFileText size={16} aria-hidden />}
                    href={hrefOf('exportRecording', { params: { id }, query: { format: 'text' } })}
                    download
                  >
                    {text('player.export-text')}
                  </Menu.Item>
                </>
              )}
              {recording !== undefined && desktopStages[recording.surface] !== undefined && (
                <Menu.Item
                  leftSection={<IconMovie size={16} aria-hidden />}
                  disabled={!canExportVideo()}
                  onClick={() => setFilmed({ id, surface: recording.surface, durationMs: recording.durationMs })}
                >
                  {text('player.export-video')}
                </Menu.Item>
              )}
              {recording !== undefined && recording.surface !== 'terminal' && (
                <Menu.Item
                  component="a"
                  leftSection={<IconMovie size={16} aria-hidden />}
                  href={hrefOf('exportRecording', { params: { id }, query: { format: 'surface' } })}
                  download
                >
                  {text('player.export-surface')}
                </Menu.Item>
              )}
              <Menu.Item
                component="a"
                leftSection={<IconPackage size={16} aria-hidden />}
                href={hrefOf('downloadRecording', { params: { id } })}
                download
              >
                {text('player.download')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </header>
      {filmed !== undefined && <VideoExportDialog subject={filmed} onClose={() => setFilmed(undefined)} />}
      {detail.isError ? (
        <Container size="xs" py="xl" component="main">
          <FaultNotice error={detail.error} onRetry={() => void detail.refetch()} />
        </Container>
      ) : (
        detail.data !== undefined && (
          <PlayerStage detail={detail.data} mayReadKeys={me.data !== undefined && can(me.data, 'recording.keys')} />
        )
      )}
    </div>
  );
}

async function openStream(id: string, fromChunk: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { body } = await stream('streamRecording', { params: { id }, query: { fromChunk } }, { signal });
  if (body === null) throw new ApiFault({ code: 'NETWORK', status: 0 });
  return body;
}

function PlayerStage(props: { readonly detail: RouteOutput<'getRecording'>; readonly mayReadKeys: boolean }) {
  const text = useText();
  const shape = useRef(props.detail);
  const scheme = useComputedColorScheme('dark');
  const [choices] = useTerminalChoices();
  const theme = terminalTheme(choices.theme, scheme);
  const host = useRef<HTMLDivElement>(null);
  const screen = useRef<PlaybackScreen>(undefined);
  const [playback, setPlayback] = useState<Playback>();
  const [state, setState] = useState<PlaybackState>({
    ...BEGINNING,
    durationMs: props.detail.recording.durationMs,
  });
  const [speed, setSpeed] = useState(1);
  const [skipIdle, setSkipIdle] = useState(true);
  const [searching, setSearching] = useState(false);
  const [readingKeys, setReadingKeys] = useState(false);
  const hasKeys = props.mayReadKeys && props.detail.policy.desktopInput === 'keys';
  const first = useRef(theme);
  const isText = desktopStages[props.detail.recording.surface] === undefined;

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const { recording, chunkTimesUs } = shape.current;
    const owned = new DisposableStack();
    const raise = (stage: Stage): void => {
      owned.use(stage);
      const made = new Playback(
        {
          shape: { durationMs: recording.durationMs, chunkTimesUs, hasText: load === undefined },
          open: (fromChunk, signal) => openStream(recording.id, fromChunk, signal),
        },
        stage,
        setState,
      );
      setPlayback(owned.use(made));
    };
    const load = desktopStages[recording.surface];
    if (load === undefined) {
      screen.current = new PlaybackScreen(element, first.current);
      raise(screen.current);
    } else {
      void load().then((create) => {
        if (!owned.disposed) raise(create(element));
      });
    }
    return () => owned.dispose();
  }, []);
  useEffect(() => screen.current?.setTheme(theme), [theme]);
  useEffect(() => playback?.setPace({ speed, skipIdle }), [playback, speed, skipIdle]);

  const toggle = (): void => (state.playing ? playback?.pause() : playback?.play());
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const within = (roles: string): boolean =>
        event.target instanceof HTMLElement && event.target.closest(roles) !== null;
      if (event.ctrlKey || event.metaKey || event.altKey || within('input, [role=option]')) return;
      const arrow = event.key === 'ArrowRight' ? 5000 : event.key === 'ArrowLeft' ? -5000 : 0;
      if (event.key === ' ' && !within('button, a')) {
        event.preventDefault();
        toggle();
      } else if (arrow !== 0 && !within('[role=slider]')) playback?.seek(state.positionMs + arrow);
      else if (event.key === '/' && isText) {
        event.preventDefault();
        setSearching(true);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });

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
        </div>
        {searching && (
          <FindPanel
            found={state.found}
            onFind={(words) => playback?.find(words)}
            onJump={(atMs) => playback?.seek(atMs)}
            onClose={() => setSearching(false)}
          />
        )}
        {readingKeys && (
          <KeysPanel
            recordingId={props.detail.recording.id}
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
      <footer className="player-controls">
        <Timeline
          activity={state.activity}
          marks={state.marks}
          positionMs={state.positionMs}
          durationMs={state.durationMs}
          onSeek={(to) => playback?.seek(to)}
        />
        <div className="player-row">
          <ActionIcon size="lg" onClick={() => playback?.seek(0)} aria-label={text('player.restart')}>
            <IconPlayerSkipBack size={18} aria-hidden />
          </ActionIcon>
          <ActionIcon
            size="xl"
            variant="filled"
            color="chilli"
            radius={99}
            onClick={toggle}
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
            checked={skipIdle}
            onChange={(event) => setSkipIdle(event.currentTarget.checked)}
          />
          <Select
            size="xs"
            w={86}
            aria-label={text('player.speed')}
            allowDeselect={false}
            value={String(speed)}
            data={SPEEDS.map((value) => ({ value: String(value), label: `${text.number(value)}×` }))}
            onChange={(value) => setSpeed(Number(value ?? 1))}
            comboboxProps={{ position: 'top' }}
          />
          {hasKeys && (
            <ActionIcon
              size="lg"
              onClick={() => setReadingKeys(!readingKeys)}
              aria-pressed={readingKeys}
              aria-label={text('player.keys')}
              title={text('player.keys')}
            >
              <IconKeyboard size={18} aria-hidden />
            </ActionIcon>
          )}
          {isText && (
            <ActionIcon
              size="lg"
              onClick={() => setSearching(!searching)}
              aria-pressed={searching}
              aria-label={text('player.find')}
              title={text('player.find')}
            >
              <IconListSearch size={18} aria-hidden />
            </ActionIcon>
          )}
        </div>
      </footer>
    </main>
  );
}

function FindPanel(props: {
  readonly found: PlaybackState['found'];
  readonly onFind: (words: string) => void;
  readonly onJump: (atMs: number) => void;
  readonly onClose: () => void;
}) {
  const text = useText();
  const [words, setWords] = useState('');
  const { onFind } = props;
  useEffect(() => {
    const timer = setTimeout(() => onFind(words), 120);
    return () => clearTimeout(timer);
  }, [words, onFind]);
  return (
    <aside className="player-find" aria-label={text('player.find')}>
      <div className="player-find-field">
        <TextInput
          size="sm"
          autoFocus
          leftSection={<IconSearch size={16} aria-hidden />}
          placeholder={text('player.find')}
          aria-label={text('player.find')}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') props.onClose();
            if (event.key === 'Enter' && props.found[0] !== undefined) props.onJump(props.found[0].atMs);
          }}
        />
        <ActionIcon onClick={props.onClose} aria-label={text('common.close')}>
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </div>
      <p className="sub player-found" role="status">
        {words === '' ? text('player.find-help') : text.count('player.found', props.found.length)}
      </p>
      <ol className="player-hits">
        {words !== '' &&
          props.found.map((line, index) => (
            <li key={index}>
              <button type="button" onClick={() => props.onJump(line.atMs)}>
                <span className="sub">{clockText(line.atMs)}</span>
                <span className="mono truncate">{excerpt(line.text, words)}</span>
              </button>
            </li>
          ))}
      </ol>
    </aside>
  );
}

const BEFORE_MATCH = 12;

function excerpt(line: string, words: string): string {
  const at = line.toLowerCase().indexOf(words.toLowerCase());
  return at <= BEFORE_MATCH ? line : `…${line.slice(at - BEFORE_MATCH)}`;
}
