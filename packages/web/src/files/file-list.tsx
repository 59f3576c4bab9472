import { ActionIcon, Checkbox, Menu, UnstyledButton } from '@mantine/core';
import {
  IconChevronDown,
  IconChevronUp,
  IconDots,
  IconDownload,
  IconEdit,
  IconFile,
  IconFolder,
  IconForms,
  IconLink,
  IconLock,
  IconTrash,
  type Icon,
} from '@tabler/icons-react';
import type { FileEntry } from '@enchilada/contract';
import { useText } from '../i18n/text.tsx';
import { MOST_EDITED_BYTES } from './text-file.ts';

export type SortKey = 'name' | 'size' | 'modified';
export interface Sorting {
  readonly key: SortKey;
  readonly descending: boolean;
}
export type FileAct = 'open' | 'download' | 'edit' | 'rename' | 'mode' | 'delete';

const ICONS: Readonly<Record<FileEntry['kind'], Icon>> = {
  folder: IconFolder,
  file: IconFile,
  link: IconLink,
  other: IconLock,
};

/** Folders first, then by the column; names as a person sorts them. */
export function sorted(entries: readonly FileEntry[], { key, descending }: Sorting): readonly FileEntry[] {
  const names = new Intl.Collator(undefined, { numeric: true });
  const value = (entry: FileEntry): number => (key === 'size' ? (sizeOf(entry) ?? 0) : (entry.modifiedAt ?? 0));
  return entries.toSorted((a, b) => {
    if ((a.kind === 'folder') !== (b.kind === 'folder')) return a.kind === 'folder' ? -1 : 1;
    const order = key === 'name' ? 0 : value(a) - value(b);
    return (order === 0 ? names.compare(a.name, b.name) : order) * (descending ? -1 : 1);
  });
}

export interface FileListProps {
  readonly entries: readonly FileEntry[];
  readonly sorting: Sorting;
  readonly rights: { readonly upload: boolean; readonly download: boolean };
  readonly foldersDownload: boolean;
  readonly selected: ReadonlySet<string>;
  readonly onSort: (sorting: Sorting) => void;
  readonly onAct: (act: FileAct, entry: FileEntry) => void;
  readonly onSelect: (entry: FileEntry, range: boolean) => void;
  readonly onSelectAll: (all: boolean) => void;
}

/** What it is, or what the link leads to; undefined where that is not known. */
function ledTo(entry: FileEntry): Pick<FileEntry, 'kind' | 'size'> | undefined {
  return entry.kind === 'link' ? entry.target : entry;
}

/** A file, by way of a link too. */
export function isFile(entry: FileEntry): boolean {
  return ledTo(entry)?.kind === 'file';
}

export function sizeOf(entry: FileEntry): number | undefined {
  return isFile(entry) ? ledTo(entry)?.size : undefined;
}

/** Whether it can be downloaded; folders behind links never, since they may lead around in a circle, and special files neither. */
export function isFetched(
  entry: FileEntry,
  { rights, foldersDownload }: Pick<FileListProps, 'rights' | 'foldersDownload'>,
): boolean {
  return rights.download && (isFile(entry) || (entry.kind === 'folder' && foldersDownload));
}

export function FileList(props: FileListProps) {
  const text = useText();
  const { sorting, entries, selected } = props;
  const count = entries.filter(({ raw }) => selected.has(raw)).length;
  const all = count > 0 && count === entries.length;
  const heading = (key: SortKey) => {
    const active = sorting.key === key;
    const Arrow = sorting.descending ? IconChevronDown : IconChevronUp;
    return (
      <th scope="col" data-column={key} aria-sort={active ? (sorting.descending ? 'descending' : 'ascending') : 'none'}>
        <UnstyledButton onClick={() => props.onSort({ key, descending: active && !sorting.descending })}>
          {text(`files.column-${key}`)} {active && <Arrow size={12} aria-hidden />}
        </UnstyledButton>
      </th>
    );
  };
  return (
    <table className="files-table">
      <thead>
        <tr>
          <th scope="col" data-column="select">
            <Checkbox
              size="xs"
              aria-label={text('files.select-all')}
              checked={all}
              indeterminate={count > 0 && !all}
              disabled={entries.length === 0}
              onChange={() => props.onSelectAll(!all)}
            />
          </th>
          {heading('name')}
          {heading('size')}
          {heading('modified')}
          <th scope="col">
            <span className="visually-hidden">{text('files.actions')}</span>
          </th>
        </tr>
      </thead>
      {/* A range of rows is meant, not one of words. */}
      <tbody onMouseDown={(event) => event.shiftKey && event.preventDefault()}>
        {entries.map((entry) => (
          <FileRow key={entry.raw} {...props} entry={entry} />
        ))}
      </tbody>
    </table>
  );
}

