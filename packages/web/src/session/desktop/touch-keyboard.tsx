import { ActionIcon, Button } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useLayoutEffect, useState } from 'react';
import { useText } from '../../i18n/text.tsx';
import type { KeyCombination } from './desktop-surface.ts';
import { followVisiblePart } from './visible-part.ts';

const MODIFIERS = [
  { label: 'Ctrl', code: 'ControlLeft' },
  { label: 'Alt', code: 'AltLeft' },
  { label: 'Meta', code: 'MetaLeft' },
] as const;
const KEYS = [
  { label: 'Esc', code: 'Escape' },
  { label: 'Tab', code: 'Tab' },
  { label: '←', code: 'ArrowLeft' },
  { label: '↓', code: 'ArrowDown' },
  { label: '↑', code: 'ArrowUp' },
  { label: '→', code: 'ArrowRight' },
  { label: 'Del', code: 'Delete' },
] as const;
/** Keys that a soft keyboard names although it types no character. */
const NAMED = new Set(['Enter', 'Backspace', 'Tab', 'Escape', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']);
/** Always in the field, so that a soft keyboard has something to delete. */
const FILLER = '\u200b\u200b\u200b\u200b';

/** Brings up the device's own keyboard and adds the keys that it lacks. */
export function TouchKeyboard(props: {
  readonly onType: (text: string) => void;
  readonly onPress: (combination: KeyCombination) => void;
  readonly onClose: () => void;
}) {
  const text = useText();
  const [held, setHeld] = useState<readonly string[]>([]);
  useLayoutEffect(followVisiblePart, []);
  const press = (code: string): void => {
    props.onPress({ label: code, codes: [...held, code] });
    setHeld([]);
  };
  const type = (typed: string): void => {
    const [only] = typed;
    if (held.length > 0 && only !== undefined && typed.length === 1 && /[a-z]/iu.test(only))
      press(`Key${only.toUpperCase()}`);
    else props.onType(typed);
  };
  return (
    <div className="touch-keyboard" role="group" aria-label={text('desktop.keyboard')}>
      <div className="touch-keys">
        {MODIFIERS.map(({ label, code }) => (
          <Button
            key={code}
            size="compact-sm"
            variant={held.includes(code) ? 'filled' : 'default'}
            aria-pressed={held.includes(code)}
            onClick={() => setHeld(held.includes(code) ? held.filter((one) => one !== code) : [...held, code])}
          >
            {label}
          </Button>
        ))}
        {KEYS.map(({ label, code }) => (
          <Button key={code} size="compact-sm" variant="default" aria-label={code} onClick={() => press(code)}>
            {label}
          </Button>
        ))}
        <ActionIcon aria-label={text('common.close')} onClick={props.onClose}>
          <IconX size={16} aria-hidden />
        </ActionIcon>
      </div>
      <textarea
        className="touch-field"
        autoFocus
        autoCapitalize="off"
        autoComplete="off"
        autoCorrect="off"
        spellCheck={false}
        rows={1}
        aria-label={text('desktop.keyboard-field')}
        value={FILLER}
        onChange={(event) => {
          const { value } = event.currentTarget;
          if (value.length < FILLER.length) press('Backspace');
          else type(value.replaceAll('\u200b', ''));
        }}
        onKeyDown={(event) => {
          if (!NAMED.has(event.key)) return;
          event.preventDefault();
          press(event.key);
        }}
      />
    </div>
  );
}
