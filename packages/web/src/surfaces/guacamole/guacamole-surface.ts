import Guacamole, { type Keyboard } from 'guacamole-common-js';
import type {
  DesktopEvents,
  DesktopOptions,
  DesktopSurface,
  KeyCombination,
} from '../../session/desktop/desktop-surface.ts';
import { keysymOfCharacter, keysymOfCode } from '../shared/keysyms.ts';
import { KeptRoom } from '../shared/kept-room.ts';
import { frameIn, SessionClient, startSound } from './session-client.ts';

const RESIZE_AFTER_MS = 300;
const POINTER = ['mousedown', 'mousemove', 'mouseup'] as const;

/** guacamole-common-js on the session's data socket. Each attachment has a client of its own; keyboard and pointer stay. */
export class GuacamoleSurface implements DesktopSurface {
  readonly #frame: HTMLElement;
  readonly #events: DesktopEvents;
  readonly #room: KeptRoom;
  readonly #keyboard: Keyboard;
  #options: DesktopOptions;
  #client: SessionClient | undefined;
  #isLost = false;
  #resizing: ReturnType<typeof setTimeout> | undefined;
  #asked = '';

  constructor(host: HTMLElement, events: DesktopEvents, options: DesktopOptions) {
    this.#events = events;
    this.#options = options;
    this.#frame = frameIn(host);
    this.#frame.tabIndex = 0;
    this.#frame.style.outline = 'none';
    this.#frame.addEventListener('contextmenu', (event) => event.preventDefault());
    // A browser starts sound with something that the person does.
    for (const type of ['pointerdown', 'keydown']) this.#frame.addEventListener(type, () => startSound());
    this.#frame.addEventListener('pointerdown', () => this.focus());
    this.#keyboard = new Guacamole.Keyboard(this.#frame);
    this.#keyboard.onkeydown = (keysym) => {
      this.#key(1, keysym);
      return false;
    };
    this.#keyboard.onkeyup = (keysym) => this.#key(0, keysym);
    this.#frame.addEventListener('blur', () => this.#keyboard.reset());
    this.#room = new KeptRoom(host, () => {
      this.#layOut();
      if (this.#client !== undefined) this.#room.reveal(this.#frame, this.#client.element);
    });
  }

  size(): { readonly columns: number; readonly rows: number } {
    // A desktop's size is in its own stream.
    return { columns: 80, rows: 24 };
  }

  reset(): void {
    this.#client?.[Symbol.dispose]();
    this.#isLost = false;
    this.#asked = '';
    let isShown = false;
    let own: SessionClient | undefined;
    const made = new SessionClient({
      // It says something before it is made.
      onSend: (bytes) => {
        if (own !== undefined && this.#client === own && !this.#isLost) this.#events.onInput(bytes);
      },
      onFrame: () => {
        if (isShown) return;
        isShown = true;
        this.#events.onPicture();
        this.#layOut();
      },
    });
    own = made;
    this.#client = made;
    const { client, element } = made;
    client.getDisplay().onresize = () => this.#layOut();
    client.onclipboard = (stream) => {
      const reader = new Guacamole.StringReader(stream);
      let text = '';
      reader.ontext = (piece) => (text += piece);
      reader.onend = () => this.#events.onClipboard(text);
    };
    this.#frame.append(element);
    const mouse = new Guacamole.Mouse(element);
    client.getDisplay().oncursor = (canvas, x, y) => mouse.setCursor(canvas, x, y);
    for (const source of [mouse, new Guacamole.Mouse.Touchscreen(element)])
      source.onEach(POINTER, ({ state }) => {
        if (this.#options.viewOnly) return;
        // It shows where others point.
        client.getDisplay().showCursor(false);
        client.sendMouseState(state, true);
      });
  }

  write(bytes: Uint8Array): Promise<void> {
    try {
      this.#client?.receive(bytes);
    } catch {
      this.#events.onBroken('stream');
    }
    return Promise.resolve();
  }

  /** The last picture stays where it is. */
  lost(): void {
    this.#isLost = true;
  }

  focus(): void {
    this.#frame.focus({ preventScroll: true });
  }

  apply(options: DesktopOptions): void {
    this.#options = options;
    this.#room.hasKeyboard = options.keyboardOpen;
    this.#layOut();
  }

  press({ codes }: KeyCombination): void {
    for (const code of codes) this.#key(1, keysymOfCode(code) ?? 0);
    for (const code of codes.toReversed()) this.#key(0, keysymOfCode(code) ?? 0);
  }

  type(text: string): string {
    for (const character of text) {
      const keysym = keysymOfCharacter(character);
      this.#key(1, keysym);
      this.#key(0, keysym);
    }
    return '';
  }

  paste(text: string): void {
    if (this.#client === undefined || this.#options.viewOnly) return;
    const writer = new Guacamole.StringWriter(this.#client.client.createClipboardStream('text/plain'));
    writer.sendText(text);
    writer.sendEnd();
  }

  picture(): Promise<Blob | null> {
    const canvas = this.#client?.client.getDisplay().flatten();
    return new Promise((resolve) => {
      if (canvas === undefined) resolve(null);
      else canvas.toBlob(resolve, 'image/png');
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#resizing);
    this.#client?.[Symbol.dispose]();
    this.#client = undefined;
    this.#room[Symbol.dispose]();
    this.#frame.remove();
  }

  #key(pressed: 0 | 1, keysym: number): void {
    if (!this.#options.viewOnly && keysym !== 0) this.#client?.client.sendKeyEvent(pressed, keysym);
  }

  #layOut(): void {
    const { choices, viewOnly } = this.#options;
    const { width, height } = this.#room.size;
    this.#client?.fit({ width, height }, choices.scale);
    this.#frame.style.overflow = choices.scale === 'fit' && this.#room.kept === undefined ? 'hidden' : 'auto';
    clearTimeout(this.#resizing);
    if (viewOnly || !choices.resize) return;
    this.#resizing = setTimeout(() => {
      const wanted = `${width}x${height}`;
      if (wanted === this.#asked || width === 0 || this.#isLost) return;
      this.#asked = wanted;
      this.#client?.client.sendSize(width, height);
    }, RESIZE_AFTER_MS);
  }
}
