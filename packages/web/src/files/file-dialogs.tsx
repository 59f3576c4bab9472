import { Button, Checkbox, Group, Skeleton, Stack, Text, Textarea, TextInput } from '@mantine/core';
import type { FileEntry } from '@enchilada/contract';
import { useEffect, useState, type SyntheticEvent, type ReactNode } from 'react';
import { stream } from '../api/client.ts';
import { addressOf } from '../api/http.ts';
import { Modal } from '../components/layer.tsx';
import { useAction } from '../components/use-action.ts';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { isName, toRaw, type RawPath } from './raw-path.ts';
import { sendPiece } from './send-piece.ts';
import { readSmall, TextFile } from './text-file.ts';

function Dialog(props: {
  readonly title: string;
  readonly action: string;
  readonly disabled?: boolean;
  readonly size?: string;
  readonly children: ReactNode;
  readonly run: () => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const text = useText();
  const [busy, run] = useAction();
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    void run(props.run).then((done) => {
      if (done) props.onClose();
    });
  };
  return (
    <Modal opened onClose={props.onClose} title={props.title} size={props.size ?? 'md'}>
      <form onSubmit={submit}>
        <Stack>
          {props.children}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              {text('common.cancel')}
            </Button>
            <Button type="submit" loading={busy} disabled={props.disabled === true}>
              {props.action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** A new folder, or a new name. */
export function NameDialog(props: {
  readonly title: string;
  readonly action: string;
  readonly initial: string;
  readonly run: (name: string) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const text = useText();
  const [name, setName] = useState(props.initial);
  return (
    <Dialog {...props} disabled={!isName(name) || name === props.initial} run={() => props.run(name)}>
      <TextInput
        label={text('field.name')}
        data-autofocus
        value={name}
        error={name !== '' && !isName(name) ? text('files.name-unfit') : undefined}
        onChange={(event) => setName(event.currentTarget.value)}
        spellCheck={false}
      />
    </Dialog>
  );
}

const WHO = ['owner', 'group', 'others'] as const;
const WHAT = ['read', 'write', 'execute'] as const;

/** Permission bits, nine boxes; the special ones stay as they are. */
export function ModeDialog(props: {
  readonly entry: FileEntry;
  readonly run: (mode: number) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const text = useText();
  const [mode, setMode] = useState(props.entry.mode ?? 0);
  return (
    <Dialog
      title={text('files.mode-of', { name: props.entry.name })}
      action={text('common.save')}
      disabled={mode === props.entry.mode}
      run={() => props.run(mode)}
      onClose={props.onClose}
    >
      {WHO.map((who, row) => (
        <Checkbox.Group
          key={who}
          label={text(`files.${who}`)}
          value={WHAT.filter((_, column) => (mode & (0o400 >> (row * 3 + column))) !== 0)}
          onChange={(values) => {
            const bits = WHAT.reduce((sum, what, column) => sum + (values.includes(what) ? 4 >> column : 0), 0);
            setMode((mode & ~(0o700 >> (row * 3))) | (bits << (6 - row * 3)));
          }}
        >
          <Group mt={4}>
            {WHAT.map((what) => (
              <Checkbox key={what} value={what} label={text(`files.${what}`)} />
            ))}
          </Group>
        </Checkbox.Group>
      ))}
      <Text size="sm" c="dimmed" className="mono">
        {mode.toString(8).padStart(4, '0')}
      </Text>
    </Dialog>
  );
}

function newTransfer(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  return Array.from(crypto.getRandomValues(new Uint8Array(26)), (byte) => letters[byte & 31]).join('');
}

/** A small text file in place. It is saved only over the version that was loaded. */
export function EditDialog(props: {
  readonly sessionId: string;
  readonly path: RawPath;
  readonly entry: FileEntry;
  readonly onSaved: () => void;
  readonly onClose: () => void;
}) {
  const text = useText();
  const { sessionId, path, entry } = props;
  const [file, setFile] = useState<TextFile>();
  const [content, setContent] = useState('');
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const abort = new AbortController();
    stream(
      'downloadFile',
      { params: { id: sessionId }, query: { path: toRaw(path), transfer: newTransfer() } },
      { signal: abort.signal },
    )
      .then(readSmall)
      .then((bytes) => {
        const found = new TextFile(bytes);
        setContent(found.shown);
        setFile(found);
      })
      .catch((failure: unknown) => {
        if (!abort.signal.aborted) setError(failure);
      });
    return () => abort.abort();
  }, [sessionId, path]);
  const save = async (): Promise<void> => {
    if (file === undefined) return;
    const bytes = new Blob([file.saved(content)]);
    const address = addressOf(`/sessions/${sessionId}/files/content`, {
      path: toRaw(path),
      transfer: newTransfer(),
      offset: 0,
      size: bytes.size,
      replace: true,
      version: `${entry.modifiedAt ?? 0}-${entry.size ?? 0}`,
    });
    await sendPiece(address, bytes, { signal: new AbortController().signal, progress: () => undefined });
    props.onSaved();
  };
  const mixed = file?.usualOfMixed;
  return (
    <Dialog
      title={text('files.edit-of', { name: entry.name })}
      action={text('common.save')}
      size="xl"
      disabled={file === undefined}
      run={save}
      onClose={props.onClose}
    >
      {error !== undefined && <FaultNotice error={error} />}
      {file === undefined && error === undefined && <Skeleton height={300} />}
      {file !== undefined && (
        <Textarea
          aria-label={text('files.content')}
          data-autofocus
          className="files-editor"
          rows={22}
          description={mixed !== undefined && text('files.line-ends-mixed', { end: mixed })}
          value={content}
          onChange={(event) => setContent(event.currentTarget.value)}
          spellCheck={false}
        />
      )}
    </Dialog>
  );
}
