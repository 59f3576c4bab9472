// What the page says where something is wrong with a source, or overdue, or no longer in it.
import { after, before, test } from 'node:test';
import { AwsStandIn, EventQueue, stateChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { until } from '@enchilada/core/testing/until';
import { Chromium } from '../fixtures/chromium.ts';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { picturesIn } from './pictures.ts';
import { seatOf } from './seat.ts';

const REGION = 'eu-west-1';
const [STAYS, LEAVES] = ['111111111111', '222222222222'] as const;
const MACHINE = 'i-0123456789abcdef0';
const running = { Code: 16, Name: 'running' } as const;
const HOUR_MS = 3_600_000;
const picture = picturesIn('source-health');

const owned = new AsyncDisposableStack();
let cloud: AwsStandIn;
let queue: EventQueue;
let browser: Chromium;
let person: Person;

before(async () => {
  cloud = owned.use(await AwsStandIn.start());
  queue = owned.use(await EventQueue.start());
  const gateway = owned.use(
    await Gateway.start({ config: 'egress: { allowLoopback: true }\n', environment: cloud.environment }),
  );
  browser = owned.use(await Chromium.launch());
  person = await Person.bootstrap(gateway, { username: 'ada', password: 'seven calm otters on a raft' });
});
after(() => owned.disposeAsync());

test('what is wrong with a source, what is late and what left it is said with what to do about it', async () => {
  const { api } = person;
  const parameters = (...accounts: string[]) => ({
    accounts,
    ...{ regions: [REGION], endpoint: cloud.url, queueUrl: queue.url, callsPerSecond: 1_000 },
  });
  const fields = { name: 'organisation', protectedTags: [] };
  const both = parameters(`${STAYS}=Payments`, `${LEAVES}=Shop`);
  const source = await api.createSource({ body: { ...fields, kind: 'aws', enabled: false, parameters: both } });
  const { id } = source;
  for (const account of [STAYS, LEAVES]) {
    cloud.roles.set(account, source.externalId);
    cloud.openRoles.add(account);
    for (const last of [0, 1, 2])
      cloud.put(account, REGION, {
        InstanceId: `${MACHINE.slice(0, -1)}${last}`,
        State: running,
        PrivateIpAddress: `127.0.0.${account.slice(0, 1)}${last}`,
      });
  }
  await api.updateSource({
    params: { id },
    body: { ...fields, parameters: both, enabled: true, version: source.version },
  });

  await using desk = await seatOf(browser, person, { scheme: 'light' });
  const page = await desk.at('/catalog/sources');
  await page.getByText('organisation: the reader roles of 2 accounts ask for no external id').waitFor();
  await page.getByText(/Add the condition to its trust policy/u).waitFor();
  await page.getByText(`StringEquals sts:ExternalId ${source.externalId}`).first().waitFor();
  await page.getByText('Needs attention').waitFor();

  const at = new Date(Date.now() - HOUR_MS);
  await queue.send(stateChange({ account: STAYS, region: REGION, id: MACHINE, at }, 'running'));
  await until(async () => (await api.listSources({})).items[0]?.lastEventAt !== undefined);
  const [now] = (await api.listSources({})).items;
  await api.updateSource({
    params: { id },
    body: { ...fields, parameters: parameters(`${STAYS}=Payments`), enabled: true, version: now?.version ?? 0 },
  });
  await page.getByText('organisation: the reader role of account 111111111111 asks for no external id').waitFor();
  await page.getByText('1 left').waitFor();
  await picture(page, 'page-light');
  await page.getByRole('button', { name: 'organisation', exact: true }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByText(/^Events are late: the last came \d+ minutes after it happened$/u).waitFor();
  await drawer.getByText('After a stop of all nodes this passes by itself.').waitFor();
  await drawer.getByText('Left the source just now').waitFor();
  await picture(page, 'scopes-light');

  await using dark = await seatOf(browser, person, { scheme: 'dark' });
  const inDark = await dark.at('/catalog/sources');
  await inDark.getByText('Needs attention').waitFor();
  await picture(inDark, 'page-dark');
  await using phone = await seatOf(browser, person, {
    size: { width: 390, height: 844 },
    touch: true,
    locale: 'de-DE',
  });
  const small = await phone.at('/catalog/sources');
  await small.getByText('Braucht Aufmerksamkeit').waitFor();
  await picture(small, 'phone-de');
});
