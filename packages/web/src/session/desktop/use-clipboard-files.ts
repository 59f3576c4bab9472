import { notifications } from '@mantine/notifications';
import { useCallback, useRef, useState, type RefObject } from 'react';
import type { LocalFile } from '../../files/dropped.ts';
import { useText } from '../../i18n/text.tsx';
import type { CopiedFile } from './clipboard-files.ts';
import { ClipboardTransfers, EMPTY_CLIPBOARD, type ClipboardView } from './clipboard-transfers.ts';
import type { DesktopSurface } from './desktop-surface.ts';

const NOTICE = 'files-copied';

export interface ClipboardFilesUse {
  readonly view: ClipboardView;
  readonly transfers: ClipboardTransfers;
  readonly isShown: boolean;
  readonly show: (shown: boolean) => void;
  /** The machine's clipboard holds these, or none. */
  readonly copied: (files: readonly CopiedFile[]) => void;
  readonly offer: (files: readonly LocalFile[]) => void;
}

/** Files on the clipboard of a desktop, and the panel that shows them. */
export function useClipboardFiles(surface: RefObject<DesktopSurface | undefined>): ClipboardFilesUse {
  const text = useText();
  const [view, setView] = useState<ClipboardView>(EMPTY_CLIPBOARD);
  const [isShown, setShown] = useState(false);
  const open = useRef(false);
  const show = useCallback((shown: boolean) => {
    open.current = shown;
    setShown(shown);
    if (shown) notifications.hide(NOTICE);
  }, []);
  const [transfers] = useState(() => new ClipboardTransfers(() => surface.current?.files, setView));
  const copied = useCallback(
    (files: readonly CopiedFile[]) => {
      transfers.copied(files);
      // The panel says so itself.
      if (files.length === 0 || open.current) notifications.hide(NOTICE);
      else
        notifications.show({
          id: NOTICE,
          color: 'gray',
          autoClose: 8_000,
          message: text.count('clipboard-files.noticed', files.length),
          closeButtonProps: { 'aria-label': text('common.close') },
        });
    },
    [transfers, text],
  );
  const offer = useCallback(
    (files: readonly LocalFile[]) => {
      if (files.length === 0) return;
      transfers.offer(files);
      show(true);
    },
    [transfers, show],
  );
  return { view, transfers, isShown, show, copied, offer };
}
