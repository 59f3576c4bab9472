import { api, hrefOf, stream } from '../api/client.ts';
import { addressOf, ApiFault } from '../api/http.ts';
import { browserTarget, downloadFrom, type DownloadTarget } from './browser-target.ts';
import { onLocalDisk } from './own-disk.ts';
import { joinPath, parentOf, toRaw, type RawPath } from './raw-path.ts';
import { isTrouble, pause, Retries } from './retries.ts';
import { sendPiece } from './send-piece.ts';
import {
  discardPart,
  folderOf,
  isFolder,
  isForgotten,
  newId,
  openedFor,
  speedOf,
  transferFault,
  transferOf,
  viewOf,
  type Folder,
  type Transfer,
} from './transfer.ts';
import { isMoving, type ItemView, type TransferView } from './transfer-views.ts';

/** A file that is fetched, and with it the folders it lies in. */
export interface FileInFolder {
  readonly name: string;
  readonly title: string;
  readonly size: number;
}

/** Where the files of one folder are added to what is on its way. */
export interface FolderTransfer {
  /** The folder is wanted no more. */
  readonly signal: AbortSignal;
  download(path: RawPath, file: FileInFolder, target: DownloadTarget): void;
  upload(folder: RawPath, file: { readonly source: File; readonly name: RawPath; readonly title: string }): void;
  /** It cannot be read, or made; `again` tries it once more. */
  leftOut(folder: { readonly name: string; readonly error: unknown }, again: () => Promise<void>): void;
  /** Files may be added until it ends. */
  read(reading: () => Promise<void>): Promise<void>;
}

/** Small enough for the limits of proxies and for a slow line's two minutes. */
const PIECE_BYTES = 8 * 1024 * 1024;
const MOST_RUNNING = 2;
/** How often a download that the gateway has forgotten begins anew by itself. */
const MOST_ANEW = 2;

/** Moves files one after another, two at a time; knows nothing of the screen. */
export class Transfers {
  readonly #sessionId: string;
  readonly #onChange: () => void;
  readonly #onArrived: (folder: RawPath) => void;
  /** In the order in which they were asked for. */
  #items: (Transfer | Folder)[] = [];
  #isBeginning = false;

  constructor(
    sessionId: string,
    events: { readonly changed: () => void; readonly arrived: (folder: RawPath) => void },
  ) {
    this.#sessionId = sessionId;
    this.#onChange = events.changed;
    this.#onArrived = events.arrived;
  }

  /** Made anew each time. */
  get views(): readonly ItemView[] {
    return this.#items.map(viewOf);
  }

  upload(folder: RawPath, file: { readonly source: File; readonly name: RawPath }): void {
    const { source } = file;
    const { name, size } = source;
    const facts = { direction: 'upload', name, title: name, size } as const;
    this.#items.push(transferOf(facts, { path: joinPath(folder, file.name), source }));
    this.#next();
  }

