import { api } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import type { LocalFiles } from './dropped.ts';
import { fromText, joinPath, toRaw, type RawPath } from './raw-path.ts';
import { pause, Retries } from './retries.ts';
import type { FolderTransfer, Transfers } from './transfers.ts';

/** A folder of the person's own, as far as it is sent. */
interface LocalFolder {
  readonly name: string;
  /** With the folders it lies in, from the one that is sent on. */
  readonly title: string;
  readonly files: File[];
  readonly folders: Map<string, LocalFolder>;
}

/** Queues files that lie in no folder, and makes each folder before its own. One that cannot be made keeps nothing else from going. */
export async function uploadAll(
  on: { readonly sessionId: string; readonly transfers: Transfers },
  root: RawPath,
  local: Pick<LocalFiles, 'files' | 'emptyFolders'>,
): Promise<void> {
  const whole = treeOf(local);
  for (const source of whole.files) on.transfers.upload(root, { source, name: fromText(source.name) });
  const walk = async (folder: LocalFolder, parent: RawPath, transfer: FolderTransfer): Promise<void> => {
    const path = joinPath(parent, fromText(folder.name));
    try {
      await make(on.sessionId, path, transfer.signal);
    } catch (error) {
      if (!transfer.signal.aborted)
        transfer.leftOut({ name: folder.title, error }, () => walk(folder, parent, transfer));
      return;
    }
    for (const source of folder.files)
      transfer.upload(path, { source, name: fromText(source.name), title: `${folder.title}/${source.name}` });
    for (const inner of folder.folders.values()) await walk(inner, path, transfer);
  };
  // Made one after the other, but all on the list at once: what is paused or cancelled meanwhile is all of them.
  let made = Promise.resolve();
  for (const folder of whole.folders.values()) {
    const transfer = on.transfers.folder('upload', folder.name);
    const before = made;
    made = transfer.read(async () => {
      await before;
      await walk(folder, root, transfer);
    });
  }
  await made;
}

function treeOf({ files, emptyFolders }: Pick<LocalFiles, 'files' | 'emptyFolders'>): LocalFolder {
  const whole: LocalFolder = { name: '', title: '', files: [], folders: new Map() };
  const folderAt = (names: readonly string[]): LocalFolder => {
    let folder = whole;
    for (const name of names) {
      const title = folder === whole ? name : `${folder.title}/${name}`;
      const inner = folder.folders.get(name) ?? { name, title, files: [], folders: new Map() };
      folder.folders.set(name, inner);
      folder = inner;
    }
    return folder;
  };
  for (const { source, folders } of files) folderAt(folders).files.push(source);
  for (const names of emptyFolders) folderAt(names);
  return whole;
}

/** One that is there already is as good. */
async function make(sessionId: string, path: RawPath, signal: AbortSignal): Promise<void> {
  const retries = new Retries();
  for (;;)
    try {
      signal.throwIfAborted();
      await api('changeFile', { params: { id: sessionId }, body: { change: 'make-folder', path: toRaw(path) } });
      return;
    } catch (error) {
      if (error instanceof ApiFault && error.code === 'FILE_EXISTS' && error.facts['kind'] === 'folder') return;
      const waitMs = signal.aborted ? undefined : retries.waitMs(error);
      if (waitMs === undefined) throw error;
      await pause(waitMs, signal);
    }
}
