import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const ARTIFACTS = join(import.meta.dirname, '..', '.artifacts');

/** Pictures to be looked at, in a folder of `e2e/.artifacts`; taken on request alone (`TEST_SCREENSHOTS=1`). */
export function picturesIn(folder: string, options: { readonly fullPage?: boolean } = {}) {
  return async (page: Page, name: string): Promise<void> => {
    if (process.env['TEST_SCREENSHOTS'] !== '1') return;
    await mkdir(join(ARTIFACTS, folder), { recursive: true });
    await page.screenshot({ path: join(ARTIFACTS, folder, `${name}.png`), ...options });
  };
}

/** A picture of the documentation, made anew where `DOCS_IMAGES` says into which folder. */
export async function docsPicture(page: Page, name: string): Promise<void> {
  const folder = process.env['DOCS_IMAGES'];
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
}
