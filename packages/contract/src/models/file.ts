import { Type, type Static } from 'typebox';
import { closed, Count, Id, list, Time, words } from '../schema.ts';

/** Bytes of a path or name as the machine has them, in base64url (RFC 4648 section 5) without padding: file names are in no encoding. */
export const RawPath = Type.String({ minLength: 1, maxLength: 5_462, pattern: '^[A-Za-z0-9_-]+$' });
/** Chosen by the client, at random. */
export const TransferId = Type.String({ minLength: 26, maxLength: 26, pattern: '^[a-z2-7]{26}$' });
const FileVersion = Type.String({ maxLength: 40, pattern: '^[0-9]+-[0-9]+$' });
const Mode = Type.Integer({ minimum: 0, maximum: 0o7777 });

export const FILE_KINDS = ['file', 'folder', 'link', 'other'] as const;

const Attributes = {
  kind: words(FILE_KINDS),
  size: Type.Optional(Count),
  modifiedAt: Type.Optional(Time),
  mode: Type.Optional(Mode),
};

export const FileEntry = closed({
  /** To be shown; what is no UTF-8 or would steer a screen stands as `\xNN`. */
  name: Type.String({ maxLength: 20_000 }),
  raw: RawPath,
  ...Attributes,
  /** Of a link: what it leads to in the end. Absent where it leads nowhere or in a circle, and where the machine was not asked: beyond 500 links or two seconds. */
  target: Type.Optional(closed(Attributes)),
});
export type FileEntry = Static<typeof FileEntry>;

export const FilesQuery = closed({ path: Type.Optional(RawPath) });
export const FileListing = closed({
  path: RawPath,
  entries: list(FileEntry, 20_000),
  truncated: Type.Boolean(),
});
export type FileListing = Static<typeof FileListing>;

export const DownloadQuery = closed({
  path: RawPath,
  transfer: TransferId,
  /** Where to go on; at most what the transfer has reached. */
  offset: Type.Optional(Count),
});
export const UploadQuery = closed({
  path: RawPath,
  transfer: TransferId,
  /** What the transfer has reached. */
  offset: Count,
  /** Of the whole file; the piece that completes it gives it its name. */
  size: Count,
  replace: Type.Optional(Type.Boolean()),
  /** `modifiedAt-size` of the file that may be replaced, and of no other. */
  version: Type.Optional(FileVersion),
});
export const UploadResult = closed({ received: Count, done: Type.Boolean() });
export const TransferParams = closed({ id: Id, transfer: TransferId });
export const TransferProgress = closed({ received: Count });

export const FileChange = closed({
  change: words(['rename', 'delete', 'make-folder', 'mode']),
  path: RawPath,
  /** With `rename`: the new path. */
  to: Type.Optional(RawPath),
  /** With `mode`: the permissions. */
  mode: Type.Optional(Mode),
});
export type FileChange = Static<typeof FileChange>;
