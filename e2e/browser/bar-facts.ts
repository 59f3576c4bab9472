import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';

/**
 * The facts of a session's bar, of which state, round-trip time and that it is recorded are always there, as somebody sees them: inside
 * the window, not cut, and covered by nothing.
 */
export async function inSight(page: Page, place: '.bar-facts' | '.bar-badge', words: RegExp): Promise<void> {
  await page
    .locator(place)
    .locator('.bar-rtt')
    .filter({ hasText: /^\d+ ms$/u })
    .waitFor();
  await page.locator(place).locator('[data-fact=recorded]').waitFor();
  const seen = await page.locator(place).evaluate((element) =>
    [...element.querySelectorAll<HTMLElement>('.bar-fact')].map((fact) => {
      const box = fact.getBoundingClientRect();
      // What only a screen reader gets has one pixel, what is not shown at all has none.
      const shown = [...fact.childNodes].filter(
        (node) => !(node instanceof Element) || node.clientWidth > 1 || node.getBoundingClientRect().width > 1,
      );
      const words = shown
        .map((node) => node.textContent)
        .join('')
        .trim();
      const isWhole =
        box.left >= 0 &&
        box.top >= 0 &&
        box.right <= innerWidth &&
        fact.scrollWidth <= fact.clientWidth &&
        box.width > 0;
      const points = [box.left + 1, box.left + box.width / 2, box.right - 1];
      // What takes no clicks is looked through by elementFromPoint.
      fact.style.pointerEvents = 'auto';
      const isOnTop = points.every((x) => fact.contains(document.elementFromPoint(x, box.top + box.height / 2)));
      fact.style.pointerEvents = '';
      return { words, isWhole, isOnTop };
    }),
  );
  assert.deepEqual(
    seen.filter(({ isWhole, isOnTop }) => !isWhole || !isOnTop),
    [],
  );
  assert.match(seen.map((fact) => fact.words).join(' '), words);
}
