import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { useFullscreenDocument } from '@mantine/hooks';
import {
  IconAdjustments,
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconClipboardCopy,
  IconClipboardText,
  IconDots,
  IconEye,
  IconKeyboard,
  IconLockOpen,
  IconPlugConnected,
  IconPlugConnectedX,
  IconPlugX,
  IconPower,
  IconSearch,
} from '@tabler/icons-react';
import type { Ref } from 'react';
import { Mark } from '../app/mark.tsx';
import { useText } from '../i18n/text.tsx';
import { BROWSER_KEYS, FUNCTION_KEY_CHOICES } from '../surfaces/terminal/keys.ts';
import type { SessionView } from './session-view.ts';

export interface SessionBarProps {
  readonly ref: Ref<HTMLElement>;
  readonly title: string;
  readonly view: SessionView;
  readonly watching: boolean;
  readonly menuOpen: boolean;
  readonly onMenu: (open: boolean) => void;
  readonly onKey: (bytes: string) => void;
  readonly onCopy: () => void;
  readonly onPaste: () => void;
  readonly onFind: () => void;
  readonly onDisplay: () => void;
  readonly onEnd: () => void;
  readonly onFocusSurface: () => void;
}

interface KeyboardLock {
  lock?: () => Promise<void>;
  unlock?: () => void;
}

/** In full screen the browser's own shortcuts reach the machine where the browser can do that (Keyboard Lock). */
async function toggleFullScreen(toggle: () => Promise<void>, fullscreen: boolean): Promise<void> {
  const keyboard = (navigator as { keyboard?: KeyboardLock }).keyboard;
  await toggle();
  if (fullscreen) keyboard?.unlock?.();
  else await keyboard?.lock?.().catch(() => undefined);
}

