import { checkPath } from '../engine/index.ts';
import type { FileAttributes, FileChannel, PathBytes } from '../engine/index.ts';
import { Fault, isFault } from '../fault/index.ts';

export type FileChange =
  | { readonly change: 'rename'; readonly path: PathBytes; readonly to: PathBytes }
  | { readonly change: 'delete' | 'make-folder'; readonly path: PathBytes }
  | { readonly change: 'mode'; readonly path: PathBytes; readonly mode: number };

/** A name that a file shall get. */
export interface WantedName {
  readonly path: PathBytes;
  readonly replace: boolean;
  /** The file is replaced only if it is still this one. */
  readonly version: string | undefined;
}

export function fileVersion({ modifiedAt, size }: FileAttributes): string {
  return `${modifiedAt ?? 0}-${size ?? 0}`;
}

export async function applyChange(channel: FileChannel, request: FileChange): Promise<void> {
  switch (request.change) {
    case 'rename':
      return channel.rename(request.path, checkPath(request.to), { replace: false });
    case 'make-folder':
      return channel.makeFolder(request.path);
    case 'mode':
      return channel.setMode(request.path, request.mode);
    case 'delete': {
      const { kind } = await channel.attributes(request.path);
      return kind === 'folder' ? channel.removeFolder(request.path) : channel.removeFile(request.path);
    }
  }
}

/** What the name belongs to now. @throws Fault FILE_EXISTS, FILE_CHANGED, FILE_UNFIT */
export async function refuseUnfit(
  channel: FileChannel,
  { path, replace, version }: WantedName,
): Promise<FileAttributes | undefined> {
  const there = await channel.attributes(path).catch((failure: unknown) => {
    if (isFault(failure, 'FILE_NOT_FOUND')) return undefined;
    throw failure;
  });
  if (there === undefined) return undefined;
  if (!replace) throw new Fault('FILE_EXISTS', 'something has this name already');
  // A link would be replaced by the file, and what it points to would stay as it is.
  if (there.kind !== 'file')
    throw new Fault('FILE_UNFIT', `only a regular file can be replaced, this is a ${there.kind}`);
  if (version !== undefined && fileVersion(there) !== version)
    throw new Fault('FILE_CHANGED', 'the file was changed in the meantime');
  return there;
}
