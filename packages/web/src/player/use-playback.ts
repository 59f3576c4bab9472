import type { RouteOutput } from '@enchilada/contract';
import type { ITheme } from '@xterm/xterm';
import { useEffect, useRef, useState, type RefObject } from 'react';
import { stream } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { desktopStages } from './desktop-stages.ts';
import { PlaybackScreen } from './playback-screen.ts';
import { BEGINNING, Playback, type PlaybackState } from './playback.ts';
import type { Stage } from './stage.ts';

async function openStream(id: string, fromChunk: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { body } = await stream('streamRecording', { params: { id }, query: { fromChunk } }, { signal });
  if (body === null) throw new ApiFault({ code: 'NETWORK', status: 0 });
  return body;
}

export interface Played {
  /** Undefined until its stage is there; a desktop's is loaded first. */
  readonly playback: Playback | undefined;
  readonly state: PlaybackState;
}

/** Plays the recording into the element for as long as both are there. */
export function usePlayback(
  host: RefObject<HTMLDivElement | null>,
  detail: RouteOutput<'getRecording'>,
  theme: ITheme,
): Played {
  const shape = useRef(detail);
  const first = useRef(theme);
  const screen = useRef<PlaybackScreen>(undefined);
  const [playback, setPlayback] = useState<Playback>();
  const [state, setState] = useState<PlaybackState>({ ...BEGINNING, durationMs: detail.recording.durationMs });

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const { recording, chunkTimesUs } = shape.current;
    const owned = new DisposableStack();
    const raise = (stage: Stage): void => {
      owned.use(stage);
      const made = new Playback(
        {
          shape: { durationMs: recording.durationMs, chunkTimesUs, hasText: load === undefined },
          open: (fromChunk, signal) => openStream(recording.id, fromChunk, signal),
        },
        stage,
        setState,
      );
      setPlayback(owned.use(made));
    };
    const load = desktopStages[recording.surface];
    if (load === undefined) {
      screen.current = new PlaybackScreen(element, first.current);
      raise(screen.current);
    } else {
      void load().then((create) => {
        if (!owned.disposed) raise(create(element));
      });
    }
    return () => owned.dispose();
  }, [host]);
  useEffect(() => screen.current?.setTheme(theme), [theme]);
  return { playback, state };
}
