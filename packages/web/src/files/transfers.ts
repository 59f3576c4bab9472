import { api, hrefOf, stream } from '../api/client.ts';
import { addressOf, ApiFault } from '../api/http.ts';
import { browserTarget, downloadFrom, type DownloadTarget } from './browser-target.ts';
import { onLocalDisk } from './own-disk.ts';
import { sendPiece } from './send-piece.ts';
import { joinPath, parentOf, toRaw, type RawPath } from './raw-path.ts';

export type TransferState = 'waiting' | 'running' | 'retrying' | 'paused' | 'done' | 'failed';

export interface TransferView {
  readonly id: string;
  readonly direction: 'upload' | 'download';
  readonly name: string;
  readonly size: number;
  readonly done: number;
  readonly state: TransferState;
  /** Bytes a second, of the last seconds; 0 while unknown. */
  readonly speed: number;
  readonly error: unknown;
}

interface Transfer {
  view: TransferView;
  readonly path: RawPath;
  readonly source?: File;
  readonly target?: DownloadTarget;
  replace: boolean;
  /** The gateway knows it. */
  begun: boolean;
  handle?: FileSystemFileHandle;
  abort: AbortController;
  /** What ran until now has let go of the file. */
  rest: Promise<void>;
  readonly samples: { readonly at: number; readonly done: number }[];
}

/** Small enough for the limits of proxies and for a slow line's two minutes. */
const PIECE_BYTES = 8 * 1024 * 1024;
const MOST_RUNNING = 2;
const SPEED_OVER_MS = 4_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;

function newId(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  return Array.from(crypto.getRandomValues(new Uint8Array(26)), (byte) => letters[byte & 31]).join('');
}

/** Moves files one after another, two at a time; knows nothing of the screen. */
export class Transfers {
  readonly #sessionId: string;
  readonly #onChange: () => void;
  readonly #onArrived: (folder: RawPath) => void;
  readonly #transfers: Transfer[] = [];
  #views: readonly TransferView[] = [];

  constructor(
    sessionId: string,
    events: { readonly changed: () => void; readonly arrived: (folder: RawPath) => void },
  ) {
    this.#sessionId = sessionId;
    this.#onChange = events.changed;
    this.#onArrived = events.arrived;
  }

  get views(): readonly TransferView[] {
    return this.#views;
  }

