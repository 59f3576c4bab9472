export type TransferState = 'waiting' | 'running' | 'retrying' | 'paused' | 'done' | 'failed';

export interface TransferView {
  readonly id: string;
  readonly direction: 'upload' | 'download';
  readonly name: string;
  /** With the folders it lies in, as far as they are transferred with it. */
  readonly title: string;
  readonly size: number;
  readonly done: number;
  readonly state: TransferState;
  /** Bytes a second, of the last seconds; 0 while unknown. */
  readonly speed: number;
  /** It goes on from the beginning, because the gateway had forgotten it. */
  readonly isAnew: boolean;
  readonly error: unknown;
}

/** Of a folder that is transferred, one in it that could not be read or made, or itself. */
export interface LeftOutFolder {
  readonly id: string;
  /** With the folders it lies in, from the one that is transferred on. */
  readonly name: string;
  readonly error: unknown;
}

export interface FolderView {
  readonly id: string;
  readonly direction: TransferView['direction'];
  readonly name: string;
  readonly state: 'running' | 'paused' | 'done' | 'failed';
  /** More files may be added. */
  readonly isReading: boolean;
  readonly files: readonly TransferView[];
  readonly leftOut: readonly LeftOutFolder[];
}

export type ItemView = TransferView | FolderView;

export interface FolderCounts {
  readonly arrived: number;
  readonly failed: number;
  /** Bytes of what is there so far, and of the whole. */
  readonly done: number;
  readonly size: number;
  readonly speed: number;
}

/** One row of the list; what lies in a folder names it. */
export type TransferRow =
  | { readonly kind: 'folder'; readonly view: FolderView; readonly isOpen: boolean }
  | { readonly kind: 'left-out'; readonly view: LeftOutFolder; readonly folder: FolderView }
  | { readonly kind: 'file'; readonly view: TransferView; readonly folder: FolderView | undefined };

export function isFolderView(view: ItemView): view is FolderView {
  return 'files' in view;
}

export function isMoving({ state }: TransferView): boolean {
  return state === 'running' || state === 'retrying' || state === 'waiting';
}

export function countsOf({ files }: Pick<FolderView, 'files'>): FolderCounts {
  const counts = { arrived: 0, failed: 0, done: 0, size: 0, speed: 0 };
  for (const { state, done, size, speed } of files) {
    if (state === 'done') counts.arrived += 1;
    if (state === 'failed') counts.failed += 1;
    counts.done += done;
    counts.size += size;
    counts.speed += speed;
  }
  return counts;
}

/** What becomes of the whole. */
export function folderState(
  { files, leftOut, isReading }: Omit<FolderView, 'state'>,
  isPaused: boolean,
): FolderView['state'] {
  if ((isReading && !isPaused) || files.some(isMoving)) return 'running';
  if (isReading || files.some(({ state }) => state === 'paused')) return 'paused';
  return leftOut.length > 0 || files.some(({ state }) => state === 'failed') ? 'failed' : 'done';
}

/** Nothing could be read of it at all, and why. */
export function leftOutWhole({ name, leftOut }: FolderView): LeftOutFolder | undefined {
  return leftOut.find((one) => one.name === name);
}

/** The latest first. Of a folder, what failed; the rest only where it is open. */
export function rowsOf(views: readonly ItemView[], open: ReadonlySet<string>): readonly TransferRow[] {
  return views.toReversed().flatMap((view): readonly TransferRow[] => {
    if (!isFolderView(view)) return [{ kind: 'file', view, folder: undefined }];
    const isOpen = open.has(view.id);
    return [
      { kind: 'folder', view, isOpen },
      ...(leftOutWhole(view) === undefined ? view.leftOut : []).map(
        (leftOut) => ({ kind: 'left-out', view: leftOut, folder: view }) as const,
      ),
      ...view.files
        .filter(({ state }) => isOpen || state === 'failed')
        .map((file) => ({ kind: 'file', view: file, folder: view }) as const),
    ];
  });
}
