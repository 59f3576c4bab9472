import { localName } from './raw-path.ts';

/** Where a download goes: a file that the person chose, or one that waits in the browser's own storage until it is whole. */
export interface DownloadTarget {
  open(): Promise<FileSystemFileHandle>;
  /** The file is whole. */
  finished(file: FileSystemFileHandle): Promise<void>;
}

const KEPT_MS = 60_000;

/** Has the browser download what is there, under this name as far as a disk takes it. */
export function downloadFrom(href: string, name: string): void {
  const link = document.createElement('a');
  link.href = href;
  link.download = localName(name);
  link.click();
}

/** A file in the origin private file system ([File System](https://fs.spec.whatwg.org/)) until it is whole, so that memory holds a piece of it at most. */
export function browserTarget(
  name: string,
): (DownloadTarget & { discard(file: FileSystemFileHandle): Promise<void> }) | undefined {
  const storage = (navigator as { storage?: Partial<StorageManager> }).storage;
  if (storage?.getDirectory === undefined) return undefined;
  const getDirectory = storage.getDirectory.bind(storage);
  const discard = async ({ name: kept }: FileSystemFileHandle): Promise<void> => {
    await (await getDirectory()).removeEntry(kept);
  };
  return {
    open: async () => (await getDirectory()).getFileHandle(crypto.randomUUID(), { create: true }),
    async finished(handle) {
      const url = URL.createObjectURL(await handle.getFile());
      downloadFrom(url, name);
      setTimeout(() => {
        URL.revokeObjectURL(url);
        void discard(handle);
      }, KEPT_MS);
    },
    discard,
  };
}
