import '@xterm/xterm/css/xterm.css';
import './terminal.css';
import { Button, Group, Stack, Text } from '@mantine/core';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react';
import { Modal } from '../../components/layer.tsx';
import { useText } from '../../i18n/text.tsx';
import { KeyRow } from './key-row.tsx';
import { afterUse, modified, type Modifiers } from './keys.ts';
import { SearchBar, type MatchCount } from './search-bar.tsx';
import type { TerminalChoices } from './settings.ts';
import { TerminalSurface } from './terminal-surface.ts';
import type { TransferKind } from './transfer-watch.ts';
import { terminalTheme } from './terminal-themes.ts';

export interface TerminalHandle {
  readonly surface: () => TerminalSurface | undefined;
  readonly openSearch: () => void;
  readonly requestPaste: () => void;
}

export interface TerminalViewProps {
  readonly ref: Ref<TerminalHandle>;
  readonly label: string;
  readonly choices: TerminalChoices;
  readonly readOnly: boolean;
  readonly onReady: (surface: TerminalSurface) => void;
  readonly onInput: (bytes: Uint8Array) => void;
  readonly onResize: (size: { readonly columns: number; readonly rows: number }) => void;
  readonly onLeave: () => void;
  readonly onMenu: () => void;
  readonly onCopied: () => void;
  readonly onTransfer: (kind: TransferKind) => void;
}

const NO_MODIFIERS: Modifiers = { ctrl: 'off', alt: 'off' };
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function TerminalView(props: TerminalViewProps) {
  const text = useText();
  const scheme = useComputedColorScheme('dark');
  const host = useRef<HTMLDivElement>(null);
  const surface = useRef<TerminalSurface>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const [link, setLink] = useState<URL>();
  const [pasting, setPasting] = useState<string>();
  const [searching, setSearching] = useState(false);
  const [matches, setMatches] = useState<MatchCount>({ index: -1, count: 0 });
  const [modifiers, setModifiers] = useState(NO_MODIFIERS);
  const held = useRef(modifiers);
  held.current = modifiers;

  const settings = {
    theme: terminalTheme(props.choices.theme, scheme),
    fontSize: props.choices.fontSize,
    screenReader: props.choices.screenReader,
    cursorBlink: props.choices.cursorBlink,
  };
  const first = useRef(settings);

  const offerPaste = (content: string): void => {
    const current = surface.current;
    if (current === undefined || content === '' || latest.current.readOnly) return;
    if (current.unbracketedLines(content) > 0) setPasting(content);
    else current.paste(content);
  };

  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const created = new TerminalSurface(element, first.current, {
      onInput: (bytes) => {
        if (latest.current.readOnly) return;
        const { ctrl, alt } = held.current;
        if (ctrl === 'off' && alt === 'off') return latest.current.onInput(bytes);
        latest.current.onInput(encoder.encode(modified(decoder.decode(bytes), held.current)));
        setModifiers(afterUse(held.current));
      },
      onResize: (size) => latest.current.onResize(size),
      onLink: setLink,
      onMatches: (index, count) => setMatches({ index, count }),
      onCopied: () => latest.current.onCopied(),
      onLeave: () => {
        if (latest.current.choices.escapeLeaves) latest.current.onLeave();
      },
      onMenu: () => latest.current.onMenu(),
      onFind: () => setSearching(true),
      onTransfer: (kind) => {
        if (!latest.current.readOnly) latest.current.onTransfer(kind);
      },
    });
    surface.current = created;
    const onPaste = (event: ClipboardEvent): void => {
      const content = event.clipboardData?.getData('text/plain') ?? '';
      event.preventDefault();
      event.stopPropagation();
      offerPaste(content);
    };
    element.addEventListener('paste', onPaste, true);
    latest.current.onReady(created);
    created.focus();
    return () => {
      element.removeEventListener('paste', onPaste, true);
      created[Symbol.dispose]();
      surface.current = undefined;
    };
  }, []);

  useEffect(() => surface.current?.apply(settings));

  useImperativeHandle(props.ref, () => ({
    surface: () => surface.current,
    openSearch: () => setSearching(true),
    requestPaste: () => {
      navigator.clipboard.readText().then(offerPaste, () => surface.current?.focus());
    },
  }));

  return (
    <div className="terminal" style={{ background: settings.theme.background }}>
      {searching && (
        <SearchBar
          matches={matches}
          onFind={(words, direction) => surface.current?.find(words, direction)}
          onClose={() => {
            setSearching(false);
            surface.current?.endFind();
          }}
        />
      )}
      <div ref={host} className="terminal-host" role="region" aria-label={props.label} />
      {!props.readOnly && (
        <KeyRow modifiers={modifiers} onModifiers={setModifiers} onType={(bytes) => surface.current?.type(bytes)} />
      )}
      <Modal opened={link !== undefined} onClose={() => setLink(undefined)} title={text('terminal.link-title')}>
        <Stack>
          <Text size="sm">{text('terminal.link-body', { host: link?.host ?? '' })}</Text>
          <code className="terminal-quote">{link?.href}</code>
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setLink(undefined)}>
              {text('common.cancel')}
            </Button>
            <Button
              component="a"
              href={link?.href ?? ''}
              target="_blank"
              rel="noopener noreferrer"
              onClick={() => setLink(undefined)}
            >
              {text('terminal.link-open')}
            </Button>
          </Group>
        </Stack>
      </Modal>
      <Modal opened={pasting !== undefined} onClose={() => setPasting(undefined)} title={text('terminal.paste-title')}>
        <Stack>
          <Text size="sm">{text('terminal.paste-body')}</Text>
          <pre className="terminal-quote">{pasting}</pre>
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setPasting(undefined)}>
              {text('common.cancel')}
            </Button>
            <Button
              data-autofocus
              onClick={() => {
                surface.current?.paste(pasting ?? '');
                setPasting(undefined);
              }}
            >
              {text('terminal.paste')}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </div>
  );
}
