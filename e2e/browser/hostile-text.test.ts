import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { CONTROLS, FORMULAS, HOSTILE_NAMES, MARKUP } from '@enchilada/core/testing/hostile-text';
import { completeRecording, eventually } from '../cluster/people.ts';
import { Chromium } from '../fixtures/chromium.ts';
import type { BrowserWindow } from '../fixtures/chromium.ts';
import { ADMIN, Site, startSshd } from '../tests/site.ts';

/** T05, T28, T39: what somebody else wrote is shown, and does nothing: in the browser, on the command line, in sheets and in the log. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const PAGES = [
  '/',
  '/live',
  '/recordings',
  '/audit',
  '/me',
  '/catalog/machines',
  '/catalog/groups',
  '/catalog/credentials',
  '/access/people',
  '/access/groups',
  '/access/grants',
  '/settings',
];
const BANNER = [...MARKUP, ...FORMULAS].join('\n').slice(0, 7_900);

const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;
let liveSession: string;
let recording: string;
let base: string;

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'enchilada-hostile-'));
  owned.defer(() => rm(base, { recursive: true, force: true }));
  const sshd = owned.use(await startSshd({ config: [`Banner ${join(base, 'banner')}`] }));
  await writeFile(join(base, 'banner'), `${[...HOSTILE_NAMES, ...CONTROLS].join('\n')}\n`);
  site = owned.use(
    await Site.start({
      config: 'audit: { stdout: true }\nlog: { level: trace }\nsecondFactor: { required: nobody }\n',
    }),
  );
  browser = owned.use(await Chromium.launch());
  const { api } = site.admin;
  const me = await api.getMe();
  for (const [index, name] of HOSTILE_NAMES.entries()) {
    const group = await api.createTargetGroup({ body: { name } });
    const machine = await api.createTarget({
      body: {
        name,
        protocol: 'ssh',
        host: `host${index}.invalid`,
        port: 22,
        description: name,
        labels: { payload: name.slice(0, 60) },
        groupId: group.id,
      },
    });
    await api.createGrant({
      body: {
        subject: { kind: 'user', id: me.user.id },
        scope: { kind: 'target', id: machine.id },
        actions: ['connect'],
      },
    });
    // In a user name, braces are what a template puts in.
    await api.createCredential({ body: { name, kind: 'ask', username: name.replaceAll(/[{}]/gu, '') } });
    await api.createGroup({ body: { name, description: name } });
    await api.createUser({ body: { username: `person${index}`, displayName: name, role: 'user' } });
  }
  await api.setSettings({ body: { bannerText: BANNER } });
  const targetId = await site.machineOn(sshd, { name: `${MARKUP[0] ?? ''} machine` });
  const shown = await site.admin.open(targetId);
  await shown.live();
  // As a title, as text, as a link of OSC 8, as a clipboard write of OSC 52.
  const sequences = [...MARKUP.slice(0, 12), 'javascript:alert(1)'].flatMap((text) => [
    `\\033]0;${text}\\007`,
    `\\033]8;;${text}\\007link\\033]8;;\\007`,
    `${text}\\r\\n`,
  ]);
  await writeFile(join(base, 'screen'), [...sequences, '\\033]52;c;cHduZWQ=\\007', 'all-shown\\r\\n'].join('\n'), {
    mode: 0o644,
  });
  shown.type(
    `printf "$(cat ${join(base, 'screen')})" 2>/dev/null; cat ${join(base, 'banner')}; echo all-$((1+1))-done\r`,
  );
  await shown.see('all-2-done');
  await site.admin.api.endSession({ params: { id: shown.sessionId }, body: { reason: MARKUP[10] ?? '' } });
  await shown.ended();
  const live = owned.use(await site.admin.open(targetId));
  await live.live();
  live.type(`cat ${join(base, 'banner')}; echo all-$((1+1))-done\r`);
  await live.see('all-2-done');
  liveSession = live.sessionId;
  for (const word of MARKUP.slice(0, 3))
    await assert.rejects(api.login({ body: { username: word.slice(0, 100), password: 'wrong' } }));
  recording = await completeRecording(site.admin);
});
after(() => owned.disposeAsync());

interface Watch {
  readonly window: BrowserWindow;
  readonly page: Page;
  readonly seen: string[];
}

async function watched(): Promise<Watch & AsyncDisposable> {
  const window = await browser.window();
  const seen: string[] = [];
  const page = await window.context.newPage();
  page.on('dialog', (dialog) => {
    seen.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  window.context.on('request', (request) => {
    if (!request.url().startsWith(site.gateway.url) && !/^(?:data|blob):/u.test(request.url()))
      seen.push(`request: ${request.url()}`);
  });
  return { window, page, seen, [Symbol.asyncDispose]: () => window[Symbol.asyncDispose]() };
}

/** What ran although it is text; answers nothing where all is well. */
async function ran({ window, page, seen }: Watch): Promise<readonly string[]> {
  const { pwned, origin, prototype } = await page.evaluate(() => ({
    pwned: 'pwned' in globalThis,
    origin: location.origin,
    prototype: 'pwned' in {},
  }));
  return [
    ...seen.splice(0),
    ...window.complaints().filter((line) => !line.startsWith('401 ')),
    ...(pwned ? ['a payload ran'] : []),
    ...(prototype ? ['a prototype was polluted'] : []),
    ...(origin === new URL(site.gateway.url).origin ? [] : [`the page went to ${origin}`]),
  ];
}

