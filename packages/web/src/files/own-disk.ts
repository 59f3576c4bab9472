import { ApiFault } from '../api/http.ts';
import type { DownloadTarget } from './browser-target.ts';
import { localName } from './raw-path.ts';

/** The person's own files. @throws ApiFault LOCAL_DISK */
export async function onLocalDisk<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    if (cause instanceof ApiFault) throw cause;
    throw new ApiFault({ code: 'LOCAL_DISK', status: 0, detail: String(cause) });
  });
}

/** Disks take 255; a number comes behind it, and Chromium's `.crswap` while the file is written. */
const MOST_BYTES = 240;
const MOST_NUMBER = 999;

/** A folder of the person's own that a download fills. What is there already stays as it is: what comes gets a name that is free. */
export class OwnFolder {
  readonly #directory: FileSystemDirectoryHandle;
  /** Where the numbers behind a name go on, so that names that become one are not all asked for again. */
  readonly #numbers = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(directory: FileSystemDirectoryHandle) {
    this.#directory = directory;
  }

  get name(): string {
    return this.#directory.name;
  }

  /** A new one in it. @throws ApiFault LOCAL_DISK */
  async folder(name: string): Promise<OwnFolder> {
    const made = this.#make([shortened(localName(name)), ''], (free) =>
      this.#directory.getDirectoryHandle(free, { create: true }),
    );
    return new OwnFolder(await onLocalDisk(made));
  }

  /** A new file in it, made when it is opened. */
  file(name: string): DownloadTarget {
    const [, stem = '', ending = ''] = /^(.+?)(\.[^.]{1,16})?$/su.exec(localName(name)) ?? [];
    return {
      open: () =>
        this.#make([shortened(stem, ending), ending], (free) => this.#directory.getFileHandle(free, { create: true })),
      finished: () => Promise.resolve(),
      discard: ({ name: made }) => this.#directory.removeEntry(made),
    };
  }

  /** INVARIANT: one at a time: a file system that is asked for a file gives the one that is there, or makes it. */
  #make<T>(name: readonly [stem: string, ending: string], make: (free: string) => Promise<T>): Promise<T> {
    const made = this.#last.then(async () => make(await this.#free(...name)));
    this.#last = made.catch(() => undefined);
    return made;
  }

  async #free(stem: string, ending: string): Promise<string> {
    const key = (stem + ending).toLowerCase();
    for (let number = this.#numbers.get(key) ?? 1; number <= MOST_NUMBER; number += 1) {
      const name = number === 1 ? stem + ending : `${stem} (${number})${ending}`;
      if (await this.#isThere(name)) continue;
      this.#numbers.set(key, number + 1);
      return name;
    }
    throw new ApiFault({ code: 'LOCAL_DISK', status: 0, detail: `no name is free beside ${stem}${ending}` });
  }

  /** The disk itself is asked: it knows which names are one to it, with capital letters or without. */
  async #isThere(name: string): Promise<boolean> {
    try {
      await this.#directory.getFileHandle(name);
      return true;
    } catch (failure) {
      const kind = failure instanceof DOMException ? failure.name : undefined;
      if (kind === 'NotFoundError') return false;
      if (kind === 'TypeMismatchError') return true;
      throw failure;
    }
  }
}

/** So that a disk takes it, with the ending that says what is in it. */
function shortened(stem: string, ending = ''): string {
  const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
  let left = MOST_BYTES - bytesOf(ending);
  if (bytesOf(stem) <= left) return stem;
  let short = '';
  for (const character of stem) {
    left -= bytesOf(character);
    if (left < 0) break;
    short += character;
  }
  return localName(short);
}
