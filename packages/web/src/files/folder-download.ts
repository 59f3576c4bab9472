import type { FileListing } from '@enchilada/contract';
import { api } from '../api/client.ts';
import type { OwnFolder } from './own-disk.ts';
import { fromRaw, joinPath, toRaw, type RawPath } from './raw-path.ts';
import type { Transfers } from './transfers.ts';

type Picker = (options: { readonly mode: 'readwrite' }) => Promise<FileSystemDirectoryHandle>;

/** A machine may answer with folders in folders without end. */
const MOST_DEPTH = 32;
const MOST_ENTRIES = 10_000;

/** Lets the person choose a folder of their own ([File System Access](https://wicg.github.io/file-system-access/)); absent where the browser cannot. */
export const pickFolder = (window as { showDirectoryPicker?: Picker }).showDirectoryPicker?.bind(window);

export interface BegunFolder {
  /** What it is called on the person's own disk. */
  readonly name: string;
  /** There is more than is fetched. */
  readonly cut: boolean;
}

/** Queues every regular file below the folder, for a new folder of the person's own. Links are left out: one may lead back up. */
export async function downloadFolder(
  on: { readonly sessionId: string; readonly transfers: Transfers },
  folder: { readonly path: RawPath; readonly name: string },
  into: OwnFolder,
): Promise<BegunFolder> {
  let entries = 0;
  let cut = false;
  const walk = async (path: RawPath, make: () => Promise<OwnFolder>, depth: number): Promise<OwnFolder> => {
    const listing: FileListing = await api('listFiles', { params: { id: on.sessionId }, query: { path: toRaw(path) } });
    if (listing.truncated) cut = true;
    const here = await make();
    for (const { name, raw, kind, size } of listing.entries) {
      if (kind !== 'file' && kind !== 'folder') continue;
      if (entries >= MOST_ENTRIES || depth >= MOST_DEPTH) {
        cut = true;
        break;
      }
      entries += 1;
      const inner = joinPath(path, fromRaw(raw));
      if (kind === 'folder') await walk(inner, () => here.folder(name), depth + 1);
      else on.transfers.download(inner, { name, size: size ?? 0 }, here.file(name));
    }
    return here;
  };
  const { name } = await walk(folder.path, () => into.folder(folder.name), 0);
  return { name, cut };
}
