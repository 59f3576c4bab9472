import { Fault } from '../fault/index.ts';
import type { PathBytes } from './files.ts';

const SLASH = 47;
const DOT = 46;
/** Linux's PATH_MAX; no system that we know takes longer ones. */
const MOST_PATH_BYTES = 4_096;

function isDots(segment: PathBytes): boolean {
  return segment[0] === DOT && (segment.length === 1 || (segment.length === 2 && segment[1] === DOT));
}

/** @throws Fault FILE_UNFIT for a path that is not absolute, has a NUL or a segment `.` or `..`, or is too long. */
export function checkPath(path: PathBytes): PathBytes {
  const unfit = (what: string): Fault => new Fault('FILE_UNFIT', `a path ${what}`);
  if (path[0] !== SLASH) throw unfit('must begin with a slash');
  if (path.length > MOST_PATH_BYTES) throw unfit(`has at most ${MOST_PATH_BYTES} bytes, received ${path.length}`);
  if (path.includes(0)) throw unfit('must not hold a NUL');
  for (let from = 1; from <= path.length;) {
    const end = path.indexOf(SLASH, from);
    const segment = path.subarray(from, end === -1 ? path.length : end);
    if (isDots(segment)) throw unfit('must not hold a segment of dots');
    from = end === -1 ? path.length + 1 : end + 1;
  }
  return path;
}

/** Folder and name of a checked path. @throws Fault FILE_UNFIT for the root, which has no name */
export function splitPath(path: PathBytes): { readonly folder: PathBytes; readonly name: PathBytes } {
  const at = path.lastIndexOf(SLASH);
  if (at === path.length - 1) throw new Fault('FILE_UNFIT', 'a path must end with a name');
  return { folder: path.subarray(0, Math.max(at, 1)), name: path.subarray(at + 1) };
}

export function joinPath(folder: PathBytes, name: PathBytes): PathBytes {
  const slash = folder[folder.length - 1] === SLASH ? [] : [SLASH];
  return Uint8Array.from([...folder, ...slash, ...name]);
}

/** For people and records: what is no UTF-8 and what would steer a screen shows as `\xNN`. Two different paths never look alike. */
export function pathText(path: PathBytes): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(path);
  } catch {
    return [...path]
      .map((byte) => (byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : hex(byte)))
      .join('');
  }
  return text.replace(/[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...new TextEncoder().encode(character)].map(hex).join(''),
  );
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
