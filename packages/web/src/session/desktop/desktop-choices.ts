import { useLocalStorage } from '@mantine/hooks';

/** `fit`: the whole desktop in the window. `actual`: one pixel of the desktop for one of the page. `device`: for one of the screen. */
export const SCALE_MODES = ['fit', 'actual', 'device'] as const;
export type ScaleMode = (typeof SCALE_MODES)[number];

export interface DesktopChoices {
  readonly scale: ScaleMode;
  /** Whether the machine's desktop takes the size of the window, where it can. */
  readonly resize: boolean;
  /** What keyboard the machine is told of: a language tag, or the browser's language. */
  readonly keyboard: string;
}

export const BROWSER_KEYBOARD = 'browser';
const DEFAULTS: DesktopChoices = { scale: 'fit', resize: true, keyboard: BROWSER_KEYBOARD };

/** What was stored, with the default for whatever is missing or not of its kind. */
export function parseDesktopChoices(stored: string | undefined): DesktopChoices {
  let value: unknown;
  try {
    value = JSON.parse(stored ?? '{}');
  } catch {
    value = {};
  }
  const { scale, resize, keyboard } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  return {
    scale: SCALE_MODES.find((mode) => mode === scale) ?? DEFAULTS.scale,
    resize: typeof resize === 'boolean' ? resize : DEFAULTS.resize,
    keyboard: typeof keyboard === 'string' ? keyboard : DEFAULTS.keyboard,
  };
}

export function useDesktopChoices(): readonly [DesktopChoices, (change: Partial<DesktopChoices>) => void] {
  const [choices, setChoices] = useLocalStorage<DesktopChoices>({
    key: 'enchilada-desktop',
    defaultValue: DEFAULTS,
    deserialize: parseDesktopChoices,
    getInitialValueInEffect: false,
  });
  return [choices, (change) => setChoices({ ...choices, ...change })];
}
