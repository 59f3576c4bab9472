import { useCallback, useState } from 'react';
import { notifyFault } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';

/** Runs one act at a time; a failure is shown as a toast and answered as false. */
export function useAction(): readonly [busy: boolean, run: (act: () => Promise<unknown>) => Promise<boolean>] {
  const text = useText();
  const [busy, setBusy] = useState(false);
  const run = useCallback(
    async (act: () => Promise<unknown>) => {
      setBusy(true);
      try {
        await act();
        return true;
      } catch (error) {
        notifyFault(error, text);
        return false;
      } finally {
        setBusy(false);
      }
    },
    [text],
  );
  return [busy, run];
}
