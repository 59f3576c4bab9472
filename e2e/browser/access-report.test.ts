import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import { aGrant, aTarget } from '@enchilada/core/testing/store-fixture';
import { until } from '@enchilada/core/testing/until';
import { Chromium } from '../fixtures/chromium.ts';
import type { Person } from '../product/index.ts';
import { ADMIN, Site } from '../tests/site.ts';
import { picturesIn } from './pictures.ts';
import { seatOf } from './seat.ts';

const picture = picturesIn('access-report');
const owned = new AsyncDisposableStack();
let site: Site;
let browser: Chromium;
let auditor: Person;

before(async () => {
  site = owned.use(await Site.start({ config: 'secondFactor: { required: nobody }\n' }));
  browser = owned.use(await Chromium.launch());
  auditor = await site.person('otto', 'auditor');
});
after(() => owned.disposeAsync());

/** A whole second that is past and later than everything until now: what an input of a page can name. */
async function aSecond(): Promise<number> {
  const second = Math.floor(Date.now() / 1000) * 1000 + 1000;
  await until(() => Date.now() > second);
  return second;
}

test('an auditor learns in the browser who could reach what at a moment, and takes it away as a file', async () => {
  const { api } = site.admin;
  const una = await site.person('una');
  const { user } = await una.api.getMe();
  for (const [name, env] of [
    ['shop', 'prod'],
    ['till', 'prod'],
  ] as const)
    await api.createTarget({ body: { name, protocol: 'ssh', host: `${name}.example`, labels: { env } } });
  const group = await api.createGroup({ body: { name: 'ops', description: '' } });
  await api.addMember({ params: { id: group.id }, body: { userId: user.id } });
  const subject = { kind: 'group', id: group.id } as const;
  const scope = { kind: 'labels' as const, selector: { env: ['prod'] } };
  const allowed = await api.createGrant({ body: { subject, scope, actions: ['connect'] } });
  const till = (await api.listTargets({ query: { text: 'till' } })).items[0];
  assert.ok(till);
  const denied = { subject, scope: { kind: 'target', id: till.id } as const, actions: ['connect' as const] };
  await api.createGrant({ body: { ...denied, effect: 'deny' } });
  const then = await aSecond();
  await api.deleteGrant({ params: { id: allowed.id } });
  const { version } = await api.getUser({ params: { id: user.id } });
  await api.deleteUser({ params: { id: user.id }, query: { version } });

  await using window = await seatOf(browser, auditor);
  const page = await window.at('/audit');
  await page.getByRole('button', { name: 'Who could reach what' }).click();
  const drawer = page.getByRole('dialog', { name: 'Who could reach what' });
  const typed = await page.evaluate((at) => {
    const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
    return local.toISOString().slice(0, 19);
  }, then);
  await drawer.getByLabel('At this time').fill(typed);
  await drawer.getByLabel('Person').fill('una');
  await drawer.getByRole('button', { name: 'Show' }).click();
  await drawer
    .getByRole('status')
    .filter({ hasText: new Date(then).toISOString() })
    .waitFor();
  const row = drawer.getByRole('row').filter({ hasText: 'shop' });
  await row.getByText('env=prod').waitFor();
  await row.getByText(allowed.id).waitFor();
  assert.equal(await drawer.getByRole('row').filter({ hasText: 'till' }).count(), 0, 'what was denied is not there');
  await picture(page, 'machines of a person');

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    drawer.getByRole('link', { name: 'Download CSV' }).click(),
  ]);
  assert.match(download.suggestedFilename(), /\.csv$/u);
  const file = await readFile(await download.path(), 'utf8');
  const { items } = await auditor.api.listAudit({ query: { action: 'access.exported' } });
  for (const part of [new Date(then).toISOString(), 'shop', allowed.id, items[0]?.hash ?? 'no record'])
    assert.ok(file.includes(`"${part}"`), `${part} is in ${file}`);

  await drawer.getByLabel('Person').fill('');
  await drawer.getByLabel('Machine').fill('shop');
  await drawer.getByRole('button', { name: 'Show' }).click();
  await drawer.getByRole('row').filter({ hasText: 'una' }).getByText(allowed.id).waitFor();
  // Why, and why not: what counted and what was denied, with nothing that only an administrator may see.
  await drawer.getByLabel('Person').fill('una');
  await drawer.getByLabel('Machine').fill('till');
  await drawer.getByRole('button', { name: 'Show' }).click();
  await drawer.getByRole('status').filter({ hasText: 'una was allowed nothing on till' }).waitFor();
  await drawer.getByRole('row').filter({ hasText: 'env=prod' }).getByText('Counts').waitFor();
  await picture(page, 'why not');
  await drawer.getByLabel('Person').fill('');
  await drawer.getByLabel('Machine').fill('');
  const [whole] = await Promise.all([
    page.waitForEvent('download'),
    drawer.getByRole('button', { name: 'Download JSON' }).click(),
  ]);
  const everything = JSON.parse(await readFile(await whole.path(), 'utf8')) as { items: { targetName: string }[] };
  assert.deepEqual(
    everything.items.map(({ targetName }) => targetName),
    ['shop'],
  );
  await drawer.getByLabel('Machine').fill('shop');
  await drawer.getByLabel('At this time').fill('');
  await drawer.getByRole('button', { name: 'Show' }).click();
  await drawer.getByRole('status').filter({ hasText: 'Nothing could be reached then.' }).waitFor();
  assert.deepEqual(window.complaints(), []);
  // Of somebody who is no more nothing is known now, and the page says so.
  await drawer.getByLabel('Person').fill('una');
  await drawer.getByRole('button', { name: 'Show' }).click();
  await drawer.getByRole('alert').waitFor();
  await picture(page, 'nobody of that name');
});

