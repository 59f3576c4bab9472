import './desktop.css';
import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Modal } from '../../components/layer.tsx';
import { useText } from '../../i18n/text.tsx';
import type { SurfaceSessionProps } from '../session-document.tsx';
import { SessionFiles, useSessionFiles } from '../session-files.tsx';
import { SessionOverlays } from '../session-overlays.tsx';
import { SessionSharing } from '../session-sharing.tsx';
import { isOver, type SessionView } from '../session-view.ts';
import { useSession } from '../use-session.ts';
import { useNotice } from '../use-notice.ts';
import { droppedFiles, MOST_DROPPED } from '../../files/dropped.ts';
import { ClipboardPanel } from './clipboard-panel.tsx';
import { DesktopBar } from './desktop-bar.tsx';
import { useDesktopChoices } from './desktop-choices.ts';
import { DesktopDrawer } from './desktop-drawer.tsx';
import type { DesktopKind, DesktopSurface } from './desktop-surface.ts';
import { TouchKeyboard } from './touch-keyboard.tsx';
import { useClipboardFiles } from './use-clipboard-files.ts';

export interface DesktopSessionProps extends SurfaceSessionProps {
  readonly kind: DesktopKind;
}

const NO_FILES: SessionView['clipboardFiles'] = { upload: false, download: false };

/** A decoder that gives up twice within this time would do so for ever. */
const SOON_MS = 10_000;