/** The text of every row; rows exist near the screen alone, and so the list is scrolled from end to end. */
function drawnRows(page: Page): Promise<string> {
  return page.locator('.machine-scroller').evaluate(async (scroller) => {
    let text = '';
    for (let top = 0; top < scroller.scrollHeight; top += scroller.clientHeight) {
      scroller.scrollTop = top;
      for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
      text += scroller.textContent;
    }
    return text;
  });
}

/** The code of a program that asks to be signed in and calls itself this. */
async function askedBy(userAgent: string): Promise<string> {
  const answer = await fetch(`${site.gateway.url}/api/v1/device-logins`, {
    method: 'POST',
    headers: { origin: new URL(site.gateway.url).origin, 'x-enchilada': '1', 'user-agent': userAgent },
  });
  const { userCode } = (await answer.json()) as { readonly userCode: string };
  return userCode;
}

test('every page shows hostile names as text, and nothing of them runs', async () => {
  await using watch = await watched();
  const { page } = watch;
  const wrong: Record<string, readonly string[]> = {};
  const at = (path: string): string => new URL(path, site.gateway.url).href;
  await page.goto(at('/sign-in'));
  await page
    .getByText(MARKUP[0] ?? '', { exact: false })
    .first()
    .waitFor();
  wrong['/sign-in'] = await ran(watch);
  await page.getByLabel('User name').fill(ADMIN.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
  for (const path of PAGES) {
    await page.goto(at(path));
    await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
    await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'hidden' });
    if (path === '/' || path === '/catalog/machines')
      await eventually(`the names on ${path}`, async () => (await drawnRows(page)).includes('<svg onload=alert(1)>'));
    else if (/^\/(?:catalog|access\/(?:people|groups))/u.test(path))
      await page.getByText('<svg onload=alert(1)>', { exact: false }).first().waitFor();
    wrong[path] = await ran(watch);
  }
  for (const hostile of [
    '?q=<script>alert(1)</script>',
    '?text=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E',
    '?next=javascript:alert(1)',
  ]) {
    for (const path of ['/', '/audit', '/recordings', '/sign-in']) {
      await page.goto(at(path + hostile));
      await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
      wrong[path + hostile] = await ran(watch);
    }
  }
  await page.goto(at('/device'));
  await page.getByRole('textbox', { name: 'Code' }).fill(await askedBy(MARKUP.slice(6, 14).join(' ')));
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('<svg onload=alert(1)>', { exact: false }).waitFor();
  wrong['/device'] = await ran(watch);
  await page.goto(at(`/s/${liveSession}?watch=1`));
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
  await page.getByText('all-2-done').first().waitFor({ state: 'attached' });
  wrong['/s'] = await ran(watch);
  await page.goto(at(`/r/${recording}`));
  await page.getByRole('button', { name: /^Verified/u }).waitFor();
  wrong['/r'] = await ran(watch);
  assert.deepEqual(Object.fromEntries(Object.entries(wrong).filter(([, flaws]) => flaws.length > 0)), {});
});

