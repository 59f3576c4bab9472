import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Download, Locator, Page } from 'playwright-core';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import { Chromium } from '../fixtures/chromium.ts';
import { Person } from '../product/index.ts';
import { Site, startSshd } from '../tests/site.ts';
import { openMachine, seatOf, SessionPage } from './seat.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;

before(async () => {
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  site = owned.use(await Site.start());
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

async function downloadOf(page: Page, click: () => Promise<void>): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  return {
    name: (download satisfies Download).suggestedFilename(),
    text: await readFile(await download.path(), 'utf8'),
  };
}

test('the audit log is filtered, shown in detail, verified, and exported as it is filtered', async () => {
  await site.admin.api.createTargetGroup({ body: { name: 'a group for the log' } });
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/audit');
  const rows = page.getByRole('row');
  await page.getByRole('button', { name: 'target-group.created' }).waitFor();
  await page.getByRole('combobox', { name: 'Action' }).fill('target-group');
  await page.getByRole('option', { name: 'target-group.created' }).click();
  await page.waitForURL(/action=target-group\.created/u);
  await page.getByRole('button', { name: 'bootstrap.used' }).waitFor({ state: 'detached' });
  assert.equal(await rows.count(), 2, 'the heading and the one event');

  await page.getByRole('button', { name: 'target-group.created' }).click();
  const detail = page.getByRole('dialog', { name: 'target-group.created' });
  await detail.getByText('a group for the log').waitFor();
  await page.keyboard.press('Escape');
  await detail.waitFor({ state: 'detached' });

  const exported = async (format: RegExp): Promise<{ name: string; text: string }> => {
    await page.getByRole('button', { name: 'Export' }).click();
    return downloadOf(page, () => page.getByRole('menuitem', { name: format }).click());
  };
  const csv = await exported(/CSV/u);
  assert.match(csv.name, /\.csv$/u);
  assert.deepEqual(csv.text.trim().split(/\r?\n/u).length, 2);
  assert.match(csv.text, /a group for the log/u);
  const lines = await exported(/JSON/u);
  assert.deepEqual(
    lines.text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { action: string }).action),
    ['target-group.created'],
  );

  await page.getByRole('button', { name: 'Verify' }).click();
  await page
    .getByRole('status')
    .filter({ hasText: /intact|unaltered/iu })
    .waitFor();
  // The filter is in the address: a reload keeps it.
  await page.reload();
  await page.getByRole('button', { name: 'target-group.created' }).waitFor();
  assert.equal(await rows.count(), 2);
  assert.deepEqual(window.complaints(), []);
});

test('machines are imported after a look; bad rows are named and nothing is saved while there are any', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/catalog/machines?import=1');
  const dialog = page.getByRole('dialog', { name: 'Import' });
  const text = dialog.getByRole('textbox', { name: 'Machines as text' });
  await text.fill(
    'name,protocol,host,port,group,labels\nweb-01,ssh,web-01.example.net,22,Production/Web,env=prod\nweb-02,ssh,web-02.example.net,70000,,\nweb-03,gopher,web-03.example.net,70,,\n',
  );
  await dialog.getByRole('button', { name: 'Preview' }).click();
  await dialog.getByRole('status').filter({ hasText: '1 to add, 0 to update, 2 refused' }).waitFor();
  const refused = dialog.getByRole('row').filter({ hasText: 'Refused' });
  assert.equal(await refused.count(), 2);
  await refused.filter({ hasText: 'web-02' }).getByText(/port/u).waitFor();
  await refused
    .filter({ hasText: 'web-03' })
    .getByText(/protocol/u)
    .waitFor();
  assert.equal(await dialog.getByRole('button', { name: /^Save/u }).count(), 0);
  assert.equal((await site.admin.api.listTargets({ query: { text: 'web-0' } })).total, 0);

  await text.fill('name,protocol,host,port,group,labels\nweb-01,ssh,web-01.example.net,22,Production/Web,env=prod\n');
  await dialog.getByRole('button', { name: 'Preview' }).click();
  await dialog.getByRole('button', { name: 'Save 1 machine' }).click();
  await page.getByText('1 added, 0 updated').waitFor();
  await page.getByRole('button', { name: 'web-01', exact: true }).waitFor();
  assert.deepEqual(window.complaints(), []);
});

