// Removals that are many wait for a person, who sees by name what goes and agrees with one button.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { AwsStandIn, machineOf, organisationIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { until } from '@enchilada/core/testing/until';
import { Chromium } from '../fixtures/chromium.ts';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { picturesIn } from './pictures.ts';
import { seatOf } from './seat.ts';

const REGION = 'eu-west-1';
const ALL = 160;
const GONE = 120;
const picture = picturesIn('held-removals');

const owned = new AsyncDisposableStack();
let cloud: AwsStandIn;
let browser: Chromium;
let person: Person;

before(async () => {
  cloud = owned.use(await AwsStandIn.start());
  const gateway = owned.use(await Gateway.start({ environment: cloud.environment }));
  browser = owned.use(await Chromium.launch());
  person = await Person.bootstrap(gateway, { username: 'ada', password: 'seven calm otters on a raft' });
});
after(() => owned.disposeAsync());

test('names every machine that would go, page by page, and lets them go at one button', async () => {
  const { api } = person;
  const [account] = organisationIn(cloud, { region: REGION, accounts: 1, each: ALL });
  assert.ok(account);
  const parameters = { accounts: [`${account.id}=${account.name}`], regions: [REGION], endpoint: cloud.url };
  const fields = { name: 'organisation', protectedTags: [], parameters };
  const source = await api.createSource({ body: { ...fields, kind: 'aws', enabled: false } });
  cloud.roles.set(account.id, source.externalId);
  const { id, version } = source;
  await api.updateSource({ params: { id }, body: { ...fields, enabled: true, version } });
  const machines = async () => (await api.listSources({})).items[0]?.machines;
  await until(async () => (await machines()) === ALL);
  for (let index = 0; index < GONE; index++) cloud.remove(account.id, REGION, machineOf(0, index));
  assert.equal((await api.sweepSource({ params: { id } })).held, 1);
  assert.equal(await machines(), ALL);

  await using desk = await seatOf(browser, person, { scheme: 'light' });
  const page = await desk.at('/catalog/sources');
  await page.getByRole('button', { name: 'Look at them' }).click();
  const drawer = page.getByRole('dialog');
  const last = drawer.getByText('payments-production-1-120', { exact: true });
  await drawer.getByText('payments-production-1-1', { exact: true }).waitFor();
  assert.equal(await last.count(), 0);
  await picture(page, 'light');
  await drawer.getByRole('button', { name: 'More' }).click();
  await last.waitFor();
  await using dark = await seatOf(browser, person, { scheme: 'dark' });
  const inDark = await dark.at('/catalog/sources');
  await inDark.getByRole('button', { name: 'Look at them' }).click();
  await inDark.getByText('payments-production-1-1', { exact: true }).waitFor();
  await picture(inDark, 'dark');
  await drawer.getByRole('button', { name: `Agree: remove these ${GONE}` }).click();
  await until(async () => (await machines()) === ALL - GONE);
  await last.waitFor({ state: 'detached' });
});
