import { joinBytes, readU16, readU32, u16le, u32le } from './bytes.ts';

/** How the names of a Format List are laid out: both sides' capabilities say whether they are long. */
export type NameLayout = 'long' | 'short' | 'short-ascii';

export interface Format {
  readonly id: number;
  /** `list`: the names and sizes of files. `file`: anything else that tells of files. `other`: what no right is about. */
  readonly kind: 'list' | 'file' | 'text' | 'other';
  readonly bytes: Uint8Array;
}

const MOST_FORMATS = 256;
const MOST_NAME_CHARACTERS = 256;
const SHORT_NAME_BYTES = 32;
/** CF_HDROP: paths of files. */
const DROPPED_PATHS = 15;
const LIST_NAME = 'FileGroupDescriptorW';
/** https://learn.microsoft.com/windows/win32/shell/clipboard */
const FILE_NAMES: readonly string[] = [
  'FileContents',
  'FileGroupDescriptor',
  'FileName',
  'FileNameW',
  'Shell IDList Array',
];

/** CF_TEXT, CF_OEMTEXT, CF_UNICODETEXT and CF_LOCALE: Windows makes each of the others, announced or not. */
const TEXTS: ReadonlySet<number> = new Set([1, 7, 13, 16]);
/** Formats from here on have names, and numbers of their owner's choice. [MS-RDPECLIP] 1.3.1.2 */
const FIRST_NAMED = 0xc000;
/** Rich Text Format is none of them: it can hold files. */
const TEXT_NAMES: readonly string[] = ['HTML Format', 'text/html', 'text/plain', 'UTF8_STRING'];

/**
 * What a number stands for among what was announced; undefined where it may not be asked for at all. INVARIANT: a number that was
 * announced as two things is the one that needs the other right.
 */
export function kindOfRequest(id: number, announced: readonly Format[]): Format['kind'] | undefined {
  const kinds = announced.filter((format) => format.id === id).map(({ kind }) => kind);
  if (kinds.length === 0) return id === DROPPED_PATHS ? 'file' : TEXTS.has(id) ? 'text' : undefined;
  return (['list', 'file', 'other', 'text'] as const).find((kind) => kinds.includes(kind));
}

/** Formats up to the first that does not fit. [MS-RDPECLIP] 2.2.3.1.1, 2.2.3.1.2 */
export function parseFormats(body: Uint8Array, layout: NameLayout): readonly Format[] {
  const formats: Format[] = [];
  for (let at = 0; at + 4 <= body.length && formats.length < MOST_FORMATS;) {
    const end = layout === 'long' ? longEnd(body, at + 4) : at + 4 + SHORT_NAME_BYTES;
    if (end === undefined || end > body.length) break;
    const id = readU32(body, at);
    const bytes = body.subarray(at, end);
    formats.push({ id, kind: kindOf(id, nameOf(bytes.subarray(4), layout), layout), bytes });
    at = end;
  }
  return formats;
}

export function formatList(formats: readonly Format[]): Uint8Array {
  return joinBytes(...formats.map(({ bytes }) => bytes));
}

function longEnd(body: Uint8Array, from: number): number | undefined {
  for (let at = from; at + 2 <= body.length && at - from <= 2 * MOST_NAME_CHARACTERS; at += 2)
    if (readU16(body, at) === 0) return at + 2;
  return undefined;
}

function nameOf(bytes: Uint8Array, layout: NameLayout): string {
  const width = layout === 'short-ascii' ? 1 : 2;
  let name = '';
  for (let at = 0; at + width <= bytes.length; at += width) {
    const code = width === 1 ? (bytes[at] ?? 0) : readU16(bytes, at);
    if (code === 0) break;
    name += String.fromCharCode(code);
  }
  return name;
}

/** Names in 16 characters are cut, with or without a NUL behind them. */
function kindOf(id: number, name: string, layout: NameLayout): Format['kind'] {
  const is = (known: string): boolean =>
    layout === 'short' ? name.length >= 15 && known.startsWith(name) : name === known;
  if (is(LIST_NAME)) return 'list';
  if (id === DROPPED_PATHS || FILE_NAMES.some((known) => name === known || is(known))) return 'file';
  return TEXTS.has(id) || (id >= FIRST_NAMED && TEXT_NAMES.includes(name)) ? 'text' : 'other';
}

/** CB_USE_LONG_FORMAT_NAMES, and what goes with files. CB_CAN_LOCK_CLIPDATA stays out. [MS-RDPECLIP] 2.2.2.1.1.1 */
const CAPABILITY = { longNames: 0x2, streams: 0x4, noPaths: 0x8, hugeFiles: 0x20 } as const;
const GENERAL = 1;

export interface ClipboardCapabilities {
  readonly hasLongNames: boolean;
  /** The General Capability Set alone, with what is permitted of it. */
  readonly body: Uint8Array;
}

/** [MS-RDPECLIP] 2.2.2.1 */
export function permittedCapabilities(body: Uint8Array, files: boolean): ClipboardCapabilities {
  let [version, flags] = [2, 0];
  for (let at = 4; at + 4 <= body.length;) {
    const length = readU16(body, at + 2);
    if (length < 4 || at + length > body.length) break;
    if (readU16(body, at) === GENERAL && length >= 12) {
      [version, flags] = [readU32(body, at + 4), readU32(body, at + 8)];
      break;
    }
    at += length;
  }
  const { longNames, streams, noPaths, hugeFiles } = CAPABILITY;
  flags &= files ? longNames | streams | noPaths | hugeFiles : longNames;
  return {
    hasLongNames: (flags & longNames) !== 0,
    body: joinBytes(u16le(1), u16le(0), u16le(GENERAL), u16le(12), u32le(version), u32le(flags)),
  };
}
