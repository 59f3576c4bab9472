import { after } from 'node:test';
import { Chromium } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';

/** The product and a browser for all tests of the file that asks; both end with it. */
export async function siteAndChromium(): Promise<{ readonly site: Site; readonly browser: Chromium }> {
  const owned = new AsyncDisposableStack();
  after(() => owned.disposeAsync());
  try {
    const site = owned.use(await Site.start());
    return { site, browser: owned.use(await Chromium.launch()) };
  } catch (failure) {
    // The file ends here, and with it what would have run its hooks.
    await owned.disposeAsync();
    throw failure;
  }
}
