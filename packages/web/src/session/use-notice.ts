import { notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { useText } from '../i18n/text.tsx';
import type { SessionView } from './session-view.ts';

const SHORT_MS = 8000;
/** What asks for a decision stays until it is read. */
const LASTING: readonly string[] = ['idle-soon', 'expires-soon', 'access-ends-soon', 'resumed-elsewhere'];

/** What the gateway has to say, beside the surface: a dialog would take the keyboard away in the middle of a word. */
export function useNotice(notice: SessionView['notice'], onRead: () => void): void {
  const text = useText();
  useEffect(() => {
    if (notice === undefined) return;
    onRead();
    // The bar says so all the time.
    if (notice.code === 'view-only') return;
    notifications.show({
      id: `notice-${notice.code}`,
      title: text('session.notice'),
      message: text(`notice.${notice.code}`, { seconds: notice.seconds ?? 0 }),
      color: 'yellow',
      autoClose: LASTING.includes(notice.code) ? false : SHORT_MS,
      closeButtonProps: { 'aria-label': text('common.close') },
    });
  }, [notice, onRead, text]);
}
