import { BROWSER_KEYBOARD } from '../../session/desktop/desktop-choices.ts';
import type { ClipboardFiles } from '../../session/desktop/clipboard-files.ts';
import type {
  DesktopEvents,
  DesktopOptions,
  DesktopSurface,
  KeyCombination,
} from '../../session/desktop/desktop-surface.ts';
import type { Keyboard } from './activation.ts';
import { CanvasView } from './canvas-view.ts';
import { PersonInput } from './person-input.ts';
import { pointerStyle } from './pointer-style.ts';
import { RdpDecoder, type Size } from './rdp-decoder.ts';

/** The gateway takes messages up to 64 KiB. */
const LARGEST_MESSAGE = 32 * 1024;
const RESIZE_AFTER_MS = 300;
/** [MS-RDPEDISP] 2.2.2.2.1 */
const SMALLEST = 200;
const LARGEST = 8_192;
const SCALES = { least: 100, most: 500 } as const;

/** [MS-RDPEDISP] 2.2.2.2.1: an even width. */
function desktopSize({ width, height }: Size): Size {
  const within = (value: number): number => Math.max(SMALLEST, Math.min(LARGEST, Math.floor(value)));
  return { width: within(width) & ~1, height: within(height) };
}

function chosenLayout({ choices }: DesktopOptions): string {
  return choices.keyboard === BROWSER_KEYBOARD ? navigator.language : choices.keyboard;
}

/** IronRDP on the session's data socket. Each attachment has a decoder and a canvas of its own. */
export class RdpSurface implements DesktopSurface {
  readonly #host: HTMLElement;
  readonly #events: DesktopEvents;
  readonly #view: CanvasView;
  readonly #input: PersonInput;
  #options: DesktopOptions;
  #decoder: RdpDecoder | undefined;
  #resizing: ReturnType<typeof setTimeout> | undefined;
  #asked = '';
  #layout = '';

  constructor(host: HTMLElement, events: DesktopEvents, options: DesktopOptions) {
    this.#host = host;
    this.#events = events;
    this.#options = options;
    this.#view = new CanvasView(host, () => {
      this.#askForSize();
    });
    const keyboard = (): Keyboard => this.#decoder?.keyboard ?? { layout: 0, takesCharacters: true };
    this.#input = new PersonInput(this.#view, {
      get keyboard() {
        return keyboard();
      },
      apply: (...inputs) => this.#decoder?.apply(...inputs),
      releaseAll: () => this.#decoder?.session?.releaseAllInputs(),
      synchronizeLocks: ({ scroll, num, caps }) =>
        this.#decoder?.session?.synchronizeLockKeys(scroll, num, caps, false),
    });
    this.apply(options);
  }

  size(): { readonly columns: number; readonly rows: number } {
    // A desktop's size is in its own stream.
    return { columns: 80, rows: 24 };
  }

  reset(): void {
    this.lost();
    const size = this.#wantedSize();
    this.#asked = `${size.width}x${size.height}`;
    const scale = String(this.#scalePercent);
    this.#layout = chosenLayout(this.#options);
    const decoder = new RdpDecoder(
      this.#view.canvas,
      {
        onSend: (bytes) => {
          if (this.#decoder !== decoder) return;
          for (let at = 0; at < bytes.length; at += LARGEST_MESSAGE)
            this.#events.onInput(bytes.subarray(at, at + LARGEST_MESSAGE));
        },
        onClipboard: (text) => this.#events.onClipboard(text),
        onPointer: (pointer) => (this.#view.canvas.style.cursor = pointerStyle(pointer)),
        onFilesCopied: (files) => {
          if (this.#decoder === decoder) this.#events.onFilesCopied(files);
        },
        onFileTaken: (source, bytes) => {
          if (this.#decoder === decoder) this.#events.onFileTaken(source, bytes);
        },
        onActive: () => {
          this.#events.onPicture();
          this.#askForSize();
        },
        onBroken: (why) => {
          if (this.#decoder === decoder)
            this.#events.onBroken(why instanceof WebAssembly.RuntimeError ? 'decoder' : 'stream');
        },
      },
      { size, choices: new URLSearchParams({ keyboard: this.#layout, scale }).toString() },
    );
    this.#decoder = decoder;
  }

  write(bytes: Uint8Array): Promise<void> {
    const decoder = this.#decoder;
    if (decoder === undefined) return Promise.resolve();
    decoder.receive(bytes);
    return decoder.idle();
  }

  /** The last picture stays where it is. */
  lost(): void {
    const decoder = this.#decoder;
    this.#decoder = undefined;
    decoder?.[Symbol.dispose]();
    this.#events.onFilesCopied([]);
  }

  focus(): void {
    this.#view.canvas.focus({ preventScroll: true });
  }

  apply(options: DesktopOptions): void {
    this.#options = options;
    // A machine learns the layout when it is connected to.
    if (this.#decoder !== undefined && !options.viewOnly && chosenLayout(options) !== this.#layout)
      this.#events.onRenew();
    this.#view.hasKeyboard = options.keyboardOpen;
    this.#view.mode = options.choices.scale;
    this.#input.isOff = options.viewOnly;
    this.#askForSize();
  }

  press({ codes }: KeyCombination): void {
    this.#input.press(codes);
  }

  type(text: string): string {
    return this.#input.type(text);
  }

  paste(text: string): void {
    this.#decoder?.paste(text);
  }

  get files(): ClipboardFiles | undefined {
    return this.#decoder?.files;
  }

  picture(): Promise<Blob | null> {
    const { canvas } = this.#view;
    return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#resizing);
    this.lost();
    this.#input[Symbol.dispose]();
    this.#view[Symbol.dispose]();
  }

  #wantedSize(): Size {
    const { viewOnly, choices } = this.#options;
    return viewOnly || !choices.resize || this.#host.clientWidth === 0
      ? { width: 1024, height: 768 }
      : desktopSize(this.#view.room);
  }

  /** How much larger than usual the machine is to draw: a pixel of it is one of the screen only where that was chosen. */
  get #scalePercent(): number {
    const percent = this.#options.choices.scale === 'device' ? Math.round(devicePixelRatio * 100) : 100;
    return Math.max(SCALES.least, Math.min(SCALES.most, percent));
  }

  /** Once the window has its size; while somebody drags its edge, nothing is asked. */
  #askForSize(): void {
    const { viewOnly, choices } = this.#options;
    clearTimeout(this.#resizing);
    if (viewOnly || !choices.resize) return;
    this.#resizing = setTimeout(() => {
      const size = this.#wantedSize();
      const wanted = `${size.width}x${size.height}`;
      if (wanted === this.#asked || this.#decoder?.session === undefined) return;
      this.#asked = wanted;
      this.#decoder.resize(size, this.#scalePercent);
    }, RESIZE_AFTER_MS);
  }
}
