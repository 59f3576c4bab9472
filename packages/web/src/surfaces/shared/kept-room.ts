export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A phone's keyboard slides away; whoever made the window smaller meanwhile gets the room that there is. */
const LONGEST_WAY_OUT_MS = 1_000;
/** How near to the frame's edge, in pixels of the page, the place may be where somebody works. */
const MARGIN = 24;

/**
 * The room that a desktop has on the page. A keyboard on the screen takes none of it away: the desktop keeps its size and its scale, and
 * what the keyboard leaves is a view of it that shows the place where the person pointed last. A window of another width is another room.
 */
export class KeptRoom implements Disposable {
  readonly #host: HTMLElement;
  readonly #observer: ResizeObserver;
  readonly #onResized: () => void;
  readonly #listening = new AbortController();
  /** Of the host, as it was laid out last. */
  #last: Size;
  #kept: Size | undefined;
  /** Runs while a keyboard is on its way out. */
  #leaving: ReturnType<typeof setTimeout> | undefined;
  /** In shares of the picture. */
  #place = { x: 0.5, y: 0.5 };

  constructor(host: HTMLElement, onResized: () => void) {
    this.#host = host;
    this.#onResized = onResized;
    this.#last = this.#own;
    this.#observer = new ResizeObserver(() => {
      this.#last = this.#own;
      if (this.#leaving !== undefined && this.#last.height >= (this.#kept?.height ?? 0)) this.#release();
      else onResized();
    });
    this.#observer.observe(host);
    host.addEventListener('pointerdown', (event) => this.#note(event), {
      capture: true,
      signal: this.#listening.signal,
    });
  }

  /** Whether a keyboard is on the screen. To be told before the page is laid out with it. */
  set hasKeyboard(has: boolean) {
    if (!has) {
      if (this.#kept !== undefined) this.#leaving ??= setTimeout(() => this.#release(), LONGEST_WAY_OUT_MS);
      return;
    }
    clearTimeout(this.#leaving);
    this.#leaving = undefined;
    this.#kept ??= this.#last;
  }

  /** The room from before the keyboard, to the fraction of a pixel; undefined without one. */
  get kept(): Size | undefined {
    if (this.#kept === undefined) return undefined;
    const { width, height } = this.#own;
    if (width !== this.#kept.width || height > this.#kept.height) this.#kept = { width, height };
    return this.#kept;
  }

  /** In whole pixels, as `clientWidth` and `clientHeight` have them. */
  get size(): Size {
    const { width, height } = this.kept ?? this.#own;
    return { width: Math.round(width), height: Math.round(height) };
  }

  /** Scrolls the frame so that the place where the person pointed last can be seen. */
  reveal(frame: HTMLElement, picture: HTMLElement): void {
    if (this.kept === undefined) return;
    const [outer, inner] = [frame.getBoundingClientRect(), picture.getBoundingClientRect()];
    const beyond = (at: number, room: number): number => (at < MARGIN || at > room - MARGIN ? at - room / 2 : 0);
    frame.scrollBy(
      beyond(inner.left + this.#place.x * inner.width - outer.left, frame.clientWidth),
      beyond(inner.top + this.#place.y * inner.height - outer.top, frame.clientHeight),
    );
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#leaving);
    this.#observer.disconnect();
    this.#listening.abort();
  }

  #release(): void {
    clearTimeout(this.#leaving);
    this.#leaving = undefined;
    this.#kept = undefined;
    this.#onResized();
  }

  get #own(): Size {
    const { width, height } = this.#host.getBoundingClientRect();
    return { width, height };
  }

  #note({ target, clientX, clientY }: PointerEvent): void {
    if (!(target instanceof HTMLCanvasElement)) return;
    const { left, top, width, height } = target.getBoundingClientRect();
    if (width > 0 && height > 0) this.#place = { x: (clientX - left) / width, y: (clientY - top) / height };
  }
}
