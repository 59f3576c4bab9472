import { join } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { seatOf } from '../../browser/seat.ts';
import { Chromium, type BrowserWindow } from '../../fixtures/chromium.ts';
import { Person } from '../../product/index.ts';
import { ADMIN, Site } from '../../tests/site.ts';
import type { Experiment, Measured } from '../figure.ts';
import { largePolicy, TARGETS, userId } from '../large-policy.ts';
import { percentile, rounded } from '../measure.ts';
import { nameOf, writePolicy } from '../write-policy.ts';

const SEARCHES = 40;
const WARM_UP = 3;
const TURNS_OF_THE_WHEEL = 120;
const PAGES_MORE = 20;

interface Watch {
  readonly long: number[];
  shown?: Promise<number>;
}

function watchLongTasks(): void {
  const long: number[] = [];
  Object.assign(globalThis, { long });
  new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({
    type: 'longtask',
  });
}

/** What the page was busy with for more than 50 ms at a stretch, since the last call. https://w3c.github.io/longtasks/ */
function longTasks(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    // Entries come after the task that they tell of.
    for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
    return (globalThis as unknown as Watch).long.splice(0);
  });
}

async function scriptMs(devtools: CDPSession): Promise<number> {
  const { metrics } = await devtools.send('Performance.getMetrics');
  return 1_000 * (metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? Number.NaN);
}

