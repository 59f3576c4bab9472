import type { FileListing } from '@enchilada/contract';
import { api } from '../api/client.ts';
import type { DownloadTarget } from './browser-target.ts';
import { fromRaw, joinPath, localName, toRaw, type RawPath } from './raw-path.ts';
import type { Transfers } from './transfers.ts';

type Picker = (options: { readonly mode: 'readwrite' }) => Promise<FileSystemDirectoryHandle>;

/** A machine may answer with folders in folders without end. */
const MOST_DEPTH = 32;
const MOST_FILES = 10_000;

/** Lets the person choose a folder of their own ([File System Access](https://wicg.github.io/file-system-access/)); absent where the browser cannot. */
export const pickFolder = (window as { showDirectoryPicker?: Picker }).showDirectoryPicker?.bind(window);

function target(into: FileSystemDirectoryHandle, name: string): DownloadTarget {
  return {
    open: () => into.getFileHandle(localName(name), { create: true }),
    finished: () => Promise.resolve(),
    discard: ({ name: begun }) => into.removeEntry(begun),
  };
}

/** Queues every regular file below the folder. Links are left out: one may lead back up. Answers whether there were more than are fetched. */
export async function downloadFolder(
  on: { readonly sessionId: string; readonly transfers: Transfers },
  folder: { readonly path: RawPath; readonly name: string },
  into: FileSystemDirectoryHandle,
): Promise<boolean> {
  let files = 0;
  let cut = false;
  const walk = async (path: RawPath, here: FileSystemDirectoryHandle, depth: number): Promise<void> => {
    const listing: FileListing = await api('listFiles', { params: { id: on.sessionId }, query: { path: toRaw(path) } });
    if (listing.truncated) cut = true;
    for (const { name, raw, kind, size } of listing.entries) {
      const inner = joinPath(path, fromRaw(raw));
      if (files >= MOST_FILES || depth >= MOST_DEPTH) {
        cut = true;
        return;
      }
      if (kind === 'folder')
        await walk(inner, await here.getDirectoryHandle(localName(name), { create: true }), depth + 1);
      if (kind !== 'file') continue;
      files += 1;
      on.transfers.download(inner, { name, size: size ?? 0 }, target(here, name));
    }
  };
  await walk(folder.path, await into.getDirectoryHandle(localName(folder.name), { create: true }), 0);
  return cut;
}