test('a recording is found, verified and downloaded; its person sees it, a stranger does not', async () => {
  const targetId = await site.machineOn(sshd, { name: 'recorded-machine' });
  const petra = await site.person('petra-the-person');
  const frank = await site.person('frank-the-foreigner');
  const olga = await site.person('olga-the-auditor', 'auditor');
  await site.grant(petra, targetId, ['connect']);
  await using hers = await seatOf(browser, petra);
  const session = await openMachine(hers, targetId);
  await session.ready();
  await session.run('true', 'petra-was-here');
  await session.type('exit');
  await session.end.getByRole('heading', { name: 'The machine closed the session' }).waitFor();
  await site.recordingOf(session.sessionId);
  const own = await hers.at('/recordings');
  const player = await hers.tabFrom(() =>
    own.getByRole('button', { name: 'Play recording of recorded-machine' }).click(),
  );
  await player.locator('.xterm-rows').filter({ hasText: 'petra-was-here-42' }).waitFor();
  await player.getByRole('button', { name: /^Verified/u }).waitFor();
  assert.equal(
    await player.getByRole('button', { name: 'Export' }).count(),
    0,
    'an own recording is seen, not taken away',
  );

  await using auditors = await seatOf(browser, olga);
  const list = await auditors.at('/recordings');
  await list.getByRole('textbox', { name: 'Machine or person' }).fill('petra');
  await list.waitForURL(/q=petra/u);
  const row = list.getByRole('row').filter({ hasText: 'petra-the-person' });
  const { name } = await downloadOf(list, () =>
    row.getByRole('link', { name: 'Download recording of recorded-machine' }).click(),
  );
  assert.match(name, /^[a-z2-7]{26}\.tar$/u);
  const audited = await auditors.tabFrom(() => row.getByRole('button', { name: /^Play/u }).click());
  await audited.getByRole('button', { name: /^Verified/u }).waitFor();
  await audited.getByRole('button', { name: 'Export' }).click();
  const cast = await downloadOf(audited, () => audited.getByRole('menuitem', { name: 'asciicast v2' }).click());
  assert.equal((JSON.parse(cast.text.split('\n')[0] ?? '') as { version: number }).version, 2);
  await audited.getByRole('button', { name: 'Export' }).click();
  const plain = await downloadOf(audited, () => audited.getByRole('menuitem', { name: 'Plain text' }).click());
  assert.match(plain.text, /petra-was-here-42/u);
  const log = await site.admin.api.listAudit({ query: { actor: 'olga-the-auditor', limit: 50 } });
  for (const action of [
    'recording.viewed',
    'recording.verified',
    'recording.downloaded',
    'recording.exported',
  ] as const)
    assert.ok(
      log.items.some((record) => record.action === action),
      `${action} is not audited`,
    );

  await using foreign = await seatOf(browser, frank);
  const recording = new URL(audited.url()).pathname;
  const closed = await foreign.at(recording);
  await closed.getByRole('alert').getByText('This does not exist, or you may not see it').waitFor();
  const none = await foreign.at('/recordings');
  await none.getByRole('heading', { level: 2, name: 'No recordings' }).waitFor();
});

