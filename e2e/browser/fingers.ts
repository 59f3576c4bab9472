import type { Page } from 'playwright-core';

export interface Point {
  readonly x: number;
  readonly y: number;
}

const STEPS = 8;

/** Fingers on a page with touch: what the browser itself makes of them, from the screen on. */
export async function fingersOn(page: Page) {
  const devTools = await page.context().newCDPSession(page);
  const touch = async (type: 'touchStart' | 'touchMove' | 'touchEnd', points: readonly Point[]): Promise<void> => {
    const touchPoints = points.map(({ x, y }, id) => ({ x, y, id }));
    await devTools.send('Input.dispatchTouchEvent', { type, touchPoints });
  };
  const move = async (from: readonly Point[], to: readonly Point[]): Promise<void> => {
    for (let step = 1; step <= STEPS; step++) {
      const between = (a: number, b: number): number => a + ((b - a) * step) / STEPS;
      const points = from.map(({ x, y }, index) => ({
        x: between(x, to[index]?.x ?? x),
        y: between(y, to[index]?.y ?? y),
      }));
      await touch('touchMove', points);
    }
  };
  const up = (): Promise<void> => touch('touchEnd', []);
  return {
    /** Sent at once: a finger that is slow to leave means something else. */
    async tap(at: Point): Promise<void> {
      await Promise.all([touch('touchStart', [at]), up()]);
    },
    /** Stays on the screen until something is so. */
    async rest(at: Point, until: () => Promise<void>): Promise<void> {
      await touch('touchStart', [at]);
      await until();
      await up();
    },
    async move(from: readonly Point[], to: readonly Point[]): Promise<void> {
      await Promise.all([touch('touchStart', from), move(from, to)]);
      await up();
    },
  };
}