/** A session whose surface is a desktop, whichever decoder draws it. */
export function DesktopSession(props: DesktopSessionProps) {
  const text = useText();
  const live = useSession(props.subject);
  const { view, connection, watching } = live;
  useNotice(view.notice, live.noticeRead);
  const host = useRef<HTMLDivElement>(null);
  const bar = useRef<HTMLElement>(null);
  const surface = useRef<DesktopSurface>(undefined);
  const [choices, change] = useDesktopChoices();
  const [displayOpen, setDisplayOpen] = useState(false);
  const [menuOpen, setMenuOpen] = useState(false);
  const [keyboardOpen, setKeyboardOpen] = useState(false);
  const [filesShown, files, hideFiles] = useSessionFiles();
  const clipboard = useClipboardFiles(surface);
  const [dropping, setDropping] = useState(false);
  const [pasting, setPasting] = useState<string>();
  const [drawn, setDrawn] = useState(false);
  const [broken, setBroken] = useState(false);
  const brokenAt = useRef(-Infinity);
  const machineText = useRef('');
  const sent = useRef('');
  const ended = isOver(view);
  const typing = keyboardOpen && !watching && !ended;
  const options = { choices, viewOnly: watching || ended, keyboardOpen: typing };
  const latest = useRef({ connection, options, sessionLive: live, clipboard });
  latest.current = { connection, options, sessionLive: live, clipboard };
  const filesRights = ended || watching ? NO_FILES : view.clipboardFiles;
  const focus = useCallback(() => surface.current?.focus(), []);

  useEffect(() => {
    if (host.current === null) return undefined;
    const made = props.kind.create(
      host.current,
      {
        onInput: (bytes) => {
          // What cannot be sent now belongs to a stream that is over.
          if (latest.current.connection?.state === 'open') latest.current.connection.input(bytes);
        },
        onClipboard: (content) => {
          machineText.current = content;
          sent.current = content;
          navigator.clipboard.writeText(content).catch(() => undefined);
        },
        onFilesCopied: (copied) => latest.current.clipboard.copied(copied),
        onFileTaken: (source, bytes) => latest.current.clipboard.transfers.taken(source, bytes),
        onPicture: () => {
          setDrawn(true);
          if (!latest.current.options.viewOnly && isFocusFree(host.current)) surface.current?.focus();
        },
        onRenew: () => latest.current.connection?.renew(),
        onBroken: (what) => {
          const again = performance.now() - brokenAt.current < SOON_MS;
          brokenAt.current = performance.now();
          if (what === 'stream' && !again) latest.current.connection?.renew();
          else setBroken(true);
        },
      },
      latest.current.options,
    );
    surface.current = made;
    latest.current.sessionLive.attach(made);
    return () => {
      made[Symbol.dispose]();
      surface.current = undefined;
    };
  }, [props.kind]);

  useLayoutEffect(() => surface.current?.apply(options));
  useEffect(() => {
    if (view.link === 'lost' || ended) surface.current?.lost();
  }, [view.link, ended]);

  /** Where the browser allows it without asking, what was copied elsewhere follows the person into the desktop. */
  useEffect(() => {
    const bring = (): void => {
      void readAllowedClipboard().then((content) => {
        if (content === undefined || content === '' || content === sent.current) return;
        const { sessionLive, clipboard: held } = latest.current;
        // Files that were brought there are not taken away by a look at another window.
        if (!sessionLive.view.clipboard.upload || held.view.offered.length > 0) return;
        sent.current = content;
        surface.current?.paste(content);
      });
    };
    window.addEventListener('focus', bring);
    return () => window.removeEventListener('focus', bring);
  }, []);

  const requestPaste = (): void => {
    navigator.clipboard.readText().then(
      (content) => {
        sent.current = content;
        surface.current?.paste(content);
        notifications.show({ id: 'pasted', message: text('desktop.pasted'), autoClose: 1500, color: 'gray' });
        focus();
      },
      () => setPasting(''),
    );
  };
  const copy = (): void => {
    navigator.clipboard.writeText(machineText.current).then(
      () => notifications.show({ id: 'copied', message: text('common.copied'), autoClose: 1500, color: 'gray' }),
      () => undefined,
    );
  };

  const type = (typed: string): void => {
    const missing = surface.current?.type(typed) ?? '';
    if (missing !== '')
      notifications.show({
        id: 'untyped',
        color: 'orange',
        title: text('desktop.untyped'),
        message: text('desktop.untyped-help', { characters: [...new Set(missing)].slice(0, 20).join(' ') }),
      });
  };

  return (
    <>
      <DesktopBar
        ref={bar}
        title={props.title}
        view={view}
        watching={watching}
        mayEnd={live.own}
        sharing={<SessionSharing live={live} />}
        menuOpen={menuOpen}
        keyboardOpen={keyboardOpen}
        files={files}
        clipboard={
          filesRights.upload || filesRights.download
            ? { open: clipboard.isShown, toggle: () => clipboard.show(!clipboard.isShown) }
            : undefined
        }
        onMenu={setMenuOpen}
        onPress={(combination) => surface.current?.press(combination)}
        onKeyboard={() => setKeyboardOpen(!keyboardOpen)}
        onCopy={copy}
        onPaste={requestPaste}
        onType={() => setPasting('')}
        onDisplay={() => setDisplayOpen(true)}
        onPicture={() => void savePicture(surface.current, props.title)}
        onEnd={() => connection?.send({ type: 'end' })}
        onFocusSurface={focus}
      />
      <main
        className="session-main desktop-main"
        onDragOver={(event) => {
          if (event.isDefaultPrevented() || !filesRights.upload || !event.dataTransfer.types.includes('Files')) return;
          event.preventDefault();
          setDropping(true);
        }}
        onDragLeave={() => setDropping(false)}
        onDrop={(event) => {
          setDropping(false);
          // What lies on top has taken it.
          if (event.isDefaultPrevented() || !filesRights.upload) return;
          event.preventDefault();
          void droppedFiles(event.dataTransfer).then(
            ({ files, cut }) => {
              if (cut)
                notifications.show({
                  color: 'yellow',
                  message: text('files.drop-cut', { count: text.number(MOST_DROPPED) }),
                });
              clipboard.offer(files);
            },
            () => undefined,
          );
        }}
      >
        <h1 className="visually-hidden">{props.title}</h1>
        <div
          ref={host}
          className="desktop-host"
          role="application"
          aria-label={text('desktop.label', { name: props.title })}
          data-drawn={drawn}
        />
        <SessionFiles
          live={live}
          shown={filesShown}
          onClose={() => {
            hideFiles();
            setTimeout(focus);
          }}
        />
        {(filesRights.upload || filesRights.download) && (
          <ClipboardPanel
            rights={filesRights}
            view={clipboard.view}
            transfers={clipboard.transfers}
            hidden={!clipboard.isShown}
            onOffer={clipboard.offer}
            onClose={() => {
              clipboard.show(false);
              setTimeout(focus);
            }}
          />
        )}
        {dropping && <div className="clipboard-files-drop">{text('clipboard-files.drop')}</div>}
        {broken && !ended && <BrokenDecoder />}
        <SessionOverlays {...props} live={live} onFocusSurface={focus} />
      </main>
      {typing && (
        <TouchKeyboard
          onType={type}
          onPress={(combination) => surface.current?.press(combination)}
          onClose={() => setKeyboardOpen(false)}
        />
      )}
      <Modal opened={pasting !== undefined} onClose={() => setPasting(undefined)} title={text('desktop.text-title')}>
        <Stack>
          <Textarea
            data-autofocus
            autosize
            minRows={4}
            maxRows={12}
            label={text('desktop.text')}
            value={pasting ?? ''}
            onChange={(event) => setPasting(event.currentTarget.value)}
          />
          <Text size="sm" c="dimmed">
            {text('desktop.text-help')}
          </Text>
          <Group justify="flex-end">
            <Button
              variant="default"
              onClick={() => {
                type(pasting ?? '');
                setPasting(undefined);
                setTimeout(focus);
              }}
            >
              {text('desktop.text-type')}
            </Button>
            <Button
              disabled={!view.clipboard.upload}
              onClick={() => {
                sent.current = pasting ?? '';
                surface.current?.paste(sent.current);
                setPasting(undefined);
                setTimeout(focus);
              }}
            >
              {text('desktop.text-clipboard')}
            </Button>
          </Group>
        </Stack>
      </Modal>
      <DesktopDrawer
        opened={displayOpen}
        choices={choices}
        keyboardLayouts={props.kind.keyboardLayouts}
        onChange={change}
        onClose={() => {
          setDisplayOpen(false);
          setTimeout(focus);
        }}
      />
    </>
  );
}

/** The machine goes on; a document made anew has a decoder that nothing has happened to. */
function BrokenDecoder() {
  const text = useText();
  return (
    <div className="desktop-broken" role="alert">
      <Text fw={600}>{text('desktop.broken')}</Text>
      <Text size="sm">{text('desktop.broken-help')}</Text>
      <Button size="sm" onClick={() => location.reload()}>
        {text('desktop.broken-again')}
      </Button>
    </div>
  );
}

/** Not in a menu or a field beside the desktop: what somebody types there must not go on into the machine when a stream comes back. */
function isFocusFree(host: HTMLElement | null): boolean {
  const { activeElement } = document;
  return activeElement === null || activeElement === document.body || host?.contains(activeElement) === true;
}

/** Undefined where the browser would ask first: a question nobody caused is answered with no. */
async function readAllowedClipboard(): Promise<string | undefined> {
  try {
    const { state } = await navigator.permissions.query({ name: 'clipboard-read' as PermissionName });
    return state === 'granted' ? await navigator.clipboard.readText() : undefined;
  } catch {
    return undefined;
  }
}

async function savePicture(surface: DesktopSurface | undefined, title: string): Promise<void> {
  const blob = await surface?.picture();
  if (blob === undefined || blob === null) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${title.replace(/[^\p{L}\p{N}._-]+/gu, '-')}.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}
