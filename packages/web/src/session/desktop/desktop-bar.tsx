import { ActionIcon, Menu } from '@mantine/core';
import { useFullscreenDocument } from '@mantine/hooks';
import {
  IconAdjustments,
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconClipboardCopy,
  IconClipboardText,
  IconDots,
  IconForms,
  IconKeyboard,
  IconPhoto,
  IconPower,
  IconTypography,
} from '@tabler/icons-react';
import type { Ref } from 'react';
import { useText } from '../../i18n/text.tsx';
import { BarFacts } from '../bar-facts.tsx';
import { toggleFullScreen } from '../full-screen.ts';
import type { SessionView } from '../session-view.ts';
import { COMBINATIONS, FUNCTION_KEYS, type KeyCombination } from './desktop-surface.ts';

export interface DesktopBarProps {
  readonly ref: Ref<HTMLElement>;
  readonly title: string;
  readonly view: SessionView;
  readonly watching: boolean;
  readonly menuOpen: boolean;
  readonly keyboardOpen: boolean;
  readonly onMenu: (open: boolean) => void;
  readonly onPress: (combination: KeyCombination) => void;
  readonly onKeyboard: () => void;
  readonly onCopy: () => void;
  readonly onPaste: () => void;
  readonly onType: () => void;
  readonly onDisplay: () => void;
  readonly onPicture: () => void;
  readonly onEnd: () => void;
  readonly onFocusSurface: () => void;
}

export function DesktopBar(props: DesktopBarProps) {
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
          <>
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
                <div className="key-grid" data-wide>
                  {COMBINATIONS.map((combination) => (
                    <Menu.Item key={combination.label} onClick={() => props.onPress(combination)}>
                      {combination.label}
                    </Menu.Item>
                  ))}
                </div>
                <Menu.Divider />
                <Menu.Label>{text('session.keys-function')}</Menu.Label>
                <div className="key-grid" data-narrow>
                  {FUNCTION_KEYS.map((combination) => (
                    <Menu.Item key={combination.label} onClick={() => props.onPress(combination)}>
                      {combination.label}
                    </Menu.Item>
                  ))}
                </div>
              </Menu.Dropdown>
            </Menu>
            <ActionIcon
              className="bar-touch"
              size="md"
              onClick={props.onKeyboard}
              aria-pressed={props.keyboardOpen}
              aria-label={text('desktop.keyboard')}
              title={text('desktop.keyboard')}
              disabled={ended}
            >
              <IconTypography size={17} aria-hidden />
            </ActionIcon>
          </>
        )}
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
        <Menu width={250} onClose={() => setTimeout(props.onFocusSurface)} returnFocus={false}>
          <Menu.Target>
            <ActionIcon size="md" aria-label={text('session.more')} title={text('session.more')}>
              <IconDots size={17} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconClipboardCopy size={16} aria-hidden />} onClick={props.onCopy}>
              {text('desktop.copy')}
            </Menu.Item>
            {!props.watching && (
              <>
                <Menu.Item
                  leftSection={<IconClipboardText size={16} aria-hidden />}
                  disabled={ended}
                  onClick={props.onPaste}
                >
                  {text('desktop.paste')}
                </Menu.Item>
                <Menu.Item leftSection={<IconForms size={16} aria-hidden />} disabled={ended} onClick={props.onType}>
                  {text('desktop.text-title')}
                </Menu.Item>
              </>
            )}
            <Menu.Item leftSection={<IconPhoto size={16} aria-hidden />} onClick={props.onPicture}>
              {text('desktop.picture')}
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
