import type { LocalFile } from '../../files/dropped.ts';
import { saveContents } from '../../files/save-contents.ts';
import { ClipboardFault, type ClipboardFiles, type ClipboardTrouble, type CopiedFile } from './clipboard-files.ts';

export interface CopiedView {
  readonly file: CopiedFile;
  readonly state: 'there' | 'waiting' | 'running' | 'done' | 'failed';
  readonly done: number;
  readonly trouble?: ClipboardTrouble;
}

export interface OfferedView {
  readonly name: string;
  readonly folder: string;
  readonly size: number;
  /** How much of it the machine has read. */
  readonly taken: number;
}

export interface ClipboardView {
  /** On the machine's clipboard, for this browser. */
  readonly copied: readonly CopiedView[];
  /** From this browser, on the machine's clipboard. */
  readonly offered: readonly OfferedView[];
  /** Names of those that it could not hold. */
  readonly unfit: readonly string[];
}

export const EMPTY_CLIPBOARD: ClipboardView = { copied: [], offered: [], unfit: [] };

/** Files that go by the clipboard, one after another; knows nothing of the screen. */
export class ClipboardTransfers {
  readonly #files: () => ClipboardFiles | undefined;
  readonly #onChange: (view: ClipboardView) => void;
  readonly #save: typeof saveContents;
  #view = EMPTY_CLIPBOARD;
  #sources: readonly LocalFile[] = [];
  readonly #aborts = new Map<CopiedFile, AbortController>();
  #running: Promise<void> = Promise.resolve();

  constructor(
    files: () => ClipboardFiles | undefined,
    onChange: (view: ClipboardView) => void,
    save: typeof saveContents = saveContents,
  ) {
    this.#files = files;
    this.#onChange = onChange;
    this.#save = save;
  }

  /** Something was copied on the machine, files or none: what was on its clipboard before is not. */
  copied(files: readonly CopiedFile[]): void {
    this.#abortAll();
    this.#sources = [];
    this.#set({ ...EMPTY_CLIPBOARD, copied: files.map((file) => ({ file, state: 'there', done: 0 })) });
  }

  taken(source: File, bytes: number): void {
    const at = this.#sources.findIndex((file) => file.source === source);
    this.#set({
      offered: this.#view.offered.map((view, index) =>
        index === at ? { ...view, taken: Math.max(view.taken, bytes) } : view,
      ),
    });
  }

  offer(files: readonly LocalFile[]): void {
    this.#abortAll();
    const unfit = new Set(this.#files()?.offer(files));
    this.#sources = files.filter((file) => !unfit.has(file));
    this.#set({
      copied: [],
      offered: this.#sources.map(({ source, folders }) => ({
        ...{ name: source.name, folder: folders.join('/'), size: source.size },
        taken: 0,
      })),
      unfit: [...unfit].map(({ source }) => source.name),
    });
  }

  withdraw(): void {
    this.#files()?.withdraw();
    this.#sources = [];
    this.#set({ offered: [], unfit: [] });
  }

  download(file: CopiedFile): void {
    if (this.#aborts.has(file)) return;
    const abort = new AbortController();
    this.#aborts.set(file, abort);
    this.#change(file, { state: 'waiting', done: 0 });
    this.#running = this.#running.then(() => this.#fetch(file, abort.signal));
  }

  cancel(file: CopiedFile): void {
    this.#aborts.get(file)?.abort(new DOMException('cancelled', 'AbortError'));
    this.#aborts.delete(file);
    this.#change(file, { state: 'there', done: 0 });
  }

  async #fetch(file: CopiedFile, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#change(file, { state: 'running' });
    try {
      const files = this.#files();
      if (files === undefined) throw new ClipboardFault('gone');
      await this.#save(file.name, files.contents(file, signal), (done) => this.#change(file, { done }));
      this.#change(file, { state: 'done' });
    } catch (failure) {
      if (!signal.aborted)
        this.#change(file, { state: 'failed', trouble: failure instanceof ClipboardFault ? failure.trouble : 'disk' });
    } finally {
      if (!signal.aborted) this.#aborts.delete(file);
    }
  }

  #abortAll(): void {
    for (const abort of this.#aborts.values()) abort.abort(new ClipboardFault('gone'));
    this.#aborts.clear();
  }

  #change(file: CopiedFile, change: Partial<CopiedView>): void {
    this.#set({ copied: this.#view.copied.map((view) => (view.file === file ? { ...view, ...change } : view)) });
  }

  #set(change: Partial<ClipboardView>): void {
    this.#view = { ...this.#view, ...change };
    this.#onChange(this.#view);
  }
}
