import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { until } from '@enchilada/core/testing/until';
import { PHONE } from '../fixtures/chromium.ts';
import { flaws } from './flaws.ts';
import { docsPicture } from './pictures.ts';
import { seatOf } from './seat.ts';
import { siteAndChromium } from './site-and-chromium.ts';

/** As many as a screen holds: `name,protocol,host,port,group,labels`. */
const FLEET = [
  'api-blue-1,ssh,10.20.4.11,22,AWS/Payments,env=prod;team=payments',
  'api-blue-2,ssh,10.20.4.12,22,AWS/Payments,env=prod;team=payments',
  'api-canary,ssh,10.20.9.7,22,AWS/Payments,env=staging;team=payments',
  'ledger-db,ssh,10.20.6.31,22,AWS/Payments,env=prod;team=payments;pci=yes',
  'build-runner-07,ssh,10.24.1.107,22,AWS/Platform,env=shared;team=platform',
  'grafana,ssh,10.24.2.15,22,AWS/Platform,env=prod;team=platform',
  'dc01,rdp,10.60.0.4,3389,Azure/Corporate,env=prod;team=identity',
  'dc02,rdp,10.60.0.5,3389,Azure/Corporate,env=prod;team=identity',
  'finance-ws-12,rdp,10.60.12.112,3389,Azure/Corporate,env=prod;team=finance',
  'sap-app-1,rdp,10.62.3.21,3389,Azure/SAP,env=prod;team=finance',
  'sap-app-2,rdp,10.62.3.22,3389,Azure/SAP,env=test;team=finance',
  'render-mac,vnc,192.168.40.18,5900,Office/Studio,team=design',
  'signage-lobby,vnc,192.168.40.77,5900,Office/Studio,team=facilities',
];

const { site, browser } = await siteAndChromium();

before(async () => {
  const { api } = site.admin;
  const text = ['name,protocol,host,port,group,labels', ...FLEET].join('\n');
  const { created } = await api.importTargets({ body: { format: 'csv', text, preview: false } });
  assert.equal(created, FLEET.length);
  const { user } = await api.getMe();
  const { version } = await api.getUser({ params: { id: user.id } });
  await api.updateUser({ params: { id: user.id }, body: { displayName: 'Ada Example', version } });
  await api.createGrant({
    body: { subject: { kind: 'user', id: user.id }, scope: { kind: 'all' }, actions: ['connect'] },
  });
});

test('a person finds a machine by its group, by a label, by what they starred and what they used', async () => {
  await using window = await seatOf(browser, site.admin, { scheme: 'dark', size: { width: 1280, height: 860 } });
  const page = await window.at('/');
  const names = page.getByRole('table', { name: 'Machines' }).getByRole('link', { name: /^Open / });
  const shown = async (): Promise<readonly (string | null)[]> =>
    (await names.evaluateAll((links) => links.map((link) => link.textContent))).sort();
  const status = page.getByRole('status');
  const groups = page.getByRole('navigation', { name: 'Groups' });
  // 3 machines are not 13.
  const counted = (machines: number): Promise<void> =>
    status.getByText(`${machines} machines`, { exact: true }).waitFor();
  await counted(FLEET.length);

  await groups.getByRole('button', { name: 'Azure' }).last().click();
  await counted(5);
  assert.deepEqual(await shown(), ['dc01', 'dc02', 'finance-ws-12', 'sap-app-1', 'sap-app-2']);
  await groups.getByRole('button', { name: 'All machines' }).click();
  const search = page.getByPlaceholder('Search machines');
  await search.fill('payments prod');
  await counted(3);
  assert.deepEqual(await shown(), ['api-blue-1', 'api-blue-2', 'ledger-db']);
  await search.fill('');
  await counted(FLEET.length);

  for (const name of ['ledger-db', 'dc01'])
    await page.getByRole('button', { name: `Add ${name} to favourites` }).click();
  await page.getByRole('button', { name: 'Remove dc01 from favourites' }).waitFor();
  const machines = (await site.admin.api.listMachines({ query: {} })).items;
  const starred = ['dc01', 'ledger-db'].map((name) => machines.find((machine) => machine.name === name)?.id);
  // They show at once and are stored behind it.
  await until(async () => (await site.admin.api.getMe()).preferences['favourites'] === starred.join(','));
  for (const name of ['grafana', 'api-blue-1']) {
    const { id: targetId = '' } = machines.find((machine) => machine.name === name) ?? {};
    const { session } = await site.admin.api.openSession({ body: { targetId } });
    await site.admin.api.endSession({ params: { id: session.id }, body: { reason: 'seen' } });
  }
  await page.reload();
  await groups.getByRole('button', { name: 'Favourites 2' }).waitFor();
  await groups.getByRole('button', { name: 'Recent 2' }).click();
  await counted(2);
  assert.deepEqual(await shown(), ['api-blue-1', 'grafana']);
  await groups.getByRole('button', { name: 'All machines' }).click();
  await counted(FLEET.length);
  assert.deepEqual(await flaws(page, 'all'), []);
  await docsPicture(page, 'home');
  await page.setViewportSize(PHONE);
  await page.getByRole('button', { name: 'Menu' }).waitFor();
  assert.deepEqual(await flaws(page, 'all'), []);
  await docsPicture(page, 'phone');
  assert.deepEqual(window.complaints(), []);
});
