/** X keysyms of keys that a menu sends, by the key's place on the keyboard. https://www.x.org/releases/current/doc/xproto/x11protocol.html#keysym_encoding */
const BY_CODE: Readonly<Record<string, number>> = {
  Backspace: 0xff08,
  Tab: 0xff09,
  Enter: 0xff0d,
  Escape: 0xff1b,
  Home: 0xff50,
  ArrowLeft: 0xff51,
  ArrowUp: 0xff52,
  ArrowRight: 0xff53,
  ArrowDown: 0xff54,
  PageUp: 0xff55,
  PageDown: 0xff56,
  End: 0xff57,
  PrintScreen: 0xff61,
  Insert: 0xff63,
  Delete: 0xffff,
  ShiftLeft: 0xffe1,
  ControlLeft: 0xffe3,
  AltLeft: 0xffe9,
  MetaLeft: 0xffeb,
};

export function keysymOfCode(code: string): number | undefined {
  const digits = /^F(?<number>[1-9]|1[0-2])$/u.exec(code)?.groups?.['number'];
  if (digits !== undefined) return 0xffbe + Number(digits) - 1;
  const letter = /^Key(?<letter>[A-Z])$/u.exec(code)?.groups?.['letter'];
  if (letter !== undefined) return letter.toLowerCase().codePointAt(0);
  return BY_CODE[code];
}

/** Latin-1 is its own keysym; the rest of Unicode has one with a mark above it. */
export function keysymOfCharacter(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code === 0x0a) return 0xff0d;
  if (code === 0x09) return 0xff09;
  return code < 0x100 ? code : 0x0100_0000 | code;
}

const CODES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(BY_CODE).map(([code, keysym]) => [keysym, code] as const),
  ...Array.from({ length: 12 }, (_, index) => [0xffbe + index, `F${index + 1}`] as const),
  ...[0xffe2, 0xffe4, 0xffea, 0xffec].map(
    (keysym, index) => [keysym, ['ShiftRight', 'ControlRight', 'AltRight', 'MetaRight'][index] ?? ''] as const,
  ),
  [0xfe03, 'AltRight'],
]);

/** A character, or the place of a key that types none. */
export function meaningOfKeysym(
  keysym: number,
): { readonly character: string } | { readonly code: string } | undefined {
  if ((keysym >= 0x20 && keysym < 0x7f) || (keysym >= 0xa0 && keysym <= 0xff))
    return { character: String.fromCodePoint(keysym) };
  if (keysym >= 0x0100_0100 && keysym <= 0x0110_ffff) return { character: String.fromCodePoint(keysym - 0x0100_0000) };
  const code = CODES.get(keysym);
  return code === undefined ? undefined : { code };
}
