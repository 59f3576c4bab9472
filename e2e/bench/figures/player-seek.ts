import { Chromium } from '../../fixtures/chromium.ts';
import { makeLongRecording } from '../../fixtures/long-recording.ts';
import { seatOf } from '../../browser/seat.ts';
import { Site } from '../../tests/site.ts';
import type { Experiment } from '../figure.ts';
import { percentile, rounded } from '../measure.ts';

const HOURS = 2;
const MEBIBYTES = 80;
const SEEKS = 40;
const WARM_UP = 3;

export const playerSeek: Experiment = {
  figures: ['player-seek-ms'],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const site = owned.use(await Site.start());
    const browser = owned.use(await Chromium.launch());
    const recording = await makeLongRecording(site, { hours: HOURS, mebibytes: MEBIBYTES });
    say(`${recording.chunks} chunks, ${(recording.outputBytes / 1e6).toFixed(0)} MB of output`);
    const window = owned.use(await seatOf(browser, site.admin));
    const page = await window.at(`/r/${recording.id}`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Loading', { exact: true }).waitFor({ state: 'detached' });
    const track = await page.getByRole('slider', { name: 'Position' }).boundingBox();
    if (track === null) throw new Error('the player has no time line');
    const samples: number[] = [];
    for (let count = -WARM_UP; count < SEEKS; count += 1) {
      // Back and forth over the whole length, never twice to the same moment.
      const share = (((count + WARM_UP) * 0.618_034) % 0.98) + 0.01;
      await page.evaluate(() => {
        const state = globalThis as unknown as { seek?: Promise<number> };
        state.seek = new Promise((resolve) => {
          addEventListener(
            'pointerdown',
            () => {
              const since = performance.now();
              const shown = (): void => {
                const at = Number(document.querySelector('[role=slider]')?.getAttribute('aria-valuenow'));
                const screen = document.querySelector('.xterm-rows')?.textContent ?? '';
                const seconds = [...screen.matchAll(/second (\d+) /gu)].map(([, second]) => Number(second));
                if (seconds.some((second) => Math.abs(second - at) <= 1)) resolve(performance.now() - since);
                else requestAnimationFrame(shown);
              };
              requestAnimationFrame(shown);
            },
            { capture: true, once: true },
          );
        });
      });
      await page.mouse.click(track.x + track.width * share, track.y + track.height / 2);
      const taken = await page.evaluate(() => (globalThis as unknown as { seek: Promise<number> }).seek);
      if (count >= 0) samples.push(taken);
    }
    return [
      {
        id: 'player-seek-ms',
        value: percentile(samples, 0.95),
        how: `a click on the time line of a ${HOURS}-hour recording of ${MEBIBYTES} MiB, made by the product's recorder, to the frame in which Chromium shows that second; 95th percentile of ${SEEKS} moments all over it`,
        samples: { ours: rounded(samples, 1) },
      },
    ];
  },
};
