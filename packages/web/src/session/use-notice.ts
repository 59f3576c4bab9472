import { notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { useText } from '../i18n/text.tsx';
import type { SessionView } from './session-view.ts';

const SHORT_MS = 8000;

/** What the gateway has to say, beside the surface: a dialog would take the keyboard away in the middle of a word. */
export function useNotice(notice: SessionView['notice'], onRead: () => void): void {
  const text = useText();
  useEffect(() => {
    if (notice === undefined) return;
    onRead();
    // The bar says so all the time.
    if (notice.code === 'view-only') return;
    const { code, seconds } = notice;
    const lastsMs = seconds === undefined ? SHORT_MS : seconds * 1000;
    notifications.show({
      id: `notice-${code}`,
      title: text('session.notice'),
      message: text(`notice.${code}`, { time: text.time(Date.now() + lastsMs) }),
      color: 'yellow',
      autoClose: lastsMs,
      closeButtonProps: { 'aria-label': text('common.close') },
    });
  }, [notice, onRead, text]);
}
