import { IconClipboardCopy, IconClipboardText, IconSearch } from '@tabler/icons-react';
import { useText } from '../i18n/text.tsx';
import { BROWSER_KEYS, FUNCTION_KEY_CHOICES, type KeyChoice } from '../surfaces/terminal/keys.ts';
import { BarFrame, BarItem, BarTool, type BarBase, type BarKey } from './bar-frame.tsx';
import { FilesTool, type FilesToggle } from './session-files.tsx';
import { isOver } from './session-view.ts';

export interface SessionBarProps extends BarBase {
  readonly onKey: (bytes: string) => void;
  readonly onCopy: () => void;
  readonly onPaste: () => void;
  readonly onFind: () => void;
  readonly files: FilesToggle;
}

export function SessionBar({ onKey, onCopy, onPaste, onFind, files, ...base }: SessionBarProps) {
  const text = useText();
  const over = isOver(base.view);
  const keyOf = ({ label, bytes }: KeyChoice): BarKey => ({ label, send: () => onKey(bytes) });
  return (
    <BarFrame
      {...base}
      keys={BROWSER_KEYS.map(keyOf)}
      keyColumns={4}
      functionKeys={FUNCTION_KEY_CHOICES.map(keyOf)}
      tools={
        <>
          <FilesTool view={base.view} files={files} />
          <BarTool className="bar-wide" icon={IconSearch} label={text('terminal.find')} onClick={onFind} />
        </>
      }
      items={
        <>
          <BarItem icon={IconClipboardCopy} label={text('terminal.copy')} shortcut="Ctrl Shift C" onClick={onCopy} />
          {!base.watching && (
            <BarItem
              icon={IconClipboardText}
              label={text('terminal.paste')}
              shortcut="Ctrl Shift V"
              disabled={over}
              onClick={onPaste}
            />
          )}
          <BarItem icon={IconSearch} label={text('terminal.find')} shortcut="Ctrl Shift F" onClick={onFind} />
        </>
      }
    />
  );
}
