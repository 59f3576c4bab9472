import { Tooltip } from '@mantine/core';
import { useClickOutside } from '@mantine/hooks';
import type { Icon } from '@tabler/icons-react';
import { useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';

export interface FactProps {
  /** By which a style or a test finds it. */
  readonly name: string;
  readonly tone?: 'warn';
  /** Without one it has the dot of what is recorded. */
  readonly icon?: Icon;
  readonly word: string;
  /** Stands for the word on a phone, where without one the icon stands alone. */
  readonly short?: string;
}

/** What a session is, in one word. */
export function Fact(props: FactProps) {
  return (
    <span className="bar-fact" data-tone={props.tone} data-fact={props.name}>
      <FactContent {...props} />
    </span>
  );
}

/** A fact that says what it means to whoever asks: by pointer, by key or by finger. */
export function ExplainedFact(props: FactProps & { readonly help: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const button = useClickOutside<HTMLButtonElement>(() => setOpen(false));
  const onMouse = (open: boolean) => (event: PointerEvent) => {
    if (event.pointerType === 'mouse') setOpen(open);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !isOpen) return;
    event.stopPropagation();
    setOpen(false);
  };
  return (
    <Tooltip label={props.help} opened={isOpen} multiline maw={280}>
      <button
        ref={button}
        type="button"
        className="bar-fact bar-explained"
        data-tone={props.tone}
        data-fact={props.name}
        // The focus stays where somebody types, and on a phone the keyboard with it.
        onMouseDown={(event) => event.preventDefault()}
        onPointerEnter={onMouse(true)}
        onPointerLeave={onMouse(false)}
        onClick={() => setOpen((open) => !open)}
        onFocus={(event) => setOpen(event.currentTarget.matches(':focus-visible'))}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      >
        <FactContent {...props} />
      </button>
    </Tooltip>
  );
}

function FactContent(props: FactProps) {
  const { icon: Icon } = props;
  return (
    <>
      {Icon === undefined ? <span className="dot" aria-hidden /> : <Icon size={14} aria-hidden />}
      <span className="bar-word">{props.word}</span>
      {props.short !== undefined && (
        <span className="bar-short" aria-hidden>
          {props.short}
        </span>
      )}
    </>
  );
}
