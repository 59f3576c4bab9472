import { until } from '@enchilada/core/testing/until';
import type { Page } from 'playwright-core';
export { until };

/** A desktop in the browser: live, watched or played back. All of them draw on one canvas. */
export class DesktopPage {
  readonly page: Page;
  readonly #canvas: string;

  constructor(page: Page, host: '.desktop-host' | '.player-desktop' = '.desktop-host') {
    this.page = page;
    this.#canvas = `${host} canvas`;
  }

  /** Waits for the first picture. */
  async connected(): Promise<this> {
    await this.page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
    await this.page.waitForURL((url) => /^\/s\/(?!new)./u.test(url.pathname));
    await this.drawn();
    return this;
  }

  async drawn(): Promise<void> {
    await this.page.waitForFunction((selector) => {
      const canvas = document.querySelector<HTMLCanvasElement>(selector);
      if (canvas === null || canvas.width === 0) return false;
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, index) => index % 4 !== 3 && value !== 0);
    }, this.#canvas);
  }

  get sessionId(): string {
    return new URL(this.page.url()).pathname.replace('/s/', '');
  }

  async size(): Promise<string> {
    return this.page.evaluate((selector) => {
      const canvas = document.querySelector<HTMLCanvasElement>(selector);
      return canvas === null ? '' : `${canvas.width}x${canvas.height}`;
    }, this.#canvas);
  }

  /** Size and SHA-256 of every pixel. */
  async pixels(): Promise<string> {
    return this.page.evaluate(async (selector) => {
      const canvas = document.querySelector<HTMLCanvasElement>(selector);
      if (canvas === null || canvas.width === 0) return '';
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
      return `${canvas.width}x${canvas.height} ${[...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    }, this.#canvas);
  }

  /** The colour of one point of the desktop, as `#rrggbb`. */
  async colourAt(x: number, y: number): Promise<string> {
    return this.page.evaluate(
      ([selector, left, top]) => {
        const canvas = document.querySelector<HTMLCanvasElement>(selector);
        const pixel = canvas?.getContext('2d')?.getImageData(left, top, 1, 1).data ?? [];
        return `#${[...pixel.slice(0, 3)].map((value) => value.toString(16).padStart(2, '0')).join('')}`;
      },
      [this.#canvas, x, y] as const,
    );
  }

  async shows(colour: string, place = { x: 5, y: 5 }): Promise<void> {
    await until(async () => (await this.colourAt(place.x, place.y)) === colour, `${colour} at ${place.x}, ${place.y}`);
  }

  /** Waits until every point has the colour, as near as RemoteFX has it: of this picture nothing more is on its way. */
  async isAll(colour: string): Promise<void> {
    await this.page.waitForFunction(
      ([selector, wanted]) => {
        const canvas = document.querySelector<HTMLCanvasElement>(selector);
        if (canvas === null || canvas.width === 0) return false;
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        const parts = [1, 3, 5].map((at) => Number.parseInt(wanted.slice(at, at + 2), 16));
        return data.every((value, index) => index % 4 === 3 || Math.abs(value - (parts[index % 4] ?? 0)) <= 4);
      },
      [this.#canvas, colour] as const,
    );
  }

  /** Waits until both canvases hold the same pixels. */
  async equals(other: DesktopPage): Promise<string> {
    let pair: readonly string[] = [];
    await until(
      async () => {
        pair = [await this.pixels(), await other.pixels()];
        return pair[0] !== '' && pair[0] === pair[1];
      },
      () => `equal pictures: ${pair.join(' and ')}`,
    );
    return pair[0] ?? '';
  }
}
