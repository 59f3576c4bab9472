import { api } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { fromText, joinPath, toRaw, type RawPath } from './raw-path.ts';

export interface LocalFile {
  readonly source: File;
  /** Folders it lies in, from the dropped one on. */
  readonly folders: readonly string[];
}

const MOST_FILES = 10_000;

async function entriesOf(folder: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const page = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (page.length === 0 || all.length > MOST_FILES) return all;
    all.push(...page);
  }
}

async function walk(entry: FileSystemEntry, folders: readonly string[], found: LocalFile[]): Promise<void> {
  if (found.length >= MOST_FILES) return;
  if (entry.isFile) {
    const source = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push({ source, folders });
  } else if (entry.isDirectory) {
    for (const inner of await entriesOf(entry as FileSystemDirectoryEntry))
      await walk(inner, [...folders, entry.name], found);
  }
}

/** Files and whole folders that were dropped. Called in the event itself: the list is empty afterwards. */
export async function droppedFiles(transfer: DataTransfer): Promise<readonly LocalFile[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const found: LocalFile[] = [];
  for (const entry of entries) await walk(entry, [], found);
  return found;
}

/** What a file input gives; one for folders tells where each file lay. */
export function chosenFiles(list: FileList): readonly LocalFile[] {
  return [...list].map((source) => ({ source, folders: source.webkitRelativePath.split('/').slice(0, -1) }));
}

/** Makes the folders of the files below `root`, each once. Answers the folder of each file. */
export async function makeFolders(
  sessionId: string,
  root: RawPath,
  files: readonly LocalFile[],
): Promise<readonly { readonly folder: RawPath; readonly source: File }[]> {
  const made = new Set<RawPath>([root]);
  const placed: { readonly folder: RawPath; readonly source: File }[] = [];
  for (const { source, folders } of files) {
    let folder = root;
    for (const name of folders) {
      folder = joinPath(folder, fromText(name));
      if (made.has(folder)) continue;
      made.add(folder);
      await api('changeFile', {
        params: { id: sessionId },
        body: { change: 'make-folder', path: toRaw(folder) },
      }).catch((error: unknown) => {
        if (!(error instanceof ApiFault && error.code === 'FILE_EXISTS' && error.facts['kind'] === 'folder'))
          throw error;
      });
    }
    placed.push({ folder, source });
  }
  return placed;
}
