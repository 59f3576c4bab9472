import { until } from '@enchilada/core/testing/until';
import type { Locator, Page } from 'playwright-core';
import type { BrowserWindow, Chromium, WindowOptions } from '../fixtures/chromium.ts';
import type { Person } from '../product/index.ts';

/** A window of somebody who has signed in: the cookie of their login, without the sign-in page, which has tests of its own. */
export async function seatOf(
  browser: Chromium,
  person: Person,
  options: WindowOptions = {},
): Promise<BrowserWindow & { at(path: string): Promise<Page> }> {
  const window = await browser.window(options);
  const cut = person.cookie.indexOf('=');
  await window.context.addCookies([
    {
      name: person.cookie.slice(0, cut),
      value: person.cookie.slice(cut + 1),
      // Chromium sends Secure cookies to http://localhost, but lets only https set them from outside a page.
      url: person.url.replace('http:', 'https:'),
      secure: true,
      httpOnly: true,
      sameSite: 'Lax',
    },
  ]);
  await window.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: person.origin });
  return Object.assign(window, { at: (path: string) => window.tab(new URL(path, person.url).href) });
}

/** The document of a session, as a person uses it. */
export class SessionPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Everything the terminal shows at this moment; its renderer has an element for each row. */
  get rows(): Locator {
    return this.page.locator('.xterm-rows');
  }

  get input(): Locator {
    return this.page.getByRole('textbox', { name: 'Terminal input' });
  }

  get tools(): Locator {
    return this.page.getByRole('toolbar', { name: 'Session tools' });
  }

  get end(): Locator {
    return this.page.getByRole('alert');
  }

  /** Waits until the session is live, its keyboard tip read. */
  async connected(): Promise<this> {
    await this.page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
    await this.page.waitForURL((url) => /^\/s\/(?!new)./u.test(url.pathname));
    return this;
  }

  /** The prompt of the shell stands there: what is typed now is not lost. */
  async ready(): Promise<this> {
    await this.connected();
    await this.shows('$');
    return this;
  }

  get sessionId(): string {
    return new URL(this.page.url()).pathname.replace('/s/', '');
  }

  /** Waits until the terminal shows the words, wherever the screen breaks them. */
  async shows(words: string | RegExp): Promise<void> {
    await this.rows.filter({ hasText: words }).waitFor();
  }

  /** Where the words stand on the screen; the mouse belongs to a layer above the rows. */
  async pointAt(words: string): Promise<void> {
    const box = await this.rows.locator('span', { hasText: words }).last().boundingBox();
    if (box === null) throw new Error(`${words} is not on the screen`);
    await this.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  }

  async clickOn(words: string, count = 1): Promise<void> {
    const box = await this.rows.locator('span', { hasText: words }).last().boundingBox();
    if (box === null) throw new Error(`${words} is not on the screen`);
    await this.page.mouse.click(box.x + box.width / 2, box.y + box.height / 2, { clickCount: count });
  }

  async screen(): Promise<string> {
    const lines = await this.rows.locator('> div').allInnerTexts();
    return lines
      .map((line) => line.replaceAll(' ', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }

  async type(command: string): Promise<void> {
    await this.input.focus();
    await this.page.keyboard.type(command);
    await this.page.keyboard.press('Enter');
  }

  /** A command whose output holds the mark only once it has run. */
  async run(command: string, mark: string): Promise<void> {
    await this.type(`${command}; echo ${mark}-$((40+2))`);
    await this.shows(`${mark}-42`);
  }

  /** From now on each byte that arrives is printed as hex, until a full stop. */
  async echoBytes(): Promise<void> {
    // Until then, the terminal's driver keeps some of them for itself.
    await this.type(
      `stty -echo -icanon; echo bytes-$((40+2)); while IFS= read -rN1 c; do [ "$c" = . ] && break; printf '<%02x>' "'$c"; done; stty sane`,
    );
    await this.shows('bytes-42');
  }
}

/** Opens a machine in a tab of its own. */
export async function openMachine(window: { at(path: string): Promise<Page> }, targetId: string): Promise<SessionPage> {
  return new SessionPage(await window.at(`/s/new?target=${targetId}`));
}

/** A dialog or a menu takes the focus a moment after it is drawn: a key that comes sooner goes elsewhere, and what was focused before loses it. */
export async function focusWithin(layer: Locator): Promise<void> {
  await until(() => layer.evaluate((element) => element.contains(document.activeElement)));
}
