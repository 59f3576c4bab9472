/** Steps of a wheel that has notches, along both axes. */
export interface Turn {
  readonly x: number;
  readonly y: number;
}

/**
 * Makes whole notches of movements however small. Servers count a notch for each message that they are sent (xrdp 0.9), or lose what is
 * less than one; a trackpad and two fingers tell of every pixel.
 */
export class WheelNotches {
  readonly #pixels: number;
  #left: Turn = { x: 0, y: 0 };

  /** `pixels`: how many of the page make a notch. */
  constructor(pixels: number) {
    this.#pixels = pixels;
  }

  /** Takes a movement in pixels of the page; answers the notches that it completes. What turns back begins anew. */
  add(by: Turn): Turn {
    const sum = { x: summed(this.#left.x, by.x), y: summed(this.#left.y, by.y) };
    const whole = (pixels: number): number => Math.trunc(pixels / this.#pixels) || 0;
    const notches = { x: whole(sum.x), y: whole(sum.y) };
    this.#left = { x: sum.x - notches.x * this.#pixels, y: sum.y - notches.y * this.#pixels };
    return notches;
  }

  /** Forgets what is less than a notch. */
  reset(): void {
    this.#left = { x: 0, y: 0 };
  }
}

function summed(left: number, by: number): number {
  return left * by < 0 ? by : left + by;
}
