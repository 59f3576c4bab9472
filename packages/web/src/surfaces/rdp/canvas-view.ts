import type { ScaleMode } from '../../session/desktop/desktop-choices.ts';
import type { Size } from './rdp-decoder.ts';

const LARGEST_ZOOM = 4;

/** The canvas in its host: scaled as the person chose, pinched larger, scrolled where it does not fit. */
export class CanvasView implements Disposable {
  readonly canvas: HTMLCanvasElement;
  readonly #host: HTMLElement;
  readonly #frame: HTMLElement;
  readonly #observer: ResizeObserver;
  readonly #canvasObserver: MutationObserver;
  #mode: ScaleMode = 'fit';
  #zoom = 1;

  constructor(host: HTMLElement, onHostResized: () => void) {
    this.#host = host;
    this.#frame = host.ownerDocument.createElement('div');
    Object.assign(this.#frame.style, { position: 'absolute', inset: '0', overflow: 'auto', display: 'grid' });
    this.canvas = host.ownerDocument.createElement('canvas');
    this.canvas.tabIndex = 0;
    Object.assign(this.canvas.style, { margin: 'auto', outline: 'none', touchAction: 'none', display: 'block' });
    this.#frame.append(this.canvas);
    host.append(this.#frame);
    this.#observer = new ResizeObserver(() => {
      this.layOut();
      onHostResized();
    });
    this.#observer.observe(host);
    // The decoder gives the canvas its size, and says so in no reliable way.
    this.#canvasObserver = new MutationObserver(() => this.layOut());
    this.#canvasObserver.observe(this.canvas, { attributeFilter: ['width', 'height'] });
  }

  set mode(mode: ScaleMode) {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#zoom = 1;
    this.layOut();
  }

  /** How large a desktop must be to fill the host, one pixel of it for one of the page or, where that was chosen, of the screen. */
  get room(): Size {
    const density = this.#mode === 'device' ? devicePixelRatio : 1;
    const { clientWidth, clientHeight } = this.#host;
    return { width: Math.floor(clientWidth * density), height: Math.floor(clientHeight * density) };
  }

  get isZoomed(): boolean {
    return this.#zoom > 1;
  }

  layOut(): void {
    const { width, height } = this.canvas;
    if (width === 0 || height === 0) return;
    const { clientWidth, clientHeight } = this.#host;
    const scale =
      this.#mode === 'fit'
        ? Math.min(clientWidth / width, clientHeight / height)
        : this.#mode === 'device'
          ? 1 / devicePixelRatio
          : 1;
    this.canvas.style.width = `${width * scale * this.#zoom}px`;
    this.canvas.style.height = `${height * scale * this.#zoom}px`;
    this.#frame.style.overflow = this.#mode === 'fit' && this.#zoom === 1 ? 'hidden' : 'auto';
  }

  /** Larger or smaller around a point of the page that stays where it is. */
  zoomBy(factor: number, at: { readonly x: number; readonly y: number }): void {
    const before = this.canvas.getBoundingClientRect();
    const zoom = Math.max(1, Math.min(LARGEST_ZOOM, this.#zoom * factor));
    const grown = zoom / this.#zoom;
    this.#zoom = zoom;
    this.layOut();
    this.#frame.scrollBy((at.x - before.left) * (grown - 1), (at.y - before.top) * (grown - 1));
  }

  pan(x: number, y: number): void {
    this.#frame.scrollBy(-x, -y);
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
    this.#observer.disconnect();
    this.#canvasObserver.disconnect();
    this.#frame.remove();
  }
}
