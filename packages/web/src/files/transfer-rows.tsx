import { ActionIcon, Progress } from '@mantine/core';
import {
  IconChevronDown,
  IconChevronUp,
  IconDownload,
  IconFolderDown,
  IconFolderOff,
  IconFolderUp,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  IconReplace,
  IconUpload,
  IconX,
  type Icon,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { ApiFault } from '../api/http.ts';
import { presentFault } from '../faults/fault-notice.tsx';
import { useText, type Text as Words } from '../i18n/text.tsx';
import type { Transfers } from './transfers.ts';
import { countsOf, leftOutWhole, type FolderView, type TransferView, type LeftOutFolder } from './transfer-views.ts';

type Pace = Pick<TransferView, 'done' | 'size' | 'speed'>;

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}

function timeLeft({ done, size, speed }: Pace, text: Words): string {
  if (speed <= 0) return '';
  const seconds = Math.ceil((size - done) / speed);
  return seconds < 90
    ? text('files.seconds-left', { count: seconds })
    : text('files.minutes-left', { count: Math.ceil(seconds / 60) });
}

function bytesOf({ done, size }: Pace, text: Words): string {
  return text('files.of', { done: text.bytes(done), size: text.bytes(size) });
}

function speedOf(pace: Pace, text: Words): string {
  return pace.speed > 0 ? joined(text('files.speed', { speed: text.bytes(pace.speed) }), timeLeft(pace, text)) : '';
}

function faultOf(error: unknown, text: Words): string {
  const { title, next } = presentFault(error, text);
  return `${title}. ${next}`;
}

function told(view: TransferView, text: Words): string {
  switch (view.state) {
    case 'waiting':
      return text('files.waiting');
    case 'running':
      return joined(view.isAnew ? text('files.anew') : '', bytesOf(view, text), speedOf(view, text));
    case 'retrying':
      return text('files.retrying');
    case 'paused':
      return joined(text('files.paused'), bytesOf(view, text));
    case 'done':
      return text('files.done', { size: text.bytes(view.size) });
    case 'failed':
      return faultOf(view.error, text);
  }
}

/** How many came, and how many did not. */
function toldOf(view: FolderView, text: Words): string {
  const counts = countsOf(view);
  const isUpload = view.direction === 'upload';
  const whole = leftOutWhole(view);
  if (whole !== undefined) return faultOf(whole.error, text);
  if (view.state === 'done')
    return text.count('files.folder-done', view.files.length, { size: text.bytes(counts.size) });
  return joined(
    view.state === 'paused' ? text('files.paused') : '',
    view.isReading ? text(isUpload ? 'files.making' : 'files.reading') : '',
    text.count('files.arrived-of', view.files.length, { done: text.number(counts.arrived) }),
    counts.done < counts.size ? bytesOf(counts, text) : text.bytes(counts.size),
    counts.failed > 0 ? text.count('files.failed', counts.failed) : '',
    view.leftOut.length > 0 ? text.count(isUpload ? 'files.unmade' : 'files.unread', view.leftOut.length) : '',
    view.state === 'running' ? speedOf(counts, text) : '',
  );
}

interface Act {
  readonly icon: Icon;
  readonly label: string;
  readonly title: string;
  readonly run: () => void;
}

/** What can be done about it; one button, so that it keeps the focus. */
function actOn(view: Pick<TransferView, 'id' | 'name'> & { readonly state: string }, on: Transfers, text: Words): Act {
  const { id, name } = view;
  const resume = (): void => on.resume(id);
  switch (view.state) {
    case 'paused':
      return {
        icon: IconPlayerPlay,
        label: text('files.resume-of', { name }),
        title: text('files.resume'),
        run: resume,
      };
    case 'failed':
      return {
        icon: IconRefresh,
        label: text('files.retry-of', { name }),
        title: text('common.try-again'),
        run: resume,
      };
    default:
      return {
        icon: IconPlayerPause,
        label: text('files.pause-of', { name }),
        title: text('files.pause'),
        run: () => on.pause(id),
      };
  }
}

function ActButton({ act: { icon: ActIcon, label, title, run } }: { readonly act: Act }) {
  return (
    <ActionIcon size="sm" aria-label={label} title={title} onClick={run}>
      <ActIcon size={15} aria-hidden />
    </ActionIcon>
  );
}