test('no schema lets a control character into a name', async () => {
  const { api } = site.admin;
  for (const name of CONTROLS) {
    const attempts = [
      api.createTarget({ body: { name, protocol: 'ssh', host: 'h.invalid', port: 22 } }),
      api.createTarget({ body: { name: 'n', protocol: 'ssh', host: 'h.invalid', port: 22, labels: { l: name } } }),
      api.createTarget({ body: { name: 'n', protocol: 'ssh', host: name, port: 22 } }),
      api.createTargetGroup({ body: { name } }),
      api.createCredential({ body: { name, kind: 'ask', username: '' } }),
      api.createGroup({ body: { name, description: '' } }),
      api.createUser({ body: { username: 'controlled', displayName: name, role: 'user' } }),
      api.createUser({ body: { username: name, displayName: '', role: 'user' } }),
    ];
    for (const [index, attempt] of (await Promise.allSettled(attempts)).entries()) {
      assert.equal(attempt.status, 'rejected', `${JSON.stringify(name)}, attempt ${index}`);
      assert.equal((attempt.reason as { readonly code?: string }).code, 'INVALID_REQUEST', `${index}`);
    }
  }
});

/** Rows of a sheet as a spreadsheet reads them (RFC 4180). */
function cellsOf(csv: string): readonly (readonly string[])[] {
  return csv
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) =>
      [...line.matchAll(/"((?:[^"]|"")*)"|([^,]+)/gu)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      ),
    );
}

test('no export begins a formula, breaks a line or hides a character', async () => {
  const { api } = site.admin;
  const csv = await (await api.exportAudit({ query: { format: 'csv' } })).text();
  const jsonl = await (await api.exportAudit({ query: { format: 'jsonl' } })).text();
  const [head, ...rows] = cellsOf(csv);
  const records = jsonl
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly hash: string; readonly object?: { readonly name?: string } });
  // What happened between the two stands in the second alone.
  const hashes = records.slice(0, rows.length).map(({ hash }) => hash);
  assert.equal(head?.at(-1), 'hash');
  assert.deepEqual(
    rows.map((row) => row.at(-1)),
    hashes,
  );
  for (const row of rows) {
    assert.equal(row.length, head?.length, row.join('|'));
    for (const cell of row) assert.doesNotMatch(cell, /^[=+\-@|%\t\r]/u);
  }
  for (const line of [...csv.split('\r\n'), ...jsonl.split('\n')]) assert.doesNotMatch(line, OBEYED);
  // Nothing is lost: each name stands in the log to the letter.
  const names = new Set(records.map(({ object }) => object?.name));
  for (const name of HOSTILE_NAMES) assert.ok(names.has(name), JSON.stringify(name));
});

test('no line of the log moves a cursor, and each is JSON', () => {
  const lines = site.gateway.log
    .trimEnd()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  assert.ok(lines.length > 300, `${lines.length} lines`);
  for (const line of lines) {
    assert.doesNotMatch(line, OBEYED);
    JSON.parse(line);
  }
  assert.equal(lines.length, site.gateway.log.trimEnd().split('\n').length, 'and there is no other line');
});

test('no list of the command line moves a cursor or gains a row', async () => {
  const passwordFile = join(base, 'password');
  await writeFile(passwordFile, `${ADMIN.password}\n`, { mode: 0o600 });
  const enchilada = (...words: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(
        join(import.meta.dirname, '..', '..', 'bin', 'enchilada'),
        words,
        { env: { ...process.env, XDG_CONFIG_HOME: join(base, 'config') }, cwd: base, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`${words.join(' ')}: ${stdout}${stderr}`));
        },
      );
    });
  await enchilada('login', site.gateway.url, ADMIN.username, '--password-file', passwordFile);
  for (const words of [
    ['targets', 'list'],
    ['users', 'list'],
    ['groups', 'list'],
    ['grants', 'list'],
    ['sessions', 'list'],
    ['recordings', 'list'],
    ['audit', 'list'],
    ['audit', 'export'],
    ['audit', 'export', '--format', 'csv'],
  ]) {
    for (const json of [[], ['--json']]) {
      if (words[1] === 'export' && json.length > 0) continue;
      const printed = await enchilada(...words, ...json);
      for (const line of printed.replaceAll('\r\n', '\n').split('\n'))
        assert.doesNotMatch(line, OBEYED, words.join(' '));
      if (json.length > 0) JSON.parse(printed);
    }
  }
  const rows = (await enchilada('groups', 'list')).trimEnd().split('\n');
  assert.ok(rows.length <= HOSTILE_NAMES.length + 3, `${rows.length} rows for ${HOSTILE_NAMES.length} groups`);
});
