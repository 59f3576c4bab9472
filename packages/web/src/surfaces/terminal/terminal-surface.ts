import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal, type ITheme } from '@xterm/xterm';
import { MONOSPACE } from '../../theme/theme.ts';
import { openableLink } from './links.ts';
import { letSpansBeStyled } from './span-styles.ts';
import { TransferWatch, type TransferKind } from './transfer-watch.ts';

export interface TerminalSettings {
  readonly theme: ITheme;
  readonly fontSize: number;
  readonly screenReader: boolean;
  readonly cursorBlink: boolean;
}

export interface TerminalEvents {
  readonly onInput: (bytes: Uint8Array) => void;
  readonly onResize: (size: { readonly columns: number; readonly rows: number }) => void;
  readonly onLink: (url: URL) => void;
  readonly onMatches: (index: number, count: number) => void;
  readonly onCopied: () => void;
  /** The keyboard way out of the terminal. */
  readonly onLeave: () => void;
  readonly onMenu: () => void;
  readonly onFind: () => void;
  /** A program on the machine begins to move files through the terminal. */
  readonly onTransfer: (kind: TransferKind) => void;
}

const SCROLLBACK = 10_000;
const LEAVE_WITHIN_MS = 400;
/** Clipboard (OSC 52) and titles are the target's words: this surface gives them no power. */
const IGNORED_OSC = [0, 1, 2, 52] as const;

const isModified = (event: KeyboardEvent): boolean => event.ctrlKey || event.altKey || event.metaKey || event.shiftKey;

/** xterm.js with what a session needs of it. The owner feeds bytes and disposes it. */
export class TerminalSurface implements Disposable {
  readonly #terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon({ highlightLimit: 2000 });
  readonly #observer: ResizeObserver;
  readonly #events: TerminalEvents;
  readonly #encoder = new TextEncoder();
  readonly #transfers = new TransferWatch();
  #escapedAt = -Infinity;
  /** What comes first is how the screen was; nothing in it begins now. */
  #isPast = true;

  constructor(host: HTMLElement, settings: TerminalSettings, events: TerminalEvents) {
    letSpansBeStyled();
    this.#events = events;
    const link = (text: string): void => {
      const url = openableLink(text);
      if (url !== undefined) events.onLink(url);
    };
    this.#terminal = new Terminal({
      allowProposedApi: true,
      fontFamily: MONOSPACE,
      fontSize: settings.fontSize,
      lineHeight: 1.15,
      theme: settings.theme,
      cursorBlink: settings.cursorBlink,
      screenReaderMode: settings.screenReader,
      scrollback: SCROLLBACK,
      minimumContrastRatio: 4.5,
      macOptionIsMeta: true,
      rightClickSelectsWord: true,
      smoothScrollDuration: 0,
      linkHandler: { activate: (_event, text) => link(text), allowNonHttpProtocols: false },
    });
    const terminal = this.#terminal;
    terminal.loadAddon(this.#fit);
    terminal.loadAddon(this.#search);
    terminal.loadAddon(new UnicodeGraphemesAddon());
    terminal.loadAddon(new WebLinksAddon((_event, text) => link(text)));
    for (const code of IGNORED_OSC) terminal.parser.registerOscHandler(code, () => true);
    terminal.open(host);
    this.#renderWithWebgl();
    terminal.onData((text) => events.onInput(this.#encoder.encode(text)));
    terminal.onBinary((text) => events.onInput(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => events.onResize({ columns: cols, rows }));
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) => events.onMatches(resultIndex, resultCount));
    this.#observer = new ResizeObserver(() => this.fit());
    this.#observer.observe(host);
    this.fit();
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#terminal.cols, rows: this.#terminal.rows };
  }

  write(bytes: Uint8Array): Promise<void> {
    const transfer = this.#isPast ? undefined : this.#transfers.push(bytes);
    this.#isPast = false;
    if (transfer !== undefined) this.#events.onTransfer(transfer);
    return new Promise((resolve) => this.#terminal.write(bytes, resolve));
  }

  reset(): void {
    this.#terminal.reset();
    this.#transfers.forget();
    this.#isPast = true;
  }

  focus(): void {
    this.#terminal.focus();
  }

  fit(): void {
    this.#fit.fit();
  }

  /** As if typed. */
  type(text: string): void {
    this.#terminal.input(text, true);
  }

  /** Bracketed where the target asked for it (DECSET 2004). */
  paste(text: string): void {
    this.#terminal.paste(text);
    this.#terminal.focus();
  }

  /** How many lines a paste would run if the target does not tell pasted from typed text. */
  unbracketedLines(text: string): number {
    return this.#terminal.modes.bracketedPasteMode ? 0 : text.replace(/\r?\n$/u, '').split(/\r?\n/u).length - 1;
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  async copy(): Promise<boolean> {
    if (!this.#terminal.hasSelection()) return false;
    await navigator.clipboard.writeText(this.#terminal.getSelection());
    this.#events.onCopied();
    return true;
  }

  selectAll(): void {
    this.#terminal.selectAll();
  }

  find(text: string, direction: 'next' | 'previous'): void {
    const style = getComputedStyle(document.documentElement);
    const decorations = {
      matchBackground: '#6b5413',
      matchOverviewRuler: '#e5ae4d',
      activeMatchBackground: '#b92f19',
      activeMatchColorOverviewRuler: style.getPropertyValue('--accent').trim() || '#f28b79',
    };
    if (text === '') this.#search.clearDecorations();
    else if (direction === 'next') this.#search.findNext(text, { decorations, incremental: false });
    else this.#search.findPrevious(text, { decorations });
  }

  endFind(): void {
    this.#search.clearDecorations();
    this.#terminal.clearSelection();
    this.#terminal.focus();
  }

  apply(settings: TerminalSettings): void {
    const { options } = this.#terminal;
    options.theme = settings.theme;
    options.fontSize = settings.fontSize;
    options.screenReaderMode = settings.screenReader;
    options.cursorBlink = settings.cursorBlink;
    this.fit();
  }

  [Symbol.dispose](): void {
    this.#observer.disconnect();
    this.#terminal.dispose();
  }

  #renderWithWebgl(): void {
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => {
        webgl.dispose();
        // The letters of xterm's own renderer have another width.
        this.fit();
      });
      this.#terminal.loadAddon(webgl);
    } catch {
      // No WebGL 2 here: xterm's own renderer stays in place.
    }
  }

  #key(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    const letter = event.key.toLowerCase();
    const bothShifted = event.ctrlKey && event.shiftKey && !event.altKey;
    const apple = event.metaKey && !event.ctrlKey && !event.altKey;
    if (event.key === 'Shift' && event.ctrlKey && event.altKey) {
      this.#events.onMenu();
      return false;
    }
    if ((bothShifted || apple) && letter === 'c') {
      event.preventDefault();
      void this.copy();
      return false;
    }
    if ((bothShifted || apple) && letter === 'f') {
      event.preventDefault();
      this.#events.onFind();
      return false;
    }
    // The browser's own paste command reaches xterm's text area as a paste event.
    if ((bothShifted || apple) && letter === 'v') return false;
    if (event.key === 'Escape' && !isModified(event)) {
      const twice = event.timeStamp - this.#escapedAt < LEAVE_WITHIN_MS;
      this.#escapedAt = twice ? -Infinity : event.timeStamp;
      if (twice) this.#events.onLeave();
    } else {
      this.#escapedAt = -Infinity;
    }
    return true;
  }
}
