import { ActionIcon, Alert, Anchor, Breadcrumbs, Button, Group, Skeleton, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import {
  IconArrowUp,
  IconDownload,
  IconFolderPlus,
  IconFolderUp,
  IconHome,
  IconRefresh,
  IconTrash,
  IconUpload,
  IconX,
} from '@tabler/icons-react';
import type { FileEntry, FileListing } from '@enchilada/contract';
import { useCallback, useEffect, useRef, useState, type DragEvent, type KeyboardEvent } from 'react';
import { api } from '../api/client.ts';
import { useConfirm } from '../components/confirm.tsx';
import { printable } from '../components/printable.ts';
import { FaultNotice, notifyFault } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { useStepUp } from '../second-factor/step-up.tsx';
import { chosenFiles, droppedFiles, MOST_DROPPED, type LocalFiles } from './dropped.ts';
import { EditDialog, ModeDialog, NameDialog } from './file-dialogs.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import { FileList, isFetched, isFile, sizeOf, sorted, type FileAct, type Sorting } from './file-list.tsx';
import './files.css';
import { downloadFolder, pickFolder, type FolderNews } from './folder-download.ts';
import { uploadAll } from './folder-upload.ts';
import { onLocalDisk, OwnFolder } from './own-disk.ts';
import { crumbsOf, fromRaw, fromText, joinPath, localName, parentOf, toRaw, type RawPath } from './raw-path.ts';
import { NOTHING, selectionOf, toggled } from './selection.ts';
import { TransferList } from './transfer-list.tsx';
import { Transfers } from './transfers.ts';
import type { ItemView } from './transfer-views.ts';

export interface FilesPanelProps {
  readonly sessionId: string;
  /** Named where the files are not on the machine that the surface shows. */
  readonly machine: string | undefined;
  readonly rights: { readonly upload: boolean; readonly download: boolean };
  readonly hidden: boolean;
  readonly onClose: () => void;
}

const SHOWN_AT_ONCE = 500;
const foldersDownload = pickFolder !== undefined;

type Asked =
  | { readonly act: 'make-folder' }
  | { readonly act: 'delete'; readonly entries: readonly FileEntry[] }
  | { readonly act: 'rename' | 'mode' | 'edit'; readonly entry: FileEntry };

/** Of what happens many times at once, thousands of transfers among it, as much is done as can be seen. */
function oncePerFrame(work: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      work();
    });
  };
}

