import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OpenIdServer } from '@enchilada/adapters/identity-provider/oidc/testing';
import type { Provider } from '@enchilada/contract';
import { startFreeRadius } from '@enchilada/core/testing/servers/freeradius';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Page } from 'playwright-core';
import { Chromium, PHONE } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { flaws } from './flaws.ts';
import { picturesIn } from './pictures.ts';
import { seatOf, SessionPage } from './seat.ts';

const picture = picturesIn('single-sign-on');

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let site: Site;
let browser: Chromium;
let idp: OpenIdServer;
let targetId: string;
let groupId: string;

before(async () => {
  sshd = owned.use(await startSshd());
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
  idp = owned.use(await OpenIdServer.start());
  idp.people.set('paula', { name: 'Paula Provider', email: 'paula@example.org', groups: ['operators'] });
  idp.people.set('eve', { name: 'Eve', groups: ['strangers'] });
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

async function atProvider(page: Page, name: string): Promise<void> {
  await page.waitForURL((url) => url.origin === idp.issuer);
  await page.locator('input[name=login]').fill(name);
  await page.locator('input[name=password]').fill('whatever');
  await page.getByRole('button').first().click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function theProvider(): Promise<Provider> {
  const provider = (await site.admin.api.listProviders()).items[0];
  assert.ok(provider);
  return provider;
}

test('an administrator connects a provider on its page, with a rule for a group', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/providers');
  await page.getByRole('button', { name: 'Add provider' }).first().click();
  await page.getByRole('menuitem', { name: 'OpenID Connect' }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Example Staff');
  await form.getByLabel('Issuer').fill(idp.issuer);
  await form.getByLabel('Client ID').fill(idp.clientId);
  await form.getByRole('textbox', { name: 'Client secret' }).fill(idp.clientSecret);
  await form.getByRole('button', { name: 'Add rule' }).click();
  await form.getByLabel('Group at the provider').fill('operators');
  await form.getByRole('combobox', { name: 'Becomes a member of' }).click();
  await page.getByRole('option', { name: 'Operators' }).click();
  await form.getByRole('switch', { name: 'Offered at sign-in' }).click();
  await picture(page, 'provider-form');
  await form.getByRole('button', { name: 'Save' }).click();
  // It stays open and says what the provider must know.
  await form.getByLabel('Redirect address', { exact: true }).waitFor();
  await picture(page, 'provider-saved');
  const provider = await theProvider();
  assert.equal(await form.getByLabel('Redirect address', { exact: true }).inputValue(), provider.returnTo);
  // The stored secret is for this issuer alone.
  await form.getByText('Stored sealed. Leave empty to keep it.').waitFor();
  await form.getByLabel('Issuer').fill(`${idp.issuer}/other`);
  await form.getByText('To be given anew: the stored one was entered for another place.').waitFor();
  assert.notEqual(await form.getByRole('textbox', { name: 'Client secret' }).getAttribute('required'), null);
  await picture(page, 'provider-moved');
  await form.getByLabel('Issuer').fill(idp.issuer);
  await form.getByText('Stored sealed. Leave empty to keep it.').waitFor();
  assert.deepEqual(
    [provider.enabled, provider.admits, provider.rules],
    [true, 'matched', [{ from: 'operators', groupId }]],
  );
  idp.register({
    returnTo: provider.returnTo ?? '',
    logoutTo: provider.logoutTo ?? '',
    signedOut: `${site.gateway.url}/sign-in`,
  });
  assert.deepEqual(window.complaints(), []);
});

test('a provider is given a token to provision with, and Escape in the question before it ends keeps the form', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/providers');
  await page.getByRole('button', { name: 'Edit Example Staff' }).click();
  const form = page.getByRole('dialog', { name: 'Example Staff' });
  const name = form.getByRole('textbox', { name: 'Name', exact: true });
  await name.fill('Example Everybody');
  await form.getByText('Not set up').waitFor();
  await form.getByRole('button', { name: 'Make a token' }).click();
  const made = form.getByLabel('The token for the provider', { exact: true });
  await made.waitFor();
  const token = await made.inputValue();
  const base = await form.getByLabel('Base URL (tenant URL)', { exact: true }).inputValue();
  const status = async (bearer: string): Promise<number> =>
    (await fetch(`${base}/Users`, { headers: { authorization: `Bearer ${bearer}` } })).status;
  assert.equal(await status(token), 200);
  await form.getByText('0 people and 0 groups are provisioned.').waitFor();
  assert.deepEqual(await flaws(page, 'all'), []);

  const question = page.getByRole('dialog', { name: 'Replace the token' });
  const replace = form.getByRole('button', { name: 'Replace the token' });
  await replace.click();
  await question.getByText('ends at once').waitFor();
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  assert.equal(await name.inputValue(), 'Example Everybody');
  await replace.click();
  await question.getByRole('button', { name: 'Replace the token' }).click();
  await question.waitFor({ state: 'detached' });
  assert.deepEqual([await status(token), await status(await made.inputValue())], [401, 200]);
  await form.getByRole('button', { name: 'End provisioning' }).click();
  const ending = page.getByRole('dialog', { name: 'End provisioning' });
  await ending.getByRole('button', { name: 'End provisioning' }).click();
  await form.getByText('Not set up').waitFor();
  // Escape is for what lies uppermost.
  await ending.waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await form.waitFor({ state: 'detached' });
  assert.deepEqual(window.complaints(), []);
});

test('a deep link to a machine leads through the provider and our second factor into the session, and signing out ends all', async () => {
  await site.admin.api.updateGroup({
    params: { id: groupId },
    body: { name: 'Operators', description: '', requiresSecondFactor: true },
  });
  await using window = await browser.window();
  const page = await window.tab(`${site.gateway.url}/s/new?target=${targetId}`);
  await page.getByRole('button', { name: 'Continue with Example Staff' }).waitFor();
  await picture(page, 'sign-in');
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  });
  await page.getByRole('button', { name: 'Continue with Example Staff' }).click();
  await atProvider(page, 'paula');
  await page.getByRole('heading', { name: 'Confirm it is you' }).waitFor();
  assert.equal(new URL(page.url()).search, '', 'the answer is no longer in the address');
  await page.getByRole('button', { name: /^Passkey/ }).click();
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('button', { name: 'I have kept them' }).click();
  const opened = new SessionPage(page);
  await opened.ready();

  const tab = await window.tab(site.gateway.url);
  await tab.getByTitle('Account of Paula Provider').click();
  await tab.getByRole('menuitem', { name: 'Sign out' }).click();
  await tab.waitForURL((url) => url.origin === idp.issuer);
  await tab.getByRole('button', { name: 'Yes, sign me out' }).click();
  await tab.waitForURL((url) => url.pathname === '/sign-in');
  await tab.getByText('Last used here').waitFor();
  await opened.end.waitFor();
  const actions = (await site.admin.api.listAudit({ query: { actor: 'paula', limit: 100 } })).items.map(
    ({ action }) => action,
  );
  for (const action of ['login.awaits-factor', 'factor.enrolled', 'login.succeeded', 'session.opened', 'login.ended'])
    assert.ok(actions.includes(action as never), action);
});