test('a credential without a secret makes the certificate authority, whose keys are shown with what machines must do', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/catalog/credentials');
  await page.getByText('No signing key yet').waitFor();
  await page.getByRole('button', { name: 'Add credential' }).first().click();
  const form = page.getByRole('dialog', { name: 'Add credential' });
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('everybody as themselves');
  await form.getByRole('combobox', { name: 'Kind' }).click();
  await page.getByRole('option', { name: 'Short-lived certificate' }).click();
  await form.getByRole('textbox', { name: 'User name' }).fill('{username}');
  await form.getByRole('textbox', { name: 'Presented from' }).fill('10.0.0.0/8\n');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'detached' });
  const authority = page.locator('section').filter({ hasText: 'Certificate authority' });
  await authority.getByRole('row').filter({ hasText: 'signs' }).waitFor();
  await authority.getByText('TrustedUserCAKeys').waitFor();
  await authority.getByRole('button', { name: 'Prepare the next key' }).click();
  const next = authority.getByRole('row').filter({ hasText: 'next' });
  await next.waitFor();
  await next.getByRole('button', { name: 'Sign with it' }).click();
  await page
    .getByRole('dialog', { name: 'Sign with the next key' })
    .getByRole('button', { name: 'Sign with it' })
    .click();
  await authority.getByRole('row').filter({ hasText: 'before' }).waitFor();
  await authority.getByRole('button', { name: 'Copy', exact: true }).click();
  await until(async () => /TrustedUserCAKeys/u.test(await page.evaluate(() => navigator.clipboard.readText())));
  assert.deepEqual(window.complaints(), []);
});

/** Opens every group of a form's parameters. Answers the labels of their fields. */
async function parametersOf(form: Locator, protocol: string): Promise<readonly string[]> {
  const { items } = await site.admin.api.listEngines();
  const { parameters } = items.find(({ id }) => id === protocol) ?? assert.fail(`there is no engine ${protocol}`);
  for (const group of new Set(parameters.map((field) => field.group.en)))
    await form.getByRole('button', { name: group, exact: true }).click();
  return parameters.map(({ label }) => label.en);
}

test('the first machine is added and edited through the form of its engine, opened by Enter and by a double-click, and is recent', async () => {
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name: 'of the first machine', kind: 'password', username: sshd.username, secret: sshd.password },
  });
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/first-run');
  await page.getByRole('link', { name: 'Add machine' }).click();
  const form = page.getByRole('dialog', { name: 'Add machine' });
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('first-of-all');
  await form.getByRole('textbox', { name: 'Address' }).fill(sshd.host);
  await form.getByRole('textbox', { name: 'Port' }).fill(String(sshd.port));
  await form.getByRole('combobox', { name: 'Credential' }).click();
  await page.getByRole('option', { name: 'of the first machine' }).click();
  await form.getByRole('combobox', { name: 'Unknown host keys' }).click();
  await page.getByRole('option', { name: 'Trust the first one seen' }).click();
  const labels = await parametersOf(form, 'ssh');
  assert.ok(labels.length >= 5);
  for (const label of labels) await form.getByText(label, { exact: true }).first().waitFor();
  await form.getByLabel('Environment', { exact: true }).fill('LC_ONE=1\nLC_TWO=2');
  await form.getByLabel('Keepalive', { exact: true }).fill('20');
  await form.getByRole('button', { name: 'Add machine' }).click();
  await form.waitFor({ state: 'detached' });
  const added = (await site.admin.api.listTargets({ query: { text: 'first-of-all' } })).items[0];
  assert.ok(added);
  assert.deepEqual(
    { port: added.port, credentialId: added.credentialId, policy: added.hostKeyPolicy, parameters: added.parameters },
    {
      ...{ port: sshd.port, credentialId, policy: 'trust-first' },
      parameters: { environment: ['LC_ONE=1', 'LC_TWO=2'], keepaliveSeconds: 20 },
    },
  );

  await page.getByRole('button', { name: 'first-of-all', exact: true }).click();
  const edit = page.getByRole('dialog', { name: 'first-of-all' });
  assert.deepEqual(await parametersOf(edit, 'ssh'), labels);
  assert.equal(await edit.getByLabel('Environment', { exact: true }).inputValue(), 'LC_ONE=1\nLC_TWO=2');
  assert.equal(await edit.getByLabel('Keepalive', { exact: true }).inputValue(), '20 s');
  await edit.getByLabel('Environment', { exact: true }).fill('');
  await edit.getByLabel('Terminal type', { exact: true }).fill('xterm');
  await edit.getByRole('button', { name: 'Save' }).click();
  await edit.waitFor({ state: 'detached' });
  const { parameters } = await site.admin.api.getTarget({ params: { id: added.id } });
  assert.deepEqual(parameters, { keepaliveSeconds: 20, terminalType: 'xterm' });

  await site.grant(site.admin, added.id, ['connect']);
  const home = await window.at('/');
  await home.getByRole('link', { name: 'Open first-of-all' }).first().waitFor();
  const search = home.getByRole('searchbox');
  await search.fill('first-of');
  await home.getByText('opens first-of-all').waitFor();
  const byKey = new SessionPage(await window.tabFrom(() => search.press('Enter')));
  await byKey.ready();
  await byKey.run('true', 'by-the-key');
  await home.reload();
  await home.getByRole('button', { name: /^Recent/u }).click();
  const row = home.getByRole('row').filter({ hasText: 'first-of-all' });
  const byMouse = new SessionPage(await window.tabFrom(() => row.getByRole('cell').nth(1).dblclick()));
  await byMouse.ready();
  assert.notEqual(byMouse.sessionId, byKey.sessionId);
  assert.deepEqual(window.complaints(), []);
});

