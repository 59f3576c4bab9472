import { Button, Stack, Text } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useCallback, useRef, useState } from 'react';
import { useText } from '../i18n/text.tsx';
import { useTerminalChoices } from '../surfaces/terminal/settings.ts';
import type { TerminalSurface } from '../surfaces/terminal/terminal-surface.ts';
import { ZMODEM_CANCEL, type TransferKind } from '../surfaces/terminal/transfer-watch.ts';
import { TerminalView, type TerminalHandle } from '../surfaces/terminal/terminal-view.tsx';
import { DisplayDrawer } from './display-drawer.tsx';
import { SessionBar } from './session-bar.tsx';
import type { SurfaceSessionProps } from './session-document.tsx';
import { mayMoveFiles, SessionFiles, useSessionFiles } from './session-files.tsx';
import { SessionOverlays } from './session-overlays.tsx';
import { SessionSharing } from './session-sharing.tsx';
import { isOver } from './session-view.ts';
import { useSession } from './use-session.ts';
import { useNotice } from './use-notice.ts';

const CANCEL_EVERY_MS = 1_000;

/** A session whose surface is a terminal. */
export function TerminalSession(props: SurfaceSessionProps) {
  const text = useText();
  const live = useSession(props.subject);
  const { view, connection, watching } = live;
  useNotice(view.notice, live.noticeRead);
  const terminal = useRef<TerminalHandle>(null);
  const bar = useRef<HTMLElement>(null);
  const [choices, change] = useTerminalChoices();
  const [displayOpen, setDisplayOpen] = useState(false);
  const [menuOpen, setMenuOpen] = useState(false);
  const [filesShown, files, hideFiles] = useSessionFiles();
  const [tipRead, setTipRead] = useLocalStorage({
    key: 'enchilada-keyboard-tip',
    defaultValue: false,
    getInitialValueInEffect: false,
  });
  const over = useRef(false);
  over.current = isOver(view);
  const focus = useCallback(() => {
    if (!over.current) terminal.current?.surface()?.focus();
  }, []);

  const ready = (surface: TerminalSurface): void =>
    live.attach({ write: (bytes) => surface.write(bytes), reset: () => surface.reset(), size: () => surface.size });
  const type = (bytes: Uint8Array): void => {
    if (connection?.input(bytes) === false && (view.link === 'lost' || view.link === 'connecting')) {
      notifications.show({
        id: 'held',
        color: 'yellow',
        title: text('session.held-full'),
        message: text('session.held-full-body'),
      });
    }
  };
  const cancelledAt = useRef(-Infinity);
  const refuse = (kind: TransferKind): void => {
    // Whatever a machine prints, it makes us say little.
    if (kind === 'zmodem' && performance.now() - cancelledAt.current > CANCEL_EVERY_MS) {
      cancelledAt.current = performance.now();
      connection?.input(ZMODEM_CANCEL);
    }
    notifications.show({
      id: 'transfer',
      color: 'yellow',
      title: text(`terminal.transfer-${kind}`),
      message: text(mayMoveFiles(view) ? 'terminal.transfer-files' : 'terminal.transfer-none'),
      autoClose: false,
      closeButtonProps: { 'aria-label': text('common.close') },
    });
  };
  const ended = over.current;

  return (
    <>
      <SessionBar
        ref={bar}
        title={props.title}
        view={view}
        watching={watching}
        mayEnd={live.own}
        sharing={<SessionSharing live={live} />}
        menuOpen={menuOpen}
        onMenu={setMenuOpen}
        onKey={(bytes) => {
          terminal.current?.surface()?.type(bytes);
          focus();
        }}
        onCopy={() => void terminal.current?.surface()?.copy().then(focus)}
        onPaste={() => terminal.current?.requestPaste()}
        onFind={() => terminal.current?.openSearch()}
        onDisplay={() => setDisplayOpen(true)}
        files={files}
        onEnd={() => connection?.send({ type: 'end' })}
        onFocusSurface={focus}
      />
      <main className="session-main">
        <h1 className="visually-hidden">{props.title}</h1>
        <TerminalView
          ref={terminal}
          label={text('terminal.label', { name: props.title })}
          choices={choices}
          readOnly={watching || ended}
          onReady={ready}
          onInput={type}
          onResize={(size) => connection?.send({ type: 'resize', ...size })}
          onLeave={() => bar.current?.querySelector<HTMLElement>('[data-bar-first]')?.focus()}
          // Once this key is done with: a menu that is open already takes it for a key pressed outside, and closes.
          onMenu={() => setTimeout(() => setMenuOpen(true))}
          onTransfer={refuse}
          onCopied={() =>
            notifications.show({ id: 'copied', message: text('common.copied'), autoClose: 1500, color: 'gray' })
          }
        />
        <SessionFiles
          live={live}
          shown={filesShown}
          onClose={() => {
            hideFiles();
            setTimeout(focus);
          }}
        />
        {!tipRead && view.phase === 'live' && !watching && !ended && (
          <div className="session-tip panel" role="note">
            <Stack gap={6}>
              <Text size="sm" fw={600}>
                {text('session.tip-title')}
              </Text>
              <Text size="sm">
                <kbd>Ctrl</kbd> <kbd>Alt</kbd> <kbd>Shift</kbd> {text('session.tip-menu')}
              </Text>
              <Text size="sm">
                <kbd>Esc</kbd> <kbd>Esc</kbd> {text('session.tip-leave')}
              </Text>
              <Button
                size="xs"
                variant="default"
                mt={4}
                onClick={() => {
                  setTipRead(true);
                  focus();
                }}
              >
                {text('session.tip-read')}
              </Button>
            </Stack>
          </div>
        )}
        <SessionOverlays {...props} live={live} onFocusSurface={focus} />
      </main>
      <DisplayDrawer
        opened={displayOpen}
        choices={choices}
        onChange={change}
        onClose={() => {
          setDisplayOpen(false);
          setTimeout(focus);
        }}
      />
    </>
  );
}
