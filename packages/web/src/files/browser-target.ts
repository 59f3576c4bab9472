import { localName } from './raw-path.ts';

/** Where a download goes: a file that the person chose, or one that waits in the browser's own storage until it is whole. */
export interface DownloadTarget {
  open(): Promise<FileSystemFileHandle>;
  /** The file is whole. */
  finished(file: FileSystemFileHandle): Promise<void>;
  /** It will not become whole. */
  discard(file: FileSystemFileHandle): Promise<void>;
}

const KEPT_MS = 60_000;
const PREFIX = 'download-';
/** What Chromium writes into until the writer of a file is closed, beside it. */
const UNWRITTEN = /\.crswap$/u;

/** Has the browser download what is there, under this name as far as a disk takes it. */
export function downloadFrom(href: string, name: string): void {
  const link = document.createElement('a');
  link.href = href;
  link.download = localName(name);
  link.click();
}

/** What lets go of each file that this page needs. */
const held = new Map<string, () => void>();

/** Until the page lets go of it or is closed ([Web Locks](https://w3c.github.io/web-locks/)). */
async function hold(name: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    navigator.locks
      .request(name, () => {
        resolve();
        return new Promise<void>((release) => held.set(name, release));
      })
      .catch(reject);
  });
}

function storageFolder(): (() => Promise<FileSystemDirectoryHandle>) | undefined {
  const { storage, locks } = navigator as { storage?: Partial<StorageManager>; locks?: LockManager };
  return locks === undefined ? undefined : storage?.getDirectory?.bind(storage);
}

/** Safari before 26 gives such files to workers alone. */
function writesFiles(): boolean {
  const { FileSystemFileHandle: handle } = globalThis as { FileSystemFileHandle?: { readonly prototype: object } };
  return handle !== undefined && 'createWritable' in handle.prototype;
}

/** A file in the origin private file system ([File System](https://fs.spec.whatwg.org/)) until it is whole, so that memory holds a piece of it at most. */
export function browserTarget(name: string): DownloadTarget | undefined {
  const folder = storageFolder();
  if (folder === undefined || !writesFiles()) return undefined;
  const discard = async ({ name: kept }: FileSystemFileHandle): Promise<void> => {
    try {
      await (await folder()).removeEntry(kept);
    } finally {
      held.get(kept)?.();
      held.delete(kept);
    }
  };
  return {
    async open() {
      const kept = PREFIX + crypto.randomUUID();
      await hold(kept);
      return (await folder()).getFileHandle(kept, { create: true });
    },
    async finished(handle) {
      const url = URL.createObjectURL(await handle.getFile());
      downloadFrom(url, name);
      setTimeout(() => {
        URL.revokeObjectURL(url);
        void discard(handle).catch(() => undefined);
      }, KEPT_MS);
    },
    discard,
  };
}

const [MOST_ATTEMPTS, BETWEEN_ATTEMPTS_MS] = [20, 100];

/** Removes what pages left in the browser's storage that were closed before a download was whole, and what others leave that are open yet. */
export async function removeLeftDownloads(): Promise<void> {
  const directory = await storageFolder()?.();
  if (directory === undefined) return;
  const left: string[] = [];
  for await (const name of directory.keys()) if (name.startsWith(PREFIX)) left.push(name);
  const remove = async (name: string): Promise<void> => {
    for (let attempt = 1; ; attempt += 1)
      try {
        await directory.removeEntry(name);
        return;
      } catch (failure) {
        const kind = failure instanceof DOMException ? failure.name : undefined;
        // Whoever needed it has removed it.
        if (kind === 'NotFoundError') return;
        // A page that closes lets go of its lock and of the file it writes apart from each other.
        if (kind !== 'NoModificationAllowedError' || attempt === MOST_ATTEMPTS) throw failure;
        await new Promise((resolve) => setTimeout(resolve, BETWEEN_ATTEMPTS_MS));
      }
  };
  // A page that needs one has its lock, until it is closed at the latest.
  await Promise.all(left.map((name) => navigator.locks.request(name.replace(UNWRITTEN, ''), () => remove(name))));
}
