import { ApiFault } from '../api/http.ts';
import type { DownloadTarget } from './browser-target.ts';
import { onLocalDisk } from './own-disk.ts';
import type { RawPath } from './raw-path.ts';
import { folderState, type FolderView, type TransferView, type LeftOutFolder } from './transfer-views.ts';

const SPEED_OVER_MS = 4_000;

/** A file on its way. */
export interface Transfer {
  view: TransferView;
  readonly path: RawPath;
  readonly source?: File;
  readonly target?: DownloadTarget;
  /** By which the gateway knows it. */
  gatewayId: string;
  replace: boolean;
  /** The gateway may have something of it. */
  begun: boolean;
  /** Bytes that count, whatever breaks off now. */
  reached: number;
  handle?: FileSystemFileHandle;
  abort: AbortController;
  /** What ran until now has let go of the file. */
  rest: Promise<void>;
  readonly samples: { readonly at: number; readonly done: number }[];
}

/** A folder whose files are on their way. */
export interface Folder {
  readonly id: string;
  readonly direction: TransferView['direction'];
  readonly name: string;
  transfers: Transfer[];
  leftOut: (LeftOutFolder & { readonly again: () => Promise<void> })[];
  /** How much of it is being read. */
  reading: number;
  isPaused: boolean;
  readonly abort: AbortController;
}

export function newId(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  return Array.from(crypto.getRandomValues(new Uint8Array(26)), (byte) => letters[byte & 31]).join('');
}

export function transferOf(
  facts: Pick<TransferView, 'direction' | 'name' | 'title' | 'size'>,
  end: { readonly path: RawPath; readonly source?: File; readonly target?: DownloadTarget },
): Transfer {
  return {
    view: { ...facts, id: newId(), done: 0, state: 'waiting', speed: 0, isAnew: false, error: undefined },
    ...end,
    gatewayId: newId(),
    ...{ replace: false, begun: false, reached: 0 },
    abort: new AbortController(),
    rest: Promise.resolve(),
    samples: [],
  };
}

export function folderOf(direction: TransferView['direction'], name: string): Folder {
  return {
    ...{ id: newId(), direction, name, transfers: [], leftOut: [] },
    ...{ reading: 0, isPaused: false, abort: new AbortController() },
  };
}

export function isFolder(item: Transfer | Folder): item is Folder {
  return 'transfers' in item;
}

export function viewOf(item: Transfer | Folder): TransferView | FolderView {
  if (!isFolder(item)) return item.view;
  const { id, direction, name, transfers, leftOut, reading, isPaused } = item;
  const facts = { id, direction, name, leftOut, isReading: reading > 0, files: transfers.map(({ view }) => view) };
  return { ...facts, state: folderState(facts, isPaused) };
}

/** The gateway has less of a download than came of it already: it had to make room, and took this one's. */
export function isForgotten({ view, reached }: Transfer, error: unknown): boolean {
  const stands = error instanceof ApiFault && error.code === 'CONFLICT' ? error.facts['received'] : undefined;
  return view.direction === 'download' && typeof stands === 'number' && stands < reached;
}

/** What a person can do about a conflict elsewhere does not help a transfer. */
export function transferFault(error: unknown): unknown {
  if (!(error instanceof ApiFault) || error.code !== 'CONFLICT') return error;
  const { status, detail, reference } = error;
  return new ApiFault({ code: 'TRANSFER_LOST', status, detail, reference });
}

/** Bytes a second, of the last seconds. */
export function speedOf({ samples, view }: Transfer, done: number): number {
  const now = performance.now();
  samples.push({ at: now, done });
  while (samples.length > 2 && now - (samples[0]?.at ?? now) > SPEED_OVER_MS) samples.shift();
  const [first] = samples;
  const since = now - (first?.at ?? now);
  return since > 250 ? ((done - (first?.done ?? done)) / since) * 1000 : view.speed;
}

/** The file that a download goes on with, or a new one. @throws ApiFault LOCAL_DISK */
export async function openedFor(transfer: Transfer, target: DownloadTarget) {
  const handle = (transfer.handle ??= await onLocalDisk(target.open()));
  const disk = await onLocalDisk(handle.createWritable({ keepExistingData: transfer.reached > 0 }));
  return { handle, disk };
}

/** What has come of a download that ends before it is whole. */
export async function discardPart(transfer: Transfer): Promise<void> {
  await transfer.rest;
  if (transfer.handle !== undefined && transfer.view.state !== 'done')
    await transfer.target?.discard(transfer.handle).catch(() => undefined);
}