export function SessionBar(props: SessionBarProps) {
  const text = useText();
  const { toggle, fullscreen } = useFullscreenDocument();
  const { view } = props;
  const ended = view.link === 'ended' || view.link === 'failed';
  const watchers = view.viewers.filter((viewer) => viewer.mode === 'watch');
  return (
    <header ref={props.ref} className="bar" data-fullscreen={fullscreen}>
      <a href="/" className="bar-mark" aria-label={text('session.to-machines')} data-bar-first>
        <Mark size={18} />
      </a>
      <strong className="bar-title truncate">{props.title}</strong>
      <LinkBadge view={view} />
      {view.recorded && (
        <Tooltip label={text('session.recorded-help')}>
          <span className="bar-fact" data-recorded>
            <span className="dot" aria-hidden />
            <span className="bar-word">{text('session.recorded')}</span>
          </span>
        </Tooltip>
      )}
      {view.facts['encryption'] === 'none' && (
        <Tooltip label={text('session.cleartext-help')} multiline w={280}>
          <span className="bar-fact" data-tone="warn">
            <IconLockOpen size={14} aria-hidden /> <span className="bar-word">{text('session.cleartext')}</span>
          </span>
        </Tooltip>
      )}
      {watchers.length > 0 && (
        <Tooltip label={watchers.map((viewer) => viewer.user).join(', ')}>
          <span className="bar-fact" data-tone="warn" role="status">
            <IconEye size={14} aria-hidden />{' '}
            <span className="bar-word">{text.count('session.watched', watchers.length)}</span>
          </span>
        </Tooltip>
      )}
      {props.watching && (
        <span className="bar-fact">
          <IconEye size={14} aria-hidden /> <span className="bar-word">{text('session.watching')}</span>
        </span>
      )}
      <span className="bar-space" />
      <div className="bar-tools" role="toolbar" aria-label={text('session.tools')}>
        {!props.watching && (
          <Menu
            width={420}
            opened={props.menuOpen}
            onChange={props.onMenu}
            onClose={() => setTimeout(props.onFocusSurface)}
            returnFocus={false}
          >
            <Menu.Target>
              <ActionIcon size="md" aria-label={text('session.keys')} title={text('session.keys')} disabled={ended}>
                <IconKeyboard size={17} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Label>{text('session.keys-browser')}</Menu.Label>
              <div className="key-grid">
                {BROWSER_KEYS.map((key) => (
                  <Menu.Item key={key.label} onClick={() => props.onKey(key.bytes)}>
                    {key.label}
                  </Menu.Item>
                ))}
              </div>
              <Menu.Divider />
              <Menu.Label>{text('session.keys-function')}</Menu.Label>
              <div className="key-grid" data-narrow>
                {FUNCTION_KEY_CHOICES.map((key) => (
                  <Menu.Item key={key.label} onClick={() => props.onKey(key.bytes)}>
                    {key.label}
                  </Menu.Item>
                ))}
              </div>
            </Menu.Dropdown>
          </Menu>
        )}
        <ActionIcon
          className="bar-wide"
          size="md"
          onClick={props.onFind}
          aria-label={text('terminal.find')}
          title={text('terminal.find')}
        >
          <IconSearch size={17} aria-hidden />
        </ActionIcon>
        <ActionIcon
          className="bar-wide"
          size="md"
          onClick={props.onDisplay}
          aria-label={text('session.display')}
          title={text('session.display')}
        >
          <IconAdjustments size={17} aria-hidden />
        </ActionIcon>
        <ActionIcon
          className="bar-wide"
          size="md"
          onClick={() => void toggleFullScreen(toggle, fullscreen)}
          aria-label={text('session.full-screen')}
          aria-pressed={fullscreen}
          title={text('session.full-screen')}
        >
          {fullscreen ? <IconArrowsMinimize size={17} aria-hidden /> : <IconArrowsMaximize size={17} aria-hidden />}
        </ActionIcon>
        <Menu width={230} onClose={() => setTimeout(props.onFocusSurface)} returnFocus={false}>
          <Menu.Target>
            <ActionIcon size="md" aria-label={text('session.more')} title={text('session.more')}>
              <IconDots size={17} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item
              leftSection={<IconClipboardCopy size={16} aria-hidden />}
              rightSection={<kbd>Ctrl Shift C</kbd>}
              onClick={props.onCopy}
            >
              {text('terminal.copy')}
            </Menu.Item>
            {!props.watching && (
              <Menu.Item
                leftSection={<IconClipboardText size={16} aria-hidden />}
                rightSection={<kbd>Ctrl Shift V</kbd>}
                disabled={ended}
                onClick={props.onPaste}
              >
                {text('terminal.paste')}
              </Menu.Item>
            )}
            <Menu.Item
              leftSection={<IconSearch size={16} aria-hidden />}
              rightSection={<kbd>Ctrl Shift F</kbd>}
              onClick={props.onFind}
            >
              {text('terminal.find')}
            </Menu.Item>
            <Menu.Item leftSection={<IconAdjustments size={16} aria-hidden />} onClick={props.onDisplay}>
              {text('session.display')}
            </Menu.Item>
            {!props.watching && (
              <>
                <Menu.Divider />
                <Menu.Item leftSection={<IconPower size={16} aria-hidden />} disabled={ended} onClick={props.onEnd}>
                  {text('session.end')}
                </Menu.Item>
              </>
            )}
          </Menu.Dropdown>
        </Menu>
      </div>
    </header>
  );
}

function LinkBadge(props: { readonly view: SessionView }) {
  const text = useText();
  const { view } = props;
  const [tone, Icon, label] =
    view.link === 'ended' || view.link === 'failed'
      ? (['quiet', IconPlugX, text('link.ended')] as const)
      : view.link === 'lost'
        ? (['warn', IconPlugConnectedX, text('link.lost')] as const)
        : view.phase === 'live' && view.link === 'open'
          ? (['ok', IconPlugConnected, text('link.live')] as const)
          : (['quiet', IconPlugConnected, text('link.opening')] as const);
  return (
    <>
      <span className="bar-fact" data-tone={tone} role="status">
        <Icon size={14} aria-hidden /> {label}
      </span>
      {tone === 'ok' && view.roundTripMs !== undefined && (
        <span
          className="bar-fact bar-rtt"
          title={text('session.round-trip')}
          aria-label={`${text('session.round-trip')} ${view.roundTripMs} ms`}
        >
          {view.roundTripMs} ms
        </span>
      )}
    </>
  );
}
