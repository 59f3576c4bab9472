import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OpenIdServer } from '@enchilada/adapters/identity-provider/oidc/testing';
import type { Provider } from '@enchilada/contract';
import type { Page } from 'playwright-core';
import { Chromium } from '../fixtures/chromium.ts';
import { ADMIN, Site } from '../tests/site.ts';
import { picturesIn } from './pictures.ts';

const picture = picturesIn('sign-in-choice');
const SHOWN_LAST_USED = 'Last used here';

const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;
let staff: OpenIdServer;
let partners: OpenIdServer;
let partnerProvider: Provider;

before(async () => {
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
  [staff, partners] = [owned.use(await OpenIdServer.start()), owned.use(await OpenIdServer.start())];
  await connect(staff, 'Alpha Staff');
  partnerProvider = await connect(partners, 'Beta Partners');
  // Nobody asks it in these tests: it is a second place for names and passwords to choose.
  await site.admin.api.createProvider({
    body: {
      ...{ kind: 'radius', name: 'Gamma Tokens', secret: 'a secret of no server', rules: [], admits: 'everyone' },
      ...{ parameters: { servers: ['127.0.0.1:1812'] }, trustsFactor: false, enabled: true },
    },
  });
});
after(() => owned.disposeAsync());

async function connect(idp: OpenIdServer, name: string): Promise<Provider> {
  idp.people.set('paula', { name: 'Paula Provider', groups: [] });
  const provider = await site.admin.api.createProvider({
    body: {
      ...{ kind: 'oidc', name, secret: idp.clientSecret, rules: [], admits: 'everyone' },
      ...{ parameters: { issuer: idp.issuer, clientId: idp.clientId }, trustsFactor: false, enabled: true },
    },
  });
  const { returnTo = '', logoutTo = '' } = provider;
  idp.register({ returnTo, logoutTo, signedOut: `${site.gateway.url}/sign-in` });
  return provider;
}

async function switchPartners(enabled: boolean): Promise<void> {
  const { id, name, parameters, rules, admits, trustsFactor } = partnerProvider;
  const version = (await site.admin.api.listProviders()).items.find((provider) => provider.id === id)?.version ?? 0;
  const body = { name, parameters, rules, admits, trustsFactor, version, enabled };
  await site.admin.api.updateProvider({ params: { id }, body });
}

/** The ways elsewhere, as they stand on the page. */
async function offered(page: Page): Promise<readonly string[]> {
  const ways = page.getByRole('button', { name: /^Continue with / });
  await ways.first().waitFor();
  return ways.allInnerTexts();
}

async function signInAt(page: Page, idp: OpenIdServer): Promise<void> {
  await page.waitForURL((url) => url.origin === idp.issuer);
  await page.locator('input[name=login]').fill('paula');
  await page.locator('input[name=password]').fill('whatever');
  await page.getByRole('button').first().click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function signOut(page: Page, idp: OpenIdServer): Promise<void> {
  await page.getByTitle('Account of Paula Provider').click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.origin === idp.issuer);
  await page.getByRole('button', { name: 'Yes, sign me out' }).click();
  await page.waitForURL((url) => url.pathname === '/sign-in');
}

function at(page: Page, path: string): Promise<void> {
  return page.waitForURL((url) => `${url.origin}${url.pathname}${url.search}` === `${site.gateway.url}${path}`);
}

test('the provider that somebody chose stands first the next time, deep links survive with it, and one that was switched off is forgotten', async () => {
  await using window = await browser.window();
  const page = await window.tab(`${site.gateway.url}/?q=first`);
  assert.deepEqual(await offered(page), ['Continue with Alpha Staff', 'Continue with Beta Partners']);
  assert.equal(await page.getByText(SHOWN_LAST_USED).count(), 0);
  await page.getByRole('button', { name: 'Continue with Beta Partners' }).click();
  await signInAt(page, partners);
  await at(page, '/?q=first');
  await signOut(page, partners);

  const again = await window.tab(`${site.gateway.url}/?q=second`);
  assert.deepEqual(await offered(again), ['Continue with Beta Partners', 'Continue with Alpha Staff']);
  await again.getByText(SHOWN_LAST_USED).waitFor();
  await picture(again, 'remembered');
  await again.getByRole('button', { name: 'Continue with Beta Partners' }).click();
  await signInAt(again, partners);
  await at(again, '/?q=second');
  await signOut(again, partners);

  await switchPartners(false);
  await again.goto(`${site.gateway.url}/?q=third`);
  assert.deepEqual(await offered(again), ['Continue with Alpha Staff']);
  assert.equal(await again.getByText(SHOWN_LAST_USED).count(), 0);
  await switchPartners(true);
  await again.reload();
  assert.deepEqual(await offered(again), ['Continue with Alpha Staff', 'Continue with Beta Partners']);
  assert.equal(
    await again.getByText(SHOWN_LAST_USED).count(),
    0,
    'a choice that was forgotten comes back with nothing',
  );
  await again.getByRole('button', { name: 'Continue with Alpha Staff' }).click();
  await signInAt(again, staff);
  await at(again, '/?q=third');
});

test('where names and passwords are judged is remembered as well, here as in a directory', async () => {
  await using window = await browser.window();
  const page = await window.tab(`${site.gateway.url}/me`);
  const place = page.getByRole('combobox', { name: 'Account of' });
  await place.waitFor();
  assert.equal(await place.inputValue(), 'Gamma Tokens');
  await place.click();
  await page.getByRole('option', { name: 'This bastion' }).click();
  await page.getByLabel('User name').fill(ADMIN.username);
  await page.getByRole('textbox', { name: 'Password' }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await at(page, '/me');
  await window.context.clearCookies();
  const again = await window.tab(`${site.gateway.url}/me`);
  await again.getByRole('combobox', { name: 'Account of' }).waitFor();
  assert.equal(await again.getByRole('combobox', { name: 'Account of' }).inputValue(), 'This bastion');
});