test('a person, a group with that person in it, and a credential are made in the browser, and do what they are for', async () => {
  await using window = await seatOf(browser, site.admin);
  const people = await window.at('/access/people');
  await people.getByRole('button', { name: 'Add person' }).click();
  const person = people.getByRole('dialog', { name: 'Add person' });
  await person.getByRole('textbox', { name: 'User name' }).fill('nora-the-new');
  await person.getByRole('textbox', { name: 'Full name' }).fill('Nora New');
  await person.getByRole('textbox', { name: 'Password' }).fill('nine quiet herons by a lake');
  await person.getByRole('button', { name: 'Save' }).click();
  await person.waitFor({ state: 'detached' });
  await people.getByRole('row').filter({ hasText: 'Nora New' }).getByText('nora-the-new').waitFor();
  const nora = await Person.signIn(site.gateway.url, {
    username: 'nora-the-new',
    password: 'nine quiet herons by a lake',
  });

  const groups = await window.at('/access/groups');
  await groups.getByRole('button', { name: 'Add group' }).first().click();
  const group = groups.getByRole('dialog', { name: 'Add group' });
  await group.getByRole('textbox', { name: 'Name', exact: true }).fill('night-shift');
  await group.getByRole('button', { name: 'Save' }).click();
  await group.waitFor({ state: 'detached' });
  await groups.getByRole('button', { name: 'night-shift' }).click();
  const members = groups.getByRole('dialog', { name: 'night-shift' });
  await members.getByRole('combobox', { name: 'Add a person' }).click();
  await groups.getByRole('option', { name: 'Nora New' }).click();
  await members.getByRole('row').filter({ hasText: 'nora-the-new' }).waitFor();

  const credentials = await window.at('/catalog/credentials');
  await credentials.getByRole('button', { name: 'Add credential' }).first().click();
  const credential = credentials.getByRole('dialog', { name: 'Add credential' });
  await credential.getByRole('textbox', { name: 'Name', exact: true }).fill('of the night shift');
  await credential.getByRole('textbox', { name: 'User name' }).fill(sshd.username);
  await credential.getByRole('textbox', { name: 'Password' }).fill(sshd.password);
  await credential.getByRole('button', { name: 'Save' }).click();
  await credential.waitFor({ state: 'detached' });
  await credentials.getByRole('button', { name: 'of the night shift', exact: true }).click();
  const stored = credentials.getByRole('dialog', { name: 'of the night shift' });
  assert.equal(await stored.getByRole('textbox', { name: 'Password' }).inputValue(), '', 'a secret is never shown');

  // What was made opens a machine: by the group, for the person, with the credential.
  const { api } = site.admin;
  const groupId = (await api.listGroups()).items.find(({ name }) => name === 'night-shift')?.id ?? '';
  const credentialId = (await api.listCredentials()).items.find(({ name }) => name === 'of the night shift')?.id ?? '';
  const targetId = await site.machineOn(sshd, { name: 'at night', credentialId });
  await api.createGrant({
    body: { subject: { kind: 'group', id: groupId }, scope: { kind: 'target', id: targetId }, actions: ['connect'] },
  });
  await using hers = await seatOf(browser, nora);
  const session = await openMachine(hers, targetId);
  await session.ready();
  assert.deepEqual([...window.complaints(), ...hers.complaints()], []);
});

