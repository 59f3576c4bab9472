/**
 * Paths and names in this folder are the machine's bytes as binary text, one character a byte, because file names are in no encoding.
 * The API carries them in base64url (RFC 4648 section 5).
 */
export type RawPath = string;

export function fromRaw(base64url: string): RawPath {
  return atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
}

export function toRaw(path: RawPath): string {
  return btoa(path).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/u, '');
}

/** What a person typed or a file of theirs is called: UTF-8 on the machine. */
export function fromText(text: string): RawPath {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}

/** To be shown. Bytes that are no UTF-8 stand as `\xNN`. */
export function textOf(path: RawPath): string {
  const bytes = Uint8Array.from(path, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      .decode(bytes)
      .replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  } catch {
    return path.replace(/[^ -~]/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  }
}

export function joinPath(folder: RawPath, name: RawPath): RawPath {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

export function parentOf(path: RawPath): RawPath {
  const end = path.replace(/\/+$/u, '').lastIndexOf('/');
  return end <= 0 ? '/' : path.slice(0, end);
}

/** The folders from the root to the path, each with what it is called. */
export function crumbsOf(path: RawPath): readonly { readonly path: RawPath; readonly name: string }[] {
  const crumbs = [{ path: '/', name: '/' }];
  for (const segment of path.split('/').filter((part) => part !== ''))
    crumbs.push({ path: joinPath(crumbs.at(-1)?.path ?? '/', segment), name: textOf(segment) });
  return crumbs;
}

/** A name that a person may give: one segment. */
export function isName(text: string): boolean {
  return (
    text !== '' && text !== '.' && text !== '..' && !/[/\0]/u.test(text) && new TextEncoder().encode(text).length <= 255
  );
}

/** A name for the person's own disk: without what some system takes for a path, a device or a stream. */
export function localName(text: string): string {
  const safe = text.replace(/[\\/:*?"<>|\p{Cc}]/gu, '_').replace(/^\.+$|^\s+|[.\s]+$/gu, '_');
  return /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/iu.test(safe) ? `_${safe}` : safe;
}