  download(
    path: RawPath,
    file: { readonly name: string; readonly size: number },
    target: DownloadTarget | undefined = browserTarget(file.name),
  ): void {
    if (target !== undefined) {
      this.#items.push(transferOf({ direction: 'download', title: file.name, ...file }, { path, target }));
      this.#next();
      return;
    }
    // Without storage of its own the browser downloads by itself and shows its own progress.
    downloadFrom(
      hrefOf('downloadFile', { params: { id: this.#sessionId }, query: { path: toRaw(path), transfer: newId() } }),
      file.name,
    );
  }

  /** A folder whose files are paused, tried again and cancelled together. */
  folder(direction: TransferView['direction'], name: string): FolderTransfer {
    const folder = folderOf(direction, name);
    this.#items.push(folder);
    this.#onChange();
    const { signal } = folder.abort;
    const add = (transfer: Transfer): void => {
      if (signal.aborted) return;
      if (folder.isPaused) transfer.view = { ...transfer.view, state: 'paused' };
      folder.transfers.push(transfer);
      this.#next();
    };
    return {
      signal,
      download: (path, file, target) => add(transferOf({ direction, ...file }, { path, target })),
      upload: (into, { source, name: raw, title }) =>
        add(
          transferOf({ direction, name: source.name, title, size: source.size }, { path: joinPath(into, raw), source }),
        ),
      leftOut: (leftOut, again) => {
        folder.leftOut.push({ id: newId(), ...leftOut, again });
        this.#onChange();
      },
      read: (reading) => this.#read(folder, reading),
    };
  }

  /** A file, or what there is of a folder and is to come. */
  pause(id: string): void {
    const folder = this.#findFolder(id);
    if (folder !== undefined) folder.isPaused = true;
    for (const transfer of folder?.transfers ?? this.#find(id)) {
      if (!isMoving(transfer.view)) continue;
      transfer.abort.abort();
      this.#set(transfer, { state: 'paused', speed: 0 });
    }
    this.#next();
  }

  /** Goes on with what is paused, and tries again what failed: a file, a folder, or one in it that was not read. */
  resume(id: string, options: { readonly replace?: boolean } = {}): void {
    const folder = this.#findFolder(id);
    if (folder !== undefined) folder.isPaused = false;
    for (const transfer of folder?.transfers ?? this.#find(id)) this.#resume(transfer, options);
    for (const holder of this.#folders) {
      const again = holder.leftOut.filter((leftOut) => holder === folder || leftOut.id === id);
      holder.leftOut = holder.leftOut.filter((leftOut) => !again.includes(leftOut));
      for (const leftOut of again) void this.#read(holder, leftOut.again);
    }
    this.#next();
  }

  /** Takes it off the list; what was half done is removed. */
  async remove(id: string): Promise<void> {
    for (const folder of this.#folders) folder.leftOut = folder.leftOut.filter((leftOut) => leftOut.id !== id);
    await this.#drop((item) => idOf(item) === id);
  }

  /** Takes off the list what is not done. Answers how many files that are. */
  cancelAll(): number {
    const gone = new Set(this.#items.filter((item) => viewOf(item).state !== 'done'));
    const count = [...gone]
      .flatMap((item) => (isFolder(item) ? item.transfers : [item]))
      .filter(({ view }) => view.state !== 'done').length;
    void this.#drop((item) => gone.has(item));
    return count;
  }

  clearDone(): void {
    this.#items = this.#items.filter((item) => viewOf(item).state !== 'done');
    this.#onChange();
  }

  close(): void {
    for (const { abort } of this.#folders) abort.abort();
    for (const transfer of this.#transfers) {
      transfer.abort.abort();
      void discardPart(transfer);
    }
  }

  get #folders(): readonly Folder[] {
    return this.#items.filter(isFolder);
  }

  get #transfers(): readonly Transfer[] {
    return this.#items.flatMap((item) => (isFolder(item) ? item.transfers : [item]));
  }

  #find(id: string): readonly Transfer[] {
    return this.#transfers.filter(({ view }) => view.id === id);
  }

  #findFolder(id: string): Folder | undefined {
    return this.#folders.find((folder) => folder.id === id);
  }

  async #drop(isGone: (item: Transfer | Folder) => boolean): Promise<void> {
    const gone: Transfer[] = [];
    const stays = (transfer: Transfer): boolean => {
      if (!isGone(transfer)) return true;
      gone.push(transfer);
      return false;
    };
    this.#items = this.#items.filter((item) => {
      if (!isFolder(item)) return stays(item);
      if (!isGone(item)) {
        item.transfers = item.transfers.filter(stays);
        return true;
      }
      item.abort.abort();
      for (const transfer of item.transfers) gone.push(transfer);
      return false;
    });
    for (const { abort } of gone) abort.abort();
    this.#next();
    for (const transfer of gone) await this.#withdraw(transfer);
  }

