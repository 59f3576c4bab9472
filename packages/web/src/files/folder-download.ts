import type { FileListing } from '@enchilada/contract';
import { api } from '../api/client.ts';
import type { OwnFolder } from './own-disk.ts';
import { fromRaw, joinPath, toRaw, type RawPath } from './raw-path.ts';
import { pause, Retries } from './retries.ts';
import type { Transfers } from './transfers.ts';

type Picker = (options: { readonly mode: 'readwrite' }) => Promise<FileSystemDirectoryHandle>;

/** A machine may answer with folders in folders without end. */
const MOST_DEPTH = 32;
const MOST_ENTRIES = 10_000;

/** Lets the person choose a folder of their own ([File System Access](https://wicg.github.io/file-system-access/)); absent where the browser cannot. */
export const pickFolder = (globalThis as { showDirectoryPicker?: Picker }).showDirectoryPicker?.bind(globalThis);

/** What a person is told of a folder that is fetched. */
export interface FolderNews {
  /** What it is called on the person's own disk. */
  readonly begun: (name: string) => void;
  /** There is more than is fetched. */
  readonly cut: () => void;
}

/**
 * Queues every regular file below the folder, for a new folder of the person's own. Links are left out: one may lead back up. A folder that cannot be
 * read keeps nothing else from coming.
 */
export async function downloadFolder(
  on: { readonly sessionId: string; readonly transfers: Transfers; readonly news: FolderNews },
  folder: { readonly path: RawPath; readonly name: string },
  into: OwnFolder,
): Promise<void> {
  let entries = 0;
  let isCut = false;
  const transfer = on.transfers.folder('download', folder.name);
  const { signal } = transfer;
  const cut = (): void => {
    if (!isCut) on.news.cut();
    isCut = true;
  };
  const walk = async (path: RawPath, here: Place): Promise<void> => {
    if (signal.aborted) return;
    let listing: FileListing;
    let own: OwnFolder;
    try {
      listing = await listed(on.sessionId, path, signal);
      own = await here.make();
    } catch (error) {
      if (!signal.aborted) transfer.leftOut({ name: here.title, error }, () => walk(path, here));
      return;
    }
    if (listing.truncated) cut();
    for (const { name, raw, kind, size } of listing.entries) {
      if (kind !== 'file' && kind !== 'folder') continue;
      if (entries >= MOST_ENTRIES || here.depth >= MOST_DEPTH) return cut();
      entries += 1;
      const inner = joinPath(path, fromRaw(raw));
      const title = `${here.title}/${name}`;
      if (kind === 'file') transfer.download(inner, { name, title, size: size ?? 0 }, own.file(name));
      else await walk(inner, { title, depth: here.depth + 1, make: () => own.folder(name) });
    }
  };
  const make = async (): Promise<OwnFolder> => {
    const own = await into.folder(folder.name);
    on.news.begun(own.name);
    return own;
  };
  await transfer.read(() => walk(folder.path, { title: folder.name, depth: 0, make }));
}

/** A folder of the machine, and where it comes on the person's own disk. */
interface Place {
  readonly title: string;
  readonly depth: number;
  readonly make: () => Promise<OwnFolder>;
}

async function listed(sessionId: string, path: RawPath, signal: AbortSignal): Promise<FileListing> {
  const retries = new Retries();
  for (;;)
    try {
      return await api('listFiles', { params: { id: sessionId }, query: { path: toRaw(path) } }, { signal });
    } catch (error) {
      const waitMs = signal.aborted ? undefined : retries.waitMs(error);
      if (waitMs === undefined) throw error;
      await pause(waitMs, signal);
      signal.throwIfAborted();
    }
}
