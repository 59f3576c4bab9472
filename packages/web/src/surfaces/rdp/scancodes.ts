/** Scan codes of set 1 by the place of the key; 0xe000 marks extended ones. [MS-RDPBCGR] 2.2.8.1.1.3.1.1.1, https://www.w3.org/TR/uievents-code/ */
const ROWS: readonly (readonly [first: number, codes: readonly string[]])[] = [
  [
    0x01,
    [
      'Escape',
      ...Array.from('1234567890', (digit) => `Digit${digit}`),
      ...['Minus', 'Equal', 'Backspace', 'Tab'],
      ...Array.from('QWERTYUIOP', (letter) => `Key${letter}`),
      ...['BracketLeft', 'BracketRight', 'Enter', 'ControlLeft'],
      ...Array.from('ASDFGHJKL', (letter) => `Key${letter}`),
      ...['Semicolon', 'Quote', 'Backquote', 'ShiftLeft', 'Backslash'],
      ...Array.from('ZXCVBNM', (letter) => `Key${letter}`),
      ...['Comma', 'Period', 'Slash', 'ShiftRight', 'NumpadMultiply', 'AltLeft', 'Space', 'CapsLock'],
      ...Array.from({ length: 10 }, (_, index) => `F${index + 1}`),
      ...['NumLock', 'ScrollLock', 'Numpad7', 'Numpad8', 'Numpad9', 'NumpadSubtract', 'Numpad4', 'Numpad5', 'Numpad6'],
      ...['NumpadAdd', 'Numpad1', 'Numpad2', 'Numpad3', 'Numpad0', 'NumpadDecimal'],
    ],
  ],
  [0x56, ['IntlBackslash', 'F11', 'F12']],
  [0x64, Array.from({ length: 11 }, (_, index) => `F${index + 13}`)],
  [0xe010, ['MediaTrackPrevious']],
  [0xe019, ['MediaTrackNext']],
  [0xe01c, ['NumpadEnter', 'ControlRight']],
  [0xe020, ['AudioVolumeMute', 'LaunchApp2', 'MediaPlayPause']],
  [0xe02e, ['AudioVolumeDown']],
  [0xe030, ['AudioVolumeUp']],
  [0xe035, ['NumpadDivide']],
  [0xe037, ['PrintScreen', 'AltRight']],
  [0xe046, ['Pause', 'Home', 'ArrowUp', 'PageUp']],
  [0xe04b, ['ArrowLeft']],
  [0xe04d, ['ArrowRight']],
  [0xe04f, ['End', 'ArrowDown', 'PageDown', 'Insert', 'Delete']],
  [0xe05b, ['MetaLeft', 'MetaRight', 'ContextMenu']],
  [0x70, ['KanaMode']],
  [0x73, ['IntlRo']],
  [0x79, ['Convert']],
  [0x7b, ['NonConvert']],
  [0x7d, ['IntlYen']],
];

const SCANCODES: ReadonlyMap<string, number> = new Map(
  ROWS.flatMap(([first, codes]) => codes.map((code, index) => [code, first + index] as const)),
);

export function scancodeOf(code: string): number | undefined {
  return SCANCODES.get(code);
}

const PLACES: ReadonlyMap<number, string> = new Map([...SCANCODES].map(([code, scancode]) => [scancode, code]));

/** The place of a key on the keyboard, as the browser calls it. */
export function codeOfScancode(scancode: number): string | undefined {
  return PLACES.get(scancode);
}
