import { ActionIcon, Button, Group, Progress, Text } from '@mantine/core';
import { IconDownload, IconPlayerPause, IconPlayerPlay, IconReplace, IconUpload, IconX } from '@tabler/icons-react';
import { ApiFault } from '../api/http.ts';
import { presentFault } from '../faults/fault-notice.tsx';
import { useText, type Text as Words } from '../i18n/text.tsx';
import type { Transfers, TransferView } from './transfers.ts';

function timeLeft(view: TransferView, text: Words): string {
  if (view.speed <= 0) return '';
  const seconds = Math.ceil((view.size - view.done) / view.speed);
  return seconds < 90
    ? text('files.seconds-left', { count: seconds })
    : text('files.minutes-left', { count: Math.ceil(seconds / 60) });
}

function told(view: TransferView, text: Words): string {
  const of = text('files.of', { done: text.bytes(view.done), size: text.bytes(view.size) });
  switch (view.state) {
    case 'waiting':
      return text('files.waiting');
    case 'running':
      return [of, view.speed > 0 ? text('files.speed', { speed: text.bytes(view.speed) }) : '', timeLeft(view, text)]
        .filter((part) => part !== '')
        .join(' · ');
    case 'retrying':
      return text('files.retrying');
    case 'paused':
      return `${text('files.paused')} · ${of}`;
    case 'done':
      return text('files.done', { size: text.bytes(view.size) });
    case 'failed': {
      const { title, next } = presentFault(view.error, text);
      return `${title}. ${next}`;
    }
  }
}

/** What is on its way, and what became of it. */
export function TransferList(props: { readonly transfers: Transfers; readonly views: readonly TransferView[] }) {
  const text = useText();
  const { transfers, views } = props;
  if (views.length === 0) return null;
  return (
    <section className="files-transfers" aria-label={text('files.transfers')}>
      <Group justify="space-between">
        <Text size="xs" fw={600}>
          {text('files.transfers')}
        </Text>
        <Button
          size="compact-xs"
          variant="subtle"
          disabled={!views.some(({ state }) => state === 'done')}
          onClick={() => transfers.clearDone()}
        >
          {text('files.clear')}
        </Button>
      </Group>
      <ul>
        {views.toReversed().map((view) => (
          <TransferRow key={view.id} view={view} transfers={transfers} />
        ))}
      </ul>
    </section>
  );
}

function TransferRow(props: { readonly view: TransferView; readonly transfers: Transfers }) {
  const text = useText();
  const { view, transfers } = props;
  const Direction = view.direction === 'upload' ? IconUpload : IconDownload;
  const share = view.state === 'done' ? 100 : view.size === 0 ? 0 : (view.done / view.size) * 100;
  const moving = view.state === 'running' || view.state === 'retrying' || view.state === 'waiting';
  const exists = view.state === 'failed' && view.error instanceof ApiFault && view.error.code === 'FILE_EXISTS';
  return (
    <li data-state={view.state}>
      <Direction size={15} aria-hidden />
      <div className="files-transfer">
        <span className="truncate" title={view.name}>
          {view.name}
        </span>
        {view.state !== 'done' && view.state !== 'failed' && (
          <Progress size="xs" value={share} aria-label={text('files.progress-of', { name: view.name })} />
        )}
        <span className="sub" role={view.state === 'failed' ? 'alert' : undefined}>
          {told(view, text)}
        </span>
      </div>
      {exists && (
        <ActionIcon
          size="sm"
          aria-label={text('files.replace-of', { name: view.name })}
          title={text('files.replace')}
          onClick={() => transfers.resume(view.id, { replace: true })}
        >
          <IconReplace size={15} aria-hidden />
        </ActionIcon>
      )}
      {moving && (
        <ActionIcon
          size="sm"
          aria-label={text('files.pause-of', { name: view.name })}
          title={text('files.pause')}
          onClick={() => transfers.pause(view.id)}
        >
          <IconPlayerPause size={15} aria-hidden />
        </ActionIcon>
      )}
      {(view.state === 'paused' || (view.state === 'failed' && !exists)) && (
        <ActionIcon
          size="sm"
          aria-label={text('files.resume-of', { name: view.name })}
          title={text('files.resume')}
          onClick={() => transfers.resume(view.id)}
        >
          <IconPlayerPlay size={15} aria-hidden />
        </ActionIcon>
      )}
      <ActionIcon
        size="sm"
        aria-label={text('files.cancel-of', { name: view.name })}
        title={view.state === 'done' ? text('files.clear') : text('common.cancel')}
        onClick={() => void transfers.remove(view.id)}
      >
        <IconX size={15} aria-hidden />
      </ActionIcon>
    </li>
  );
}
