import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiProblem } from '@enchilada/contract';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { focusWithin, openMachine, seatOf } from './seat.ts';
import type { SessionPage } from './seat.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;
let targetId: string;

before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
  targetId = await site.machineOn(sshd, { name: 'terminal-machine' });
});
after(() => owned.disposeAsync());

/** Ends with the session itself, so that a test leaves nothing behind. */
async function withSession(use: (session: SessionPage) => Promise<void>): Promise<void> {
  await using window = await seatOf(browser, site.admin);
  const session = await openMachine(window, targetId);
  await session.ready();
  await session.page.getByRole('button', { name: 'Got it' }).click();
  await use(session);
  assert.deepEqual(window.complaints(), []);
  await site.admin.api.endSession({ params: { id: session.sessionId }, body: {} }).catch((refusal: unknown) => {
    // The test has ended it.
    if (!(refusal instanceof ApiProblem && refusal.code === 'NOT_FOUND')) throw refusal;
  });
}

const clipboard = (session: SessionPage): Promise<string> =>
  session.page.evaluate(() => navigator.clipboard.readText());

/** A choice shows at once and is stored behind it; a reload that comes sooner takes it back. */
async function stored(session: SessionPage, choice: string): Promise<void> {
  await session.page.waitForResponse(
    (response) =>
      response.url().endsWith('/me/preferences') && response.request().postData()?.includes(choice) === true,
  );
}

/** Both sent at once: twice with a pause between them means something else. */
async function escapeTwice({ page }: SessionPage): Promise<void> {
  const devTools = await page.context().newCDPSession(page);
  const key = { key: 'Escape', code: 'Escape', windowsVirtualKeyCode: 27 };
  await Promise.all(
    (['rawKeyDown', 'keyUp', 'rawKeyDown', 'keyUp'] as const).map((type) =>
      devTools.send('Input.dispatchKeyEvent', { type, ...key }),
    ),
  );
  await devTools.detach();
}

test('what is found is counted, moved along and left by Escape', () =>
  withSession(async (session) => {
    await session.run('for n in 1 2 3; do echo needle-$n; done; seq 200 | tail -3', 'printed');
    await session.page.keyboard.press('Control+Shift+F');
    const find = session.page.getByRole('search');
    const field = find.getByRole('textbox', { name: 'Find in terminal' });
    await field.fill('needle-');
    // The command line holds it too.
    await find.getByRole('status').getByText('4 of 4').waitFor();
    await session.page.keyboard.press('Enter');
    await find.getByRole('status').getByText('3 of 4').waitFor();
    await session.page.keyboard.press('Shift+Enter');
    await find.getByRole('status').getByText('4 of 4').waitFor();
    await field.fill('not there at all');
    await find.getByRole('status').getByText('No match').waitFor();
    await session.page.keyboard.press('Escape');
    await find.waitFor({ state: 'detached' });
    await session.run('true', 'typed-again');
  }));

test('text is copied from the terminal and pasted into it; several lines only after a look', () =>
  withSession(async (session) => {
    await session.run("printf 'unique%sword\\n' -copied-", 'printed');
    await session.clickOn('unique-copied-word', 2);
    // It is said for a moment alone.
    const said = session.page.getByText('Copied', { exact: true }).waitFor();
    await session.page.keyboard.press('Control+Shift+C');
    await said;
    assert.match(await clipboard(session), /unique-copied-word/u);

    await session.page.evaluate(() => navigator.clipboard.writeText('echo pasted-$((6*7))'));
    await session.page.keyboard.press('Control+Shift+V');
    await session.page.keyboard.press('Enter');
    await session.shows('pasted-42');

    // The menu's way, into a shell that does not tell pasted from typed text.
    await session.type("bind 'set enable-bracketed-paste off'");
    await session.run('true', 'unbracketed');
    await session.page.evaluate(() => navigator.clipboard.writeText('echo one-$((1+1))\necho two-$((2+2))\n'));
    const paste = async (): Promise<void> => {
      await session.page.getByRole('button', { name: 'More' }).click();
      await session.page.getByRole('menuitem', { name: /^Paste/u }).click();
    };
    await paste();
    const warning = session.page.getByRole('dialog', { name: 'Paste several lines' });
    await warning.getByText('echo two-$((2+2))').waitFor();
    await warning.getByRole('button', { name: 'Cancel' }).click();
    await warning.waitFor({ state: 'detached' });
    assert.doesNotMatch(await session.screen(), /one-2/u);
    await paste();
    await warning.getByRole('button', { name: 'Paste' }).click();
    await session.shows('one-2');
    await session.shows('two-4');

    // Where the shell asked for brackets, lines arrive as one text and none of them runs.
    await session.type("bind 'set enable-bracketed-paste on'");
    await session.run('true', 'in-brackets');
    // It asks with its prompt.
    await session.shows(/in-brackets-42\s*\S+\$\s*$/u);
    await paste();
    await session.shows(/echo two-\$\(\(2\+2\)\).*echo two-\$\(\(2\+2\)\)/u);
    assert.equal(await warning.count(), 0);
    assert.equal((await session.screen()).split('one-2').length - 1, 1, 'a pasted line ran by itself');
    await session.page.keyboard.press('Control+C');
  }));