test('command lines are kept out by a switch, and whoever types a code of one is told so', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/settings');
  const mayEnter = page.getByRole('switch', { name: 'Command lines may be signed in by way of a browser' });
  assert.equal(await mayEnter.isChecked(), true);
  await mayEnter.click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Unsaved changes').waitFor({ state: 'detached' });
  const device = await window.at('/device');
  await device.getByRole('textbox', { name: 'Code' }).fill('BCDF-GHJK');
  await device.getByRole('button', { name: 'Continue' }).click();
  await device.getByRole('alert').getByText('Command lines cannot be signed in here').waitFor();
  const { values } = await site.admin.api.setSettings({ body: { deviceSignIn: true } });
  assert.equal(values.deviceSignIn, true);
});

// Last, for from here on everybody must consent.
test('settings are changed, take effect, and can be taken back before they are saved', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/settings');
  const banner = page.getByRole('textbox', { name: 'Banner' });
  await banner.fill('Only for people with a contract.');
  await page.getByText('Unsaved changes').waitFor();
  await page.getByRole('switch', { name: 'People must agree before they sign in' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Unsaved changes').waitFor({ state: 'detached' });

  await using stranger = await browser.window();
  const door = await stranger.tab(new URL('/sign-in', site.gateway.url).href);
  await door.getByText('Only for people with a contract.').waitFor();
  const enter = door.getByRole('button', { name: 'Sign in' });
  await door.getByLabel('User name').fill('somebody');
  await door.getByRole('textbox', { name: 'Password' }).fill('some password of theirs');
  assert.equal(await enter.isEnabled(), false);
  await door.getByRole('checkbox').check();
  assert.equal(await enter.isEnabled(), true);
  await enter.click();
  await door.getByRole('alert').getByText('Name or password is wrong').waitFor();
});

test('an account for a program is made on the page of people, with a token that does what was chosen', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/people');
  await page.getByRole('button', { name: 'Add person' }).click();
  const form = page.getByRole('dialog', { name: 'Add person' });
  await form.getByRole('textbox', { name: 'User name' }).fill('nightly-report');
  await form.getByRole('combobox', { name: 'Role' }).click();
  await page.getByRole('option', { name: 'Auditor' }).click();
  await form.getByRole('switch', { name: 'Service account' }).click();
  await form.getByRole('textbox', { name: 'Password' }).waitFor({ state: 'detached' });
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'detached' });
  await page.getByText('nightly-report · Service account').waitFor();
  await page.getByRole('button', { name: 'nightly-report' }).click();
  const tokens = page.getByRole('dialog', { name: 'nightly-report' });
  await tokens.getByRole('button', { name: 'Make a token' }).click();
  const wish = page.getByRole('dialog', { name: 'Make a token' });
  await wish.getByRole('textbox', { name: 'Name' }).fill('report');
  await wish.getByRole('combobox', { name: 'Permissions' }).press('ArrowDown');
  const offered = page.getByRole('option', { name: 'audit.read' });
  await offered.waitFor();
  // An auditor's account carries no more than an auditor may.
  assert.equal(await page.getByRole('option', { name: 'catalog.write' }).count(), 0);
  await offered.click();
  await page.keyboard.press('Escape');
  await wish.getByRole('button', { name: 'Make a token' }).click();
  const value = await page.getByRole('dialog', { name: 'The new token' }).locator('pre').textContent();
  const as = (path: string): Promise<Response> =>
    fetch(`${site.gateway.url}/api/v1${path}`, { headers: { authorization: `Bearer ${value ?? ''}` } });
  assert.deepEqual([(await as('/audit')).status, (await as('/users')).status], [200, 403]);
  assert.deepEqual(window.complaints(), []);
});
