import {
  IconClipboardCopy,
  IconClipboardList,
  IconClipboardText,
  IconForms,
  IconPhoto,
  IconTypography,
} from '@tabler/icons-react';
import { useText } from '../../i18n/text.tsx';
import { BarFrame, BarItem, BarTool, type BarBase, type BarKey } from '../bar-frame.tsx';
import { FilesTool, type FilesToggle } from '../session-files.tsx';
import { isOver } from '../session-view.ts';
import { COMBINATIONS, FUNCTION_KEYS, type KeyCombination } from './desktop-surface.ts';

export interface DesktopBarProps extends BarBase {
  readonly keyboardOpen: boolean;
  readonly files: FilesToggle;
  /** The panel of files on the clipboard; undefined where it can hold none. */
  readonly clipboard: FilesToggle | undefined;
  readonly onPress: (combination: KeyCombination) => void;
  readonly onKeyboard: () => void;
  readonly onCopy: () => void;
  readonly onPaste: () => void;
  readonly onType: () => void;
  readonly onPicture: () => void;
}

export function DesktopBar(props: DesktopBarProps) {
  const text = useText();
  const {
    keyboardOpen,
    files,
    clipboard: panel,
    onPress,
    onKeyboard,
    onCopy,
    onPaste,
    onType,
    onPicture,
    ...base
  } = props;
  const over = isOver(base.view);
  const { clipboard } = base.view;
  const keyOf = (combination: KeyCombination): BarKey => ({
    label: combination.label,
    send: () => onPress(combination),
  });
  return (
    <BarFrame
      {...base}
      keys={COMBINATIONS.map(keyOf)}
      keyColumns={3}
      functionKeys={FUNCTION_KEYS.map(keyOf)}
      tools={
        <>
          <FilesTool view={base.view} files={files} />
          {panel !== undefined && (
            <BarTool
              icon={IconClipboardList}
              label={text('clipboard-files.title')}
              aria-pressed={panel.open}
              disabled={over}
              onClick={panel.toggle}
            />
          )}
          {!base.watching && (
            <BarTool
              className="bar-touch"
              icon={IconTypography}
              label={text('desktop.keyboard')}
              aria-pressed={keyboardOpen}
              disabled={over}
              onClick={onKeyboard}
            />
          )}
        </>
      }
      items={
        <>
          <BarItem
            icon={IconClipboardCopy}
            label={text('desktop.copy')}
            disabled={!clipboard.download}
            onClick={onCopy}
          />
          {!base.watching && (
            <>
              <BarItem
                icon={IconClipboardText}
                label={text('desktop.paste')}
                disabled={over || !clipboard.upload}
                onClick={onPaste}
              />
              <BarItem icon={IconForms} label={text('desktop.text-title')} disabled={over} onClick={onType} />
            </>
          )}
          <BarItem icon={IconPhoto} label={text('desktop.picture')} onClick={onPicture} />
        </>
      }
    />
  );
}