function Facts(props: {
  readonly name: string;
  readonly title: string;
  readonly progress: ReactNode;
  /** Told at once to who does not see it. */
  readonly isAlert: boolean;
  readonly children: string;
}) {
  return (
    <div className="files-transfer">
      <span className="truncate" title={props.title}>
        {props.name}
      </span>
      {props.progress}
      <span className="sub" role={props.isAlert ? 'alert' : undefined}>
        {props.children}
      </span>
    </div>
  );
}

function RemoveButton({
  view,
  on,
  isDone,
}: {
  readonly view: RowView;
  readonly on: Transfers;
  readonly isDone: boolean;
}) {
  const text = useText();
  return (
    <ActionIcon
      size="sm"
      aria-label={text('files.cancel-of', { name: view.name })}
      title={text(isDone ? 'files.clear' : 'common.cancel')}
      onClick={() => void on.remove(view.id)}
    >
      <IconX size={15} aria-hidden />
    </ActionIcon>
  );
}

type RowView = Pick<TransferView, 'id' | 'name'>;

export function FileTransferRow(props: {
  readonly view: TransferView;
  readonly isInner: boolean;
  readonly transfers: Transfers;
}) {
  const text = useText();
  const { view, transfers } = props;
  const { id, name, state, error } = view;
  const Direction = view.direction === 'upload' ? IconUpload : IconDownload;
  const exists = state === 'failed' && error instanceof ApiFault && error.code === 'FILE_EXISTS';
  const replace = {
    icon: IconReplace,
    label: text('files.replace-of', { name }),
    title: text('files.replace'),
    run: () => transfers.resume(id, { replace: true }),
  };
  return (
    <>
      <Direction size={15} aria-hidden />
      <Facts
        name={name}
        title={view.title}
        // Of a folder's the folder tells.
        isAlert={state === 'failed' && !props.isInner}
        progress={
          state !== 'done' &&
          state !== 'failed' && (
            <Progress size="xs" value={shareOf(view)} aria-label={text('files.progress-of', { name })} />
          )
        }
      >
        {told(view, text)}
      </Facts>
      {state !== 'done' && <ActButton act={exists ? replace : actOn(view, transfers, text)} />}
      <RemoveButton view={view} on={transfers} isDone={state === 'done'} />
    </>
  );
}

export function FolderRow(props: {
  readonly view: FolderView;
  readonly isOpen: boolean;
  readonly transfers: Transfers;
  readonly onToggle: () => void;
}) {
  const text = useText();
  const { view, isOpen, transfers } = props;
  const { name, state } = view;
  const Direction = view.direction === 'upload' ? IconFolderUp : IconFolderDown;
  const Toggle = isOpen ? IconChevronUp : IconChevronDown;
  return (
    <>
      <Direction size={15} aria-hidden />
      <Facts
        name={name}
        title={name}
        isAlert={state === 'failed'}
        progress={
          (state === 'running' || state === 'paused') && (
            <Progress size="xs" value={shareOf(countsOf(view))} aria-label={text('files.progress-of', { name })} />
          )
        }
      >
        {toldOf(view, text)}
      </Facts>
      {view.files.length > 0 && (
        <ActionIcon
          size="sm"
          aria-expanded={isOpen}
          aria-label={text('files.files-of', { name })}
          title={text('files.files-of', { name })}
          onClick={props.onToggle}
        >
          <Toggle size={15} aria-hidden />
        </ActionIcon>
      )}
      {state !== 'done' && <ActButton act={actOn(view, transfers, text)} />}
      <RemoveButton view={view} on={transfers} isDone={state === 'done'} />
    </>
  );
}

/** A folder of one that is fetched or sent, which could not be read or made. */
export function LeftOutRow({ view, transfers }: { readonly view: LeftOutFolder; readonly transfers: Transfers }) {
  const text = useText();
  return (
    <>
      <IconFolderOff size={15} aria-hidden />
      <Facts name={view.name} title={view.name} isAlert={false} progress={undefined}>
        {faultOf(view.error, text)}
      </Facts>
      <ActButton act={actOn({ ...view, state: 'failed' }, transfers, text)} />
      <RemoveButton view={view} on={transfers} isDone={false} />
    </>
  );
}

function shareOf({ done, size }: Pick<Pace, 'done' | 'size'>): number {
  return size === 0 ? 0 : (done / size) * 100;
}
