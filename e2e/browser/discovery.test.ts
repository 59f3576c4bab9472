import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AwsStandIn, EventQueue, stateChange } from '@enchilada/adapters/discovery-source/aws/testing';
import { startSshd, testAccount } from '@enchilada/core/testing/servers/sshd';
import { Chromium } from '../fixtures/chromium.ts';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { seatOf, SessionPage } from './seat.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const MACHINE = 'i-0123456789abcdef0';
const NAMES = { username: 'ada', password: 'seven calm otters on a raft' };

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
  person = await Person.bootstrap(gateway, NAMES);
});
after(() => owned.disposeAsync());

test('a launched machine appears in an open page, opens as a recorded session, and goes when it is terminated', async () => {
  const sshd = owned.use(await startSshd());
  const account = await testAccount();
  const credential = await person.api.createCredential({
    body: { name: 'team', kind: 'password', username: account.username, secret: account.password },
  });
  const outcome = { credentialId: credential.id, port: sshd.port, hostKeyPolicy: 'trust-first' } as const;
  const rule = { name: 'payments', enabled: true, match: { accounts: [ACCOUNT] }, outcome };
  await person.api.setRules({ body: { rules: [rule], version: 0 } });
  const me = await person.api.getMe();
  await person.api.createGrant({
    body: {
      subject: { kind: 'user', id: me.user.id },
      scope: { kind: 'labels', selector: { 'cloud:account': [ACCOUNT] } },
      actions: ['connect'],
    },
  });

  await using window = await seatOf(browser, person, { scheme: 'light' });
  const sources = await window.at('/catalog/sources');
  await sources.getByRole('button', { name: 'Add source' }).first().click();
  await sources.getByRole('menuitem', { name: 'Amazon Web Services' }).click();
  const form = sources.getByRole('dialog');
  await form.getByLabel('Accounts', { exact: true }).fill(`${ACCOUNT}=Payments`);
  await form.getByLabel('Regions', { exact: true }).fill(REGION);
  await form.getByLabel('SQS queue').fill(queue.url);
  await form.getByLabel('Other endpoint').fill(cloud.url);
  await form.getByRole('button', { name: 'Save' }).click();
  await sources.getByText('Switched off').waitFor();
  const [source] = (await person.api.listSources({})).items;
  assert.ok(source);
  cloud.roles.set(ACCOUNT, source.externalId);
  await sources.getByRole('button', { name: `Edit ${source.name}` }).click();
  await form.getByRole('button', { name: 'Preview' }).click();
  await form.getByText('0 appear, 0 change, 0 go, 0 stay').waitFor();
  await form.getByRole('switch', { name: 'Switched on' }).check();
  await form.getByRole('button', { name: 'Save' }).click();
  await sources.getByText('Up to date').waitFor();

  const home = await window.at('/');
  await home.getByRole('searchbox').or(home.getByRole('textbox')).first().waitFor();
  assert.equal(await home.getByRole('link', { name: /web-1/u }).count(), 0);
  cloud.put(ACCOUNT, REGION, {
    InstanceId: MACHINE,
    State: { Code: 16, Name: 'running' },
    PrivateIpAddress: '127.0.0.1',
    PlatformDetails: 'Linux/UNIX',
    Tags: [{ Key: 'Name', Value: 'web-1' }],
  });
  const about = { account: ACCOUNT, region: REGION, id: MACHINE };
  await queue.send(stateChange(about, 'running'));
  const row = home.getByRole('row').filter({ hasText: 'web-1' }).first();
  await row.waitFor();

  const page = await window.tabFrom(() => row.getByRole('cell').nth(1).dblclick());
  const session = await new SessionPage(page).ready();
  await session.input.focus();
  await page.keyboard.type('echo found-$((6*7))\n');
  await session.shows('found-42');
  const { items } = await person.api.listSessions({ query: { live: true, scope: 'all' } });
  assert.equal(items[0]?.target.name, 'web-1');
  assert.ok(items[0]?.recordingId !== undefined, 'the session is recorded');

  cloud.put(ACCOUNT, REGION, { InstanceId: MACHINE, State: { Code: 48, Name: 'terminated' } });
  await queue.send(stateChange(about, 'terminated'));
  await row.waitFor({ state: 'detached' });
  await session.end.waitFor();

  await sources.getByRole('button', { name: 'Timeline' }).click();
  await sources.getByText('Gone').waitFor();
  await sources.getByText('Appeared').waitFor();
});
