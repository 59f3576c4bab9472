import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Provider } from '@enchilada/contract';
import type { Locator, Page } from 'playwright-core';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site } from '../tests/site.ts';
import { flaws } from './flaws.ts';
import { seatOf } from './seat.ts';

const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;

before(async () => {
  // These tests are about the form; how administrators sign in is second-factor.test.ts.
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

function aProvider(name: string): Promise<Provider> {
  return site.admin.api.createProvider({
    body: {
      ...{ kind: 'forward-auth', name, rules: [], admits: 'everyone', trustsFactor: false, enabled: true },
      parameters: { peers: ['192.0.2.1'], says: 'headers' },
    },
  });
}

async function opened(page: Page, name: string, edit = 'Edit'): Promise<Locator> {
  await page.getByRole('button', { name: `${edit} ${name}`, exact: true }).click();
  return page.getByRole('dialog', { name });
}

/** What the button beside the field puts into the clipboard. */
async function copied(form: Locator, label: string): Promise<string> {
  const field = form.locator('.mantine-TextInput-root', { has: form.page().getByLabel(label, { exact: true }) });
  // It says so for a second alone.
  const said = field.getByRole('button', { name: 'Copied' }).waitFor();
  await field.getByRole('button', { name: `Copy ${label}` }).click();
  await said;
  return form.page().evaluate(() => navigator.clipboard.readText());
}

async function users(baseUrl: string, token: string, init: RequestInit = {}): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' };
  return (await fetch(`${baseUrl}/Users`, { headers, ...init })).status;
}

test('address and token are copied as the provider needs them, and the token is gone once the form is opened anew', async () => {
  await aProvider('Staff');
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/providers');
  const form = await opened(page, 'Staff');
  await form.getByText('Not set up').waitFor();
  await form.getByRole('button', { name: 'Make a token' }).click();
  await form.getByLabel('The token for the provider', { exact: true }).waitFor();
  const baseUrl = await copied(form, 'Base URL (tenant URL)');
  const token = await copied(form, 'The token for the provider');
  assert.equal(await users(baseUrl, token), 200);
  assert.deepEqual(await flaws(page, 'all'), []);

  await form.getByRole('button', { name: 'Cancel' }).click();
  await form.waitFor({ state: 'detached' });
  await opened(page, 'Staff');
  await form.getByText('0 people and 0 groups are provisioned.').waitFor();
  await form.getByRole('button', { name: 'Replace the token' }).waitFor();
  assert.equal(await form.getByLabel('The token for the provider', { exact: true }).count(), 0);
  assert.ok(!(await page.content()).includes(token), 'it is nowhere in the page');
  assert.equal(await users(baseUrl, token), 200);
  assert.deepEqual(window.complaints(), []);
});

test('a provider that is switched off is told to give nothing, also in German on a phone', async () => {
  const provider = await aProvider('Contractors');
  const { baseUrl, value } = await site.admin.api.renewProvisioningToken({ params: { id: provider.id } });
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/providers');
  const form = await opened(page, 'Contractors');
  await form.getByText('0 people and 0 groups are provisioned.').waitFor();
  assert.equal(await form.getByText('The provider is switched off').count(), 0);
  await form.getByRole('switch', { name: 'Offered at sign-in' }).click();
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'detached' });
  const person = JSON.stringify({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'new' });
  assert.equal(await users(baseUrl, value, { method: 'POST', body: person }), 403);
  await opened(page, 'Contractors');
  await form.getByText('The provider is switched off: what it takes away here is taken').waitFor();
  await form.getByText('Switch on “Offered at sign-in”').waitFor();
  assert.deepEqual(await flaws(page, 'all'), []);
  assert.deepEqual(window.complaints(), []);

  await using phone = await seatOf(browser, site.admin, { size: PHONE, locale: 'de-DE', touch: true });
  const seite = await phone.at('/access/providers');
  await seite.getByRole('button', { name: 'Contractors', exact: true }).tap();
  const formular = seite.getByRole('dialog', { name: 'Contractors' });
  await formular.getByText('Der Anbieter ist ausgeschaltet').waitFor();
  await formular.getByRole('button', { name: 'Token ersetzen' }).waitFor();
  await formular.getByRole('button', { name: 'Basisadresse (Tenant URL) kopieren' }).waitFor();
  assert.deepEqual(await flaws(seite, 'geometry'), []);
  assert.deepEqual(phone.complaints(), []);
});

test('a token that cannot be made says why, and the form stays', async () => {
  const provider = await aProvider('Partners');
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/providers');
  const form = await opened(page, 'Partners');
  await form.getByText('Not set up').waitFor();
  await site.admin.api.deleteProvider({ params: { id: provider.id } });
  await form.getByRole('button', { name: 'Make a token' }).click();
  await page.getByRole('alert').filter({ hasText: 'This does not exist, or you may not see it' }).waitFor();
  assert.ok(await form.isVisible());
  assert.equal(await form.getByLabel('The token for the provider', { exact: true }).count(), 0);
  assert.match(window.complaints().join(), /404 POST/u);
});