  async #read(folder: Folder, reading: () => Promise<void>): Promise<void> {
    folder.reading += 1;
    this.#onChange();
    try {
      await reading();
    } finally {
      folder.reading -= 1;
      this.#onChange();
    }
  }

  #resume(transfer: Transfer, { replace }: { readonly replace?: boolean }): void {
    const { state, error } = transfer.view;
    if (state !== 'paused' && state !== 'failed') return;
    if (replace === true) transfer.replace = true;
    // What was refused has another content now, or another transfer in its place.
    if (state === 'failed' && !isTrouble(error)) {
      if (transfer.source !== undefined) void this.#withdraw(transfer);
      this.#beginAnew(transfer);
    }
    this.#set(transfer, { state: 'waiting', isAnew: false, error: undefined });
  }

  /** Another transfer to the gateway, from the beginning. */
  #beginAnew(transfer: Transfer): void {
    transfer.gatewayId = newId();
    transfer.begun = false;
    transfer.reached = 0;
    transfer.samples.length = 0;
    this.#set(transfer, { done: 0, speed: 0 });
  }

  /** What was half done is removed. */
  async #withdraw(transfer: Transfer): Promise<void> {
    if (transfer.view.state === 'done') return;
    if (transfer.view.direction === 'download') return discardPart(transfer);
    if (!transfer.begun) return;
    await api('cancelTransfer', { params: { id: this.#sessionId, transfer: transfer.gatewayId } }).catch(
      () => undefined,
    );
  }

  /** Begins what there is room for, once for all that happens at this moment. */
  #next(): void {
    this.#onChange();
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    queueMicrotask(() => {
      this.#isBeginning = false;
      this.#begin();
    });
  }

  #begin(): void {
    const all = this.#transfers;
    let running = all.filter(({ view: { state } }) => state === 'running' || state === 'retrying').length;
    for (const transfer of all) {
      if (running >= MOST_RUNNING) return;
      if (transfer.view.state !== 'waiting') continue;
      running += 1;
      const abort = new AbortController();
      transfer.abort = abort;
      this.#set(transfer, { state: 'running' });
      // INVARIANT: one at a time: what a download has written counts once its file is closed, and only then goes on behind it.
      transfer.rest = transfer.rest.then(() => this.#run(transfer, abort));
    }
  }

  async #run(transfer: Transfer, abort: AbortController): Promise<void> {
    if (abort.signal.aborted) return;
    transfer.samples.length = 0;
    const retries = new Retries();
    for (let anew = 0; ;) {
      const before = transfer.reached;
      try {
        await (transfer.source === undefined
          ? this.#fetch(transfer, abort.signal)
          : this.#send(transfer, transfer.source, abort.signal));
        this.#set(transfer, { state: 'done', speed: 0, done: transfer.view.size });
        if (transfer.view.direction === 'upload') this.#onArrived(parentOf(transfer.path));
        break;
      } catch (error) {
        if (abort.signal.aborted) break;
        if (transfer.reached > before) retries.reset();
        const forgotten = isForgotten(transfer, error);
        if (forgotten && anew < MOST_ANEW) {
          anew += 1;
          this.#beginAnew(transfer);
          this.#set(transfer, { isAnew: true });
          continue;
        }
        const waitMs = forgotten ? undefined : retries.waitMs(error);
        if (waitMs === undefined) {
          this.#set(transfer, { state: 'failed', speed: 0, error: transferFault(error) });
          break;
        }
        this.#set(transfer, { state: 'retrying', speed: 0 });
        await pause(waitMs, abort.signal);
        if (abort.signal.aborted) break;
        this.#set(transfer, { state: 'running' });
      }
    }
    this.#next();
  }

  async #send(transfer: Transfer, source: File, signal: AbortSignal): Promise<void> {
    const params = { id: this.#sessionId };
    let at = transfer.begun ? await this.#reached(transfer, signal) : 0;
    transfer.begun = true;
    for (let done = false; !done;) {
      const begin = at;
      this.#progress(transfer, begin);
      const query = {
        path: toRaw(transfer.path),
        transfer: transfer.gatewayId,
        offset: at,
        size: source.size,
        replace: transfer.replace,
      };
      const result = await sendPiece(uploadAddress(params, query), source.slice(at, at + PIECE_BYTES), {
        signal,
        progress: (sent) => this.#progress(transfer, begin + sent),
      }).catch(async (failure: unknown) => {
        // A file that is gone, or another one by now, fails as the network does.
        await onLocalDisk(source.slice(begin, begin + 1).arrayBuffer());
        throw failure;
      });
      at = result.received;
      transfer.reached = at;
      done = result.done;
    }
  }

  /** What the gateway has of an upload that it may have forgotten. */
  #reached(transfer: Transfer, signal: AbortSignal): Promise<number> {
    return api('getTransfer', { params: { id: this.#sessionId, transfer: transfer.gatewayId } }, { signal }).then(
      ({ received }) => received,
      (error: unknown) => {
        if (error instanceof ApiFault && error.code === 'NOT_FOUND') return 0;
        throw error;
      },
    );
  }

  async #fetch(transfer: Transfer, signal: AbortSignal): Promise<void> {
    const { target } = transfer;
    if (target === undefined) return;
    const begin = transfer.reached;
    const query = { path: toRaw(transfer.path), transfer: transfer.gatewayId, offset: begin };
    // What is denied makes no file here.
    const response = await stream('downloadFile', { params: { id: this.#sessionId }, query }, { signal });
    const { handle, disk } = await openedFor(transfer, target).catch(async (failure: unknown) => {
      await response.body?.cancel().catch(() => undefined);
      throw failure;
    });
    let at = begin;
    try {
      if (at > 0) await onLocalDisk(disk.seek(at));
      const reader = response.body?.getReader();
      for (;;) {
        const piece = await reader?.read().catch(() => {
          throw new ApiFault({ code: 'NETWORK', status: 0 });
        });
        if (piece?.value === undefined) break;
        await onLocalDisk(disk.write(piece.value));
        at += piece.value.length;
        this.#progress(transfer, at);
      }
    } finally {
      // What is written counts only once it is closed; a resumed download goes on behind it.
      await onLocalDisk(disk.close());
      transfer.reached = at;
    }
    await onLocalDisk(target.finished(handle));
  }

  #progress(transfer: Transfer, done: number): void {
    this.#set(transfer, { done, speed: speedOf(transfer, done) });
  }

  #set(transfer: Transfer, change: Partial<TransferView>): void {
    transfer.view = { ...transfer.view, ...change };
    this.#onChange();
  }
}

function idOf(item: Transfer | Folder): string {
  return isFolder(item) ? item.id : item.view.id;
}

function uploadAddress(params: { readonly id: string }, query: Parameters<typeof addressOf>[1]): string {
  return addressOf(`/sessions/${params.id}/files/content`, query);
}
