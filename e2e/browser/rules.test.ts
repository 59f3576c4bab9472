import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '@enchilada/core/testing/until';
import { Chromium } from '../fixtures/chromium.ts';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { seatOf } from './seat.ts';

const NAMES = { username: 'ada', password: 'seven calm otters on a raft' };

const owned = new AsyncDisposableStack();
let browser: Chromium;
let gateway: Gateway;
let person: Person;

before(async () => {
  gateway = owned.use(await Gateway.start());
  browser = owned.use(await Chromium.launch());
  person = await Person.bootstrap(gateway, NAMES);
});
after(() => owned.disposeAsync());

test('a rule is made in the form, shows what it would do at each change, and lets a group in', async () => {
  const { api } = person;
  const hosts = Array.from({ length: 3 }, (_, index) => `hall-${index},10.9.0.${index},payments`);
  const source = await api.createSource({
    body: {
      name: 'Hall',
      kind: 'inventory-file',
      parameters: { path: 'hall.csv' },
      protectedTags: ['team'],
      enabled: false,
    },
  });
  await writeFile(join(gateway.dataDir, 'inventories', 'hall.csv'), ['name,address,team', ...hosts, ''].join('\n'));
  const { name, parameters, protectedTags, version } = source;
  await api.updateSource({
    params: { id: source.id },
    body: { name, parameters, protectedTags, version, enabled: true },
  });
  const group = await api.createGroup({ body: { name: 'Payments', description: '' } });
  for (let found = 0; found < 3;) found = (await api.listTargets({ query: { text: 'hall-' } })).items.length;

  await using window = await seatOf(browser, person, { scheme: 'light' });
  const page = await window.at('/catalog/sources');
  await page.getByRole('button', { name: 'Rules' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByText('0 appear, 0 change, 0 go, 3 stay').waitFor();
  await drawer.getByRole('button', { name: 'Add rule' }).click();
  await drawer.getByRole('textbox', { name: 'Name', exact: true }).fill('Payments may');
  await drawer.getByRole('textbox', { name: 'Tags', exact: true }).fill('team=payments');
  await drawer.getByRole('textbox', { name: 'Port', exact: true }).fill('2022');
  await drawer.getByText('0 appear, 3 change, 0 go, 0 stay').waitFor();
  await drawer
    .getByRole('textbox', { name: 'Groups' })
    .or(drawer.getByLabel('Groups', { exact: true }))
    .first()
    .click();
  await page.getByRole('option', { name: 'Payments' }).click();
  await page.keyboard.press('Escape');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await drawer.waitFor({ state: 'detached' });

  const { items } = await api.listTargets({ query: { text: 'hall-' } });
  assert.deepEqual(
    [...new Set(items.map(({ port, labels }) => `${port} ${labels['cloud:granted-by'] ?? ''}`))],
    ['2022 Payments may'],
  );
  const [grant] = (await api.listGrants()).items;
  assert.ok(grant);
  assert.deepEqual([grant.subject, grant.actions], [{ kind: 'group', id: group.id }, ['connect']]);
  await assert.rejects(
    api.deleteGrant({ params: { id: grant.id } }),
    /the rule Payments may of discovery gives this grant/u,
  );
  const { rules, version: rulesVersion } = await api.getRules();
  await api.setRules({ body: { rules: rules.map((rule) => ({ ...rule, enabled: false })), version: rulesVersion } });
  assert.deepEqual((await api.listGrants()).items, []);
});

test('a machine whose tag asks for SSH and RDP is two entries, and a rule of the form is for one of them', async () => {
  const { api } = person;
  const fields = { name: 'Desks', parameters: { path: 'desks.csv' }, protectedTags: ['enchilada:protocol'] };
  const source = await api.createSource({ body: { ...fields, kind: 'inventory-file', enabled: false } });
  const write = (protocols: string): Promise<void> =>
    writeFile(
      join(gateway.dataDir, 'inventories', 'desks.csv'),
      `name,address,enchilada:protocol\ndesk-1,10.9.1.1,${protocols}\n`,
    );
  const entries = async (): Promise<readonly string[]> =>
    (await api.listTargets({ query: { text: 'desk-1' } })).items
      .map(({ name, protocol, port }) => `${name} ${protocol} ${port}`)
      .sort();
  await write('ssh rdp');
  await api.updateSource({
    params: { id: source.id },
    body: { ...fields, version: source.version, enabled: true },
  });
  await until(async () => (await entries()).length === 2);
  assert.deepEqual(await entries(), ['desk-1 (RDP) rdp 3389', 'desk-1 ssh 22']);

  await using window = await seatOf(browser, person, { scheme: 'light' });
  const page = await window.at('/catalog/sources');
  await page.getByRole('button', { name: 'Rules' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByRole('button', { name: 'Add rule' }).click();
  await drawer.getByRole('textbox', { name: 'Name', exact: true }).last().fill('Desktops');
  await drawer.getByRole('textbox', { name: 'Opened by' }).or(drawer.getByLabel('Opened by')).last().click();
  await page.getByRole('option', { name: 'RDP' }).click();
  await drawer.getByRole('textbox', { name: 'Port', exact: true }).last().fill('3390');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await drawer.waitFor({ state: 'detached' });
  await until(async () => (await entries())[0] === 'desk-1 (RDP) rdp 3390');
  assert.deepEqual(await entries(), ['desk-1 (RDP) rdp 3390', 'desk-1 ssh 22']);

  const [desk] = (await api.listTargets({ query: { text: 'desk-1 (RDP)' } })).items;
  assert.ok(desk);
  const explained = await api.explainTarget({ params: { id: desk.id } });
  assert.ok(explained.origin === 'found');
  const { trace } = explained;
  assert.deepEqual(
    trace.map(({ field, rule }) => `${field} ${rule}`),
    ['protocol tag enchilada:protocol', 'port Desktops'],
  );
  const { rules, version } = await api.getRules();
  const wrong = rules.map((rule) => ({ ...rule, outcome: { ...rule.outcome, protocol: 'ssh' } }));
  await assert.rejects(api.setRules({ body: { rules: wrong, version } }), /it cannot choose another/u);
  const unknown = rules.map((rule) => ({ ...rule, match: { protocol: 'unheard-of' } }));
  await assert.rejects(api.setRules({ body: { rules: unknown, version } }), /match\.protocol must be one of/u);

  await write('');
  await until(async () => (await entries()).length === 1);
  assert.deepEqual(await entries(), ['desk-1 ssh 22']);
});
