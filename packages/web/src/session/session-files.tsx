import { IconFolder } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useText } from '../i18n/text.tsx';
import { BarTool } from './bar-frame.tsx';
import { isOver, type SessionView } from './session-view.ts';
import type { LiveSession } from './use-session.ts';

const FilesPanel = lazy(async () => ({ default: (await import('../files/files-panel.tsx')).FilesPanel }));

/** Once opened it stays: what is being transferred goes on while it is out of sight. */
type Shown = 'never' | 'open' | 'hidden';

export interface FilesToggle {
  readonly open: boolean;
  readonly toggle: () => void;
}

export function mayMoveFiles({ files }: SessionView): boolean {
  return files !== undefined && (files.upload || files.download);
}

export function useSessionFiles(): readonly [shown: Shown, toggle: FilesToggle, hide: () => void] {
  const [shown, setShown] = useState<Shown>('never');
  const open = shown === 'open';
  return [shown, { open, toggle: () => setShown(open ? 'hidden' : 'open') }, () => setShown('hidden')];
}

export function FilesTool({ view, files }: { readonly view: SessionView; readonly files: FilesToggle }) {
  const text = useText();
  if (!mayMoveFiles(view) || isOver(view)) return null;
  return <BarTool icon={IconFolder} label={text('files.title')} aria-pressed={files.open} onClick={files.toggle} />;
}

/** The files of the session's machine, beside whatever surface. */
export function SessionFiles(props: {
  readonly live: LiveSession;
  readonly shown: Shown;
  readonly onClose: () => void;
}) {
  const { live, shown } = props;
  const { files } = live.view;
  if (shown === 'never' || isOver(live.view) || files === undefined || live.session === undefined) return null;
  return (
    <Suspense>
      <FilesPanel
        sessionId={live.session.id}
        machine={files.machine}
        rights={files}
        hidden={shown === 'hidden'}
        onClose={props.onClose}
      />
    </Suspense>
  );
}
