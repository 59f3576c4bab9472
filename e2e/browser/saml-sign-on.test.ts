import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Me, Provider } from '@enchilada/contract';
import { type SamlIdp, startSamlIdp } from '@enchilada/core/testing/servers/saml-idp';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Page } from 'playwright-core';
import { eventually } from '../cluster/people.ts';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { runCommand, runJson } from '../fixtures/command.ts';
import { startDeviceLogin } from '../fixtures/device-login.ts';
import { Site, startSshd } from '../tests/site.ts';
import { picturesIn } from './pictures.ts';
import { seatOf, SessionPage } from './seat.ts';

const picture = picturesIn('saml-sign-on');

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;
let idp: SamlIdp;
let targetId: string;
let groupId: string;

before(async () => {
  idp = owned.use(await startSamlIdp());
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
  targetId = await site.machineOn(sshd, { name: 'payments-01', labels: { env: 'prod' } });
  groupId = (await site.admin.api.createGroup({ body: { name: 'Operators', description: '' } })).id;
  await site.admin.api.createGrant({
    body: {
      subject: { kind: 'group', id: groupId },
      scope: { kind: 'labels', selector: { env: ['prod'] } },
      actions: ['connect'],
    },
  });
});
after(() => owned.disposeAsync());

async function theProvider(): Promise<Provider> {
  const provider = (await site.admin.api.listProviders()).items[0];
  assert.ok(provider);
  return provider;
}

async function atProvider(page: Page, name: string): Promise<void> {
  await page.waitForURL((url) => url.origin === idp.origin);
  await page.locator('input[name=username]').fill(name);
  await page.locator('input[name=password]').fill(idp.people.get(name)?.password ?? '');
  await page.locator('form[name=f] [type=submit], form [type=submit]').first().click();
}

test('an administrator connects a provider by its metadata and shows it ours', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/providers');
  await page.getByRole('button', { name: 'Add provider' }).first().click();
  await page.getByRole('menuitem', { name: 'SAML 2.0' }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Example Campus');
  await form.getByLabel('Entity ID of the provider').fill(idp.entityId);
  await form.getByLabel('Metadata address').fill(idp.metadataUrl);
  await form.getByLabel('Our certificate (PEM)').fill(idp.spCertificate.trim());
  await form.getByRole('textbox', { name: /^Private key/u }).fill(idp.spKey);
  await form.getByRole('button', { name: 'Add rule' }).click();
  await form.getByLabel('Group at the provider').fill('operators');
  await form.getByRole('combobox', { name: 'Becomes a member of' }).click();
  await page.getByRole('option', { name: 'Operators' }).click();
  await form.getByRole('switch', { name: 'Offered at sign-in' }).click();
  await picture(page, 'form');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByLabel('Our metadata', { exact: true }).waitFor();
  await picture(page, 'saved');
  const provider = await theProvider();
  assert.equal(
    await form.getByLabel('Assertion consumer service (POST)', { exact: true }).inputValue(),
    provider.returnTo,
  );
  const metadata = await fetch(provider.metadata ?? '');
  assert.equal(metadata.headers.get('content-type'), 'application/samlmetadata+xml');
  await idp.register(await metadata.text());
  assert.deepEqual(window.complaints(), []);
});

test('a deep link to a machine leads through the provider into the session, and signing out ends all', async () => {
  await using window = await browser.window();
  const page = await window.tab(`${site.gateway.url}/s/new?target=${targetId}`);
  await page.getByRole('button', { name: 'Continue with Example Campus' }).click();
  await atProvider(page, 'paula');
  const opened = new SessionPage(page);
  await opened.ready();
  const tab = await window.tab(site.gateway.url);
  await tab.getByTitle('Account of Paula Provider').click();
  await tab.getByRole('menuitem', { name: 'Sign out' }).click();
  await tab.waitForURL((url) => url.pathname === '/sign-in');
  await opened.end.waitFor();
  // The provider has forgotten the login too: it asks for the password again.
  await tab.getByRole('button', { name: 'Continue with Example Campus' }).click();
  await tab.locator('input[name=password]').waitFor();
});

test('who signs out at the provider is signed out here, with the sessions', async () => {
  await using window = await browser.window();
  const page = await window.tab(`${site.gateway.url}/s/new?target=${targetId}`);
  await page.getByRole('button', { name: 'Continue with Example Campus' }).click();
  await atProvider(page, 'paula');
  const opened = new SessionPage(page);
  await opened.ready();
  const home = `${site.gateway.url}/sign-in`;
  const tab = await window.tab(`${idp.origin}/saml2/idp/SingleLogoutService.php?ReturnTo=${encodeURIComponent(home)}`);
  await opened.end.waitFor();
  await tab.goto(site.gateway.url);
  await tab.getByRole('button', { name: 'Continue with Example Campus' }).waitFor();
});

test('the command line is signed in through the provider, and out by whoever signs out there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-saml-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const { command, address, code } = await startDeviceLogin(folder, site.gateway.url);
  using _ = command;
  await using window = await browser.window();
  const page = await window.tab(address);
  await page.getByRole('button', { name: 'Continue with Example Campus' }).click();
  await atProvider(page, 'paula');
  await page.getByRole('textbox', { name: 'Code' }).fill(code);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Sign it in' }).click();
  await page.getByRole('status').filter({ hasText: 'Approved' }).waitFor();
  const { exitCode, stderr } = await command.ended;
  assert.equal(exitCode, 0, stderr);
  const { user, login, groups } = (await runJson(folder, ['whoami'])) as unknown as Me;
  assert.deepEqual(
    [user.displayName, login.method, groups.map(({ name }) => name)],
    ['Paula Provider', 'device', ['Operators']],
  );
  const home = `${site.gateway.url}/sign-in`;
  await page.goto(`${idp.origin}/saml2/idp/SingleLogoutService.php?ReturnTo=${encodeURIComponent(home)}`);
  await eventually('the command line is signed out', async () => (await runCommand(folder, ['whoami'])).exitCode === 3);
});

test('whom no rule admits is told so on a phone, and an answer that nobody asked for leads back to the sign-in', async () => {
  await using window = await browser.window({ size: PHONE, scheme: 'dark', locale: 'de-DE' });
  const page = await window.tab(site.gateway.url);
  await page.getByRole('button', { name: 'Weiter mit Example Campus' }).click();
  await atProvider(page, 'eve');
  await page.getByRole('alert').filter({ hasText: 'nicht zugelassen' }).waitFor();
  await picture(page, 'refused-phone');
  const { returnTo = '' } = await theProvider();
  const answer = await fetch(returnTo, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ SAMLResponse: Buffer.from('<x/>').toString('base64'), RelayState: 'unknown' }),
  });
  assert.equal(answer.status, 303);
  await page.goto(answer.headers.get('location') ?? '');
  await page.getByRole('alert').waitFor();
});
