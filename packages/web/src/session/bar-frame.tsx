import { ActionIcon, Menu } from '@mantine/core';
import { useFullscreenDocument } from '@mantine/hooks';
import {
  IconAdjustments,
  IconArrowsMaximize,
  IconArrowsMinimize,
  IconDots,
  IconKeyboard,
  IconPower,
  type Icon,
} from '@tabler/icons-react';
import type { ReactNode, Ref } from 'react';
import { useText } from '../i18n/text.tsx';
import { BarBadge, BarFacts } from './bar-facts.tsx';
import { toggleFullScreen } from './full-screen.ts';
import { isOver, type SessionView } from './session-view.ts';

/** A key that the browser keeps, and what sends it. */
export interface BarKey {
  readonly label: string;
  readonly send: () => void;
}

/** What every bar shows and asks for, whatever the session's surface. */
export interface BarBase {
  readonly ref: Ref<HTMLElement>;
  readonly title: string;
  readonly view: SessionView;
  readonly watching: boolean;
  readonly mayEnd: boolean;
  /** How its owner has others look on. */
  readonly sharing: ReactNode;
  readonly menuOpen: boolean;
  readonly onMenu: (open: boolean) => void;
  readonly onDisplay: () => void;
  readonly onEnd: () => void;
  readonly onFocusSurface: () => void;
}

export interface BarFrameProps extends BarBase {
  readonly keys: readonly BarKey[];
  readonly keyColumns: 3 | 4;
  readonly functionKeys: readonly BarKey[];
  /** The surface's own buttons, between the keys and what all bars have. */
  readonly tools?: ReactNode;
  /** The surface's own items, on top of the menu "More". */
  readonly items: ReactNode;
}

/** The bar of a session: facts, keys, the surface's tools, display, full screen, and the menu that ends it. */
export function BarFrame(props: BarFrameProps) {
  const text = useText();
  const { toggle, fullscreen } = useFullscreenDocument();
  const { view } = props;
  const focusLater = (): void => void setTimeout(props.onFocusSurface);
  return (
    <header ref={props.ref} className="bar" data-fullscreen={fullscreen}>
      <BarFacts title={props.title} view={view} watching={props.watching} />
      <span className="bar-space" />
      <div className="bar-tools" role="toolbar" aria-label={text('session.tools')}>
        {!props.watching && (
          <Menu width={420} opened={props.menuOpen} onChange={props.onMenu} onClose={focusLater} returnFocus={false}>
            <Menu.Target>
              <BarTool icon={IconKeyboard} label={text('session.keys')} disabled={isOver(view)} />
            </Menu.Target>
            <Menu.Dropdown>
              <KeyGrid label={text('session.keys-browser')} keys={props.keys} columns={props.keyColumns} />
              <Menu.Divider />
              <KeyGrid label={text('session.keys-function')} keys={props.functionKeys} columns={6} />
            </Menu.Dropdown>
          </Menu>
        )}
        {props.tools}
        {props.sharing}
        <BarTool
          className="bar-wide"
          icon={IconAdjustments}
          label={text('session.display')}
          onClick={props.onDisplay}
        />
        <BarTool
          className="bar-wide"
          icon={fullscreen ? IconArrowsMinimize : IconArrowsMaximize}
          label={text('session.full-screen')}
          aria-pressed={fullscreen}
          // With the focus on it the bar would stay in front of what is to be seen, and keys with it.
          onClick={() => void toggleFullScreen(toggle, fullscreen).then(focusLater)}
        />
        <Menu width={250} onClose={focusLater} returnFocus={false}>
          <Menu.Target>
            <BarTool icon={IconDots} label={text('session.more')} />
          </Menu.Target>
          <Menu.Dropdown>
            {props.items}
            <BarItem icon={IconAdjustments} label={text('session.display')} onClick={props.onDisplay} />
            {props.mayEnd && (
              <>
                <Menu.Divider />
                <BarItem icon={IconPower} label={text('session.end')} disabled={isOver(view)} onClick={props.onEnd} />
              </>
            )}
          </Menu.Dropdown>
        </Menu>
      </div>
      {fullscreen && <BarBadge view={view} />}
    </header>
  );
}

function KeyGrid(props: { readonly label: string; readonly keys: readonly BarKey[]; readonly columns: number }) {
  return (
    <>
      <Menu.Label>{props.label}</Menu.Label>
      <div className="key-grid" data-columns={props.columns}>
        {props.keys.map((key) => (
          <Menu.Item key={key.label} onClick={key.send}>
            {key.label}
          </Menu.Item>
        ))}
      </div>
    </>
  );
}

/** A button of the bar. What a menu gives its target, it passes on. */
export function BarTool({
  icon: ToolIcon,
  label,
  ...rest
}: {
  readonly icon: Icon;
  readonly label: string;
  readonly className?: string;
  readonly disabled?: boolean;
  readonly onClick?: () => void;
  readonly 'aria-pressed'?: boolean;
  readonly ref?: Ref<HTMLButtonElement>;
}) {
  return (
    <ActionIcon size="md" aria-label={label} title={label} {...rest}>
      <ToolIcon size={17} aria-hidden />
    </ActionIcon>
  );
}

/** An item of the bar's menu. */
export function BarItem({
  icon: ItemIcon,
  label,
  shortcut,
  ...rest
}: {
  readonly icon: Icon;
  readonly label: string;
  readonly shortcut?: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
}) {
  return (
    <Menu.Item
      leftSection={<ItemIcon size={16} aria-hidden />}
      rightSection={shortcut === undefined ? undefined : <kbd>{shortcut}</kbd>}
      {...rest}
    >
      {label}
    </Menu.Item>
  );
}
