import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import { Chromium } from '../fixtures/chromium.ts';
import { Site, startSshd } from '../tests/site.ts';
import { flaws } from './flaws.ts';
import { seatOf, SessionPage } from './seat.ts';

const owned = new AsyncDisposableStack();
const certificate = owned.use(new LoopbackCertificate());
let site: Site;
let browser: Chromium;

before(async () => {
  site = owned.use(
    await Site.start({
      config: 'secondFactor: { required: nobody }\n',
      environment: { NODE_EXTRA_CA_CERTS: certificate.certFile },
    }),
  );
  browser = owned.use(await Chromium.launch());
});
after(() => owned.disposeAsync());

test('access to a machine is asked for in the list, decided by somebody else, and opens the machine once', async () => {
  await using sshd = await startSshd();
  const { api } = site.admin;
  const machine = await site.machineOn(sshd, { name: 'ledger' });
  const [ann, olaf] = [await site.person('ann'), await site.person('olaf')];
  const [annId, olafId] = [(await ann.api.getMe()).user.id, (await olaf.api.getMe()).user.id];
  const leads = await api.createGroup({ body: { name: 'leads', description: '' } });
  await api.addMember({ params: { id: leads.id }, body: { userId: olafId } });
  await api.createGrant({
    body: {
      ...{ subject: { kind: 'user', id: annId }, scope: { kind: 'target', id: machine }, actions: ['connect'] },
      conditions: { approval: { groups: [leads.id], count: 1, minutes: 120 } },
    },
  });

  await using asker = await seatOf(browser, ann);
  const list = await asker.at('/');
  await list.getByText('Needs approval').waitFor();
  await list.getByRole('link', { name: 'Open ledger' }).click();
  const form = list.getByRole('dialog', { name: 'Request access to ledger' });
  await form.getByText('1 person of leads has to agree').waitFor();
  assert.deepEqual(await flaws(list, 'all'), []);
  await form.getByLabel('Reason').fill('ticket 4711');
  await form.getByRole('button', { name: 'Request access' }).click();
  await form.waitFor({ state: 'detached' });
  await list.getByText('Waiting for approval').waitFor();

  await using decider = await seatOf(browser, olaf);
  const desk = await decider.at('/requests?view=decide');
  await desk.getByRole('status').filter({ hasText: '1 request waits for you' }).waitFor();
  await desk.getByRole('button', { name: 'Decide: ann for ledger' }).click();
  const dialog = desk.getByRole('dialog', { name: 'ann for ledger' });
  await dialog.getByText('ticket 4711').waitFor();
  assert.deepEqual(await flaws(desk, 'all'), []);
  await dialog.getByLabel('Note').fill('until lunch');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await dialog.waitFor({ state: 'detached' });
  await desk.getByRole('heading', { name: 'Nothing waits for you' }).waitFor();

  const requests = await asker.at('/requests');
  const open = requests.getByRole('link', { name: 'Open ledger' });
  await open.waitFor();
  const session = new SessionPage(await asker.tabFrom(() => open.click()));
  await session.connected();
  await open.waitFor({ state: 'detached' });
  await requests.getByText('1 of 1 sessions opened').waitFor();
  await requests.getByRole('button', { name: 'ledger', exact: true }).click();
  await requests.getByText('until lunch').waitFor();
  assert.deepEqual([...asker.complaints(), ...decider.complaints()], []);
});

test('a webhook is added in the form and tried out: what it took is told, and why it did not', async () => {
  let status = 204;
  const events: string[] = [];
  const receiver = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
    events.push(String(request.headers['x-enchilada-event']));
    request.resume().on('end', () => response.writeHead(status).end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/notifications');
  await page.getByRole('button', { name: 'Add endpoint' }).first().click();
  await page.getByRole('menuitem', { name: 'Webhook' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name').fill('Operations');
  await form.getByLabel('Address').fill(`https://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`);
  await form.getByLabel('Signing key').fill('a key that both know');
  assert.deepEqual(await flaws(page, 'all'), []);
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'detached' });
  const attempt = page.getByRole('button', { name: 'Send a test message to Operations' });
  await attempt.click();
  await page.getByText('Operations took the test message').waitFor();
  assert.deepEqual(events, ['notification.test']);
  status = 500;
  await attempt.click();
  await page.getByRole('alert').filter({ hasText: 'The message could not be delivered' }).waitFor();
  await page.getByRole('row', { name: /has trouble of its own \(status 500\)/u }).waitFor();
  await using german = await seatOf(browser, site.admin, { locale: 'de-DE' });
  const seite = await german.at('/notifications');
  await seite.getByRole('row', { name: /hat selbst eine Störung \(Status 500\)/u }).waitFor();
  await seite
    .getByRole('button', { name: /Operations/u })
    .first()
    .waitFor();
  receiver.closeAllConnections();
  receiver.close();
});

test('a secret store is refused with the entry that is wrong, stored once it is right, and offered to credentials', async () => {
  await using window = await seatOf(browser, site.admin);
  const page = await window.at('/catalog/credentials');
  await page.getByRole('button', { name: 'Add HashiCorp Vault' }).click();
  const form = page.getByRole('dialog');
  const address = form.getByLabel('Address');
  await address.fill('http://vault.example');
  await form.getByLabel('Token, or secret id').fill('hvs.a-token');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByRole('alert').filter({ hasText: 'Address' }).waitFor();
  assert.equal(await address.getAttribute('aria-invalid'), 'true');
  assert.deepEqual(await flaws(page, 'all'), []);
  await address.fill('https://vault.example');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Edit HashiCorp Vault' }).waitFor();
  await page.getByRole('button', { name: 'Add credential' }).first().click();
  await form.getByLabel('Where it is kept').click();
  await page.getByRole('option', { name: 'HashiCorp Vault' }).click();
  await form.getByLabel('Path of the secret').waitFor();
  assert.equal(await form.getByRole('textbox', { name: 'Password', exact: true }).count(), 0);
});
