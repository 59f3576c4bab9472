export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What fingers mean. Points are those of the page. */
export interface GestureEvents {
  readonly onTap: (at: Point) => void;
  /** A finger that rested: the other button. */
  readonly onLongPress: (at: Point) => void;
  readonly onDrag: (phase: 'begin' | 'move' | 'end', at: Point) => void;
  /** Two fingers moved alike. */
  readonly onScroll: (by: Point, at: Point) => void;
  readonly onPinch: (factor: number, at: Point) => void;
}

const SLOP = 10;
const LONG_PRESS_MS = 600;
/** Fingers that change their distance by less mean to scroll. */
const PINCH_SLOP = 24;

type Gesture = 'none' | 'touching' | 'dragging' | 'two' | 'scrolling' | 'pinching' | 'done';

function between(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** Tells taps, long presses, drags, two-finger scrolling and pinching apart. */
export class TouchGestures implements Disposable {
  readonly #events: GestureEvents;
  readonly #fingers = new Map<number, Point>();
  #gesture: Gesture = 'none';
  #start: Point = { x: 0, y: 0 };
  #middle: Point = { x: 0, y: 0 };
  #spread = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(events: GestureEvents) {
    this.#events = events;
  }

  down(id: number, at: Point): void {
    this.#fingers.set(id, at);
    clearTimeout(this.#timer);
    if (this.#fingers.size === 1) {
      this.#gesture = 'touching';
      this.#start = at;
      this.#timer = setTimeout(() => {
        if (this.#gesture !== 'touching') return;
        this.#gesture = 'done';
        this.#events.onLongPress(this.#start);
      }, LONG_PRESS_MS);
      return;
    }
    if (this.#gesture === 'dragging') this.#events.onDrag('end', this.#start);
    const pair = this.#pair();
    this.#gesture = pair === undefined ? 'done' : 'two';
    if (pair === undefined) return;
    this.#middle = between(...pair);
    this.#spread = distance(...pair);
  }

  move(id: number, at: Point): void {
    if (!this.#fingers.has(id)) return;
    this.#fingers.set(id, at);
    if (this.#gesture === 'touching' && distance(at, this.#start) > SLOP) {
      clearTimeout(this.#timer);
      this.#gesture = 'dragging';
      this.#events.onDrag('begin', this.#start);
    }
    if (this.#gesture === 'dragging') {
      this.#start = at;
      this.#events.onDrag('move', at);
    }
    const pair = this.#pair();
    if (pair !== undefined) this.#moveTwo(pair);
  }

  up(id: number, at: Point): void {
    if (!this.#fingers.delete(id)) return;
    clearTimeout(this.#timer);
    if (this.#gesture === 'touching') this.#events.onTap(this.#start);
    if (this.#gesture === 'dragging') this.#events.onDrag('end', at);
    this.#gesture = this.#fingers.size === 0 ? 'none' : 'done';
  }

  /** The browser took the fingers for itself. */
  cancel(id: number): void {
    if (this.#gesture === 'touching') this.#gesture = 'done';
    this.up(id, this.#start);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #pair(): readonly [Point, Point] | undefined {
    const [first, second, third] = [...this.#fingers.values()];
    return first === undefined || second === undefined || third !== undefined ? undefined : [first, second];
  }

  #moveTwo(pair: readonly [Point, Point]): void {
    const middle = between(...pair);
    const spread = distance(...pair);
    if (this.#gesture === 'two') {
      if (Math.abs(spread - this.#spread) > PINCH_SLOP) this.#gesture = 'pinching';
      else if (distance(middle, this.#middle) > SLOP) this.#gesture = 'scrolling';
      else return;
    }
    if (this.#gesture === 'pinching') this.#events.onPinch(spread / Math.max(1, this.#spread), middle);
    else if (this.#gesture === 'scrolling')
      this.#events.onScroll({ x: middle.x - this.#middle.x, y: middle.y - this.#middle.y }, middle);
    else return;
    this.#middle = middle;
    this.#spread = spread;
  }
}