  upload(folder: RawPath, file: { readonly source: File; readonly name: RawPath }): void {
    this.#add({ direction: 'upload', name: file.source.name, size: file.source.size }, joinPath(folder, file.name), {
      source: file.source,
    });
  }

  download(
    path: RawPath,
    file: { readonly name: string; readonly size: number },
    target: DownloadTarget | undefined = browserTarget(file.name),
  ): void {
    if (target !== undefined) {
      this.#add({ direction: 'download', ...file }, path, { target });
      return;
    }
    // Without storage of its own the browser downloads by itself and shows its own progress.
    downloadFrom(
      hrefOf('downloadFile', { params: { id: this.#sessionId }, query: { path: toRaw(path), transfer: newId() } }),
      file.name,
    );
  }

  pause(id: string): void {
    const found = this.#find(id);
    if (found === undefined || found.view.state === 'done' || found.view.state === 'failed') return;
    found.abort.abort();
    this.#set(found, { state: 'paused', speed: 0 });
    this.#next();
  }

  resume(id: string, options: { readonly replace?: boolean } = {}): void {
    const found = this.#find(id);
    if (found === undefined || (found.view.state !== 'paused' && found.view.state !== 'failed')) return;
    if (options.replace === true) found.replace = true;
    // What was refused is forgotten by the gateway, or has another content now: a new transfer from the beginning.
    if (found.view.state === 'failed') {
      found.begun = false;
      this.#set(found, { id: newId(), done: 0 });
    }
    this.#set(found, { state: 'waiting', error: undefined });
    this.#next();
  }

  /** Takes it off the list; what was half done is removed. */
  async remove(id: string): Promise<void> {
    const at = this.#transfers.findIndex(({ view }) => view.id === id);
    const [found] = at === -1 ? [] : this.#transfers.splice(at, 1);
    if (found === undefined) return;
    found.abort.abort();
    this.#changed();
    this.#next();
    if (found.view.state === 'done') return;
    if (found.view.direction === 'upload') {
      await api('cancelTransfer', { params: { id: this.#sessionId, transfer: id } }).catch(() => undefined);
      return;
    }
    await discardPart(found);
  }

  clearDone(): void {
    for (let at = this.#transfers.length - 1; at >= 0; at -= 1)
      if (this.#transfers[at]?.view.state === 'done') this.#transfers.splice(at, 1);
    this.#changed();
  }

  close(): void {
    for (const transfer of this.#transfers) {
      transfer.abort.abort();
      void discardPart(transfer);
    }
  }

  #add(
    facts: Pick<TransferView, 'direction' | 'name' | 'size'>,
    path: RawPath,
    end: { readonly source?: File; readonly target?: DownloadTarget },
  ): void {
    const view: TransferView = { ...facts, id: newId(), done: 0, state: 'waiting', speed: 0, error: undefined };
    this.#transfers.push({
      view,
      path,
      ...end,
      replace: false,
      begun: false,
      abort: new AbortController(),
      rest: Promise.resolve(),
      samples: [],
    });
    this.#changed();
    this.#next();
  }

  #find(id: string): Transfer | undefined {
    return this.#transfers.find(({ view }) => view.id === id);
  }

  #next(): void {
    const busy = (state: TransferState): boolean => state === 'running' || state === 'retrying';
    for (const transfer of this.#transfers) {
      if (this.#transfers.filter(({ view }) => busy(view.state)).length >= MOST_RUNNING) return;
      if (transfer.view.state !== 'waiting') continue;
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
    for (let wait = FIRST_RETRY_MS; ; wait = Math.min(wait * 2, LONGEST_RETRY_MS)) {
      const before = transfer.view.done;
      try {
        await (transfer.source === undefined
          ? this.#fetch(transfer, abort.signal)
          : this.#send(transfer, transfer.source, abort.signal));
        this.#set(transfer, { state: 'done', speed: 0, done: transfer.view.size });
        if (transfer.view.direction === 'upload') this.#onArrived(parentOf(transfer.path));
        break;
      } catch (error) {
        if (abort.signal.aborted) break;
        if (!isPassing(error)) {
          this.#set(transfer, { state: 'failed', speed: 0, error });
          break;
        }
        if (transfer.view.done > before) wait = FIRST_RETRY_MS;
        this.#set(transfer, { state: 'retrying', speed: 0 });
        await pause(wait, abort.signal);
        if (abort.signal.aborted) break;
        this.#set(transfer, { state: 'running' });
      }
    }
    this.#next();
  }

  async #send(transfer: Transfer, source: File, signal: AbortSignal): Promise<void> {
    const { id } = transfer.view;
    const params = { id: this.#sessionId };
    let at = transfer.begun ? await this.#reached(transfer, signal) : 0;
    transfer.begun = true;
    for (let done = false; !done;) {
      const begin = at;
      this.#progress(transfer, begin);
      const query = {
        path: toRaw(transfer.path),
        transfer: id,
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
      done = result.done;
    }
  }

  /** What the gateway has of an upload that it may have forgotten. */
  #reached(transfer: Transfer, signal: AbortSignal): Promise<number> {
    return api('getTransfer', { params: { id: this.#sessionId, transfer: transfer.view.id } }, { signal }).then(
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
    const { view } = transfer;
    const query = { path: toRaw(transfer.path), transfer: view.id, offset: view.done };
    // What is denied makes no file here.
    const response = await stream('downloadFile', { params: { id: this.#sessionId }, query }, { signal });
    const { handle, disk } = await openedFor(transfer, target).catch(async (failure: unknown) => {
      await response.body?.cancel().catch(() => undefined);
      throw failure;
    });
    let at = view.done;
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
    }
    await onLocalDisk(target.finished(handle));
  }

  #progress(transfer: Transfer, done: number): void {
    const { samples } = transfer;
    const now = performance.now();
    samples.push({ at: now, done });
    while (samples.length > 2 && now - (samples[0]?.at ?? now) > SPEED_OVER_MS) samples.shift();
    const [first] = samples;
    const since = now - (first?.at ?? now);
    this.#set(transfer, {
      done,
      speed: since > 250 ? ((done - (first?.done ?? done)) / since) * 1000 : transfer.view.speed,
    });
  }

  #set(transfer: Transfer, change: Partial<TransferView>): void {
    transfer.view = { ...transfer.view, ...change };
    this.#changed();
  }

  #changed(): void {
    this.#views = this.#transfers.map(({ view }) => view);
    this.#onChange();
  }
}

/** The file that a download goes on with, or a new one. @throws ApiFault LOCAL_DISK */
async function openedFor(transfer: Transfer, target: DownloadTarget) {
  const handle = (transfer.handle ??= await onLocalDisk(target.open()));
  const disk = await onLocalDisk(handle.createWritable({ keepExistingData: transfer.view.done > 0 }));
  return { handle, disk };
}

/** What has come of a download that ends before it is whole. */
async function discardPart(transfer: Transfer): Promise<void> {
  await transfer.rest;
  if (transfer.handle !== undefined && transfer.view.state !== 'done')
    await transfer.target?.discard(transfer.handle).catch(() => undefined);
}

/** Ends early where it is broken off. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Worth another try: nothing answered, or the gateway is in trouble for a moment. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiFault)) return false;
  // CONFLICT: the gateway has not noticed yet that the attempt before has broken off.
  return ['NETWORK', 'STORE_UNAVAILABLE', 'THROTTLED', 'CONFLICT'].includes(error.code);
}

function uploadAddress(params: { readonly id: string }, query: Parameters<typeof addressOf>[1]): string {
  return addressOf(`/sessions/${params.id}/files/content`, query);
}
