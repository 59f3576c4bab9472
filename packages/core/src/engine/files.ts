/**
 * A path or name as the target has it: bytes, in no encoding that anybody promises. Text made of it is for showing only.
 * INVARIANT: a path is absolute, holds no NUL and no segment `.` or `..` (`checkPath`).
 */
export type PathBytes = Uint8Array;

export type FileKind = 'file' | 'folder' | 'link' | 'other';

export interface FileAttributes {
  readonly kind: FileKind;
  /** What the target says; nothing is allocated by it. */
  readonly size: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly modifiedAt: number | undefined;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number | undefined;
}

export interface FileEntry extends FileAttributes {
  /** One segment: no separator, no NUL, neither `.` nor `..`. */
  readonly name: PathBytes;
  /** What a link leads to in the end, where that is known. */
  readonly target?: FileAttributes;
}

export interface ReadFileOptions {
  /** Where to begin. */
  readonly offset: number;
  readonly signal: AbortSignal;
}

export interface CreateFileOptions {
  readonly offset: number;
  /** Of a file that is created, from its first moment on; what the target gives new files where it is missing. */
  readonly mode?: number | undefined;
}

export interface OpenedFile {
  /** As it was at opening; what is read ends there. */
  readonly attributes: FileAttributes;
  /** In order, from the offset to the size at opening. INVARIANT: whoever opened it reads it to its end or calls `return`. @throws Fault FILE_* */
  readonly content: AsyncGenerator<Uint8Array, void>;
}

/** A file being written. Disposing of it closes it, whatever is missing. */
export interface FileWriter extends AsyncDisposable {
  /** Resolves once more may be given; the bytes are handed over. A failure of an earlier piece shows here. @throws Fault FILE_* */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves once everything was accepted by the target. @throws Fault FILE_* */
  finish(): Promise<void>;
}

/** The files of a target, as the account that signed in may see them. Every method throws Fault FILE_*, TARGET_*. */
export interface FileChannel extends AsyncDisposable {
  /** Where the account begins. */
  home(): Promise<PathBytes>;
  /** In pieces as they come, in the target's order; names that could lead out of the folder are left out. */
  list(path: PathBytes, signal: AbortSignal): AsyncIterable<readonly FileEntry[]>;
  /** Does not follow a link. */
  attributes(path: PathBytes): Promise<FileAttributes>;
  /** Follows links, to their end. */
  target(path: PathBytes): Promise<FileAttributes>;
  /** Follows links; a file that is no regular one is refused. */
  open(path: PathBytes, options: ReadFileOptions): Promise<OpenedFile>;
  /** Creates the file, or goes on at `offset` of one that is there. Does not follow a link that the offset 0 would create through. */
  create(path: PathBytes, options: CreateFileOptions): Promise<FileWriter>;
  /** `replace`: whatever file has the new name is gone then, at once where the target can do so. */
  rename(from: PathBytes, to: PathBytes, options: { readonly replace: boolean }): Promise<void>;
  removeFile(path: PathBytes): Promise<void>;
  /** Of an empty folder. */
  removeFolder(path: PathBytes): Promise<void>;
  makeFolder(path: PathBytes): Promise<void>;
  setMode(path: PathBytes, mode: number): Promise<void>;
}