test('a file transfer through the terminal is cancelled, and the person is told', () =>
  withSession(async (session) => {
    const notice = session.page.getByRole('alert').filter({ hasText: 'This session has no other way for files' });
    for (const program of ['sz /etc/hostname', 'rz']) {
      await session.run(program, `over-${program.slice(0, 2)}`);
      await notice.filter({ hasText: 'was cancelled' }).getByRole('button', { name: 'Close' }).click();
      await notice.waitFor({ state: 'detached' });
    }
    await session.type("printf '::TRZSZ:TRANSFER:%s\\n' S:1.1.6:1234567890123");
    await notice.filter({ hasText: 'Ctrl+C' }).waitFor();
  }));

test('a link of the machine opens only after a look at where it leads', () =>
  withSession(async (session) => {
    await session.run(
      `printf '\\033]8;;https://evil.example/path\\033\\\\innocent-words\\033]8;;\\033\\\\ https://plain.example/page javascript:alert(1)\\n'`,
      'linked',
    );
    const dialog = session.page.getByRole('dialog', { name: 'Open this link' });
    await session.pointAt('innocent-words');
    await session.page.locator('.xterm-cursor-pointer').waitFor();
    await session.clickOn('innocent-words');
    await dialog.getByText('https://evil.example/path', { exact: true }).waitFor();
    const open = dialog.getByRole('link', { name: 'Open link' });
    assert.equal(await open.getAttribute('href'), 'https://evil.example/path');
    assert.equal(await open.getAttribute('rel'), 'noopener noreferrer');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(session.page.context().pages().length, 1, 'a link opened by itself');
    assert.match(session.page.url(), /\/s\//u);
  }));

test('keys that the browser keeps are sent from the menu, and Ctrl+Alt+Shift opens it', () =>
  withSession(async (session) => {
    await session.echoBytes();
    const send = async (key: string): Promise<void> => {
      await session.input.focus();
      await session.page.keyboard.press('Control+Alt+Shift');
      await session.page.getByRole('menuitem', { name: key, exact: true }).click();
      await session.page.getByRole('menu').waitFor({ state: 'detached' });
    };
    await send('Ctrl+W');
    await session.shows('<17>');
    await send('Ctrl+T');
    await session.shows('<14>');
    await send('F1');
    await session.shows('<1b><4f><50>');
    await send('F12');
    await session.shows('<1b><5b><32><34><7e>');
    await send('Shift+Tab');
    await session.shows('<1b><5b><5a>');
    // The keyboard is back in the terminal.
    await session.page.keyboard.type('.');
    await session.run('true', 'shell-again');
  }));

test('full screen does without Keyboard Lock where the browser has none', () =>
  withSession(async (session) => {
    await session.page.evaluate(() => Object.defineProperty(navigator, 'keyboard', { value: undefined }));
    const button = session.tools.getByRole('button', { name: 'Full screen' });
    await button.click();
    await session.page.locator('.bar[data-fullscreen="true"]').waitFor();
    await session.run('true', 'in-full-screen');
    await session.page.locator('.bar').hover({ position: { x: 200, y: 31 } });
    await button.click();
    await session.page.locator('.bar[data-fullscreen="false"]').waitFor();
  }));

test('the keyboard alone gets out of the terminal, to the end of the session', () =>
  withSession(async (session) => {
    const { keyboard } = session.page;
    const focused = (): Promise<string> =>
      session.page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.tagName ?? '',
      );
    // Tab belongs to the shell.
    await session.input.focus();
    await keyboard.press('Tab');
    assert.equal(await focused(), 'Terminal input');
    await escapeTwice(session);
    await session.page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Machines');
    const reached: string[] = [];
    while (reached.at(-1) !== 'More') {
      assert.ok(reached.length < 12, `More is not reached: ${reached.join(', ')}`);
      await keyboard.press('Tab');
      reached.push(await focused());
    }
    for (const tool of ['Send keys', 'Find in terminal', 'Display settings', 'Full screen'])
      assert.ok(reached.includes(tool), `${tool} is not reached: ${reached.join(', ')}`);
    await keyboard.press('Enter');
    await session.page.getByRole('menuitem', { name: /^Copy/u }).waitFor();
    await focusWithin(session.page.getByRole('menu'));
    await keyboard.press('ArrowDown');
    await keyboard.press('End');
    await session.page.waitForFunction(() => document.activeElement?.textContent === 'End session');
    await keyboard.press('Enter');
    await session.end.getByRole('heading', { name: 'You ended the session' }).waitFor();
    await session.page.waitForFunction(() => document.activeElement?.textContent === 'Open again');
  }));

