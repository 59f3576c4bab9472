import type { Locator, Page } from 'playwright-core';

/** The panel of files beside a session, as a person uses it. */
export class FilesPanel {
  readonly page: Page;
  readonly root: Locator;

  private constructor(page: Page) {
    this.page = page;
    this.root = page.getByRole('complementary', { name: 'Files' });
  }

  static async open(page: Page): Promise<FilesPanel> {
    const tip = page.getByRole('button', { name: 'Got it' });
    if (await tip.isVisible()) await tip.click();
    await page.getByRole('button', { name: 'Files', exact: true }).click();
    const panel = new FilesPanel(page);
    await panel.root.getByRole('navigation', { name: 'Path' }).waitFor();
    return panel;
  }

  /** Down from the root, folder by folder. */
  async go(folder: string): Promise<void> {
    await this.root.getByRole('button', { name: '/', exact: true }).click();
    for (const name of folder.split('/').filter((part) => part !== '')) {
      // A folder may hold more than is shown at once.
      await this.root.getByRole('textbox', { name: 'Search in this folder' }).fill(name);
      await this.entry(`${name} folder`).click();
      await this.root.getByRole('navigation').getByRole('button', { name, exact: true }).waitFor();
    }
  }

  /** One that is listed, by its name and kind. */
  entry(nameAndKind: string): Locator {
    return this.root.getByRole('button', { name: nameAndKind, exact: true });
  }

  button(name: string): Locator {
    return this.root.getByRole('button', { name, exact: true });
  }

  async act(name: string, what: string): Promise<void> {
    await this.button(`Actions for ${name}`).click();
    await this.page.getByRole('menuitem', { name: what }).click();
  }

  /** Chosen in the browser's own dialog. */
  async send(files: readonly string[]): Promise<void> {
    await this.root
      .locator('input[type=file]')
      .first()
      .setInputFiles([...files]);
  }

  async sortBy(column: string): Promise<void> {
    await this.root.getByRole('columnheader', { name: column }).getByRole('button').click();
  }

  /** Waits until these names are listed, in this order. */
  async shows(names: readonly string[]): Promise<void> {
    const rows = this.root.getByRole('row');
    for (const [index, name] of names.entries())
      await rows
        .nth(index + 1)
        .locator(`[title="${name}"]`)
        .waitFor();
    await rows.nth(names.length + 1).waitFor({ state: 'detached' });
  }

  get transfers(): Locator {
    return this.root.getByRole('region', { name: 'Transfers' });
  }

  /** A transfer, or a folder of them, in the list of what is on its way. */
  row(name: string): Locator {
    return this.transfers.getByRole('listitem').filter({ has: this.page.getByText(name, { exact: true }) });
  }

  async says(name: string, words: RegExp): Promise<void> {
    await this.row(name).locator('.sub').filter({ hasText: words }).waitFor();
  }

  /** Waits until so many rows of transfers are done, and no other is listed; a folder is one, and so is each file that is shown of it. */
  async finished(count: number): Promise<void> {
    await this.transfers
      .getByText(/^Done/u)
      .nth(count - 1)
      .waitFor();
    await this.transfers.getByRole('listitem').nth(count).waitFor({ state: 'detached' });
  }
}
