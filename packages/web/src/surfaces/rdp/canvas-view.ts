import type { ScaleMode } from '../../session/desktop/desktop-choices.ts';
import { KeptRoom } from '../shared/kept-room.ts';
import { Zoom } from '../shared/zoom.ts';
import type { Size } from './rdp-decoder.ts';

/** The canvas in its host: scaled as the person chose, pinched larger, scrolled where it does not fit. */
export class CanvasView implements Disposable {
  readonly canvas: HTMLCanvasElement;
  readonly #frame: HTMLElement;
  readonly #room: KeptRoom;
  readonly #canvasObserver: MutationObserver;
  readonly zoom: Zoom;
  #mode: ScaleMode = 'fit';

  constructor(host: HTMLElement, onHostResized: () => void) {
    this.#frame = host.ownerDocument.createElement('div');
    Object.assign(this.#frame.style, { position: 'absolute', inset: '0', overflow: 'auto', display: 'grid' });
    this.canvas = host.ownerDocument.createElement('canvas');
    this.canvas.tabIndex = 0;
    Object.assign(this.canvas.style, { margin: 'auto', outline: 'none', touchAction: 'none', display: 'block' });
    this.#frame.append(this.canvas);
    host.append(this.#frame);
    this.zoom = new Zoom({ frame: this.#frame, picture: this.canvas, layOut: () => this.layOut() });
    this.#room = new KeptRoom(host, () => {
      this.layOut();
      this.#room.reveal(this.#frame, this.canvas);
      onHostResized();
    });
    // The decoder gives the canvas its size, and says so in no reliable way.
    this.#canvasObserver = new MutationObserver(() => this.layOut());
    this.#canvasObserver.observe(this.canvas, { attributeFilter: ['width', 'height'] });
  }

  set mode(mode: ScaleMode) {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.zoom.reset();
    this.layOut();
  }

  /** Whether a keyboard is on the screen. To be told before the page is laid out with it. */
  set hasKeyboard(has: boolean) {
    this.#room.hasKeyboard = has;
  }

  /** How large a desktop must be to fill the host, one pixel of it for one of the page or, where that was chosen, of the screen. */
  get room(): Size {
    const density = this.#mode === 'device' ? devicePixelRatio : 1;
    const { width, height } = this.#room.size;
    return { width: Math.floor(width * density), height: Math.floor(height * density) };
  }

  layOut(): void {
    const { width, height } = this.canvas;
    if (width === 0 || height === 0) return;
    const room = this.#room.size;
    const scale =
      this.#mode === 'fit'
        ? Math.min(room.width / width, room.height / height)
        : this.#mode === 'device'
          ? 1 / devicePixelRatio
          : 1;
    this.canvas.style.width = `${width * scale * this.zoom.factor}px`;
    this.canvas.style.height = `${height * scale * this.zoom.factor}px`;
    const isWhole = this.#mode === 'fit' && this.zoom.factor === 1 && this.#room.kept === undefined;
    this.#frame.style.overflow = isWhole ? 'hidden' : 'auto';
  }

  /** The pixel of the desktop under a point of the page. */
  pixelAt({ x, y }: { readonly x: number; readonly y: number }): { readonly x: number; readonly y: number } {
    const box = this.canvas.getBoundingClientRect();
    const within = (value: number, most: number): number => Math.max(0, Math.min(most - 1, Math.floor(value)));
    return {
      x: within(((x - box.left) / box.width) * this.canvas.width, this.canvas.width),
      y: within(((y - box.top) / box.height) * this.canvas.height, this.canvas.height),
    };
  }

  [Symbol.dispose](): void {
    this.#room[Symbol.dispose]();
    this.#canvasObserver.disconnect();
    this.#frame.remove();
  }
}