/** The machine's files beside the session: what is there, and what is on its way. */
export function FilesPanel({ sessionId, machine, rights, hidden, onClose }: FilesPanelProps) {
  const text = useText();
  const [wanted, setWanted] = useState<RawPath>();
  const [listing, setListing] = useState<FileListing>();
  const [error, setError] = useState<unknown>();
  const [loading, setLoading] = useState(true);
  const [generation, setGeneration] = useState(0);
  const [sorting, setSorting] = useState<Sorting>({ key: 'name', descending: false });
  const [search, setSearch] = useState('');
  const [most, setMost] = useState(SHOWN_AT_ONCE);
  const [dropping, setDropping] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  const [confirmation, confirm] = useConfirm();
  const [proof, prove] = useStepUp();
  const [selection, setSelection] = useState(NOTHING);
  const [views, setViews] = useState<readonly ItemView[]>([]);
  const root = useRef<HTMLElement>(null);
  const here = useRef<RawPath>(undefined);
  const files = useRef<HTMLInputElement>(null);
  const folders = useRef<HTMLInputElement>(null);
  const reload = useCallback(() => setGeneration((count) => count + 1), []);
  const [transfers] = useState(
    () =>
      new Transfers(sessionId, {
        changed: oncePerFrame(() => setViews(transfers.views)),
        arrived: (folder) => {
          if (folder === here.current) reload();
        },
      }),
  );
  useEffect(() => () => transfers.close(), [transfers]);

  useEffect(() => {
    const abort = new AbortController();
    setLoading(true);
    prove(() =>
      api(
        'listFiles',
        { params: { id: sessionId }, query: wanted === undefined ? {} : { path: toRaw(wanted) } },
        { signal: abort.signal },
      ),
    )
      .then(
        (found) => {
          here.current = fromRaw(found.path);
          setListing(found);
          setError(undefined);
        },
        (failure: unknown) => {
          if (!abort.signal.aborted) setError(failure);
        },
      )
      .finally(() => {
        if (!abort.signal.aborted) setLoading(false);
      });
    return () => abort.abort();
  }, [sessionId, wanted, generation, prove]);

  const path = listing === undefined ? '/' : fromRaw(listing.path);
  const go = (to: RawPath | undefined): void => {
    setWanted(to);
    setSelection(NOTHING);
    setSearch('');
    setMost(SHOWN_AT_ONCE);
    setError(undefined);
  };
  const pathOf = (entry: FileEntry): RawPath => joinPath(path, fromRaw(entry.raw));
  const change = async (body: Parameters<typeof api<'changeFile'>>[1]['body']): Promise<void> => {
    await api('changeFile', { params: { id: sessionId }, body });
    reload();
  };
  const upload = async (chosen: Promise<LocalFiles>): Promise<void> => {
    try {
      const local = await onLocalDisk(chosen);
      if (local.cut)
        notifications.show({
          color: 'yellow',
          autoClose: false,
          message: text('files.drop-cut', { count: text.number(MOST_DROPPED) }),
        });
      await uploadAll({ sessionId, transfers }, path, local);
      if (local.emptyFolders.length > 0 || local.files.some(({ folders }) => folders.length > 0)) reload();
    } catch (failure) {
      notifyFault(failure, text);
    }
  };
  const fetchAll = async (entries: readonly FileEntry[]): Promise<void> => {
    try {
      const fetched = entries.filter((entry) => isFetched(entry, { rights, foldersDownload }));
      const pick = fetched.length > 1 || fetched[0]?.kind === 'folder' ? pickFolder : undefined;
      const place = pick && new OwnFolder(await pick({ mode: 'readwrite' }));
      if (fetched.length < entries.length)
        notifications.show({
          color: 'yellow',
          message: text.count('files.not-fetched', entries.length - fetched.length),
        });
      for (const entry of fetched.filter(isFile))
        transfers.download(pathOf(entry), { name: entry.name, size: sizeOf(entry) ?? 0 }, place?.file(entry.name));
      if (place === undefined) return;
      for (const entry of fetched.filter(({ kind }) => kind === 'folder')) await fetchFolder(entry, place);
    } catch (failure) {
      if (!(failure instanceof DOMException && failure.name === 'AbortError')) notifyFault(failure, text);
    }
  };
  const fetchFolder = (entry: FileEntry, place: OwnFolder): Promise<void> => {
    const news: FolderNews = {
      begun: (name) => {
        if (name !== localName(entry.name))
          notifications.show({ message: text('files.folder-beside', { name: entry.name, free: name }) });
      },
      cut: () => notifications.show({ color: 'yellow', message: text('files.folder-cut') }),
    };
    return downloadFolder({ sessionId, transfers, news }, { path: pathOf(entry), name: entry.name }, place);
  };
  const cancelAll = (): void => {
    const count = transfers.cancelAll();
    notifications.show({ message: text.count('files.cancelled', count) });
    // What had the focus may be gone.
    root.current?.focus();
  };
  const act = (what: FileAct, entry: FileEntry): void => {
    switch (what) {
      case 'open':
        return go(pathOf(entry));
      case 'download':
        return void fetchAll([entry]);
      case 'delete':
        return confirm({
          title: text('files.delete-of', { name: entry.name }),
          body: text(entry.kind === 'folder' ? 'files.delete-folder-body' : 'files.delete-body'),
          action: text('files.delete'),
          run: () => change({ change: 'delete', path: toRaw(pathOf(entry)) }),
        });
      case 'edit':
      case 'rename':
      case 'mode':
        return setAsked({ act: what, entry });
    }
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setDropping(false);
    if (rights.upload) void upload(droppedFiles(event.dataTransfer));
  };
  const found = (listing?.entries ?? []).filter(({ name }) =>
    name.toLocaleLowerCase().includes(search.toLocaleLowerCase()),
  );
  const shown = sorted(found, sorting).slice(0, most);
  // INVARIANT: nothing is done with what is not shown.
  const chosen = shown.filter(({ raw }) => selection.raw.has(raw));
  const selectAll = (all: boolean): void => setSelection(all ? selectionOf(shown) : NOTHING);
  const onKey = (event: KeyboardEvent<HTMLElement>): void => {
    // A menu of the list bubbles here, but lies elsewhere.
    if (!event.currentTarget.contains(event.target as Node)) return;
    const { key } = event;
    if (key.toLowerCase() === 'a' && (event.ctrlKey || event.metaKey)) selectAll(true);
    else if (key === 'Escape' && chosen.length > 0) selectAll(false);
    else if (key === 'Delete' && chosen.length > 0 && rights.upload) setAsked({ act: 'delete', entries: chosen });
    else return;
    event.preventDefault();
  };

  return (
    <aside
      ref={root}
      tabIndex={-1}
      className="files"
      aria-label={text('files.title')}
      data-dropping={dropping}
      hidden={hidden}
      onDragOver={(event) => {
        if (!rights.upload) return;
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={drop}
    >
      <header className="files-head">
        <Text component="h2" size="sm" fw={600}>
          {machine === undefined ? text('files.title') : text('files.title-of', { name: printable(machine) })}
        </Text>
        <Group gap={2} wrap="nowrap">
          <ActionIcon
            aria-label={text('files.up')}
            title={text('files.up')}
            disabled={path === '/'}
            onClick={() => go(parentOf(path))}
          >
            <IconArrowUp size={16} aria-hidden />
          </ActionIcon>
          <ActionIcon aria-label={text('files.home')} title={text('files.home')} onClick={() => go(undefined)}>
            <IconHome size={16} aria-hidden />
          </ActionIcon>
          <ActionIcon aria-label={text('files.reload')} title={text('files.reload')} loading={loading} onClick={reload}>
            <IconRefresh size={16} aria-hidden />
          </ActionIcon>
          {rights.upload && (
            <>
              <ActionIcon
                aria-label={text('files.new-folder')}
                title={text('files.new-folder')}
                onClick={() => setAsked({ act: 'make-folder' })}
              >
                <IconFolderPlus size={16} aria-hidden />
              </ActionIcon>
              <ActionIcon
                aria-label={text('files.upload')}
                title={text('files.upload')}
                onClick={() => files.current?.click()}
              >
                <IconUpload size={16} aria-hidden />
              </ActionIcon>
              <ActionIcon
                aria-label={text('files.upload-folder')}
                title={text('files.upload-folder')}
                onClick={() => folders.current?.click()}
              >
                <IconFolderUp size={16} aria-hidden />
              </ActionIcon>
            </>
          )}
          <ActionIcon aria-label={text('common.close')} title={text('common.close')} onClick={onClose}>
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Group>
      </header>
      {[
        { ref: files, directory: false },
        { ref: folders, directory: true },
      ].map(({ ref, directory }) => (
        <input
          key={String(directory)}
          ref={(element) => {
            ref.current = element;
            if (element !== null) element.webkitdirectory = directory;
          }}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            const { files: chosen } = event.currentTarget;
            if (chosen !== null)
              void upload(Promise.resolve({ files: chosenFiles(chosen), emptyFolders: [], cut: false }));
            event.currentTarget.value = '';
          }}
        />
      ))}
      <nav aria-label={text('files.path')} className="files-path">
        <Breadcrumbs separator="›" separatorMargin={4}>
          {crumbsOf(path).map((crumb) => (
            <Anchor key={crumb.path} component="button" type="button" size="xs" onClick={() => go(crumb.path)}>
              {crumb.name}
            </Anchor>
          ))}
        </Breadcrumbs>
      </nav>
      <div className="files-search">
        <TextInput
          size="xs"
          aria-label={text('files.search')}
          placeholder={text('files.search')}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      </div>
      {chosen.length > 0 && (
        <div className="files-selection" role="group" aria-label={text('files.selection')}>
          <Text size="xs" role="status">
            {text.count('files.selected', chosen.length)}
          </Text>
          {chosen.some((entry) => isFetched(entry, { rights, foldersDownload })) && (
            <Button
              size="compact-xs"
              variant="default"
              leftSection={<IconDownload size={14} aria-hidden />}
              onClick={() => void fetchAll(chosen)}
            >
              {text('files.download')}
            </Button>
          )}
          {rights.upload && (
            <Button
              size="compact-xs"
              variant="default"
              leftSection={<IconTrash size={14} aria-hidden />}
              onClick={() => setAsked({ act: 'delete', entries: chosen })}
            >
              {text('files.delete')}
            </Button>
          )}
          <ActionIcon
            size="sm"
            aria-label={text('files.select-none')}
            title={text('files.select-none')}
            onClick={() => selectAll(false)}
          >
            <IconX size={14} aria-hidden />
          </ActionIcon>
        </div>
      )}
      <div className="files-body" onKeyDown={onKey}>
        {error !== undefined && <FaultNotice error={error} onRetry={reload} />}
        {listing === undefined && error === undefined && <Skeleton height={180} w="auto" mx="sm" />}
        {listing !== undefined && error === undefined && (
          <>
            {listing.truncated && <Alert color="yellow">{text('files.truncated')}</Alert>}
            <FileList
              entries={shown}
              selected={selection.raw}
              sorting={sorting}
              rights={rights}
              foldersDownload={foldersDownload}
              onSort={setSorting}
              onAct={act}
              onSelect={(entry, range) => setSelection(toggled(selection, entry.raw, { range, shown }))}
              onSelectAll={selectAll}
            />
            {found.length === 0 && (
              <Text size="sm" c="dimmed" p="sm">
                {text(search === '' ? 'files.empty' : 'files.nothing-found')}
              </Text>
            )}
            {found.length > most && (
              <Button variant="subtle" size="xs" onClick={() => setMost(most + SHOWN_AT_ONCE)}>
                {text('files.more', { count: found.length - most })}
              </Button>
            )}
          </>
        )}
      </div>
      {dropping && <div className="files-drop">{text('files.drop')}</div>}
      <TransferList transfers={transfers} views={views} onCancelAll={cancelAll} />
      {asked?.act === 'make-folder' && (
        <NameDialog
          title={text('files.new-folder')}
          action={text('files.create')}
          initial=""
          run={(name) => change({ change: 'make-folder', path: toRaw(joinPath(path, fromText(name))) })}
          onClose={() => setAsked(undefined)}
        />
      )}
      {asked?.act === 'delete' && (
        <DeleteDialog
          entries={asked.entries}
          run={(entry) =>
            api('changeFile', {
              params: { id: sessionId },
              body: { change: 'delete', path: toRaw(pathOf(entry)) },
            })
          }
          onClose={(left) => {
            setAsked(undefined);
            if (left.length === asked.entries.length) return;
            setSelection(selectionOf(left));
            reload();
          }}
        />
      )}
      {asked?.act === 'rename' && (
        <NameDialog
          title={text('files.rename-of', { name: asked.entry.name })}
          action={text('files.rename')}
          initial={asked.entry.name}
          run={(name) =>
            change({ change: 'rename', path: toRaw(pathOf(asked.entry)), to: toRaw(joinPath(path, fromText(name))) })
          }
          onClose={() => setAsked(undefined)}
        />
      )}
      {asked?.act === 'mode' && (
        <ModeDialog
          entry={asked.entry}
          run={(mode) => change({ change: 'mode', path: toRaw(pathOf(asked.entry)), mode })}
          onClose={() => setAsked(undefined)}
        />
      )}
      {asked?.act === 'edit' && (
        <EditDialog
          sessionId={sessionId}
          path={pathOf(asked.entry)}
          entry={asked.entry}
          onSaved={reload}
          onClose={() => setAsked(undefined)}
        />
      )}
      {confirmation}
      {proof}
    </aside>
  );
}
