import { ActionIcon, Menu } from '@mantine/core';
import { useFullscreenDocument } from '@mantine/hooks';
import {
  IconAdjustments,
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconClipboardCopy,
  IconClipboardText,
  IconDots,
  IconFolder,
  IconKeyboard,
  IconPower,
  IconSearch,
} from '@tabler/icons-react';
import type { Ref } from 'react';
import { useText } from '../i18n/text.tsx';
import { BROWSER_KEYS, FUNCTION_KEY_CHOICES } from '../surfaces/terminal/keys.ts';
import { BarFacts } from './bar-facts.tsx';
import { toggleFullScreen } from './full-screen.ts';
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
  readonly filesOpen?: boolean;
  readonly onFiles?: () => void;
  readonly onEnd: () => void;
  readonly onFocusSurface: () => void;
}

export function SessionBar(props: SessionBarProps) {
  const text = useText();
  const { toggle, fullscreen } = useFullscreenDocument();
  const { view } = props;
  const ended = view.link === 'ended' || view.link === 'failed';
  return (
    <header ref={props.ref} className="bar" data-fullscreen={fullscreen}>
      <BarFacts title={props.title} view={view} watching={props.watching} />
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
        {view.files !== undefined && (view.files.upload || view.files.download) && !ended && (
          <ActionIcon
            size="md"
            onClick={props.onFiles}
            aria-label={text('files.title')}
            aria-pressed={props.filesOpen === true}
            title={text('files.title')}
          >
            <IconFolder size={17} aria-hidden />
          </ActionIcon>
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
