/** What a VT terminal receives for the keys a browser keeps to itself (xterm ctlseqs, "PC-Style Function Keys"). */
const FUNCTION_KEYS = [
  '\x1bOP',
  '\x1bOQ',
  '\x1bOR',
  '\x1bOS',
  '\x1b[15~',
  '\x1b[17~',
  '\x1b[18~',
  '\x1b[19~',
  '\x1b[20~',
  '\x1b[21~',
  '\x1b[23~',
  '\x1b[24~',
] as const;

export interface KeyChoice {
  readonly label: string;
  readonly bytes: string;
}

export const BROWSER_KEYS: readonly KeyChoice[] = [
  ...['W', 'T', 'N', 'R', 'L', 'F', 'P', 'S'].map((letter) => ({ label: `Ctrl+${letter}`, bytes: control(letter) })),
  { label: 'Ctrl+Space', bytes: '\x00' },
  { label: 'Alt+Tab', bytes: '\x1b\t' },
  { label: 'Shift+Tab', bytes: '\x1b[Z' },
];

export const FUNCTION_KEY_CHOICES: readonly KeyChoice[] = FUNCTION_KEYS.map((bytes, index) => ({
  label: `F${index + 1}`,
  bytes,
}));

/** The control character of a key (ECMA-48 C0): the low five bits of `@` to `_`; undefined characters stay as they are. */
export function control(character: string): string {
  const upper = character.toUpperCase();
  if (upper === ' ') return '\x00';
  if (upper === '?') return '\x7f';
  return /^[@-_]$/u.test(upper) ? String.fromCharCode(upper.charCodeAt(0) & 0x1f) : character;
}

export type Sticky = 'off' | 'once' | 'locked';

export interface Modifiers {
  readonly ctrl: Sticky;
  readonly alt: Sticky;
}

export function nextSticky(state: Sticky): Sticky {
  return state === 'off' ? 'once' : state === 'once' ? 'locked' : 'off';
}

const CURSOR = /^\x1b(?:\[|O)([A-DHF])$/u;

/** What is typed on a phone's keyboard, with the key row's modifiers applied. */
export function modified(typed: string, modifiers: Modifiers): string {
  const cursor = CURSOR.exec(typed)?.[1];
  const ctrl = modifiers.ctrl !== 'off';
  const alt = modifiers.alt !== 'off';
  if (cursor !== undefined && (ctrl || alt)) return `\x1b[1;${1 + (alt ? 2 : 0) + (ctrl ? 4 : 0)}${cursor}`;
  const bytes = ctrl && [...typed].length === 1 ? control(typed) : typed;
  return alt && [...typed].length === 1 ? `\x1b${bytes}` : bytes;
}

export function afterUse(modifiers: Modifiers): Modifiers {
  return {
    ctrl: modifiers.ctrl === 'once' ? 'off' : modifiers.ctrl,
    alt: modifiers.alt === 'once' ? 'off' : modifiers.alt,
  };
}
