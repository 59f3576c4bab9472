import type { TimedRecordingEvent } from '@enchilada/core/recording';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal, type ITheme } from '@xterm/xterm';
import { letSpansBeStyled } from '../surfaces/terminal/span-styles.ts';
import { MONOSPACE } from '../theme/theme.ts';
import { swallowQuestions } from './swallow-questions.ts';
import { cellMeasure, fittingFont, LARGEST_FONT } from './fitting-font.ts';
import type { Base } from './recording-index.ts';
import type { Stage } from './stage.ts';

const LINE_HEIGHT = 1.15;
const MARGIN = { width: 24, height: 8 };
const BYTES_IN_FLIGHT = 1024 * 1024;
/** Pieces that go to the terminal at once. */
const PIECE_BYTES = 64 * 1024;

/**
 * A terminal that shows and never answers. INVARIANT: nothing listens to what the terminal would send, and what asks for an
 * answer, a title, a link or the clipboard is swallowed before it takes effect.
 */
export class PlaybackScreen implements Stage {
  readonly isDecoder = false;
  readonly #terminal: Terminal;
  readonly #host: HTMLElement;
  readonly #observer: ResizeObserver;
  readonly #cell = cellMeasure(MONOSPACE, LINE_HEIGHT);
  #pending = 0;

  constructor(host: HTMLElement, theme: ITheme) {
    letSpansBeStyled();
    this.#host = host;
    this.#terminal = new Terminal({
      allowProposedApi: true,
      disableStdin: true,
      fontFamily: MONOSPACE,
      fontSize: LARGEST_FONT,
      lineHeight: LINE_HEIGHT,
      theme,
      scrollback: 1000,
      cursorBlink: false,
      cursorInactiveStyle: 'block',
      linkHandler: { activate: () => undefined },
      minimumContrastRatio: 4.5,
    });
    this.#terminal.loadAddon(new UnicodeGraphemesAddon());
    swallowQuestions(this.#terminal.parser);
    this.#terminal.open(host);
    this.#terminal.textarea?.setAttribute('tabindex', '-1');
    this.#terminal.attachCustomKeyEventHandler(() => false);
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.#terminal.loadAddon(webgl);
    } catch {
      // No WebGL 2 here: xterm's own renderer stays in place.
    }
    this.#observer = new ResizeObserver(() => this.fit());
    this.#observer.observe(host);
  }

  /** Whether the terminal is behind with drawing; playback waits for it. */
  get busy(): boolean {
    return this.#pending > BYTES_IN_FLIGHT;
  }

  restart(base: Base): void {
    this.reset(base.columns, base.rows);
    this.write(base.screen);
  }

  /** What follows each other goes in one piece. */
  async draw(events: readonly TimedRecordingEvent[]): Promise<void> {
    let held: Uint8Array[] = [];
    let heldBytes = 0;
    const write = (): void => {
      if (heldBytes > 0) this.write(joined(held, heldBytes));
      held = [];
      heldBytes = 0;
    };
    for (const { event } of events) {
      if (event.kind === 'output') {
        held.push(event.bytes);
        heldBytes += event.bytes.length;
        if (heldBytes >= PIECE_BYTES) write();
      } else if (event.kind === 'resize') {
        write();
        await this.flush();
        this.resize(event.columns, event.rows);
      }
    }
    write();
  }

  write(data: string | Uint8Array): void {
    this.#pending += data.length;
    this.#terminal.write(data, () => {
      this.#pending -= data.length;
    });
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.#terminal.write('', resolve));
  }

  reset(columns: number, rows: number): void {
    this.#terminal.reset();
    this.resize(columns, rows);
  }

  resize(columns: number, rows: number): void {
    if (columns === this.#terminal.cols && rows === this.#terminal.rows) return;
    this.#terminal.resize(columns, rows);
    this.fit();
  }

  setTheme(theme: ITheme): void {
    this.#terminal.options.theme = theme;
  }

  /** The recorded size stays; the font grows or shrinks so that all of it can be seen. */
  fit(): void {
    const { cols, rows } = this.#terminal;
    const room = {
      width: this.#host.clientWidth - MARGIN.width,
      height: this.#host.clientHeight - MARGIN.height,
    };
    this.#terminal.options.fontSize = fittingFont({ columns: cols, rows }, room, this.#cell);
  }

  [Symbol.dispose](): void {
    this.#observer.disconnect();
    this.#terminal.dispose();
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
