import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OpenIdServer, OpenIdVisitor } from '@enchilada/adapters/identity-provider/oidc/testing';
import type { Provider } from '@enchilada/contract';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { Person } from '../product/index.ts';
import { ADMIN, startSshd } from '../tests/site.ts';
import { filesOf, findCanaries } from '../tests/traces.ts';
import { Balancer, DoorPage } from './balancer.ts';
import { eventually } from './people.ts';
import { TwoNodes } from './two-nodes.ts';

/** Two nodes ask one provider that gives each token once and ends the whole sign-in where one is shown twice. */
const owned = new AsyncDisposableStack();
let both: TwoNodes;
let idp: OpenIdServer;
let admin: Person;
let balancer: Balancer;
let sshd: Sshd;
let provider: Provider;
let groupId: string;
let targetId: string;

before(async () => {
  idp = owned.use(await OpenIdServer.start());
  sshd = owned.use(await startSshd());
  balancer = owned.use(await Balancer.start());
  const publicUrl = balancer.url;
  const environment = {
    ...{ ENCHILADA_PUBLIC_URL: publicUrl, ENCHILADA_SECOND_FACTOR_REQUIRED: 'nobody' },
    ...{ ENCHILADA_PROVIDER_REFRESH: '1s', ENCHILADA_LOG_LEVEL: 'trace' },
  };
  both = owned.use(await TwoNodes.start({ environment }));
  balancer.serve(both);
  admin = await Person.bootstrap(both.a, ADMIN);
  const { api } = admin;
  groupId = (await api.createGroup({ body: { name: 'Operators', description: '' } })).id;
  provider = await api.createProvider({
    body: {
      ...{ kind: 'oidc', name: 'Example', secret: idp.clientSecret, admits: 'everyone', trustsFactor: false },
      ...{ rules: [{ from: 'ops', groupId }], enabled: true },
      parameters: { issuer: idp.issuer, clientId: idp.clientId, offline: 'consent' },
    },
  });
  const { returnTo = '', logoutTo = '' } = provider;
  idp.register({ returnTo, logoutTo, signedOut: `${publicUrl}/sign-in` });
  const { id: credentialId } = await api.createCredential({
    body: { name: 'ssh', kind: 'password', username: sshd.username, secret: sshd.password },
  });
  const machine = { name: 'machine', protocol: 'ssh', host: sshd.host, port: sshd.port, credentialId };
  targetId = (await api.createTarget({ body: { ...machine, hostKeyPolicy: 'trust-first' } })).id;
  await api.createGrant({
    body: { subject: { kind: 'group', id: groupId }, scope: { kind: 'target', id: targetId }, actions: ['connect'] },
  });
});
after(() => owned.disposeAsync());

async function signIn(name: string, groups: readonly string[]): Promise<Person> {
  idp.people.set(name, { name, groups });
  const page = new DoorPage(balancer.url);
  const begun = await page.send(`/login/providers/${provider.id}/start`, {});
  const { url } = (await begun.json()) as { url: string };
  const back = await new OpenIdVisitor().signIn(url, { name, home: balancer.url });
  const completed = await page.send(`/login/providers/${provider.id}/complete`, { answer: back.search.slice(1) });
  assert.equal(completed.status, 200, await completed.clone().text());
  return page.person;
}

const refreshed = () => idp.asked.filter(({ grant }) => grant === 'refresh_token');
const inside = (person: Person): Promise<boolean> =>
  person.api.getMe().then(
    () => true,
    () => false,
  );

test('two nodes that ask again and again show no token twice, and nobody is signed out by it', async () => {
  const people = await Promise.all(['ina', 'jan', 'kim', 'leo'].map((name) => signIn(name, [])));
  const before = refreshed().length;
  await eventually('each of them was asked about many times', () =>
    Promise.resolve(refreshed().length - before >= people.length * 6),
  );
  assert.deepEqual(
    refreshed().filter(({ status }) => status !== 200),
    [],
  );
  assert.deepEqual(await Promise.all(people.map(inside)), [true, true, true, true]);
});

