const LARGEST = 4;

/** A picture in a frame that scrolls where the picture does not fit. */
export interface Framed {
  readonly frame: HTMLElement;
  readonly picture: HTMLElement;
  /** Gives the picture the size that it has at the factor. */
  layOut(): void;
}

/** How much larger than its scale somebody looks at a picture. */
export class Zoom {
  #factor = 1;
  readonly #view: Framed;

  constructor(view: Framed) {
    this.#view = view;
  }

  get factor(): number {
    return this.#factor;
  }

  /** Whether there is more of the picture than the frame shows. */
  get isCut(): boolean {
    const { clientWidth, clientHeight, scrollWidth, scrollHeight } = this.#view.frame;
    // Both are rounded, each in its way.
    return scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1;
  }

  reset(): void {
    this.#factor = 1;
  }

  /** Larger or smaller around a point of the page that stays where it is. */
  by(factor: number, at: { readonly x: number; readonly y: number }): void {
    const { frame, picture } = this.#view;
    const before = picture.getBoundingClientRect();
    const wanted = Math.max(1, Math.min(LARGEST, this.#factor * factor));
    const grown = wanted / this.#factor;
    this.#factor = wanted;
    this.#view.layOut();
    frame.scrollBy((at.x - before.left) * (grown - 1), (at.y - before.top) * (grown - 1));
  }

  pan(x: number, y: number): void {
    this.#view.frame.scrollBy(-x, -y);
  }
}
