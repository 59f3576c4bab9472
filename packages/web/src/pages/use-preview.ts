import { wholePreview, type RouteInput, type RouteOutput } from '@enchilada/contract';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api } from '../api/client.ts';

type Asked = Omit<RouteInput<'previewDiscovery'>['body'], 'scopes'>;

export interface PreviewState {
  /** What is known by now; `rest` is what is still to be looked at. */
  readonly preview: RouteOutput<'previewDiscovery'> | undefined;
  readonly fault: unknown;
  readonly busy: boolean;
  readonly look: (asked: Asked) => void;
  /** Keeps what was counted by then. */
  readonly stop: () => void;
}

/** Looks at a whole source, step by step; a further look, or leaving the page, ends the one before. */
export function usePreview(): PreviewState {
  const [preview, setPreview] = useState<PreviewState['preview']>();
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController>(undefined);
  const stop = useCallback(() => {
    running.current?.abort();
    setBusy(false);
  }, []);
  useEffect(() => () => running.current?.abort(), []);
  const look = useCallback((asked: Asked) => {
    running.current?.abort();
    const { signal } = (running.current = new AbortController());
    const ask = async (): Promise<void> => {
      setBusy(true);
      setFault(undefined);
      try {
        const steps = wholePreview((scopes) =>
          api('previewDiscovery', { body: { ...asked, ...(scopes === undefined ? {} : { scopes }) } }, { signal }),
        );
        for await (const step of steps) if (!signal.aborted) setPreview(step);
      } catch (error) {
        if (!signal.aborted) setFault(error);
      } finally {
        if (!signal.aborted) setBusy(false);
      }
    };
    void ask();
  }, []);
  return { preview, fault, busy, look, stop };
}