test('screen-reader mode speaks output, and is remembered', () =>
  withSession(async (session) => {
    await session.tools.getByRole('button', { name: 'Display settings' }).click();
    const kept = stored(session, 'screenReader\\":true');
    await session.page.getByRole('switch', { name: 'Screen-reader mode' }).click();
    await kept;
    await session.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await session.page.getByRole('dialog').waitFor({ state: 'detached' });
    await session.run('echo spoken-$((3+4))', 'said');
    const tree = session.page.locator('.xterm-accessibility-tree');
    await tree
      .getByRole('listitem')
      .filter({ hasText: /^spoken-7$/u })
      .waitFor();
    await session.page
      .locator('.live-region[aria-live="assertive"]')
      .filter({ hasText: 'spoken-7' })
      .waitFor({ state: 'attached' });
    await session.page.reload();
    await session.ready();
    await tree
      .getByRole('listitem')
      .filter({ hasText: /^spoken-7$/u })
      .waitFor();
  }));

test('colours and font size take effect at once and survive a reload', () =>
  withSession(async (session) => {
    const look = (): Promise<{ background: string; columns: number; fontSize: string }> =>
      session.page.evaluate(() => ({
        background: getComputedStyle(document.querySelector('.terminal') as Element).backgroundColor,
        fontSize: getComputedStyle(document.querySelector('.xterm-rows') as Element).fontSize,
        columns: 0,
      }));
    await session.run('stty size', 'before');
    await session.tools.getByRole('button', { name: 'Display settings' }).click();
    const dialog = session.page.getByRole('dialog', { name: 'Display settings' });
    await dialog.getByRole('combobox', { name: 'Terminal colours' }).click();
    await session.page.getByRole('option', { name: 'Paper' }).click();
    const kept = stored(session, 'fontSize\\":22');
    await dialog.getByRole('textbox', { name: 'Font size' }).fill('22');
    await kept;
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    const chosen = await look();
    assert.deepEqual([chosen.background, chosen.fontSize], ['rgb(251, 246, 234)', '22px']);
    // Larger letters leave room for fewer: the machine is told.
    await session.run('clear; stty size', 'after');
    const columns = Number(/^\d+ (\d+)$/mu.exec(await session.screen())?.[1]);
    assert.ok(columns > 60 && columns < 120, `${columns} columns`);
    await session.page.reload();
    await session.ready();
    assert.deepEqual(await look(), chosen);
  }));

test('a reload brings back the same screen and the scrollback above it', () =>
  withSession(async (session) => {
    await session.run('seq -f line-%g 400', 'counted');
    await session.type(`printf '\\033[1;32mgreen\\033[0m'`);
    // What the command prints and the prompt behind it, not its echo.
    await session.shows(/0m'\s*green\S*\$/u);
    const before = await session.screen();
    await session.page.reload();
    await session.ready();
    await session.shows(/0m'\s*green\S*\$/u);
    assert.equal(await session.screen(), before);
    // Back through everything that has left the screen.
    await session.page.keyboard.press('Control+Shift+F');
    await session.page.getByRole('textbox', { name: 'Find in terminal' }).fill('line-7\n');
    await session.page.getByRole('textbox', { name: 'Find in terminal' }).fill('line-17');
    await session.page
      .getByRole('search')
      .getByRole('status')
      .getByText(/ of 11$/u)
      .waitFor();
    await session.page.keyboard.press('Escape');
    for (let page = 0; page < 20; page += 1) await session.page.keyboard.press('Shift+PageUp');
    await session.shows(/line-1(?!\d)/u);
  }));

test('on a phone a key row stands above the keyboard, and its modifiers hold for one key', async () => {
  await using window = await seatOf(browser, site.admin, { size: PHONE, touch: true });
  const session = await openMachine(window, targetId);
  await session.ready();
  const row = session.page.getByRole('toolbar', { name: 'Extra keys' });
  const tap = (key: string): Promise<void> => row.getByRole('button', { name: key, exact: true }).tap();
  const box = await row.boundingBox();
  assert.ok(
    box !== null && Math.round(box.y + box.height) === PHONE.height,
    `the key row is at ${JSON.stringify(box)}`,
  );
  for (const key of await row.getByRole('button').all()) {
    const size = await key.boundingBox();
    assert.ok(
      size !== null && size.width >= 40 && size.height >= 44,
      `${await key.innerText()} is ${JSON.stringify(size)}`,
    );
  }
  await session.echoBytes();
  await tap('Esc');
  await session.shows('<1b>');
  await tap('Ctrl');
  // A tap is a click a moment after it.
  await row.getByRole('button', { name: 'Ctrl', pressed: true }).waitFor();
  await session.input.focus();
  await session.page.keyboard.type('a');
  await session.shows('<01>');
  assert.equal(await row.getByRole('button', { name: 'Ctrl' }).getAttribute('aria-pressed'), 'false');
  await session.page.keyboard.type('a');
  await session.shows('<61>');
  await tap('Alt');
  await tap('↑');
  await session.shows('<1b><5b><31><3b><33><41>');
  await session.page.keyboard.type('.');
  await session.run('true', 'shell-again');
  const overflow = await session.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
  assert.deepEqual(window.complaints(), []);
});
