import type { Clock } from '@enchilada/core/time';

/** A clock that stands until the test moves it; nothing that is due ever comes. */
export class StandingClock implements Clock {
  time: number;

  constructor(time = 0) {
    this.time = time;
  }

  now(): number {
    return this.time;
  }
  monotonicMs(): number {
    return this.time;
  }
  after(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }
  every(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }
}