/** From the last key of a needle to the frame in which its machine alone is listed. */
async function search(page: Page, name: string): Promise<number> {
  await cleared(page);
  await page.keyboard.type(name.slice(0, -1));
  await page.evaluate((wanted) => {
    (globalThis as unknown as Watch).shown = new Promise((resolve) => {
      const armed = (): void => {
        const since = performance.now();
        const look = (): void => {
          const rows = document.querySelectorAll('.machine-row');
          if (rows.length === 1 && rows[0]?.querySelector('.machine-title > :first-child')?.textContent === wanted)
            resolve(performance.now() - since);
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      };
      addEventListener('keydown', armed, { capture: true, once: true });
    });
  }, name);
  await page.keyboard.press(name.slice(-1));
  return page.evaluate(() => (globalThis as unknown as { shown: Promise<number> }).shown);
}

/** Machines are looked for one after the other, all over the catalog. */
async function searches(page: Page): Promise<number[]> {
  const samples: number[] = [];
  for (let count = -WARM_UP; count < SEARCHES; count += 1) {
    const number = Math.floor((((count + WARM_UP) * 0.618_034) % 1) * TARGETS);
    const taken = await search(page, `machine-${String(number).padStart(6, '0')}`);
    if (count >= 0) samples.push(taken);
  }
  return samples;
}

async function cleared(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await page.getByRole('status').getByText('100,000 machines').waitFor();
}

/** From the end of what is loaded to the frame in which more can be scrolled to. */
function nextRows(page: Page): Promise<number> {
  return page.locator('.machine-scroller').evaluate((scroller) => {
    const loaded = (): number => Number(scroller.querySelector('[role=table]')?.getAttribute('aria-rowcount'));
    const before = loaded();
    const since = performance.now();
    scroller.scrollTop = scroller.scrollHeight;
    return new Promise<number>((resolve) => {
      const look = (): void => {
        if (loaded() > before) resolve(performance.now() - since);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
  });
}

/** The list that administrators look after. */
async function catalogPage(page: Page, say: (words: string) => void): Promise<Measured> {
  await page.getByRole('status').getByText('100,000 machines').waitFor();
  await page.getByRole('textbox', { name: 'Search name or address' }).focus();
  await longTasks(page);
  const samples = await searches(page);
  const searching = await longTasks(page);
  await cleared(page);
  const more: number[] = [];
  while (more.length < PAGES_MORE) more.push(await nextRows(page));
  const scrolling = await longTasks(page);
  const long = { searching, scrolling };
  for (const [when, tasks] of Object.entries(long)) say(`${when}: ${rounded(tasks, 0).join(', ') || 'no long task'}`);
  const late = more.slice(-Math.ceil(PAGES_MORE / 2));
  return {
    id: 'catalog-page-search-ms',
    value: percentile(samples, 0.95),
    how: `the same on the administration’s page, which waits 200 ms for a further key; the next hundred rows at the end of the list are there after ${percentile(more, 0.5).toFixed(0)} ms, median of ${PAGES_MORE}, and ${percentile(late, 0.5).toFixed(0)} ms in the second half of them; tasks over 50 ms: ${searching.length} searching, ${scrolling.length} scrolling`,
    samples: {
      ours: rounded(samples, 1),
      more: rounded(more, 1),
      searching: rounded(searching, 0),
      scrolling: rounded(scrolling, 0),
    },
  };
}

/** The list of what somebody may use, which is where everybody begins. */
async function homePage(window: BrowserWindow, page: Page, say: (words: string) => void): Promise<Measured> {
  await page.getByRole('status').getByText('100,000 machines').waitFor();
  await page.getByRole('searchbox').focus();
  const opening = await longTasks(page);
  const samples = await searches(page);
  const searching = await longTasks(page);
  await cleared(page);
  await page.locator('.machine-scroller').hover();
  const devtools = await window.context.newCDPSession(page);
  // CPU and not time by the clock.
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const before = await scriptMs(devtools);
  for (let turn = 0; turn < TURNS_OF_THE_WHEEL; turn += 1) {
    await page.mouse.wheel(0, 400);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  const turnMs = ((await scriptMs(devtools)) - before) / TURNS_OF_THE_WHEEL;
  const scrolling = await longTasks(page);
  const tree = page.getByRole('navigation', { name: 'Groups' });
  for (const name of ['Group 3', 'Group 17', 'Group 42']) {
    await tree.getByRole('button', { name: `Unfold ${name}`, exact: true }).click();
    await tree.getByRole('button', { name: `Fold ${name}`, exact: true }).waitFor();
  }
  const folding = await longTasks(page);
  await tree
    .getByRole('button', { name: /^Group 7 / })
    .first()
    .click();
  await page.waitForURL(/in=/u);
  const choosing = await longTasks(page);
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const long = { opening, searching, scrolling, folding, choosing };
  for (const [when, tasks] of Object.entries(long)) say(`${when}: ${rounded(tasks, 0).join(', ') || 'no long task'}`);
  const words = Object.entries(long).map(([when, tasks]) => `${tasks.length} ${when}`);
  return {
    id: 'machines-page-search-ms',
    value: percentile(samples, 0.95),
    how: `the last of 14 keys to the frame in which Chromium shows the one machine of ${TARGETS}, with 1,000 groups beside it; 95th percentile of ${SEARCHES}; the page waits 150 ms for a further key; a turn of the wheel by eight rows costs ${turnMs.toFixed(1)} ms of the page’s script; tasks over 50 ms, with what Chromium paints without a graphics card: ${words.join(', ')}; ${(usedSize / 1e6).toFixed(0)} MB of heap at the end`,
    samples: {
      ours: rounded(samples, 1),
      ...Object.fromEntries(Object.entries(long).map(([when, tasks]) => [when, rounded(tasks, 0)])),
    },
  };
}

export const machinesPage: Experiment = {
  figures: ['machines-page-search-ms', 'catalog-page-search-ms'],
  async run(wanted, say) {
    await using owned = new AsyncDisposableStack();
    const site = owned.use(await Site.start());
    const browser = owned.use(await Chromium.launch());
    const everything = { kind: 'labels' as const, selector: { tier: ['0', '1', '2'] } };
    await writePolicy(join(site.gateway.dataDir, 'enchilada.db'), {
      ...largePolicy(),
      ...{ userGroups: [], membership: [[]] },
      grants: [
        {
          ...{ id: 'gra_page', subject: { kind: 'user', id: userId(0) }, scope: everything, actions: ['connect'] },
          ...{ createdAt: 0, createdBy: userId(0) },
        },
      ],
    });
    say(`${TARGETS} machines were written`);
    const person = await Person.signIn(site.gateway.url, { username: nameOf(0), password: ADMIN.password });
    const window = owned.use(await seatOf(browser, person));
    await window.context.addInitScript(watchLongTasks);
    const found: Measured[] = [];
    if (wanted.has('machines-page-search-ms')) found.push(await homePage(window, await window.at('/'), say));
    if (wanted.has('catalog-page-search-ms')) {
      await using office = await seatOf(browser, site.admin);
      await office.context.addInitScript(watchLongTasks);
      found.push(await catalogPage(await office.at('/catalog/machines'), say));
    }
    return found;
  },
};
