import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export type Rules = 'all' | 'geometry';

/** What a page must be for everyone; answers what it is not. */
export async function flaws(page: Page, rules: Rules): Promise<readonly string[]> {
  const found: string[] = [];
  const headings = await page.getByRole('heading', { level: 1 }).count();
  if (headings !== 1) found.push(`${headings} headings of level 1`);
  const tooWide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  if (tooWide > 0) found.push(`${tooWide} pixels too wide`);
  // In a page that does not scroll, what lies beyond its edge cannot be reached.
  const beyond = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, a, input')]
      .filter((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        const isApart = element.closest('.skip-link, [hidden]') !== null || width <= 1;
        return !isApart && (left < -1 || right > document.documentElement.clientWidth + 1);
      })
      .filter((element) => {
        for (let box = element.parentElement; box !== null; box = box.parentElement) {
          if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX)) return false;
        }
        return true;
      })
      .map((element) => element.getAttribute('aria-label') ?? element.textContent),
  );
  if (beyond.length > 0) found.push(`beyond the edge: ${beyond.join(', ')}`);
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, button span, a, label, legend, th, h1, h2, h3')]
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1)
      .filter((element) => getComputedStyle(element).overflowX !== 'visible' && !element.matches('.truncate'))
      .map((element) => element.textContent),
  );
  if (cut.length > 0) found.push(`words cut off: ${cut.join(', ')}`);
  if (rules === 'geometry') return found;
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    return (await axe.run(document, { resultTypes: ['violations'] })).violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      at: nodes.map(({ html }) => html.slice(0, 160)),
    }));
  });
  for (const { id, impact, at } of violations) {
    if (impact === 'serious' || impact === 'critical') found.push(`${impact}: ${id} at ${at.slice(0, 3).join(' ')}`);
  }
  return found;
}
