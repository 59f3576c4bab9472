import { useLocalStorage } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { meQuery, usePreferenceChange } from '../../api/me.ts';

export interface TerminalChoices {
  readonly theme: string;
  readonly fontSize: number;
  readonly screenReader: boolean;
  readonly cursorBlink: boolean;
  /** Whether Esc twice gives the keyboard back to the page. */
  readonly escapeLeaves: boolean;
}

export const SMALLEST_FONT = 9;
export const LARGEST_FONT = 28;
const DEFAULTS: TerminalChoices = {
  theme: 'auto',
  fontSize: 14,
  screenReader: false,
  cursorBlink: false,
  escapeLeaves: true,
};

/** What was stored, with the default for whatever is missing or not of its kind. */
export function parseChoices(stored: string | undefined): TerminalChoices {
  let value: unknown;
  try {
    value = JSON.parse(stored ?? '{}');
  } catch {
    value = {};
  }
  const given = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const flag = (name: 'screenReader' | 'cursorBlink' | 'escapeLeaves'): boolean =>
    typeof given[name] === 'boolean' ? given[name] : DEFAULTS[name];
  const size =
    typeof given['fontSize'] === 'number' && Number.isFinite(given['fontSize']) ? given['fontSize'] : DEFAULTS.fontSize;
  return {
    theme: typeof given['theme'] === 'string' ? given['theme'] : DEFAULTS.theme,
    fontSize: Math.min(LARGEST_FONT, Math.max(SMALLEST_FONT, Math.round(size))),
    screenReader: flag('screenReader'),
    cursorBlink: flag('cursorBlink'),
    escapeLeaves: flag('escapeLeaves'),
  };
}

/** The person's, wherever they sign in; this browser keeps a copy, so that the terminal opens with them at once. */
export function useTerminalChoices(): readonly [TerminalChoices, (change: Partial<TerminalChoices>) => void] {
  const [choices, setChoices] = useLocalStorage<TerminalChoices>({
    key: 'enchilada-terminal',
    defaultValue: DEFAULTS,
    deserialize: parseChoices,
    getInitialValueInEffect: false,
  });
  const changePreferences = usePreferenceChange();
  const stored = useQuery(meQuery).data?.preferences['terminal'];
  useEffect(() => {
    if (typeof stored === 'string') setChoices(parseChoices(stored));
  }, [stored, setChoices]);
  return [
    choices,
    (change) => {
      const next = { ...choices, ...change };
      setChoices(next);
      changePreferences({ terminal: JSON.stringify(next) });
    },
  ];
}