/** One more than fit: a file has a million rows. */
const [MANY_PEOPLE, MANY_MACHINES] = [1_000, 1_001];

test('what is too much for one file is said in words before anything is fetched, and so is how to ask for less', async () => {
  {
    // Written beside the running gateway, as another node would.
    await using store = sqlite({ file: join(site.gateway.dataDir, 'enchilada.db') });
    const admin = await store.now.users.findByUsername(ADMIN.username);
    assert.ok(admin);
    await store.transaction(async (tx) => {
      const numbered = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}${index}`);
      await tx.groups.insert({ id: 'grp_many', name: 'many', description: '', createdAt: 0 });
      for (const name of numbered(MANY_PEOPLE, 'many')) {
        await tx.users.insert({ ...admin, id: `usr_${name}`, username: name, role: 'user', version: 1 });
        await tx.groups.addMember('grp_many', `usr_${name}`);
      }
      const machines = numbered(MANY_MACHINES, 'crowd');
      await tx.catalog.insertTargets(machines.map((name) => aTarget({ id: `tgt_${name}`, name, protocol: 'ssh' })));
      await tx.grants.insert(aGrant({ kind: 'group', id: 'grp_many' }, { id: 'gra_many', scope: { kind: 'all' } }));
    });
  }
  await using window = await seatOf(browser, auditor);
  const page = await window.at('/audit');
  await page.getByRole('button', { name: 'Who could reach what' }).click();
  const drawer = page.getByRole('dialog', { name: 'Who could reach what' });
  const downloads: string[] = [];
  page.on('download', (one) => downloads.push(one.suggestedFilename()));
  await drawer.getByRole('button', { name: 'Download CSV' }).click();
  const notice = drawer.getByRole('alert').filter({ hasText: 'This is too much for one file' });
  await notice
    .getByText('A file holds a million rows at most, and this would be more. Name a person or a machine.')
    .waitFor();
  await picture(page, 'too much');
  const exported = async () => (await auditor.api.listAudit({ query: { action: 'access.exported' } })).items;
  const before = (await exported()).length;
  // Asked for less, it is there.
  await drawer.getByLabel('Machine').fill('crowd7');
  await drawer.getByRole('button', { name: 'Show' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    drawer.getByRole('link', { name: 'Download CSV' }).click(),
  ]);
  const file = await readFile(await download.path(), 'utf8');
  assert.equal(file.trimEnd().split('\r\n').length, 1 + MANY_PEOPLE);
  assert.deepEqual([downloads.length, (await exported()).length], [1, before + 1], 'nothing was fetched in vain');
});