test('whom no rule admits is told so on a phone, with a reference', async () => {
  await using window = await browser.window({ size: PHONE, scheme: 'dark', locale: 'de-DE' });
  const page = await window.tab(site.gateway.url);
  await page.getByRole('button', { name: 'Weiter mit Example Staff' }).click();
  await atProvider(page, 'eve');
  const alert = page.getByRole('alert');
  await alert.filter({ hasText: 'nicht zugelassen' }).waitFor();
  const reference = /ref_[a-z0-9]+/u.exec((await alert.textContent()) ?? '');
  assert.ok(reference !== null, 'a reference to give to the administrator');
  await picture(page, 'refused-phone');
  await page.getByRole('link', { name: 'Zurück zur Anmeldung' }).click();
  await page.getByRole('button', { name: 'Weiter mit Example Staff' }).waitFor();
});

test("a link that carries somebody else's answer signs nobody in", async () => {
  const provider = await theProvider();
  await using window = await browser.window();
  const page = await window.tab(`${provider.returnTo ?? ''}?code=stolen&state=${'a'.repeat(43)}`);
  await page.getByRole('alert').filter({ hasText: 'begun elsewhere' }).waitFor();
  assert.equal(new URL(page.url()).search, '');
});

test('whom the proxy before us has signed in goes on with one press of a button that nobody else sees', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/providers');
  await page.getByRole('button', { name: 'Add provider' }).first().click();
  await page.getByRole('menuitem', { name: 'Authenticating proxy' }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Company Gate');
  await form.getByLabel('Addresses of the proxy').fill('127.0.0.1\n::1');
  await form.getByRole('combobox', { name: 'It names the person by' }).click();
  await page.getByRole('option', { name: 'plain headers' }).click();
  await form.getByRole('combobox', { name: 'Who may sign in' }).click();
  await page.getByRole('option', { name: 'Everyone whom the provider knows' }).click();
  await form.getByRole('switch', { name: 'Offered at sign-in' }).click();
  await picture(page, 'proxy-form');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'hidden' });
  await using outside = await browser.window();
  const person = await outside.tab(`${site.gateway.url}/me`);
  const button = person.getByRole('button', { name: 'Continue with Company Gate' });
  await button.click();
  await person.getByRole('alert').filter({ hasText: 'ref_' }).waitFor();
  await person.setExtraHTTPHeaders({ 'x-auth-request-user': 'paula@example.org' });
  await button.click();
  await person.waitForURL((url) => url.pathname === '/me');
  await person.getByTitle(/^Account of paula@example\.org/u).waitFor();
  assert.deepEqual(window.complaints(), []);
});

test('what a RADIUS server asks is a question of the sign-in page, in its own words', async () => {
  await using radius = await startFreeRadius();
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/access/providers');
  await page.getByRole('button', { name: 'Add provider' }).first().click();
  await page.getByRole('menuitem', { name: 'RADIUS' }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Tokens');
  await form.getByLabel('Servers').fill(`127.0.0.1:${radius.port}`);
  await form.getByRole('textbox', { name: /^Shared secret/u }).fill(radius.secret);
  await form.getByRole('combobox', { name: 'Who may sign in' }).click();
  await page.getByRole('option', { name: 'Everyone whom the provider knows' }).click();
  await form.getByRole('switch', { name: 'Offered at sign-in' }).click();
  await picture(page, 'radius-form');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'hidden' });
  assert.deepEqual(window.complaints(), []);
  await using outside = await browser.window({ size: PHONE, scheme: 'dark', locale: 'de-DE' });
  const person = await outside.tab(`${site.gateway.url}/me`);
  const enter = async (answer: string): Promise<void> => {
    await person.getByLabel('Benutzername').fill('carol');
    await person.getByRole('textbox', { name: 'Passwort' }).fill('password of carol');
    await person.getByRole('button', { name: 'Anmelden', exact: true }).click();
    await person.getByText('The code on your token').waitFor();
    await person.getByLabel('Ihre Antwort').fill(answer);
    await picture(person, 'question-phone');
    await person.getByRole('button', { name: 'Anmelden', exact: true }).click();
  };
  await enter('000000');
  await person.getByRole('alert').waitFor();
  await enter(radius.code);
  await person.waitForURL((url) => url.pathname === '/me');
});
