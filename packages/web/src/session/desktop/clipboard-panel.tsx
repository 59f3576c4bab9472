import { ActionIcon, Button, Progress, Text } from '@mantine/core';
import { IconCheck, IconDownload, IconFile, IconUpload, IconX } from '@tabler/icons-react';
import { useRef } from 'react';
import { chosenFiles, type LocalFile } from '../../files/dropped.ts';
import { useText } from '../../i18n/text.tsx';
import { printable } from '../../components/printable.ts';
import type { SessionView } from '../session-view.ts';
import type { ClipboardTransfers, ClipboardView, CopiedView, OfferedView } from './clipboard-transfers.ts';

export interface ClipboardPanelProps {
  readonly rights: SessionView['clipboardFiles'];
  readonly view: ClipboardView;
  readonly transfers: ClipboardTransfers;
  readonly hidden: boolean;
  readonly onOffer: (files: readonly LocalFile[]) => void;
  readonly onClose: () => void;
}

/** Files that are on the machine's clipboard: copied there, or brought there from this browser. */
export function ClipboardPanel({ rights, view, transfers, hidden, onOffer, onClose }: ClipboardPanelProps) {
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const waiting = view.copied.filter(({ state }) => state === 'there' || state === 'failed');
  return (
    <aside className="clipboard-files" aria-label={text('clipboard-files.title')} hidden={hidden}>
      <header>
        <Text component="h2" size="sm" fw={600}>
          {text('clipboard-files.title')}
        </Text>
        <ActionIcon aria-label={text('common.close')} title={text('common.close')} onClick={onClose}>
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </header>
      {rights.download && (
        <section aria-labelledby="clipboard-files-copied">
          <h3 id="clipboard-files-copied">{text('clipboard-files.copied')}</h3>
          <p role="status" className={view.copied.length === 0 ? undefined : 'visually-hidden'}>
            {view.copied.length === 0
              ? text('clipboard-files.copied-none')
              : text.count('clipboard-files.noticed', view.copied.length)}
          </p>
          <ul>
            {view.copied.map((copied) => (
              <CopiedRow key={copied.file.index} view={copied} transfers={transfers} />
            ))}
          </ul>
          {waiting.length > 1 && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconDownload size={15} aria-hidden />}
              onClick={() => {
                for (const { file } of waiting) transfers.download(file);
              }}
            >
              {text('clipboard-files.download-all')}
            </Button>
          )}
        </section>
      )}
      {rights.upload && (
        <section aria-labelledby="clipboard-files-offered">
          <h3 id="clipboard-files-offered">{text('clipboard-files.offered')}</h3>
          <p role="status">
            {text(view.offered.length === 0 ? 'clipboard-files.offered-none' : 'clipboard-files.offered-help')}
          </p>
          <ul>
            {view.offered.map((offered, index) => (
              <OfferedRow key={index} view={offered} />
            ))}
          </ul>
          {view.unfit.length > 0 && (
            <p role="alert" className="clipboard-files-trouble">
              {text.count('clipboard-files.unfit', view.unfit.length, {
                names: view.unfit.slice(0, 3).map(printable).join(', '),
              })}
            </p>
          )}
          <div className="clipboard-files-acts">
            <Button
              size="xs"
              variant="default"
              leftSection={<IconUpload size={15} aria-hidden />}
              onClick={() => input.current?.click()}
            >
              {text('clipboard-files.choose')}
            </Button>
            {view.offered.length > 0 && (
              <Button size="xs" variant="subtle" color="gray" onClick={() => transfers.withdraw()}>
                {text('clipboard-files.withdraw')}
              </Button>
            )}
          </div>
          <input
            ref={input}
            type="file"
            multiple
            hidden
            onChange={(event) => {
              if (event.currentTarget.files !== null) onOffer(chosenFiles(event.currentTarget.files));
              event.currentTarget.value = '';
            }}
          />
        </section>
      )}
    </aside>
  );
}

function CopiedRow(props: { readonly view: CopiedView; readonly transfers: ClipboardTransfers }) {
  const text = useText();
  const { view, transfers } = props;
  const { file, state, done } = view;
  const name = printable(file.name);
  const isMoving = state === 'running' || state === 'waiting';
  return (
    <li data-state={state}>
      <IconFile size={15} aria-hidden />
      <div>
        <FileName name={name} folder={file.folder} />
        {isMoving && (
          <Progress size="xs" value={share(done, file.size)} aria-label={text('files.progress-of', { name })} />
        )}
        <span className="sub" role={state === 'failed' ? 'alert' : undefined}>
          {view.trouble !== undefined
            ? text(`clipboard-files.trouble-${view.trouble}`)
            : state === 'running'
              ? text('files.of', { done: text.bytes(done), size: text.bytes(Math.max(done, file.size)) })
              : state === 'waiting'
                ? text('files.waiting')
                : state === 'done'
                  ? text('files.done', { size: text.bytes(done) })
                  : text.bytes(file.size)}
        </span>
      </div>
      {isMoving ? (
        <ActionIcon
          aria-label={text('clipboard-files.cancel-of', { name })}
          title={text('common.cancel')}
          onClick={() => transfers.cancel(file)}
        >
          <IconX size={16} aria-hidden />
        </ActionIcon>
      ) : (
        <ActionIcon
          aria-label={text('clipboard-files.download-of', { name })}
          title={text('files.download')}
          onClick={() => transfers.download(file)}
        >
          <IconDownload size={16} aria-hidden />
        </ActionIcon>
      )}
    </li>
  );
}

function OfferedRow({ view }: { readonly view: OfferedView }) {
  const text = useText();
  const { name, folder, size, taken } = view;
  const isTaken = size > 0 && taken >= size;
  return (
    <li data-state={isTaken ? 'done' : 'there'}>
      <IconFile size={15} aria-hidden />
      <div>
        <FileName name={name} folder={folder} />
        {taken > 0 && !isTaken && (
          <Progress size="xs" value={share(taken, size)} aria-label={text('files.progress-of', { name })} />
        )}
        <span className="sub">
          {isTaken
            ? text('clipboard-files.taken', { size: text.bytes(size) })
            : taken > 0
              ? text('files.of', { done: text.bytes(taken), size: text.bytes(size) })
              : text.bytes(size)}
        </span>
      </div>
      {isTaken && <IconCheck size={16} aria-hidden />}
    </li>
  );
}

function FileName({ name, folder }: { readonly name: string; readonly folder: string }) {
  const path = folder === '' ? name : `${printable(folder)}/${name}`;
  return (
    <span className="truncate" title={path}>
      {path}
    </span>
  );
}

function share(done: number, size: number): number {
  return size === 0 ? 0 : (done / size) * 100;
}
