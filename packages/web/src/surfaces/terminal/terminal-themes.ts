import type { ITheme } from '@xterm/xterm';

const DARK: ITheme = {
  background: '#111113',
  foreground: '#e4e4e7',
  cursor: '#f28b79',
  cursorAccent: '#111113',
  selectionBackground: '#4a4a55',
  selectionInactiveBackground: '#36363d',
  black: '#26262b',
  red: '#f07171',
  green: '#7fcb8e',
  yellow: '#e2b857',
  blue: '#7fb0f0',
  magenta: '#cf9bea',
  cyan: '#6fc9cf',
  white: '#d6d6db',
  brightBlack: '#7b7b85',
  brightRed: '#ff9c92',
  brightGreen: '#a5e3b0',
  brightYellow: '#f4d689',
  brightBlue: '#a9cbff',
  brightMagenta: '#e4bffa',
  brightCyan: '#9ce3e7',
  brightWhite: '#ffffff',
};

const LIGHT: ITheme = {
  background: '#fdfdfd',
  foreground: '#232328',
  cursor: '#b92f19',
  cursorAccent: '#ffffff',
  selectionBackground: '#cfdcf2',
  selectionInactiveBackground: '#e3e3e6',
  black: '#232328',
  red: '#b3261e',
  green: '#18753c',
  yellow: '#855400',
  blue: '#1f5fbf',
  magenta: '#8a35b0',
  cyan: '#0f6e78',
  white: '#6a6a73',
  brightBlack: '#52525a',
  brightRed: '#cf3a22',
  brightGreen: '#1f8a48',
  brightYellow: '#9a6300',
  brightBlue: '#2f72d6',
  brightMagenta: '#a04cc7',
  brightCyan: '#15818c',
  brightWhite: '#3a3a41',
};

const CONTRAST: ITheme = {
  background: '#000000',
  foreground: '#ffffff',
  cursor: '#ffff00',
  cursorAccent: '#000000',
  selectionBackground: '#ffffff',
  selectionForeground: '#000000',
  black: '#000000',
  red: '#ff6b6b',
  green: '#5dff5d',
  yellow: '#ffff5d',
  blue: '#8ab8ff',
  magenta: '#ff8aff',
  cyan: '#5dffff',
  white: '#ffffff',
  brightBlack: '#b0b0b0',
  brightRed: '#ff9a9a',
  brightGreen: '#9aff9a',
  brightYellow: '#ffff9a',
  brightBlue: '#b5d2ff',
  brightMagenta: '#ffb5ff',
  brightCyan: '#b5ffff',
  brightWhite: '#ffffff',
};

const PAPER: ITheme = {
  background: '#fbf6ea',
  foreground: '#3b362c',
  cursor: '#9d2715',
  cursorAccent: '#fbf6ea',
  selectionBackground: '#e8dcc0',
  black: '#3b362c',
  red: '#a8281b',
  green: '#4d6a12',
  yellow: '#8a5a00',
  blue: '#27598f',
  magenta: '#7f3a77',
  cyan: '#1c6660',
  white: '#6d6656',
  brightBlack: '#5f594b',
  brightRed: '#c23a2a',
  brightGreen: '#5f7f1e',
  brightYellow: '#9c6a0a',
  brightBlue: '#356ba6',
  brightMagenta: '#94508b',
  brightCyan: '#2a7a73',
  brightWhite: '#4b4538',
};

export const TERMINAL_THEMES = {
  dark: DARK,
  light: LIGHT,
  contrast: CONTRAST,
  paper: PAPER,
} as const satisfies Readonly<Record<string, ITheme>>;
export type TerminalTheme = keyof typeof TERMINAL_THEMES;
export const TERMINAL_THEME_NAMES = Object.keys(TERMINAL_THEMES) as readonly TerminalTheme[];

/** `auto` follows the interface. */
export function terminalTheme(choice: string, scheme: 'light' | 'dark'): ITheme {
  return Object.hasOwn(TERMINAL_THEMES, choice) ? TERMINAL_THEMES[choice as TerminalTheme] : TERMINAL_THEMES[scheme];
}