test('a group at the provider gives and takes a machine while somebody stays signed in', async () => {
  const person = await signIn('mia', []);
  const sees = async () => (await person.api.listMachines({ query: {} })).items.some(({ id }) => id === targetId);
  assert.equal(await sees(), false);
  idp.people.set('mia', { name: 'mia', groups: ['ops'] });
  await eventually('the machine is there', sees);
  const shell = await balancer.straight(person, 'b').open(targetId);
  await shell.live();
  idp.people.set('mia', { name: 'mia', groups: [] });
  assert.equal((await shell.ended()).fault?.code, 'SESSION_REVOKED');
  assert.equal(await inside(person), true);
});

test('a provider in trouble ends nothing, and who is disabled there loses sign-in and live session, and reads why', async () => {
  const person = await signIn('nele', ['ops']);
  const shell = await balancer.straight(person, 'b').open(targetId);
  await shell.live();
  const health = async () => (await admin.api.listProviders()).items[0]?.refresh;
  idp.trouble = 503;
  await eventually('the trouble is seen', async () => ((await health())?.failing ?? 0) > 0);
  assert.match((await health())?.reason ?? '', /^PROVIDER_UNAVAILABLE: .*503/u);
  assert.equal(await inside(person), true);
  idp.disabled.add('nele');
  idp.trouble = undefined;
  assert.equal((await shell.ended()).fault?.code, 'SIGN_IN_WITHDRAWN');
  assert.equal(await inside(person), false);
  await eventually('the cause to be audited', async () => {
    const { items } = await admin.api.listAudit({ query: { action: 'login.ended' } });
    return items.some(({ reason }) => reason?.startsWith('the provider no longer confirms the sign-in') === true);
  });
  await eventually('the others are confirmed again', async () => (await health())?.failing === 0);
});

test('a command line goes on being asked about when the browser that let it in has signed out, and is out once the person is disabled', async () => {
  const person = await signIn('olga', ['ops']);
  const program = await person.signInProgram(await person.api.askDeviceLogin());
  await person.api.logout();
  assert.equal(await inside(person), false);
  const before = refreshed().length;
  await eventually('everybody was asked about', () => Promise.resolve(refreshed().length - before >= 10));
  assert.equal(await inside(program), true);
  const shell = await balancer.straight(program, 'b').open(targetId);
  await shell.live();
  idp.disabled.add('olga');
  assert.equal((await shell.ended()).fault?.code, 'SIGN_IN_WITHDRAWN');
  assert.equal(await inside(program), false);
});

/** Every table in text, its binary columns as hex. */
async function everyRow(): Promise<string> {
  const { database } = both;
  const name = new URL(both.databaseUrl).pathname.slice(1);
  const tables = (await database.execute("select tablename from pg_tables where schemaname = 'public'", name))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^[a-z_]+$/u.test(line) && line !== 'tablename');
  assert.ok(tables.includes('refresh_token'), tables.join());
  const rows = await Promise.all(tables.map((table) => database.execute(`select t::text from ${table} t`, name)));
  return rows.join('\n');
}

test('no token that the provider gave is found in a log, a file of a node, the database, or an answer', async () => {
  assert.ok(idp.given.length > 10);
  const answers = await Promise.all([
    admin.api.listProviders(),
    admin.api.listAudit({ query: { limit: 500 } }),
    admin.api.listUsers(),
    admin.api.listLogins(),
  ]);
  const places = [
    ...['a', 'b'].map((name) => ({ name: `log ${name}`, bytes: Buffer.from(both.nodes.get(name)?.log ?? '') })),
    { name: 'answers', bytes: Buffer.from(JSON.stringify(answers)) },
    ...(await filesOf(both.folder)),
    { name: 'database', bytes: Buffer.from(await everyRow()) },
  ];
  assert.ok(places.every(({ name, bytes }) => !name.startsWith('log') || bytes.length > 1_000));
  // Each costs a search of everything in every form: the first, the last, and some between.
  const some = idp.given.filter((_token, at) => at % Math.ceil(idp.given.length / 5) === 0);
  const canaries = Object.fromEntries([...some, idp.given.at(-1) ?? ''].map((token, at) => [`token ${at}`, token]));
  assert.deepEqual(findCanaries(places, canaries), []);
});
