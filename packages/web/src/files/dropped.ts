export interface LocalFile {
  readonly source: File;
  /** Folders it lies in, from the dropped one on. */
  readonly folders: readonly string[];
}

export interface LocalFiles {
  readonly files: readonly LocalFile[];
  /** Folders that nothing lies in, each with those it lies in. */
  readonly emptyFolders: readonly (readonly string[])[];
  /** There was more than is taken at once. */
  readonly cut: boolean;
}

export const MOST_DROPPED = 10_000;

async function entriesOf(folder: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const page = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (page.length === 0 || all.length > MOST_DROPPED) return all;
    all.push(...page);
  }
}

/** Files and whole folders that were dropped. Called in the event itself: the list is empty afterwards. */
export async function droppedFiles(transfer: DataTransfer): Promise<LocalFiles> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const files: LocalFile[] = [];
  const emptyFolders: (readonly string[])[] = [];
  let taken = 0;
  let cut = false;
  const walk = async (entry: FileSystemEntry, folders: readonly string[]): Promise<void> => {
    if (taken >= MOST_DROPPED) {
      cut = true;
      return;
    }
    taken += 1;
    if (entry.isFile) {
      const source = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      files.push({ source, folders });
    } else if (entry.isDirectory) {
      const inside = await entriesOf(entry as FileSystemDirectoryEntry);
      const path = [...folders, entry.name];
      if (inside.length === 0) emptyFolders.push(path);
      for (const inner of inside) await walk(inner, path);
    }
  };
  for (const entry of entries) await walk(entry, []);
  return { files, emptyFolders, cut };
}

/** What a file input gives; one for folders tells where each file lay, and nothing of folders without any. */
export function chosenFiles(list: FileList): readonly LocalFile[] {
  return [...list].map((source) => ({ source, folders: source.webkitRelativePath.split('/').slice(0, -1) }));
}
