import { UnstyledButton } from '@mantine/core';
import { useText } from '../../i18n/text.tsx';
import { nextSticky, type Modifiers } from './keys.ts';

const KEYS: readonly (readonly [label: string, bytes: string])[] = [
  ['Esc', '\x1b'],
  ['Tab', '\t'],
  ['↑', '\x1b[A'],
  ['↓', '\x1b[B'],
  ['←', '\x1b[D'],
  ['→', '\x1b[C'],
  ['/', '/'],
  ['|', '|'],
  ['-', '-'],
];

/** The keys that a phone's keyboard lacks. Ctrl and Alt hold for the next key, and stay after a second tap. */
export function KeyRow(props: {
  readonly modifiers: Modifiers;
  readonly onModifiers: (modifiers: Modifiers) => void;
  readonly onType: (bytes: string) => void;
}) {
  const text = useText();
  const { modifiers } = props;
  const keep = (event: { preventDefault: () => void }): void => event.preventDefault();
  return (
    <div className="key-row" role="toolbar" aria-label={text('terminal.keys')}>
      {KEYS.slice(0, 2).map(([label, bytes]) => (
        <UnstyledButton key={label} className="key" onPointerDown={keep} onClick={() => props.onType(bytes)}>
          {label}
        </UnstyledButton>
      ))}
      {(['ctrl', 'alt'] as const).map((name) => (
        <UnstyledButton
          key={name}
          className="key"
          data-sticky={modifiers[name]}
          aria-pressed={modifiers[name] !== 'off'}
          onPointerDown={keep}
          onClick={() => props.onModifiers({ ...modifiers, [name]: nextSticky(modifiers[name]) })}
        >
          {name === 'ctrl' ? 'Ctrl' : 'Alt'}
        </UnstyledButton>
      ))}
      {KEYS.slice(2).map(([label, bytes]) => (
        <UnstyledButton key={label} className="key" onPointerDown={keep} onClick={() => props.onType(bytes)}>
          {label}
        </UnstyledButton>
      ))}
    </div>
  );
}