function FileRow(props: FileListProps & { readonly entry: FileEntry }) {
  const text = useText();
  const { entry, rights, onAct, onSelect } = props;
  const isSelected = props.selected.has(entry.raw);
  const KindIcon = ICONS[entry.kind];
  const size = sizeOf(entry);
  // What a link leads to that is not known is found out by opening it.
  const opens = entry.kind === 'folder' || (entry.kind === 'link' && (entry.target?.kind ?? 'folder') === 'folder');
  const fetches = isFetched(entry, props);
  const edits = rights.upload && rights.download && entry.kind === 'file' && (entry.size ?? 0) <= MOST_EDITED_BYTES;
  return (
    <tr data-selected={isSelected}>
      <td data-column="select">
        <Checkbox
          size="xs"
          aria-label={text('files.select-of', { name: entry.name })}
          checked={isSelected}
          // React makes a change of what a browser tells as a click.
          onChange={({ nativeEvent }) => onSelect(entry, nativeEvent instanceof MouseEvent && nativeEvent.shiftKey)}
        />
      </td>
      <td>
        <UnstyledButton
          className="files-name"
          disabled={!opens && !fetches}
          onClick={(event) => {
            if (event.shiftKey || event.ctrlKey || event.metaKey) onSelect(entry, event.shiftKey);
            else onAct(opens ? 'open' : 'download', entry);
          }}
          title={entry.name}
        >
          <KindIcon size={16} aria-hidden data-kind={entry.kind} />
          <span className="truncate">{entry.name}</span>
          <span className="visually-hidden">{text(`files.kind-${entry.kind}`)}</span>
        </UnstyledButton>
      </td>
      <td data-column="size">{size === undefined ? '' : text.bytes(size)}</td>
      <td data-column="modified" title={entry.modifiedAt === undefined ? undefined : text.dateTime(entry.modifiedAt)}>
        {entry.modifiedAt === undefined ? '' : text.relative(entry.modifiedAt)}
      </td>
      <td>
        <Menu width={200} position="bottom-end">
          <Menu.Target>
            <ActionIcon size="sm" aria-label={text('files.actions-of', { name: entry.name })}>
              <IconDots size={15} aria-hidden />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {fetches && (
              <Menu.Item leftSection={<IconDownload size={15} aria-hidden />} onClick={() => onAct('download', entry)}>
                {text('files.download')}
              </Menu.Item>
            )}
            {edits && (
              <Menu.Item leftSection={<IconEdit size={15} aria-hidden />} onClick={() => onAct('edit', entry)}>
                {text('files.edit')}
              </Menu.Item>
            )}
            <Menu.Item
              leftSection={<IconForms size={15} aria-hidden />}
              disabled={!rights.upload}
              onClick={() => onAct('rename', entry)}
            >
              {text('files.rename')}
            </Menu.Item>
            <Menu.Item
              leftSection={<IconLock size={15} aria-hidden />}
              disabled={!rights.upload || entry.mode === undefined || entry.kind === 'link'}
              onClick={() => onAct('mode', entry)}
            >
              {text('files.mode')}
            </Menu.Item>
            <Menu.Item
              leftSection={<IconTrash size={15} aria-hidden />}
              disabled={!rights.upload}
              onClick={() => onAct('delete', entry)}
            >
              {text('files.delete')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </td>
    </tr>
  );
}
